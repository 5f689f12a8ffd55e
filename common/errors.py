"""The exceptions whose message is meant for the person at the keyboard."""


class UserError(Exception):
    """Something that the user can mend. The message is one sentence: what is wrong, where, what to do."""


class OptionError(UserError):
    """Options that do not go together: the exit status is 2, as for those that do not exist."""
