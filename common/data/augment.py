"""Augmentation of image batches in NumPy: cheap, the same on every backend, and drawn from a given generator."""

import numpy as np


def shift(images, rng, pixels):
    """Images (n, height, width, channels), each moved by up to `pixels` both ways, the gap filled by reflection."""
    n, height, width = images.shape[:3]
    padded = np.pad(images, ((0, 0), (pixels, pixels), (pixels, pixels), (0, 0)), mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(1, 2))
    rows, columns = rng.integers(0, 2 * pixels + 1, (2, n))
    return windows[np.arange(n), rows, columns].transpose(0, 2, 3, 1)


def flip(images, mirrored):
    """The images for which `mirrored` (n,) is true are mirrored left to right."""
    return np.where(mirrored[:, None, None, None], images[:, :, ::-1], images)
