"""The clips: one or two MNIST digits that move up and down or left and right, made when they are asked for.

A clip has 16 frames of 64 x 64 pixels, white on black. A digit starts anywhere, goes on at a constant speed and bounces
off the edges, at least once. Of two digits the sentence names first the one that is higher in the first frame: by at
least 8 pixels, so that the picture leaves no doubt. Where digits cover each other the brighter pixel shows.
After Sync-DRAW (Mittal et al. 2017, arXiv:1611.10314) and Moving MNIST (Srivastava et al. 2015, arXiv:1502.04681).
"""

from typing import NamedTuple

import numpy as np

from common.data.batches import CountedEpochs
from hw3_lstm_text.captions.sentences import Language

FRAMES, SIDE, DIGIT = 16, 64, 28  # frames of a clip; pixels of a side, of a frame and of a digit
ROOM = SIDE - DIGIT  # how far a digit can move
SPEEDS = (2.5, 5.0)  # pixels per frame: 15 steps of the slowest cross the room once
HIGHER = 8  # pixels, at least, between the heights of two digits in the first frame


class Scenes(NamedTuple):
    """What happens in clips; digits and motions in the order of the sentence."""

    digits: np.ndarray  # int (n, 2), -1 where there is no second digit
    motions: np.ndarray  # int (n, 2): places in sentences.MOTIONS
    rows: np.ndarray  # int (n, 2): which images of digits
    x: np.ndarray  # int (n, 2, FRAMES): where they are, pixels from the left
    y: np.ndarray  # and from the top


def draw_scenes(labels, n, rng, two=0.5):
    """`n` Scenes of digits with these labels (m,); a share `two` of them has two digits."""
    has_two = rng.random(n) < two
    rows = rng.integers(len(labels), size=(n, 2))
    motions = rng.integers(2, size=(n, 2))
    speeds = rng.uniform(*SPEEDS, (n, 2)) * rng.choice((-1, 1), (n, 2))
    x, y = rng.integers(ROOM + 1, size=(2, n, 2))
    first = rng.integers(ROOM - HIGHER + 1, size=n)
    y[has_two] = np.stack([first, rng.integers(first + HIGHER, ROOM + 1)], axis=1)[has_two]
    steps = speeds[..., None] * np.arange(FRAMES)
    x = bounced(x[..., None] + steps * (motions == 0)[..., None])
    y = bounced(y[..., None] + steps * (motions == 1)[..., None])
    digits = labels[rows].astype(int)
    digits[~has_two, 1] = -1
    return Scenes(digits, motions, rows, x, y)


def film(scenes, images):
    """(frames uint8 (n, FRAMES, SIDE, SIDE), touching int (n,)) of Scenes with images, uint8 (m, DIGIT, DIGIT).

    touching: the number of frames in which ink of the two digits lies on the same pixel.
    """
    n = len(scenes.digits)
    frames, touching = np.zeros((n, FRAMES, SIDE, SIDE), "uint8"), np.zeros(n, int)
    windows = np.lib.stride_tricks.sliding_window_view(frames, (DIGIT, DIGIT), axis=(2, 3), writeable=True)
    for k in range(2):
        shown = np.flatnonzero(scenes.digits[:, k] >= 0)
        where = shown[:, None], np.arange(FRAMES), scenes.y[shown, k], scenes.x[shown, k]
        digit, before = images[scenes.rows[shown, k]][:, None], windows[where]
        touching[shown] = ((digit > 127) & (before > 127)).any(axis=(2, 3)).sum(axis=1)
        windows[where] = np.maximum(before, digit)
    return frames, touching


def bounced(places):
    """Whole numbers 0 to ROOM: places on a line of any length, folded at both ends of the room."""
    folded = np.mod(places, 2 * ROOM)
    return np.round(np.minimum(folded, 2 * ROOM - folded)).astype(int)


class Batches(CountedEpochs):
    """Batches of new clips, a function of (seed, epoch, index) alone: x {"clip", "words"}, y the words that follow.

    clip: uint8 (batch_size, FRAMES, SIDE, SIDE). words: int32 (batch_size, LENGTH), the sentence with the mark of the
    beginning before it; y: the sentence, filled up with 0.
    """

    def __init__(self, images, labels, language, batch_size, steps, seed):
        self.images, self.labels, self.language = images, labels, Language(language)
        self.batch_size, self.steps, self.seed = batch_size, steps, seed
        super().__init__()

    def __len__(self):
        return self.steps

    def __getitem__(self, index):
        rng = np.random.default_rng((self.seed, self.epoch, index))
        scenes = draw_scenes(self.labels, self.batch_size, rng)
        frames, _ = film(scenes, self.images)
        sentences = self.language.codes(scenes)
        return {"clip": frames, "words": np.pad(sentences[:, :-1], ((0, 0), (1, 0)))}, sentences
