"""Reads the English texts that users bring."""

import contextlib
import sys
from pathlib import Path

from common.errors import UserError


def read_text(argument):
    """The text itself, the content of the file of that name, or standard input for "-". Raises UserError."""
    if argument == "-":
        return _decode(sys.stdin.buffer.read(), "standard input")
    if not argument.strip():
        raise UserError("the text is empty: give some English sentences")
    with contextlib.suppress(OSError, ValueError):  # too long for the name of a file
        path = Path(argument)
        with contextlib.suppress(RuntimeError):  # a text may begin with ~ too
            path = path.expanduser()
        if path.is_file():
            return _decode(path.read_bytes(), path)
        if path.is_dir() or (" " not in argument and path.suffix in (".txt", ".md", ".html")):
            raise UserError(f"{path} is not a text file that can be read: check the name")
    return english(argument, "the text")


def _decode(content, name):
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise UserError(f"{name} is not plain text in UTF-8: save it as such, or give the text itself")
    return english(text, name)


def english(text, name):
    """The text, if it is in Latin letters. Raises UserError with its name."""
    letters = [letter for letter in text if letter.isalpha()]
    if not letters:
        raise UserError(f"{name} is empty, or without any word: give some English sentences")
    if sum(letter < "ɐ" for letter in letters) < len(letters) / 2:  # the letters before it are Latin
        raise UserError(f"{name} is in another script: the network reads English only")
    return text
