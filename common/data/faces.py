"""Reads anime faces from an archive or a folder of pictures, once, whatever else lies among them.

Pictures are JPEG, PNG or WebP of any size, in any folder; the middle square of each is scaled to 64 x 64. Pictures of
all modes become RGB, as images.to_rgb has it; of animated ones the first frame is taken.
What cannot be used is passed over and counted. Nothing of an archive is unpacked to disk.
"""

import collections
import contextlib
import glob
import hashlib
import io
import os
import stat
import warnings
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import filelock
import numpy as np
from PIL import Image, ImageOps

from common.data import sample_faces
from common.data.download import Remote
from common.data.images import MOST_PIXELS, to_rgb
from common.data.source import Spec, copy
from common.files import atomic

SIDE = 64
TEST_SHARE = 0.1  # the last faces are for testing
ENDINGS = (".jpg", ".jpeg", ".png", ".webp")
FORMATS = ("JPEG", "PNG", "WEBP")
FEWEST = 20  # pictures
SMALLEST_SIDE = 32  # pixels; a smaller picture shows no face
MOST_BYTES = 50_000_000  # of a file
TOGETHER, BYTES_TOGETHER = 2000, 256_000_000  # files that are read before they are decoded side by side


class Unusable(Exception):
    """Why a file is passed over, in a few words."""


def read(path):
    """x_train uint8 (n, 64, 64, 3), y_train uint8 (n,) of zeros (faces have no classes), x_test, y_test.

    path: a .zip or a folder. The decoded faces are kept beside it and mapped into memory, where that folder can be
    written to. Prints what was passed over. Raises ValueError when fewer than 20 pictures can be used.
    """
    path = Path(path).absolute()
    name = path.name.removeprefix(".part-")  # a download is checked before it gets its name
    cache = path.with_name(f".{name}-{_fingerprint(path)}.faces")
    remark = cache.with_suffix(".txt")
    try:
        if not cache.exists():
            with filelock.FileLock(path.with_name(f".{name}-decoding.lock")):  # another process may be at it
                if not cache.exists():
                    before = f".{glob.escape(name)}-{'[0-9a-f]' * 16}.*"  # of what it held before
                    for old in cache.parent.glob(before):
                        if old.suffix in (".faces", ".txt"):
                            old.unlink()
                    with atomic(cache) as part:
                        with part.open("wb") as file:
                            skipped = decode(path, file.write)
                        remark.write_text(summary(skipped), encoding="utf-8")
        faces, text = np.memmap(cache, "uint8", "r"), remark.read_text(encoding="utf-8")
    except OSError:  # a folder that belongs to somebody else, or has no room left
        decoded = []
        text = summary(decode(path, decoded.append))
        faces = np.frombuffer(b"".join(decoded), "uint8")
    if text:
        print(f"note: {path}: {text}")
    return split(faces.reshape(-1, SIDE, SIDE, 3))


def split(faces):
    """x_train, y_train, x_test, y_test; the last tenth is for testing."""
    cut = len(faces) - max(1, int(len(faces) * TEST_SHARE))
    labels = np.zeros(len(faces), "uint8")
    return faces[:cut], labels[:cut], faces[cut:], labels[cut:]


def _together(names, open_file):
    """(names, contents or Unusable) of some files at a time: not more of them than memory can hold."""
    some, contents, size = [], [], 0
    for name in names:
        content = _attempt(_content, name, open_file)
        some.append(name)
        contents.append(content)
        size += 0 if isinstance(content, Unusable) else len(content)
        if len(some) == TOGETHER or size > BYTES_TOGETHER:
            yield some, contents
            some, contents, size = [], [], 0
    yield some, contents


def decode(path, write):
    """Give each different picture in `path` to `write`, as the bytes of uint8 (64, 64, 3), in an order drawn once.

    It is drawn because names often follow years or artists. Returns {why: [names]} of the files passed over.
    """
    skipped, seen = collections.defaultdict(list), set()
    reader = _archive if path.is_file() else _folder
    with reader(path) as (found, open_file), ThreadPoolExecutor(os.cpu_count()) as pool:
        names = [found[i] for i in np.random.default_rng(0).permutation(len(found))]
        for some, contents in _together(names, open_file):
            # Pillow decodes and scales outside of Python's lock
            for name, face in zip(some, pool.map(lambda content: _attempt(_face, content), contents), strict=True):
                if isinstance(face, Unusable):
                    skipped[str(face)].append(name)
                elif (digest := hashlib.sha256(face).digest()) in seen:
                    skipped["the same as another"].append(name)
                else:
                    seen.add(digest)
                    write(face)
    if len(seen) < FEWEST:
        kinds = ", ".join(ENDINGS)
        text = f"it holds {len(seen)} pictures that can be used ({kinds}), at least {FEWEST} are needed"
        raise ValueError(f"{text}; {summary(skipped)}" if skipped else text)
    return skipped


