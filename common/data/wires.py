"""How the Reuters wires are kept in memory, and what their topics are called."""

import numpy as np

TOPIC_NAMES = """
cocoa grain veg-oil earn acq wheat copper housing money-supply coffee sugar trade reserves ship cotton carcass crude
nat-gas cpi money-fx interest gnp meal-feed alum oilseed gold tin strategic-metal livestock retail ipi iron-steel rubber
heat jobs lei bop zinc orange pet-chem dlr gas silver wpi hog lead
"""
TOPICS = tuple(TOPIC_NAMES.split())  # in the order of Keras' labels


class Wires:
    """Texts of different lengths in flat arrays; rows are selected by a slice or an array, as in NumPy.

    tokens: int32, all texts end to end; number t is the word `words[t - 1]`, and 1 is the most frequent word.
    offsets: int64 (n + 1,), where each text begins, and where the last one ends. words: str.
    """

    def __init__(self, tokens, offsets, words):
        self.tokens, self.offsets, self.words = tokens, offsets, words

    def __len__(self):
        return len(self.offsets) - 1

    def __getitem__(self, rows):
        lengths = np.diff(self.offsets)[rows]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        places = np.arange(offsets[-1]) + np.repeat(self.offsets[:-1][rows] - offsets[:-1], lengths)
        return Wires(self.tokens[places], offsets, self.words)

    def text(self, row):
        """The words of one wire as a list."""
        return self.words[self.tokens[self.offsets[row] : self.offsets[row + 1]] - 1].tolist()

    def tobytes(self):
        """All of it as bytes, for a hash."""
        return b"".join(array.tobytes() for array in (self.tokens, self.offsets, self.words))


def split(wires, labels):
    """x_train, y_train, x_test, y_test: the first 80 % are the training split (8,982 of 11,228 wires), as in Keras."""
    cut = int(len(labels) * (1 - 0.2))
    return wires[:cut], labels[:cut], wires[cut:], labels[cut:]
