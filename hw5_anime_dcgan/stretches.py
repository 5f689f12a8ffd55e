"""Batches of faces for a training that is counted in updates, however it is cut into pieces."""

import functools

import keras
import numpy as np

from common.data.augment import flip
from common.data.batches import threads


class Stretches(keras.utils.PyDataset):
    """Batches for a training that is counted in updates: batch number u is the same however the training is cut.

    x: array with the examples along the first axis; y: an array too, or a function (rows, numpy Generator) -> what the
    batch of these rows has beside x. All batches have `batch_size` rows; one that reaches the end of
    an epoch goes on in the next epoch, in another order. `between(begin, end)` sets which batches the next `fit` sees.
    mirror: every image (n, height, width, channels) is mirrored with a chance of a half.
    """

    def __init__(self, x, y, batch_size, seed, mirror=False):
        super().__init__(workers=threads())
        self.x, self.y, self.batch_size, self.seed, self.mirror = x, y, batch_size, seed, mirror
        self._order = functools.lru_cache(maxsize=4)(self._order)

    def between(self, begin, end):
        self.begin, self.end = begin, end
        return self

    def __len__(self):
        return self.end - self.begin

    def __getitem__(self, index):
        places = (self.begin + index) * self.batch_size + np.arange(self.batch_size)
        epochs, places = np.divmod(places, len(self.x))
        rows = np.array([self._order(int(n))[place] for n, place in zip(epochs, places, strict=True)])
        x = self.x[rows]
        if self.mirror:
            chosen = np.random.default_rng((self.seed, 1, self.begin + index)).random(len(x)) < 0.5
            x = flip(x, chosen)
        if callable(self.y):
            return x, self.y(rows, np.random.default_rng((self.seed, 2, self.begin + index)))
        return x, self.y[rows]

    def _order(self, finished_epochs):
        return np.random.default_rng((self.seed, finished_epochs)).permutation(len(self.x))
