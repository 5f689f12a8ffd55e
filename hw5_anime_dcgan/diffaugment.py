"""Differentiable augmentation: the discriminator sees all images, real and drawn, through the same random changes.

With few faces to learn from it would learn them by heart. Changing only the real ones would teach the generator to draw
changed faces; changing both, and letting the gradient pass through, does not (Zhao et al. 2020, arXiv:2006.10738).
"""

import keras
from keras import ops

SHIFT = 1 / 8  # of the side, at most, in both directions
HOLE = 1 / 2  # the side of the square that is cut out, as a share of the side


def augment(images, seed):
    """Images (n, side, side, 3) in 0..1: their colours changed, shifted, a square cut out. seed: a SeedGenerator."""
    return cutout(shift(change_colours(images, seed), seed), seed)


def change_colours(images, seed):
    """Brightness up to a quarter up or down, saturation times 0 to 2, contrast times 0.5 to 1.5, as in the paper."""
    n = ops.shape(images)[0]
    brightness, saturation, contrast = (
        keras.random.uniform((n, 1, 1, 1), low, high, seed=seed) for low, high in ((-0.25, 0.25), (0, 2), (0.5, 1.5))
    )
    images = images + brightness
    grey = ops.mean(images, axis=3, keepdims=True)
    images = grey + saturation * (images - grey)
    mean = ops.mean(images, axis=(1, 2, 3), keepdims=True)
    return mean + contrast * (images - mean)


def shift(images, seed):
    """Moved by up to an eighth of the side along both axes; black where nothing was."""
    n, side = ops.shape(images)[0], images.shape[1]
    most = int(side * SHIFT)
    steps = keras.random.randint((2, n, 1, 1), -most, most + 1, seed=seed)
    places = ops.arange(side)
    # matrices with a 1 where a row, or column, of the image goes: cheap, and their gradient is known to every backend
    rows, columns = (ops.cast(places[:, None] == places[None] + steps[axis], images.dtype) for axis in (0, 1))
    images = ops.einsum("nij,njkc->nikc", rows, images)
    return ops.einsum("nij,nkjc->nkic", columns, images)


def cutout(images, seed):
    """A black square of half the side, somewhere; part of it may lie outside."""
    n, side = ops.shape(images)[0], images.shape[1]
    hole = int(side * HOLE)
    centres = keras.random.randint((2, n, 1), 0, side + 1, seed=seed)
    inside = ops.abs(ops.arange(side) - centres) < hole // 2  # (2, n, side)
    kept = ops.cast(~(inside[0][:, :, None] & inside[1][:, None, :]), images.dtype)[..., None]
    return images * kept
