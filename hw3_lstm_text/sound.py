"""How a poem in classical Chinese sounds: its rhymes and tones.

They come from the modern Mandarin readings of pypinyin. That is a limit: the poets rhymed by Middle Chinese, whose
entering tones (入聲, oblique) are spread over all four tones today, so that real poems stay below 1.
"""

import functools
import itertools
import re

import numpy as np
from pypinyin import Style, lazy_pinyin

from common.data.corpus import is_chinese
from common.data.poems import COUPLET, REGULAR, body


def rhymes(poem):
    """The share of rhymes: of the endings of even clauses, those that rhyme with the even clause before.

    By the thirteen rhyme groups of Mandarin (十三轍). NaN for a poem of less than two couplets.
    """
    groups = [reading(clauses[1][-1])[0] for clauses in _couplets(poem)]
    pairs = list(itertools.pairwise(groups))
    return sum(a is not None and a == b for a, b in pairs) / len(pairs) if pairs else float("nan")


def tones_agree(poem):
    """The share of places where the clauses of a couplet contrast as they ought: one level (平), one oblique (仄).

    The places are the second and fourth characters, and the sixth of seven. NaN without couplets of equal clauses.
    """
    places = [
        (reading(first[i])[1], reading(second[i])[1])
        for first, second in _couplets(poem)
        if len(first) == len(second)
        for i in range(1, len(first) - 1, 2)
    ]
    return sum(a is not None and b is not None and a != b for a, b in places) / len(places) if places else float("nan")


def sounds(characters):
    """How each character sounds, as the network is told: float32 (n, 15), zeros for what has no sound.

    A 1 in the column of its rhyme group, of thirteen, and in that of its tone: level, oblique.
    """
    columns = np.zeros((len(characters), len(FINALS) + 2), "float32")
    for row, (group, level) in zip(columns, map(reading, characters), strict=True):
        if group is not None:
            row[[group, len(FINALS) + (not level)]] = 1
    return columns


def rhyme_asked(poem, clause, characters):
    """Which of the characters rhyme where the poem goes on, bool (len(characters),); None where no rhyme is asked.

    poem: str as far as it is written, without the line that names the form; clause: characters in each clause. Asked
    is the last character of a couplet, from the second couplet on.
    """
    *before, line = poem.split("\n")
    if not before or len(line) != 2 * clause or len(before[-1]) <= 2 * clause:
        return None
    group, _ = reading(before[-1][2 * clause])
    return None if group is None else np.array([reading(character)[0] == group for character in characters])


def last_rhymes(text):
    """Of each character of a text of poems the rhyme group by which the couplet before it ended: int32 (len(text),).

    NO_RHYME in the first couplet of a poem, in poems of no regular form, and after characters without a reading.
    """
    rhymes = np.full(len(text), NO_RHYME, "int32")
    for poem in REGULAR.finditer(text):
        for end in re.finditer(r"(.)[。？！；]\n", poem[2]):
            group, _ = reading(end[1])
            rhymes[poem.start(2) + end.end() : poem.end(2)] = NO_RHYME if group is None else group
    return rhymes


def shuffled(poem, rng):
    """The poem's characters in another order, in the same lines with the same punctuation. rng: NumPy's Generator."""
    poem = body(poem)
    characters = iter(rng.permutation([c for c in poem if is_chinese(c)]).tolist())
    return "".join(next(characters) if is_chinese(c) else c for c in poem)


def _couplets(poem):
    return [match.groups() for match in map(COUPLET.fullmatch, body(poem).split("\n")) if match]


# The finals of pinyin by rhyme group: 發花, 梭坡, 乜斜, 姑蘇, 一七, 懷來, 灰堆, 遙條, 油求, 言前, 人辰, 江陽, 中東.
GROUPS = """a ia ua|o e uo|ê ie üe|u|i ü er|ai uai|ei uei|ao iao|ou iou|an ian uan üan|en in uen ün|
ang iang uang|eng ing ueng ong iong"""
FINALS = [finals.split() for finals in GROUPS.split("|")]
NO_RHYME = len(FINALS)
N_RHYMES = NO_RHYME + 1
GROUP = {final: i for i, finals in enumerate(FINALS) for final in finals}


@functools.cache
def reading(character):
    """(number of the rhyme group, whether the tone is level) of a character, by its commonest reading; or Nones."""
    final, tone = (lazy_pinyin(character, style, errors="ignore") for style in (Style.FINALS, Style.TONE3))
    if not final or not tone or not tone[0][-1].isdigit():  # no reading, or the neutral tone
        return None, None
    return GROUP.get(final[0].replace("v", "ü")), tone[0][-1] in "12"
