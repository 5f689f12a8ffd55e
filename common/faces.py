"""Anime faces: reads the archive of pictures once, and draws faces for machines that have none.

The archive (`anime_faces.zip`) holds pictures of any size in any folder; they are cropped square and scaled to 64 x 64.
"""

import hashlib
import io
import os
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from common.files import atomic

SIDE = 64
TEST_SHARE = 0.1  # the last faces are for testing
ENDINGS = (".jpg", ".jpeg", ".png", ".webp")


def read(path):
    """x_train uint8 (n, 64, 64, 3), y_train uint8 (n,) of zeros (faces have no classes), x_test, y_test.

    The decoded faces are kept beside the archive as a memory map, where the folder can be written to; without doubles.
    """
    path = Path(path)
    status = path.stat()
    cache = path.with_name(f".{path.stem}-{status.st_size}-{status.st_mtime_ns}.npy")
    if cache.exists():
        return split(np.load(cache, mmap_mode="r"))
    faces = decode(path)
    try:
        with atomic(cache) as part, part.open("wb") as file:
            np.save(file, faces)
    except OSError:  # a data folder that belongs to somebody else
        return split(faces)
    return split(np.load(cache, mmap_mode="r"))


def split(faces):
    cut = len(faces) - max(1, int(len(faces) * TEST_SHARE))
    labels = np.zeros(len(faces), "uint8")
    return faces[:cut], labels[:cut], faces[cut:], labels[cut:]


def decode(path):
    """All different pictures of the archive in the order of their names, uint8 (n, 64, 64, 3)."""
    with zipfile.ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if name.lower().endswith(ENDINGS))
        contents = {}
        for name in names:
            content = archive.read(name)
            contents.setdefault(hashlib.sha256(content).digest(), content)
    if len(contents) < 20:
        raise ValueError(f"it holds {len(contents)} pictures ({', '.join(ENDINGS)}), at least 20 are needed")
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # Pillow decodes outside of Python's lock
        return np.stack(list(pool.map(_decode, contents.values())))


def _decode(content):
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(ImageOps.fit(image.convert("RGB"), (SIDE, SIDE), Image.Resampling.LANCZOS))


def sample(n_train=1800, n_test=200):
    """Faces drawn from a seed: head, hair, two eyes and a mouth, in changing places and colours."""
    rng = np.random.default_rng(0)
    faces = np.stack([_face(rng) for _ in range(n_train + n_test)])
    labels = np.zeros(len(faces), "uint8")
    return faces[:n_train], labels[:n_train], faces[n_train:], labels[n_train:]


def _face(rng, zoom=3):
    def colour(low, high):
        return tuple(int(value) for value in rng.integers(low, high, 3))

    side = SIDE * zoom
    image = Image.new("RGB", (side, side), colour(120, 256))
    draw = ImageDraw.Draw(image)
    x, y = side / 2 + rng.normal(0, 4 * zoom, 2)
    width, height = rng.uniform(17, 22, 2) * zoom
    hair, skin, eye = colour(20, 256), (255, int(rng.integers(205, 235)), int(rng.integers(170, 215))), colour(20, 200)

    def ellipse(dx, dy, rx, ry, fill):
        draw.ellipse((x + dx - rx, y + dy - ry, x + dx + rx, y + dy + ry), fill=fill)

    long = rng.random() < 0.6
    ellipse(0, -0.15 * height, 1.35 * width, 1.25 * height, hair)
    if long:
        draw.rectangle((x - 1.35 * width, y - 0.15 * height, x + 1.35 * width, side), fill=hair)
    ellipse(0, 0.1 * height, width, height, skin)
    fringe = rng.uniform(0.25, 0.55)
    draw.pieslice((x - 1.05 * width, y - height, x + 1.05 * width, y + fringe * height), 180, 360, fill=hair)
    gap, low = rng.uniform(0.38, 0.5) * width, rng.uniform(0.1, 0.3) * height
    for one in (-1, 1):
        ellipse(one * gap, low, 0.27 * width, 0.28 * height, (255, 255, 255))
        ellipse(one * gap, low, 0.2 * width, 0.25 * height, eye)
        ellipse(one * gap - 0.06 * width, low - 0.08 * height, 0.07 * width, 0.07 * height, (255, 255, 255))
    ellipse(0, 0.72 * height, rng.uniform(0.08, 0.22) * width, rng.uniform(0.03, 0.1) * height, (200, 80, 90))
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BOX))
