"""Differentiable augmentation: the discriminator sees all images, real and drawn, through the same random changes.

With few faces to learn from it would learn them by heart. Changing only the real ones would teach the generator to draw
changed faces; changing both, and letting the gradient pass through, does not (Zhao et al. 2020, arXiv:2006.10738). Of
the changes of that paper only the shift is used: when colours were changed too, the faces drawn after 3,000 updates
had lost most of theirs.
"""

import keras
from keras import ops

SHIFT = 1 / 8  # of the side, at most, in both directions


def shift(images, seed):
    """Images (n, side, side, 3), moved along both axes; black where nothing was. seed: a keras.random.SeedGenerator."""
    n, side = ops.shape(images)[0], images.shape[1]
    most = int(side * SHIFT)
    steps = keras.random.randint((2, n, 1, 1), -most, most + 1, seed=seed)
    places = ops.arange(side)
    # matrices with a 1 where a row, or column, of the image goes: cheap, and their gradient is known to every backend
    rows, columns = (ops.cast(places[:, None] == places[None] + steps[axis], images.dtype) for axis in (0, 1))
    images = ops.einsum("nij,njkc->nikc", rows, images)
    return ops.einsum("nij,nkjc->nkic", columns, images)
