"""Poems in classical Chinese: their form, the corpus that names it, rhyme and tones.

Every poem of the corpus begins with a line that names its form, so that a form can be asked for:

    五言四句
    破落三間屋，蕭條一旅人。
    不知負何事，生死厄於陳。

Rhyme and tones come from the modern Mandarin readings of pypinyin. That is a limit: the poets rhymed by Middle
Chinese, whose entering tones (入聲, oblique) are spread over all four tones today, so that real poems stay below 1.
"""

import functools
import itertools
import re

import numpy as np

from common.data.corpus import CHINESE, is_chinese

IRREGULAR = "雜言"
DIGITS = "零一二三四五六七八九"
HEADER = re.compile(rf"^(?:[五七]言[{DIGITS}十百千]+句|{IRREGULAR})(?:\n|\Z)", re.MULTILINE)
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
    couplets = [COUPLET.fullmatch(line) for line in _body(poem).split("\n")]
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


def rhymes(poem):
    """The share of rhymes: of the endings of even clauses, those that rhyme with the even clause before.

    By the thirteen rhyme groups of Mandarin (十三轍). NaN for a poem of less than two couplets.
    """
    groups = [_reading(clauses[1][-1])[0] for clauses in _couplets(poem)]
    pairs = list(itertools.pairwise(groups))
    return sum(a is not None and a == b for a, b in pairs) / len(pairs) if pairs else float("nan")


def tones_agree(poem):
    """The share of places where the clauses of a couplet contrast as they ought: one level (平), one oblique (仄).

    The places are the second and fourth characters, and the sixth of seven. NaN without couplets of equal clauses.
    """
    places = [
        (_reading(first[i])[1], _reading(second[i])[1])
        for first, second in _couplets(poem)
        if len(first) == len(second)
        for i in range(1, len(first) - 1, 2)
    ]
    return sum(a is not None and b is not None and a != b for a, b in places) / len(places) if places else float("nan")


def shuffled(poem, rng):
    """The poem's characters in another order, in the same lines with the same punctuation. rng: NumPy's Generator."""
    poem = _body(poem)
    characters = iter(rng.permutation([c for c in poem if is_chinese(c)]).tolist())
    return "".join(next(characters) if is_chinese(c) else c for c in poem)


def _body(poem):
    """The poem without its header and the line ends around it."""
    poem = poem.strip("\n")
    header = HEADER.match(poem)
    return poem[header.end() :] if header else poem


def _couplets(poem):
    return [match.groups() for match in map(COUPLET.fullmatch, _body(poem).split("\n")) if match]


def _numeral(n):
    """A number up to 9,999 in Chinese numerals: 十二, 一百零四."""
    numeral = ""
    for unit, value in (("千", 1000), ("百", 100), ("十", 10), ("", 1)):
        digit = n // value % 10
        numeral += DIGITS[digit] + unit if digit else "零"
    return re.sub("零+", "零", numeral).strip("零").removeprefix("一" if 10 <= n < 20 else "零")


# The finals of pinyin by rhyme group: 發花, 梭坡, 乜斜, 姑蘇, 一七, 懷來, 灰堆, 遙條, 油求, 言前, 人辰, 江陽, 中東.
RHYME_GROUPS = """a ia ua|o e uo|ê ie üe|u|i ü er|ai uai|ei uei|ao iao|ou iou|an ian uan üan|en in uen ün|
ang iang uang|eng ing ueng ong iong"""
GROUP = {final: i for i, finals in enumerate(RHYME_GROUPS.split("|")) for final in finals.split()}


@functools.cache
def _reading(character):
    """(number of the rhyme group, whether the tone is level) of a character, by its commonest reading; or Nones."""
    from pypinyin import Style, lazy_pinyin  # here: it loads megabytes of readings, which training does not need

    final, tone = (lazy_pinyin(character, style, errors="ignore") for style in (Style.FINALS, Style.TONE3))
    if not final or not tone or not tone[0][-1].isdigit():  # no reading, or the neutral tone
        return None, None
    return GROUP.get(final[0].replace("v", "ü")), tone[0][-1] in "12"