def summary(skipped, examples=2):
    """One sentence about {why: [names]}, the most frequent reason first; "" when there are none."""
    if not skipped:
        return ""
    reasons = []
    for why, names in sorted(skipped.items(), key=lambda item: -len(item[1])):
        shown = ", ".join(names[:examples]) + (", ..." if len(names) > examples else "")
        reasons.append(f"{len(names):,} {why} ({shown})")
    n = sum(map(len, skipped.values()))
    text = f"{n:,} {'files' if n > 1 else 'file'} skipped: {'; '.join(reasons)}"
    return text.encode("utf-8", "backslashreplace").decode()  # names of other encodings


def _attempt(function, argument, *more):
    """What `function` returns, or the Unusable that it raises; an Unusable argument is handed on."""
    if isinstance(argument, Unusable):
        return argument
    try:
        return function(argument, *more)
    except Unusable as reason:
        return reason
    except Exception:  # damaged content makes zipfile and Pillow raise errors of many kinds
        return Unusable("cannot be read")


@contextlib.contextmanager
def _archive(path):
    """(sorted names of its files, function name -> open file)."""
    with zipfile.ZipFile(path) as archive:
        yield sorted({name for name in archive.namelist() if not name.endswith("/")}), archive.open


@contextlib.contextmanager
def _folder(path):
    """The same of a folder. Links to folders are not followed: they may lead round in a circle."""

    def open_file(name):
        if not stat.S_ISREG((path / name).stat().st_mode):  # reading a pipe would wait for ever
            raise Unusable("not a regular file")
        return (path / name).open("rb")

    yield _names(path), open_file


def _names(folder):
    """The files in `folder` and below, as sorted relative names."""
    found = [Path(inside, name) for inside, _, names in os.walk(folder) for name in names]
    return sorted(str(name.relative_to(folder)) for name in found)


def _fingerprint(path):
    """16 hex digits that change with the archive, or with any file of the folder."""
    names = [""] if path.is_file() else _names(path)
    status = [(name, (path / name).lstat()) for name in names]
    listed = [(name, each.st_size, each.st_mtime_ns) for name, each in status]
    return hashlib.sha256(repr((SIDE, listed)).encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _content(name, open_file):
    """The bytes of a file. Raises Unusable."""
    if not name.lower().endswith(ENDINGS):
        raise Unusable("not named like a picture")
    if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/"):
        raise Unusable("with a path that points outside")
    with open_file(name) as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise Unusable(f"larger than {MOST_BYTES // 1_000_000} MB")
    return content


def _face(content):
    """The bytes of a uint8 array (64, 64, 3): the middle square of the picture in `content`. Raises Unusable."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Pillow, about sizes and damaged tags: what matters is checked here
        try:
            image = Image.open(io.BytesIO(content), formats=FORMATS)
        except Image.DecompressionBombError:
            raise Unusable(f"of more than {MOST_PIXELS // 1_000_000} million pixels") from None
        with image:
            if image.width * image.height > MOST_PIXELS:
                raise Unusable(f"of more than {MOST_PIXELS // 1_000_000} million pixels")
            if min(image.size) < SMALLEST_SIDE:
                raise Unusable(f"smaller than {SMALLEST_SIDE} pixels")
            image.draft("RGB", (2 * SIDE, 2 * SIDE))  # a large JPEG is decoded at a fraction of its size
            return ImageOps.fit(to_rgb(image), (SIDE, SIDE), Image.Resampling.LANCZOS).tobytes()


SPEC = Spec(
    title="anime faces",
    file="anime_faces.zip",
    remotes=(
        Remote(
            "anime_faces.zip",
            (
                "https://huggingface.co/datasets/huggan/anime-faces/resolve/"
                "67ebcf8c69b45feb3883d695f04227078a6c9da9/data.zip",
            ),
            "sha256:b50c3f2e1bbad0d119f8c5748a0d01138cb56152fb8997ce5c8b139129bf3c23",
        ),
    ),
    convert=copy,
    read=read,
    sample=sample_faces.faces,
    sample_title="drawn faces",
    names=("face",),
    folder="anime_faces",
)
