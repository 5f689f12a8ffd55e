"""What students hand in: a folder or a zip each, in whatever state; nothing outside of it is ever read or written.

A submission is a copy of the repository with its outputs/, or just outputs/ and, where it was changed, a homework's
model.py; it may lie one folder deeper. A run in outputs/ belongs to the homework that its config.json names, else to
the one that its folder is called after. Links are not followed.
"""

import json
import os
import re
import shutil
import stat
import unicodedata
import zipfile
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from common import bars
from common.grading.scorers import HOMEWORKS
from common.grading.weights import Refused

FILES = {  # that are read, and the most bytes of each
    "model.keras": 300 << 20,
    "config.json": 1 << 20,
    "words.npz": 32 << 20,
    "characters.json": 1 << 20,
    "model.py": 1 << 20,
}
MOST_BYTES, MOST_FILES = 2 << 30, 20_000  # that a zip may unpack to
MOST_FOLDERS = 60  # into each other: Python's own tools for removing folders end at some hundred
TABLES = (".xlsx", ".xls", ".ods", ".csv")  # of names, beside the submissions
OLD = {"previous", "checkpoint"}  # folders of a run that are not its result


class Run(NamedTuple):
    """A run that was handed in: its folder, the folder that stands for the repository, and a remark or ""."""

    folder: Path
    base: Path
    remark: str


def entries(folder):
    """(the submissions in a folder, what is none of them), both by name.

    None of them: what the system or a spreadsheet leaves there, and the teacher's own lists.
    """
    paths = sorted(folder.iterdir(), key=lambda path: path.name)
    return [path for path in paths if not _is_no_submission(path)], [path for path in paths if _is_no_submission(path)]


def _is_no_submission(path):
    name = path.name.lower()
    return name.startswith((".", "~$")) or name in ("thumbs.db", "desktop.ini") or name.endswith(TABLES)


