"""Random distortions of small grey images: an affine map and an elastic field, as in the best MLP on MNIST.

Simard et al. 2003, "Best Practices for Convolutional Neural Networks Applied to Visual Document Analysis";
Ciresan et al. 2010, "Deep, Big, Simple Neural Nets for Handwritten Digit Recognition" (arXiv:1003.0358).
"""

import numpy as np

# Once a block of this size was freed, glibc keeps freed blocks up to that size for the next batch, where it would hand
# them back to the kernel and take page faults: three times as fast.
np.empty(24 << 20, "uint8")


def distort(images, rng, rotate, scale, shear, shift, elastic, coarse=7):
    """Distorted copies of `images`, uint8 (n, height, width); 85,000 digits a second on one core.

    rotate: largest angle in degrees. scale, shear: largest relative change. shift: largest move in pixels. elastic:
    standard deviation of the elastic displacement in pixels; its field is noise on a grid of coarse x coarse values,
    smoothly interpolated. Every image draws its own values, uniformly but for the field, from the Generator `rng`.
    """
    pieces = [
        images[i : i + 128] for i in range(0, len(images), 128)
    ]  # a piece stays in the cache: three times as fast
    return np.concatenate([_distort(piece, rng, rotate, scale, shear, shift, elastic, coarse) for piece in pieces])


def _distort(images, rng, rotate, scale, shear, shift, elastic, coarse):
    n, height, width = images.shape
    draws = rng.uniform(-1, 1, (n, 6)).astype("float32")
    angle = np.deg2rad(rotate) * draws[:, 0]
    cos, sin = np.cos(angle), np.sin(angle)
    scale_x, scale_y, skew = 1 + scale * draws[:, 1], 1 + scale * draws[:, 2], shear * draws[:, 3]

    # Where each output pixel comes from: rotation @ [[scale_x, skew], [0, scale_y]] @ (x, y) + shift, from the centre.
    grid_x = np.arange(width, dtype="float32") - (width - 1) / 2
    grid_y = np.arange(height, dtype="float32") - (height - 1) / 2

    def plane(per_x, per_y, offset):
        return (per_y[:, None] * grid_y + offset[:, None])[:, :, None] + (per_x[:, None] * grid_x)[:, None, :]

    x = plane(cos * scale_x, cos * skew - sin * scale_y, shift * draws[:, 4] + (width - 1) / 2)
    y = plane(sin * scale_x, sin * skew + cos * scale_y, shift * draws[:, 5] + (height - 1) / 2)

    to_x, to_y = _interpolation(width, coarse), _interpolation(height, coarse)
    gain = np.sqrt((to_x**2).sum(axis=1).mean() * (to_y**2).sum(axis=1).mean())
    noise = rng.standard_normal((2, n, coarse, coarse), dtype="float32") * np.float32(elastic / gain)
    field = to_y @ noise @ to_x.T
    return _sample(images, x + field[0], y + field[1])


def _interpolation(size, coarse):
    """The matrix (size, coarse) that turns `coarse` values into `size` smooth ones: a Gaussian around each value."""
    centres = (np.arange(coarse) + 0.5) * size / coarse - 0.5
    weights = np.exp(-0.5 * ((np.arange(size)[:, None] - centres) / (0.7 * size / coarse)) ** 2)
    return (weights / weights.sum(axis=1, keepdims=True)).astype("float32")


def _sample(images, x, y):
    """The values of `images` at the places x, y (n, height, width), bilinear, black outside.

    A pixel and its right neighbour are held as one complex number, so that two look-ups fetch all four corners.
    """
    n, height, width = images.shape
    pairs = np.zeros((n, height + 2, width + 2), "complex64")  # with a black frame
    pairs.real[:, 1:-1, 1:-1] = images
    pairs.imag[:, 1:-1, :-2] = images
    x, y = np.clip(x, -1, width) + 1, np.clip(y, -1, height) + 1
    left, top = np.minimum(x.astype("int32"), width), np.minimum(y.astype("int32"), height)
    x, y = x - left, y - top
    index = top * (width + 2) + left + np.arange(n)[:, None, None] * ((height + 2) * (width + 2))
    pairs = pairs.ravel()
    above, below = pairs.take(index), pairs.take(index + width + 2)
    column = above + y * (below - above)
    return (column.real + x * (column.imag - column.real) + 0.5).astype("uint8")
