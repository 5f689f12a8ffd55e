"""What the network is to colour: grey pictures and line drawings, made of coloured pictures; and batches of both."""

import numpy as np
from scipy.ndimage import grey_dilation

from common.data.augment import flip
from common.data.batches import Batches

WEIGHTS = np.array([0.299, 0.587, 0.114], "float32")  # of red, green and blue in the grey of ITU-R BT.601


def grey(images):
    """Grey pictures, uint8 (n, height, width, 1), of coloured ones, uint8 (n, height, width, 3)."""
    return np.round(images @ WEIGHTS)[..., None].astype("uint8")


def lines(images):
    """Line drawings of them, black on white: a pixel is as dark as it is below the brightest one next to it."""
    shades = grey(images).astype("int16")
    return (255 - (grey_dilation(shades, size=(1, 3, 3, 1)) - shades)).clip(0, 255).astype("uint8")


class Pairs(Batches):
    """Batches of (drawings, uint8, coloured pictures, float32 in 0..1); a share `lines` of them are line drawings.

    Every picture is mirrored with a chance of one half.
    """

    def __init__(self, images, batch_size, seed, lines):
        super().__init__(images, np.zeros(len(images), "uint8"), batch_size, seed, self.mirror)
        self.lines = lines

    def mirror(self, images, rows, epoch, rng):
        return flip(images, rng.random(len(images)) < 0.5)

    def __getitem__(self, index):
        colours, _ = super().__getitem__(index)
        drawn = np.random.default_rng((self.seed, self.epoch, index, 1)).random(len(colours)) < self.lines
        drawings = grey(colours)
        drawings[drawn] = lines(colours[drawn])
        return drawings, colours.astype("float32") / 255