def shown(name):
    """A name of a file as text that can be printed and written anywhere."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)


def safe_names(names):
    """A name for a report per name: letters, digits, . _ - and no two alike, whatever the case."""
    found = []
    for name in names:
        base = re.sub(r"[^\w.-]+", "_", unicodedata.normalize("NFKC", shown(name))).strip("._")[:60] or "student"
        taken, number = {other.casefold() for other in found}, 1
        candidate = base
        while candidate.casefold() in taken:
            number += 1
            candidate = f"{base}-{number}"
        found.append(candidate)
    return found


def opened(path, work):
    """The folder of the submission `path`; a zip is unpacked into `work`. Raises Refused."""
    if path.is_symlink():
        raise Refused("the submission is a link: hand in the folder or zip itself")
    if path.is_dir():
        return path
    if path.is_file() and zipfile.is_zipfile(path):
        try:
            _check_directory(path)
            _unpack(path, work)
        except Refused:
            raise
        except Exception as error:  # zipfile lets through what each compression and each encoding raises
            raise Refused(f"the zip cannot be unpacked ({str(error)[:200] or type(error).__name__})") from None
        return work
    raise Refused("the submission is neither a folder nor a zip")


def _check_directory(path):
    """Refuse a zip whose table of contents alone would fill the memory: zipfile reads it whole."""
    with path.open("rb") as file:
        file.seek(-min(path.stat().st_size, (1 << 16) + 22), os.SEEK_END)
        size = file.read().rpartition(b"PK\5\6")[2][8:12]
    if int.from_bytes(size, "little") > MOST_FILES * 200:
        raise Refused("the zip has too many files: hand in outputs/ and your model.py alone")


def _unpack(path, work):
    """Unpack the files that are read, after a look at all of them."""
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
        total = sum(info.file_size for info in infos)
        if total > MOST_BYTES or len(infos) > MOST_FILES:
            raise Refused(f"the zip unpacks to {total:,} bytes in {len(infos):,} files: that is not opened")
        places = [(info, PurePosixPath(info.filename.replace("\\", "/"))) for info in infos]
        for info, place in places:
            if place.is_absolute() or ".." in place.parts or ":" in info.filename[:2]:
                raise Refused(f"the zip wants to write outside of its folder, to {shown(info.filename)[:100]!r}")
            if len(place.parts) > MOST_FOLDERS:
                raise Refused(f"the zip holds folders {len(place.parts):,} levels deep: that is not opened")
            if stat.S_ISLNK(info.external_attr >> 16):
                raise Refused(f"the zip holds a link, {shown(info.filename)[:100]!r}")
            if info.file_size > (10 << 20) and info.file_size > 200 * info.compress_size:
                raise Refused(f"the zip holds a bomb, {shown(info.filename)[:100]!r} of {info.file_size:,} bytes")
        for info, place in places:
            if place.name in FILES and not OLD & {*place.parts} and not info.is_dir():
                target = work / place
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(info) as source, target.open("wb") as copy:
                    shutil.copyfileobj(source, copy)


def runs(root):
    """{homework of common/bars.py: Run} of an opened submission.

    Of several runs of one that in outputs/<homework> counts, else the first by name.

    Raises Refused.
    """
    found = {}
    if (root / "outputs").is_symlink():
        raise Refused("outputs is a link: links are not followed")
    for base in (root, *_folders(root)):
        outputs = base / "outputs"
        folders = _folders(outputs) if outputs.is_dir() else []
        for folder in sorted(folders, key=lambda folder: folder.name not in HOMEWORKS):
            _add(found, folder, base, root)
    if not found:  # handed in without the folder outputs/
        for folder in (root, *_folders(root)):
            if (folder / "model.keras").exists():
                _add(found, folder, root, root)
    return found


def _folders(root):
    return sorted(path for path in root.iterdir() if path.is_dir() and path.name not in OLD)


def _add(found, folder, base, root):
    homework, variant, remark = identify(folder, root)
    if homework:
        found.setdefault(f"{homework}/{variant}" if variant else homework, Run(folder, base, remark))


def identify(folder, root):
    """(homework, variant or None, remark) of the run in `folder`; homework is None where nothing tells.

    This only says what the student means to hand in: the figures do not depend on it.
    """
    try:
        config = json.loads(read(folder / "config.json", root))
        options, kind = config["options"], config["data"]["kind"]
        homework = options["homework"]
        variant = HOMEWORKS[homework].variant(options)
    except (Refused, OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError):
        homework = folder.name if folder.name in HOMEWORKS else None
        variants = [task.partition("/")[2] for task in bars.FULL if task.partition("/")[0] == homework]
        return homework, variants[0] if variants else None, ""
    return homework, variant, "by its config.json trained on the built-in sample" if kind == "sample" else ""


def read(path, root):
    """The bytes of a file below `root`, links on the way refused, and what is larger than FILES allows."""
    if path.resolve() != root.resolve() / path.relative_to(root):
        raise Refused(f"{shown(path.name)} is a link, or lies behind one: links are not followed")
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise Refused(f"{path.name} is not a file")
        if status.st_size > FILES[path.name]:
            raise Refused(f"{path.name} has {status.st_size:,} bytes: that is not read")
        return file.read(FILES[path.name])


def take(run, homework, root, folder):
    """Copy what is needed of a run into the new folder `folder`, where nothing else of the student is; or Refused."""
    folder.mkdir()
    folder.chmod(0o755)  # the model may run as another user
    if not (run.folder / "model.keras").exists():
        raise Refused("there is no model.keras: the training has not finished")
    sources = [run.folder / name for name in ("model.keras", *HOMEWORKS[homework].files)]
    codes = [run.base / homework / "model.py", run.folder / "model.py", run.base / "model.py"]
    for source in (*sources, *[code for code in codes if code.exists()][:1]):
        try:
            (folder / source.name).write_bytes(read(source, root))
        except OSError as error:
            raise Refused(f"{source.name} cannot be read ({error.strerror})") from None
        (folder / source.name).chmod(0o644)
