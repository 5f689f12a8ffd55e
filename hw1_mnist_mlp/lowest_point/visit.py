"""What the pages of the game share: the game itself, refusals, cookies, times."""

import functools
from pathlib import Path

from nicegui import ui

from common.errors import UserError
from common.playground.given import where
from common.playground.words import language
from hw1_mnist_mlp.lowest_point.game import Game

ROOT = Path(__file__).resolve().parents[2]
TEAM, TEACHER = "lowest_point", "lowest_point_teacher"  # cookies: the token of the browser's team, the teacher's key


def game():
    """The game of this server, opened when the first visitor comes."""
    return _opened((where.outputs or ROOT / "outputs") / "lowest_point" / "game.sqlite")


_opened = functools.cache(Game)


def keep(cookie, value):
    """Let the browser keep a cookie for a day, "" for none, and open the page anew with it."""
    seconds = 24 * 3600 if value else 0
    cookie = f"{cookie}={value}; path=/; max-age={seconds}; samesite=strict"
    ui.run_javascript(f"document.cookie = '{cookie}'; location.reload()")


def attempt(label, function, *arguments):
    """What function(*arguments) gives; None where it is refused, with the reason in `label`."""
    label.text = ""
    try:
        return function(*arguments)
    except UserError as error:
        label.text = str(error) if language() == "en" else getattr(error, "chinese", str(error))
        return None


def reason():
    """A label for `attempt`."""
    return ui.label().style("color: #a4161a; min-height: 1.5rem").props("role=alert").mark("reason")


def minutes(seconds):
    """Seconds as 4:05."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
