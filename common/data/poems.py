"""Poems in classical Chinese: their form, and the corpus that names it.

Every poem of the corpus begins with a line that names its form, so that a form can be asked for:

    五言四句
    破落三間屋，蕭條一旅人。
    不知負何事，生死厄於陳。
"""

import re

import numpy as np

from common.data.corpus import CHINESE

IRREGULAR = "雜言"
DIGITS = "零一二三四五六七八九"
HEADER = re.compile(rf"^(?:[五七]言[{DIGITS}十百千]+句|{IRREGULAR})(?:\n|\Z)", re.MULTILINE)
REGULAR = re.compile(r"(?:\A|(?<=\n\n))([五七])言.*\n((?:.+\n?)+)")  # a poem of a corpus: its length, its body
COUPLET = re.compile(rf"({CHINESE}+)，({CHINESE}+)[。？！；]")


def from_staged(text):
    """The corpus of a file of poems that are separated by blank lines, each with its title in the first line.

    Titles are left out, and the line that names the form takes their place. ValueError when there are less than two.
    """
    poems = []
    for block in re.split(r"\n\s*\n", text):
        _title, _, poem = block.strip().partition("\n")
        poem = "\n".join(line.strip() for line in poem.split("\n"))
        if poem:
            poems.append(f"{form_of(poem)}\n{poem}\n")
    if len(poems) < 2:
        raise ValueError("it does not hold poems (a title, the lines below it, then a blank line)")
    return "\n".join(poems)


def form_of(poem):
    """The form of a poem, with or without its header: "五言四句" for four clauses of five characters, else "雜言".

    A form other than "雜言" is kept to the letter: each line is a couplet of two clauses of Chinese characters, a
    comma after the first and 。？！ or ； after the second, and all clauses have five characters, or all seven.
    """
    couplets = [COUPLET.fullmatch(line) for line in body(poem).split("\n")]
    if all(couplets):
        lengths = {len(clause) for couplet in couplets for clause in couplet.groups()}
        if lengths in ({5}, {7}):
            return form_name(lengths.pop(), 2 * len(couplets))
    return IRREGULAR


def form_name(length, clauses):
    """The name of the form of so many clauses of `length` characters: form_name(5, 4) is "五言四句"."""
    return f"{DIGITS[length]}言{_numeral(clauses)}句"


def has_form(poem, form):
    """Whether the poem (with or without its header) has exactly the asked form, such as "七言四句"."""
    return form_of(poem) == form


def is_header(text):
    """Which characters of a text belong to the lines that name a form, line ends included: bool (len(text),)."""
    mask = np.zeros(len(text), bool)
    for header in HEADER.finditer(text):
        if text[max(0, header.start() - 2) : header.start()] in ("", "\n", "\n\n"):  # the first line, or after a blank
            mask[slice(*header.span())] = True
    return mask


def body(poem):
    """The poem without its header and the line ends around it."""
    poem = poem.strip("\n")
    header = HEADER.match(poem)
    return poem[header.end() :] if header else poem


def _numeral(n):
    """A number up to 9,999 in Chinese numerals: 十二, 一百零四."""
    numeral = ""
    for unit, value in (("千", 1000), ("百", 100), ("十", 10), ("", 1)):
        digit = n // value % 10
        numeral += DIGITS[digit] + unit if digit else "零"
    return re.sub("零+", "零", numeral).strip("零").removeprefix("一" if 10 <= n < 20 else "零")
