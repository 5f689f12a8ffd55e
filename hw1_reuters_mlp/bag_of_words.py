"""Texts as rows of weighted word counts, for networks that do not care about the order of the words."""

import re
from dataclasses import dataclass

import numpy as np
import scipy.sparse

from common.data.wires import Wires
from common.files import atomic

HALF_WEIGHT = 20  # the word at this place counts half as much as the first one
LENGTH = 10.0  # of every row; at length 1 the weights of the network would have to grow first


class Rows:
    """A sparse matrix whose selected rows come out dense, float32: the whole matrix never is in training."""

    def __init__(self, matrix):
        self.matrix = matrix

    def __len__(self):
        return self.matrix.shape[0]

    def __getitem__(self, rows):
        return self.matrix[rows].toarray()


@dataclass
class BagOfWords:
    """The words that count, and the weight of each: what turns texts into the input of a network.

    weighting: "tf-idf" or "binary" (1 for a word that occurs, 0 for others). words: str (n,), most frequent first.
    idf: float32 (n,), the weight of each word by its rarity in the training texts.
    """

    weighting: str
    words: np.ndarray
    idf: np.ndarray

    @classmethod
    def fit(cls, wires, n_words, weighting):
        """Take the `n_words` most frequent words, and the weights that they have in `wires`, the training texts."""
        bag = cls(weighting, wires.words[:n_words], np.ones(min(n_words, len(wires.words)), "float32"))
        texts_with_word = np.bincount(bag._counts(wires).indices, minlength=len(bag.words))
        bag.idf = (np.log((1 + len(wires)) / (1 + texts_with_word)) + 1).astype("float32")
        return bag

    def _counts(self, wires):
        """Sparse (wires, words): how often each word occurs, its place weighed in; the words must be those of `fit`.

        The first sentence of a wire tells its topic, what follows is background, and may even belong to another wire:
        the word at place p counts 1 / (1 + p / HALF_WEIGHT).
        """
        lengths = np.diff(wires.offsets)
        text = np.repeat(np.arange(len(wires)), lengths)
        weights = 1 / (1 + (np.arange(len(wires.tokens)) - wires.offsets[text]) / HALF_WEIGHT)
        known = (wires.tokens >= 1) & (wires.tokens <= len(self.words))
        entries = weights[known].astype("float32"), (text[known], wires.tokens[known] - 1)
        return scipy.sparse.csr_matrix(entries, shape=(len(wires), len(self.words)))  # repeated words are summed

    def rows(self, wires):
        """`wires` as Rows (wires, words). A wire without any known word is a row of zeros.

        tf-idf (Salton & Buckley 1988): the logarithm of the count, times the rarity of the word, all rows equally long.
        """
        matrix = self._counts(wires)
        if self.weighting == "binary":
            matrix.data[:] = 1
            return Rows(matrix)
        matrix.data = np.log1p(matrix.data) * self.idf[matrix.indices]
        length = scipy.sparse.linalg.norm(matrix, axis=1)
        matrix.data *= (LENGTH / np.maximum(length, 1e-9)).astype("float32").repeat(np.diff(matrix.indptr))
        return Rows(matrix)

    def predict(self, model, wires, chunk=500):
        """The output of `model` (wires, ...) without ever making all rows dense."""
        rows = self.rows(wires)
        parts = [model.predict_on_batch(rows[i : i + chunk]) for i in range(0, len(rows), chunk)]
        return np.concatenate(parts)

    def read(self, text):
        """Any text as one wire: lower case, split at blanks and punctuation as Keras' Tokenizer does it.

        Its words that are not known have the number 0.
        """
        words = re.sub(r"""[^\w']|_""", " ", text.lower().replace("’", "'")).split()
        number = {word: i for i, word in enumerate(self.words.tolist(), start=1)}
        tokens = np.array([number.get(word, 0) for word in words], "int32")
        return words, Wires(tokens, np.array([0, len(tokens)]), self.words)

    def save(self, path):
        """Write an .npz file, without pickles."""
        with atomic(path) as part:
            np.savez(part, weighting=self.weighting, words=self.words, idf=self.idf)

    @classmethod
    def load(cls, path):
        """Read what `save` wrote; an Exception of nearly any kind when it cannot be read."""
        with np.load(path, allow_pickle=False) as content:
            return cls(str(content["weighting"]), content["words"], content["idf"])
