"""Files that appear under their name only when whole: written beside it, flushed to disk, then renamed."""

import contextlib
import csv
import hashlib
import json
import os
import time
from pathlib import Path

WINDOWS = os.name == "nt"
WINDOWS_PAUSES = (0.1, 0.3, 0.6, 1)  # seconds


@contextlib.contextmanager
def atomic(path):
    """Yield a temporary path in the same folder; rename it to `path` on success, remove it on any error.

    The name is fixed, so that what a killed process left behind is overwritten by the next attempt, and keeps
    the ending, because Keras and NumPy look at it. One writer at a time: the run holds a lock on its folder.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".part-{path.name}")
    try:
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        _rename(part, path)
    except BaseException as error:
        part.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(path)  # a full disk does not say which file it had no room for
        raise
    with contextlib.suppress(OSError):  # not every file system can flush a folder
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _rename(part, path):
    """Rename `part` to `path`. On Windows whoever has `path` open forbids it: a virus scanner or an indexer does for a
    moment, so it is tried for two seconds."""
    for pause in (*WINDOWS_PAUSES, None):
        try:
            part.replace(path)
            return
        except PermissionError:
            if pause is None or not WINDOWS:
                raise
            time.sleep(pause)


def write_json(path, content):
    """Write `content` as indented UTF-8 JSON.

    The name of a folder may be bytes that are no text, which Python holds as lone surrogates and UTF-8 does not have:
    they are written as \\udc80, JSON's own escape, so that reading gives the same name.
    """
    with atomic(path) as part:
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        part.write_text(text, encoding="utf-8", errors="backslashreplace")


def write_csv(path, rows, encoding="utf-8"):
    """Write a list of dicts as CSV; the columns are the keys in order of first appearance.

    encoding: "utf-8-sig" for what is opened in Excel on Windows, which needs the mark to see that it is UTF-8.
    """
    columns = list(dict.fromkeys(key for row in rows for key in row))
    with atomic(path) as part, part.open("w", newline="", encoding=encoding) as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def sha256(paths):
    """The hash of the files' bytes, one after the other."""
    digest = hashlib.sha256()
    for path in paths:
        with Path(path).open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
