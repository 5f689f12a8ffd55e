"""Reads the pictures that users bring."""

import contextlib

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from common.errors import UserError

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM")  # none that another program has to draw
MOST_PIXELS = 50_000_000  # some of them take 20 bytes each on their way; Pillow has a higher limit
SHADE = 64  # grey levels: what is not darker than white by so many hardly shows on it


def open_picture(path):
    """A picture of any common format as `to_rgb` gives it. Raises UserError with one sentence."""
    with reading(path, "picture", "a PNG or JPEG file"), Image.open(path, formats=FORMATS) as file:
        return to_rgb(file)


def check_size(picture):
    """Raises UserError for a picture of too many pixels, before any is decoded."""
    if picture.width * picture.height > MOST_PIXELS:
        name = getattr(picture, "filename", "") or "the picture"
        raise UserError(
            f"{name} has {picture.width:,} x {picture.height:,} pixels, which are too many: make it smaller"
        )


@contextlib.contextmanager
def reading(path, kind, wanted):
    """What Pillow raises about a file that it cannot read becomes a UserError of one sentence.

    kind: what the file ought to be. wanted: what to give in its place.
    """
    try:
        yield
    except FileNotFoundError:
        raise UserError(f"there is no {kind} {path}: check the name") from None
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        raise UserError(f"{path} cannot be read as a {kind} ({error}): give {wanted}") from None


def to_rgb(picture):
    """A picture as Pillow opened it, of any mode, as one sees it: upright, RGB of 8 bits, on an opaque ground.

    The ground of a transparent picture is white, as paper is; it is black where the picture would not show on white.
    Raises UserError when it is too large.
    """
    check_size(picture)
    picture = _in_8_bits(ImageOps.exif_transpose(picture))
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    picture = picture.convert("RGBA")
    on_white, on_black = (
        Image.alpha_composite(Image.new("RGBA", picture.size, ground), picture).convert("RGB")
        for ground in ("white", "black")
    )
    darkest, _ = on_white.convert("L").getextrema()
    return on_white if darkest < 255 - SHADE else on_black


def _in_8_bits(picture):
    """A picture of 16 or 32 bits per pixel, in whole numbers or floats, as grey of 8 bits; any other as it is.

    White is 1, 255 or 65,535 in them, and the file does not say which: it is the least of these of which the brightest
    pixel is not twice as bright (filters overshoot a little), beyond them the brightest pixel itself.
    """
    if not picture.mode.startswith(("I", "F")):
        return picture
    values = np.asarray(picture).astype("float32")
    brightest = values[np.isfinite(values)].max(initial=0)
    white = next((white for white in (1, 255, 65_535) if brightest < 2 * white), brightest)
    shares = np.nan_to_num(values / white).clip(0, 1)
    grey = Image.fromarray(np.round(255 * shares).astype("uint8"))
    if "transparency" in picture.info:  # the one value that is transparent
        grey.putalpha(Image.fromarray(np.where(values == picture.info["transparency"], np.uint8(0), np.uint8(255))))
    return grey


def read_square(path, side):
    """A user's photograph as uint8 (side, side, 3): the middle square, scaled. Raises UserError."""
    return np.asarray(ImageOps.fit(open_picture(path), (side, side), Image.Resampling.LANCZOS))


def read_digit(path):
    """A user's digit, dark on light or light on dark, as MNIST shows digits: uint8 (28, 28), light on black.

    As in MNIST the digit is scaled to fit 20 x 20 pixels and its centre of mass is put in the middle (LeCun et al.
    1998, section III.A). Raises UserError when the file is no picture or nothing is drawn on it.
    """
    picture = open_picture(path).convert("L")
    picture.thumbnail((400, 400))
    grey = np.asarray(picture, "float32")
    edge = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    ink = np.abs(grey - np.median(edge))
    if ink.max() < 30:
        raise UserError(f"{path} shows no digit: nothing in it stands out from the background")
    ink[ink < _otsu_threshold(ink)] = 0
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    box = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    digit = Image.fromarray((255 * box / box.max()).astype("uint8"))
    scale = 20 / max(digit.size)
    digit = digit.resize([max(1, round(side * scale)) for side in digit.size], Image.Resampling.LANCZOS)
    pixels = np.asarray(digit, "float32")
    pixels *= 255 / pixels.max()
    canvas = np.zeros((28, 28), "uint8")
    height, width = pixels.shape
    weights = pixels / pixels.sum()
    top = round(13.5 - float(weights.sum(axis=1) @ np.arange(height)))
    left = round(13.5 - float(weights.sum(axis=0) @ np.arange(width)))
    top, left = np.clip(top, 0, 28 - height), np.clip(left, 0, 28 - width)
    canvas[top : top + height, left : left + width] = pixels
    return canvas


def _otsu_threshold(values):
    """The threshold that splits `values` into two groups with the least variance inside them (Otsu 1979)."""
    counts, edges = np.histogram(values, bins=128)
    centres = (edges[:-1] + edges[1:]) / 2
    below, total = np.cumsum(counts), counts.sum()
    sums = np.cumsum(counts * centres)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (sums[-1] * below / total - sums) ** 2 / (below * (total - below))
    return centres[np.nanargmax(np.where(np.isfinite(between), between, np.nan))]
