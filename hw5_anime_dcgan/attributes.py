"""The colours of hair and eyes, read from the pictures themselves by a rule: nobody has labelled these faces.

The staged faces lie alike in their pictures: eyes near rows 19 to 32, hair above them, skin between nose and mouth.

    skin   the median colour of rows 30 to 41, columns 26 to 37
    hair   every pixel of rows 3 to 16, columns 15 to 48, that is not like the skin has a vote: the name of its colour;
           the name with most votes wins
    eyes   the pixels of rows 19 to 31 in columns 13 to 26 and 37 to 50 that are like neither skin nor hair, and
           neither pale nor dark, have a vote weighted by saturation times brightness; "dark" where there are too few

"Like" means that no channel differs by more than 32 of 255. The names come from hue (degrees), saturation and value,
see `hair_names` and `eye_names`. The rule is wrong for hats, closed eyes and backlight; how often it agrees with
colours that are known is in tests/test_hw5.py.
"""

import numpy as np

HAIR = ("black", "brown", "red", "orange", "blonde", "green", "blue", "purple", "pink", "white")
EYES = ("dark", "brown", "red", "yellow", "green", "blue", "purple")
SKIN_BOX = (slice(30, 42), slice(26, 38))
HAIR_BOX = (slice(3, 17), slice(15, 49))
EYE_BOXES = ((slice(19, 32), slice(13, 27)), (slice(19, 32), slice(37, 51)))
LIKE = 32  # of 255, the largest difference of a channel
FEWEST_EYE_PIXELS = 10


def hsv(pixels):
    """Hue in degrees, saturation and value in 0..1, each float32 (...), of uint8 (..., 3)."""
    pixels = pixels.astype("float32")
    high, low = pixels.max(axis=-1), pixels.min(axis=-1)
    spread = np.maximum(high - low, 1e-6)
    red, green, blue = np.moveaxis(pixels, -1, 0)
    hue = np.where(
        high == red,
        (green - blue) / spread % 6,
        np.where(high == green, 2 + (blue - red) / spread, 4 + (red - green) / spread),
    )
    return 60 * hue, (high - low) / np.maximum(high, 1), high / 255


def hair_names(pixels):
    """The number in HAIR of each of the pixels, uint8 (..., 3)."""
    hue, saturation, value = hsv(pixels)
    rules = [  # the first that fits
        ("black", (value < 0.27) | ((value < 0.42) & (saturation < 0.3))),
        ("white", saturation < 0.13),
        ("brown", ((hue < 48) | (hue >= 340)) & (value < 0.62) & (saturation < 0.75)),
        ("pink", (hue >= 315) & (saturation < 0.62) & (value >= 0.62)),
        ("pink", (hue < 14) & (saturation < 0.5)),
        ("red", (hue < 14) | (hue >= 335)),
        ("orange", (hue < 36) & (saturation >= 0.42)),
        ("blonde", hue < 68),
        ("green", hue < 172),
        ("blue", hue < 248),
        ("purple", hue < 315),
    ]
    return _first(HAIR, rules, hue.shape, "pink")


def eye_names(pixels):
    """The number in EYES of each of the pixels, uint8 (..., 3)."""
    hue, saturation, value = hsv(pixels)
    rules = [
        ("brown", ((hue < 50) | (hue >= 345)) & (value < 0.55) & ((saturation < 0.72) | (hue >= 14) & (hue < 50))),
        ("red", (hue < 18) | (hue >= 325)),
        ("brown", (hue < 34) & (value < 0.72)),
        ("yellow", hue < 66),
        ("green", hue < 168),
        ("blue", hue < 250),
    ]
    return _first(EYES, rules, hue.shape, "purple")


def _first(names, rules, shape, otherwise):
    found = np.full(shape, names.index(otherwise))
    for name, fits in reversed(rules):
        found[fits] = names.index(name)
    return found


def read(images, together=2000):
    """(numbers in HAIR, numbers in EYES), each int (n,), of uint8 images (n, 64, 64, 3)."""
    parts = [_read(np.asarray(images[i : i + together])) for i in range(0, len(images), together)]
    return tuple(np.concatenate(part) for part in zip(*parts, strict=True))


def _read(images):
    n = len(images)
    skin = np.median(images[:, *SKIN_BOX].reshape(n, -1, 3), axis=1)[:, None]
    pixels = images[:, *HAIR_BOX].reshape(n, -1, 3)
    names = hair_names(pixels)
    votes = ~_like(pixels, skin)
    votes |= votes.sum(axis=1, keepdims=True) < 40  # hair of the colour of the skin
    hair = np.stack([((names == i) & votes).sum(axis=1) for i in range(len(HAIR))], axis=1).argmax(axis=1)
    of_hair = np.ma.array(pixels, mask=np.repeat((names != hair[:, None])[..., None], 3, axis=2))
    hair_colour = np.ma.median(of_hair, axis=1).filled(0)[:, None]

    pixels = np.concatenate([images[:, *box].reshape(n, -1, 3) for box in EYE_BOXES], axis=1)
    hue, saturation, value = hsv(pixels)
    palest = np.where((hue < 60) | (hue >= 330), 0.45, 0.25)  # skin in the shade is a pale red or yellow
    weights = saturation * value * ((saturation > palest) & (value > 0.22))
    weights *= ~_like(pixels, skin) & ~_like(pixels, hair_colour)
    names = eye_names(pixels)
    eyes = np.stack([((names == i) * weights).sum(axis=1) for i in range(len(EYES))], axis=1)
    return hair, np.where((weights > 0).sum(axis=1) < FEWEST_EYE_PIXELS, EYES.index("dark"), eyes.argmax(axis=1))


def _like(pixels, colours):
    return np.abs(pixels - colours).max(axis=-1) <= LIKE


def one_hot(hair, eyes):
    """float32 (n, 17): what the networks are told; a 1 for the hair among the first ten, and one for the eyes."""
    hair, eyes = np.asarray(hair)[:, None], np.asarray(eyes)[:, None]
    return np.concatenate([hair == np.arange(len(HAIR)), eyes == np.arange(len(EYES))], axis=1).astype("float32")
