"""The one exception whose message is meant for the person at the keyboard."""


class UserError(Exception):
    """Something that the user can mend. The message is one sentence: what is wrong, where, what to do."""
