"""One folder for all that the grader needs only while it runs, gone with it, at the next start at the latest."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path

PREFIX, LOCK = "grade-", "in-use"


@contextlib.contextmanager
def workplace():
    """While it is open, temporary files and folders of this process are made in a folder of its own.

    A grader that is killed cannot remove its folder; the kernel then gives up the lock in it, and the next one does.
    """
    outer = tempfile.tempdir
    _sweep(Path(tempfile.gettempdir()))
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:
        with (folder / "starting").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            (folder / "starting").rename(folder / LOCK)  # nobody sees the lock before it is held
            tempfile.tempdir = str(folder)
            yield
    finally:
        tempfile.tempdir = outer
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(folder):
    """Remove what killed graders of this user have left in `folder`."""
    for path in folder.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if path.is_symlink() or path.stat().st_uid != os.getuid():
                continue
            with (path / LOCK).open() as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
