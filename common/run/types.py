"""Types for add_argument: what an option takes, and one sentence on what it does not."""

import argparse
import ast
import math
import os
from pathlib import Path


def positive(text):
    """A whole number of at least 1."""
    number = int(text) if text.isascii() and text.lstrip("-").isdigit() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, not {text!r}")
    return number


def number(least, most=math.inf, above=False):
    """A type for add_argument: a number from `least` to `most`; `above`: but not `least` itself."""
    wanted = f"a number {'above' if above else 'from'} {least:g}" + (f" to {most:g}" if most < math.inf else " on")

    def parse_number(text):
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most or (above and value == least):
            raise argparse.ArgumentTypeError(f"must be {wanted}, not {text!r}")
        return value

    return parse_number


def seed(text):
    """A whole number that NumPy and Keras take as a seed."""
    if not (text.isascii() and text.isdigit() and int(text) < 2**32):
        raise argparse.ArgumentTypeError(f"must be a whole number from 0 to {2**32 - 1}, not {text!r}")
    return int(text)


def path(text):
    """A path, with the home folder in the place of ~ or ~name: the shell leaves them as they are in --out=~/x."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        home = Path(text).parts[0]
        raise argparse.ArgumentTypeError(f"{text!r}: there is no home folder {home} here, write it out") from None


def text(argument):
    """A text that was typed in UTF-8: in a plain POSIX locale Python takes its Chinese for mere bytes."""
    try:
        return os.fsencode(argument).decode("utf-8")
    except UnicodeError:
        return argument


# from 0 to below 1
SHARES = {
    *("dropout", "weight_drop", "label_smoothing", "held_out", "warm_up"),
    *("momentum", "kernel_momentum", "beta_1", "beta_2"),
}
FROM_0 = {"shift"}  # pixels: what may be left out, although every recipe has it


def like(examples, written, name=""):
    """The value that `written` stands for, of the type of `examples`, what the recipes have for the setting `name`.

    A word is one of theirs. What all have 1 or more of is at least 1, but for FROM_0, other numbers at least 0; SHARES
    are below 1. Raises ArgumentTypeError.
    """
    example = examples[0]
    if isinstance(example, str):
        if written not in examples:
            raise argparse.ArgumentTypeError(f"one of {', '.join(sorted({*examples}))}")
        return written
    least = 1 if type(example) is int and min(examples) >= 1 and name not in FROM_0 else 0
    try:
        value = ast.literal_eval(written)
        if isinstance(example, float) and type(value) is int:
            value = float(value)
        if type(value) is not type(example):
            raise ValueError
        if isinstance(example, list):
            return [like(example, repr(each)) for each in value]
        if not isinstance(value, bool) and not least <= value < (1 if name in SHARES else math.inf):
            raise ValueError
    except (ValueError, SyntaxError, argparse.ArgumentTypeError):
        limits = "from 0 to below 1" if name in SHARES else f"of at least {least}"
        numbers = f" {limits}, such as {example}"
        kinds = {
            bool: "True or False",
            list: f"a list, such as {example}",
            int: f"a whole number{numbers}",
            float: f"a number{numbers}",
        }
        raise argparse.ArgumentTypeError(kinds[type(example)]) from None
    return value
