"""A fixed extractor of features, by which faces are compared: nothing is trained, nothing is downloaded.

The usual one is a network trained on ImageNet. Random networks rank generated images as well where the images are
far from ImageNet (Naeem et al. 2020, arXiv:2002.09797, section 4.1, there a VGG16), and they can be made anywhere
from a seed. This one is computed in NumPy: the same figures on every backend.

    pyramid   the image as bands of detail (Burt & Adelson 1983): what is lost when it is halved, at 64, 32 and 16
              pixels, and the 8 x 8 that remains; without it random filters would see little but mean colours
    bands     on each band two convolutions, 3 x 3, stride 2, of 24 and 32 random orthogonal filters, and ReLU
    features  of each band: the mean of each channel over the places (32: how much there is of what) and a random
              orthogonal projection of the last map (32: where it is); of the 8 x 8 a random orthogonal projection (48:
              the layout of the colours)

Together 240 numbers per image.
"""

import numpy as np
from threadpoolctl import threadpool_limits

GAIN = (8.0, 6.0, 4.0)  # of the bands at 64, 32 and 16 pixels: brings them to like size
CHANNELS = (24, 32)
PROJECTED, LAYOUT = 32, 48
TOGETHER = 50  # images: what they need stays in the cache of the processor


def _orthogonal(rng, rows, columns):
    """A random matrix (rows, columns) with orthogonal columns of the length sqrt(2): ReLU takes half of the power."""
    q, r = np.linalg.qr(rng.standard_normal((rows, columns)))
    return (np.sqrt(2) * q * np.sign(np.diag(r))).astype("float32")


def _make(side):
    """The random weights: for each band two kernels and a projection, then the projection of what remains."""
    rng = np.random.default_rng(20150101)
    first, second = CHANNELS
    bands = []
    for _ in GAIN:
        kernels = _orthogonal(rng, 3 * 3 * 3, first), _orthogonal(rng, 3 * 3 * first, second)
        bands.append((*kernels, _orthogonal(rng, (side // 4) ** 2 * second, PROJECTED)))
        side //= 2
    return bands, _orthogonal(rng, side * side * 3, LAYOUT)


BANDS, REST = _make(64)


@threadpool_limits.wrap(limits=1)
def extract(images):
    """Features float32 (n, 240) of uint8 images (n, 64, 64, 3)."""
    parts = [_extract(images[i : i + TOGETHER]) for i in range(0, len(images), TOGETHER)]
    return np.concatenate(parts)


def _extract(images):
    x = np.asarray(images, "float32") / 127.5 - 1
    features = []
    for gain, (first, second, projection) in zip(GAIN, BANDS, strict=True):
        smaller = _halve(x)
        band = gain * (x - smaller.repeat(2, axis=1).repeat(2, axis=2))
        x = smaller
        seen = _convolve(_convolve(band, first), second)
        features += [seen.mean(axis=(1, 2)), seen.reshape(len(seen), -1) @ projection]
    return np.concatenate([*features, x.reshape(len(x), -1) @ REST], axis=1)


def _halve(x):
    """Means over 2 x 2 pixels."""
    n, height, width, channels = x.shape
    return x.reshape(n, height // 2, 2, width // 2, 2, channels).mean(axis=(2, 4))


def _convolve(x, kernel):
    """3 x 3, stride 2, zeros around, ReLU: (n, side, side, c), kernel (9 c, filters)."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    n, side, _, channels = x.shape
    patches = [padded[:, i : i + side : 2, j : j + side : 2] for i in range(3) for j in range(3)]
    rows = np.stack(patches, axis=3).reshape(-1, 9 * channels)
    return np.maximum(rows @ kernel, 0).reshape(n, side // 2, side // 2, -1)
