"""Brings a clip of the user into the form that the network knows: an animated GIF, or a folder with its frames."""

import re
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from common.data import images
from common.errors import UserError
from hw3_lstm_text.captions.clips import FRAMES, SIDE

MOST = 2000  # frames of a user's clip
FAINT = 30  # of 255: what stands out by less cannot be seen


def read(path):
    """A clip uint8 (FRAMES, SIDE, SIDE), white on black, of a GIF (a path or an open file) or of a folder of frames.

    Of longer or shorter clips FRAMES are taken at even distances: of a short one some twice. A picture that is not
    square gets margins of its ground. The ground is the grey that most of the edge has, and becomes black; what is
    farthest from it becomes white. Raises UserError with one sentence.
    """
    pictures = _of_folder(path) if isinstance(path, (str, Path)) and Path(path).is_dir() else _of_file(path)
    greys = [np.asarray(picture.convert("L")) for picture in pictures]
    edges = np.concatenate([part for grey in greys for part in (grey[0], grey[-1], grey[:, 0], grey[:, -1])])
    ground = int(np.median(edges))
    square = [
        ImageOps.pad(Image.fromarray(grey), (SIDE, SIDE), Image.Resampling.BILINEAR, color=ground) for grey in greys
    ]
    ink = np.abs(np.stack([np.asarray(each) for each in square]).astype(float) - ground)
    if ink.max() < FAINT:
        raise UserError(f"{path} shows nothing: no pixel stands out from the ground")
    return np.round(255 * ink / ink.max()).astype("uint8")


def chosen(path, n):
    """The numbers of the FRAMES frames to take out of `n`. Raises UserError where there are too few or too many."""
    if n < 2:
        raise UserError(f"{path} is a single picture: nothing moves in it, give a clip of at least 2 frames")
    if n > MOST:
        raise UserError(f"{path} has more than {MOST:,} frames: give a shorter clip, {FRAMES} frames are enough")
    return np.round(np.linspace(0, n - 1, FRAMES)).astype(int)


def _of_file(path):
    with images.reading(path, "clip", "an animated GIF"), Image.open(path, formats=images.FORMATS) as file:
        pictures = []
        images.check_size(file)
        for number in chosen(path, _count(file)):
            file.seek(number)
            pictures.append(images.to_rgb(file))
        return pictures


def _count(file):
    """The frames of an open file, no farther than it matters."""
    n = 0
    try:
        while n <= MOST:
            file.seek(n)
            n += 1
    except EOFError:
        pass
    return n


def _of_folder(folder):
    """The pictures of a folder in the order of their names; frame_10 comes after frame_9."""
    known = {ending for ending, kind in Image.registered_extensions().items() if kind in images.FORMATS}
    files = [path for path in Path(folder).iterdir() if path.suffix.lower() in known and path.name[0] != "."]
    files.sort(key=lambda path: [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", path.name)])
    if not files:
        raise UserError(f"there is no picture in the folder {folder}: give one with the frames of a clip")
    return [images.open_picture(files[number]) for number in chosen(folder, len(files))]
