"""English, and the Traditional Chinese of Taiwan: the visitor's choice, kept in a cookie."""

from nicegui import ui

COOKIE = "language"
LANGUAGES = ("en", "zh-TW")


def language():
    """The language of the visitor whose page is being built or whose event is being handled: one of LANGUAGES.

    Without a choice it is what the browser asks for.
    """
    request = ui.context.client.request
    chosen = request.cookies.get(COOKIE)
    if chosen in LANGUAGES:
        return chosen
    return "zh-TW" if request.headers.get("accept-language", "").lower().startswith("zh") else "en"


def say(english, chinese):
    """The one of the two texts that the visitor reads."""
    return english if language() == "en" else chinese
