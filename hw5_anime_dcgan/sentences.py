"""Sentences about the colours of hair and eyes, in English and Chinese, written by a small grammar; and their numbers.

A network reads a sentence as numbers: an English word is one, and so is a Chinese character; 0 is no word. It learns
the words of this grammar and no others: `numbers` says which words of a sentence mean nothing to it.

Some patterns, `NEW_PATTERNS`, are never trained on: with them it is measured whether a network reads the words or has
learned sentences by heart.
"""

import re

import numpy as np

from common.errors import UserError
from hw5_anime_dcgan.attributes import EYES, HAIR

LENGTH = 24  # words of a sentence, at most
UNSAID = (len(HAIR), len(EYES))  # the numbers of no hair and of no eyes
WORDS_OF = {  # {colour: its words, English and Chinese}, of hair
    "hair": {
        "black": ("black raven ebony", "黑 烏黑 漆黑"),
        "brown": ("brown chestnut brunette", "棕 褐 咖啡"),
        "red": ("red crimson scarlet", "紅 赤紅 火紅"),
        "orange": ("orange ginger", "橙 橘"),
        "blonde": ("blonde blond golden yellow", "金 金黃 黃"),
        "green": ("green emerald", "綠 翠綠"),
        "blue": ("blue azure", "藍 湛藍 天藍"),
        "purple": ("purple violet", "紫 紫羅蘭"),
        "pink": ("pink rosy", "粉 粉紅"),
        "white": ("white silver grey", "白 銀 銀白"),
    },
    "eyes": {
        "dark": ("dark black", "黑 深 漆黑"),
        "brown": ("brown hazel chestnut", "棕 褐 咖啡"),
        "red": ("red crimson scarlet", "紅 赤紅 火紅"),
        "yellow": ("yellow golden amber", "金 金黃 黃 琥珀"),
        "green": ("green emerald", "綠 翠綠"),
        "blue": ("blue azure", "藍 湛藍 天藍"),
        "purple": ("purple violet", "紫 紫羅蘭"),
    },
}
PATTERNS = (
    "a girl with {hair} hair and {eyes} eyes",
    "a girl with {eyes} eyes and {hair} hair",
    "{hair} hair, {eyes} eyes",
    "{eyes} eyes, {hair} hair",
    "a {hair}-haired girl with {eyes} eyes",
    "a {eyes}-eyed girl with {hair} hair",
    "her hair is {hair} and her eyes are {eyes}",
    "her eyes are {eyes} and her hair is {hair}",
    "draw a face whose hair is {hair}, the eyes {eyes}",
    "the {hair} hair of a girl whose eyes are {eyes}",
    "a girl with {hair} hair",
    "a girl with {eyes} eyes",
    "{hair}髮{eyes}眼的女孩",
    "{eyes}眼{hair}髮的女孩",
    "{hair}色頭髮,{eyes}色眼睛",
    "{eyes}色的眼睛和{hair}色的頭髮",
    "她有{hair}色的頭髮和{eyes}色的眼睛",
    "眼睛是{eyes}色,頭髮是{hair}色的女孩",
    "一個{hair}髮的女孩,眼睛是{eyes}色的",
    "畫一張臉,頭髮{hair}色,{eyes}色的眼睛",
    "{eyes}眼,{hair}髮",
    "女孩,{hair}髮,{eyes}眼",
    "{hair}髮的女孩",
    "有{eyes}色眼睛的女孩",
)
NEW_PATTERNS = (
    "a {hair}-haired, {eyes}-eyed girl",
    "a girl whose eyes are {eyes}, with {hair} hair",
    "her {eyes} eyes, her {hair} hair",
    "draw the face of a girl with {hair} hair, {eyes} eyes",
    "一個女孩,{eyes}眼,{hair}髮",
    "頭髮是{hair}色、眼睛是{eyes}色的女孩",
    "有{eyes}色眼睛和{hair}髮的女孩",
    "畫一個{hair}色頭髮的女孩,她的眼睛是{eyes}色",
)
NOUNS = frozenset(["hair", "haired", "eyes", "eyed", "髮", "頭", "眼", "睛"])
DROPPED = 0.3  # of all words but colours and nouns are left out when a network learns: it must not wait for them


def split(sentence):
    """The words of a sentence, lower case: English words and Chinese characters."""
    return re.findall(r"[a-z]+|[㐀-鿿]", sentence.lower())


def write(hair, eyes, rng, patterns=PATTERNS):
    """A sentence that asks for these colours, or for one of them if its pattern has no place for the other.

    hair, eyes: numbers in HAIR and EYES; rng: a numpy Generator.
    """
    pattern = patterns[rng.integers(len(patterns))]
    chinese = not pattern.isascii()
    chosen = {}
    for kind, colour in (("hair", HAIR[hair]), ("eyes", EYES[eyes])):
        words = WORDS_OF[kind][colour][chinese].split()
        chosen[kind] = words[rng.integers(len(words))]
    return pattern.format(**chosen)


def _vocabulary():
    colours = [words for kind in WORDS_OF.values() for both in kind.values() for words in both]
    plain = [pattern.format(hair=" ", eyes=" ") for pattern in PATTERNS]
    return split(" ".join(colours)), split(" ".join(plain))


COLOURS, PLAIN = map(frozenset, _vocabulary())
NUMBER = {word: i for i, word in enumerate(dict.fromkeys(sorted(COLOURS | PLAIN)), start=1)}
N_WORDS = len(NUMBER) + 1


def numbers(sentence):
    """(the numbers of its known words, int32 (LENGTH,), the rest 0; its unknown words).

    Raises UserError for a sentence with more known words than LENGTH.
    """
    words = split(sentence)
    known = [NUMBER[word] for word in words if word in NUMBER]
    if len(known) > LENGTH:
        raise UserError(f"the sentence has {len(known)} words that are known, {LENGTH} are read: make it shorter")
    unknown = list(dict.fromkeys(word for word in words if word not in NUMBER))
    return np.array(known + [0] * (LENGTH - len(known)), "int32"), unknown


def batch(hair, eyes, rng, patterns=PATTERNS, dropped=0.0):
    """(sentences for these colours as int32 (n, LENGTH), the hair and the eyes that they speak of (n,)).

    What a sentence does not speak of is UNSAID. A share `dropped` of all words but colours and nouns is left out.
    """
    rows, spoken = np.zeros((len(hair), LENGTH), "int32"), np.array([hair, eyes]).T
    for row, said in zip(rows, spoken, strict=True):
        pattern = patterns[rng.integers(len(patterns))]
        words = split(write(*said, rng, (pattern,)))
        kept = [NUMBER[word] for word in words if word in COLOURS | NOUNS or rng.random() >= dropped]
        row[: len(kept)] = kept
        said[:] = [
            n if place in pattern else unsaid
            for n, place, unsaid in zip(said, ("{hair}", "{eyes}"), UNSAID, strict=True)
        ]
    return rows, spoken[:, 0], spoken[:, 1]
