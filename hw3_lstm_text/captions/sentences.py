"""What is said about a clip, in English or in Chinese, and the same as numbers."""

import re

import numpy as np

MOTIONS = {"en": ("left and right", "up and down"), "zh": ("左右", "上下")}
START = 0  # the code that stands before the first word, and behind the last one
LENGTH = 16  # words of a sentence about two digits, in both languages


class Language:
    """The sentences of "en", whose pieces are words, or of "zh", whose pieces are characters.

    pieces: all of them, each at the place that is its code; a sentence ends with the piece `end`.
    """

    def __init__(self, name):
        self.name, self.motions = name, MOTIONS[name]
        self.gap, self.end = (" ", ".") if name == "en" else ("", "。")
        every = [self.sentence((digit, digit), motions) for digit in range(10) for motions in ((0, 1), (1, 0))]
        self.pieces = ("", *sorted({piece for sentence in every for piece in self.split(sentence)}))
        self.code = {piece: code for code, piece in enumerate(self.pieces)}

    def sentence(self, digits, motions):
        """The sentence about digits such as (2, 7), or (2, -1) for one, and their places in MOTIONS."""
        if self.name == "en":
            clauses = [f"digit {digit} is moving {self.motions[i]}" for digit, i in self._there(digits, motions)]
            return " and ".join(clauses) + " ."
        return "，".join(f"數字{digit}{self.motions[i]}移動" for digit, i in self._there(digits, motions)) + "。"

    def _there(self, digits, motions):
        return [(digit, motion) for digit, motion in zip(digits, motions, strict=True) if digit >= 0]

    def split(self, sentence):
        """The pieces of a sentence as a list."""
        return sentence.split() if self.name == "en" else list(sentence)

    def sentences(self, scenes):
        """The sentence about each of some clips.Scenes."""
        return [self.sentence(*each) for each in zip(scenes.digits, scenes.motions, strict=True)]

    def codes(self, scenes):
        """int32 (n, LENGTH): the sentences about Scenes as codes, START behind their ends."""
        rows = np.full((len(scenes.digits), LENGTH), START, "int32")
        for row, sentence in zip(rows, self.sentences(scenes), strict=True):
            found = [self.code[piece] for piece in self.split(sentence)]
            row[: len(found)] = found
        return rows

    def words(self, codes):
        """The pieces that a row of codes stands for, as a list, up to the end or to the first START."""
        found = []
        for code in codes:
            if code == START or self.end in found:
                break
            found.append(self.pieces[code])
        return found

    def text(self, codes):
        """The sentence of a row of codes."""
        return self.gap.join(self.words(codes))

    def said(self, sentence):
        """(digits, motions) that a sentence speaks of, as lists of strings, in its order."""
        return re.findall(r"\d", sentence), re.findall("|".join(self.motions), sentence)
