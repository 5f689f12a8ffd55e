"""English, and the Traditional Chinese of Taiwan: what the visitor has chosen, kept in a cookie."""

from nicegui import ui

COOKIE = "language"
LANGUAGES = {"en": "English", "zh-TW": "繁體中文"}


def language():
    """The language of the visitor whose page is being built or whose click is being answered: a key of LANGUAGES.

    Before anything is chosen it is what the browser asks for.
    """
    request = ui.context.client.request
    chosen = request.cookies.get(COOKIE)
    if chosen in LANGUAGES:
        return chosen
    return "zh-TW" if request.headers.get("accept-language", "").lower().startswith("zh") else "en"


def say(english, chinese):
    """The one of the two texts that the visitor reads."""
    return english if language() == "en" else chinese
