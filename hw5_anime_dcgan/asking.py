"""What the networks are told of each face: nothing, or the colours of its hair and eyes, one-hot (n, 17).

`batch(rows, rng)` gives it for the faces `rows` of a batch, and for as many drawn ones (y of a training); `wishes(n)`
for faces that are drawn to be judged; `n_attributes` is how many numbers it has. Nobody has labelled the faces: the
colours are what the rule of attributes.py sees.
"""

import numpy as np

from hw5_anime_dcgan import attributes

COLOURS = len(attributes.HAIR) + len(attributes.EYES)
MIXED = 0.25  # of the drawn faces are asked for eyes of another face: blue hair with red eyes is rare in the data

RARE = 0.01  # of the training faces: red hair with green eyes


class Nothing:
    n_attributes = 0

    def batch(self, rows, rng):
        return np.zeros(len(rows), "uint8")

    def wishes(self, n):
        return None


class Colours:
    """images: the training faces, uint8 (n, 64, 64, 3)."""

    n_attributes = COLOURS

    def __init__(self, images):
        self.hair, self.eyes = attributes.read(images)

    def batch(self, rows, rng):
        hair, eyes = self.hair[rows], self.eyes[rows]
        others = np.where(rng.random(len(rows)) < MIXED, rng.permutation(eyes), eyes)
        return attributes.one_hot(hair, eyes), attributes.one_hot(hair, others)

    def wishes(self, n):
        """Those of some training faces, drawn once."""
        rows = np.random.default_rng(0).integers(0, len(self.hair), n)
        return attributes.one_hot(self.hair[rows], self.eyes[rows])

    def rare_wishes(self, n):
        """Pairs of colours that fewer than RARE of the training faces have, each as often as the others."""
        counts = np.zeros((len(attributes.HAIR), len(attributes.EYES)))
        np.add.at(counts, (self.hair, self.eyes), 1)
        pairs = np.argwhere(counts < RARE * len(self.hair))
        return attributes.one_hot(*pairs[np.arange(n) % len(pairs)].T)
