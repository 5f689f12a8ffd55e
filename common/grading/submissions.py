"""What students hand in: a folder or a zip each, in whatever state; nothing outside of it is ever read or written.

A submission is a copy of the repository with its outputs/, or just outputs/ and, where it was changed, a homework's
model.py; it may lie some folders deeper, or in a zip inside of the folder. A run in outputs/ belongs to the homework
that its config.json names, else to the one that its folder is called after; one in a folder that is called after an
exercise, such as outputs/hw1_mnist_mlp_exercise_a, is for that exercise alone. Upper and lower case are the same. Links
are not followed. What looks as if it were meant to be graded and is not opened, is named.
"""

import contextlib
import hashlib
import json
import os
import stat
import zipfile
from collections import deque
from pathlib import Path
from typing import NamedTuple

from common import bars
from common.grading import archives
from common.grading.names import shown
from common.grading.weights import Refused

FILES = {  # that are read, and the most bytes of each
    "model.keras": 300 << 20,
    "config.json": 1 << 20,
    "words.npz": 32 << 20,
    "characters.json": 1 << 20,
    "model.py": 1 << 20,
}
DEPTH, MOST_FOLDERS, MOST_ZIPS = 6, 2_000, 20  # how far runs are looked for
OLD = {"previous", "checkpoint"}  # folders of a run that are not its result
PASSED_OVER = OLD | {"data", "venv", "node_modules", "__pycache__", "__macosx"}
NOT_OPENED = (".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".zipx", ".iso")
LITTER = {"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "__macosx", "$recycle.bin", "system volume information"}
LISTS = (".csv", ".tsv", ".xls", ".xlsx", ".xlsm", ".ods", ".numbers")  # of names or grades


class Run(NamedTuple):
    """A run that was handed in: its folder, the folder that stands for the repository, that below which all of it must
    lie, and a remark or ""."""

    folder: Path
    base: Path
    root: Path
    remark: str


class Survey(NamedTuple):
    """What a folder holds. runs: {key of bars.JUDGED: Run}. zips: list of Path. unknown: phrases for people."""

    runs: dict
    zips: list
    unknown: list


def entries(folder):
    """(submissions, what is none) in a folder, each sorted by name: files of the system and lists are no student's."""
    paths = sorted(folder.iterdir(), key=lambda path: path.name)
    others = [path for path in paths if _is_litter(path.name) or (path.suffix.lower() in LISTS and path.is_file())]
    return [path for path in paths if path not in others], others


def _is_litter(name):
    return name.startswith((".", "~$")) or name.casefold() in LITTER


def opened(path, work):
    """(runs, phrases) of the submission `path`, whose zips are unpacked into the folder `work`.

    runs: {key of bars.JUDGED: Run}; of several of one that in outputs/<homework> counts, else the first by
    name; what lies in a zip comes last. phrases: what was not recognised, for people. Raises Refused.
    """
    if path.is_symlink():
        raise Refused("the submission is a link: hand in the folder or zip itself")
    if path.is_dir():
        found = survey(path)
    elif path.is_file() and (path.suffix.lower() == ".zip" or zipfile.is_zipfile(path)):
        found = Survey({}, [path], [])
    else:
        raise Refused("the submission is neither a folder nor a zip: hand in one of these")
    runs, zips, unknown, left = dict(found.runs), deque(found.zips), [*found.unknown], archives.MOST_BYTES
    for number in range(MOST_ZIPS):
        if not zips:
            break
        archive, place = zips.popleft(), work / f"zip-{number}"
        try:
            left -= archives.unpack(archive, place, _wanted, left)
        except Refused as error:
            if archive == path:
                raise
            unknown.append(f"{shown(archive.name)}, which is not opened: {error}")
            continue
        found = survey(place)
        runs = found.runs | runs
        zips += found.zips
        unknown += found.unknown
    unknown += [f"{shown(archive.name)}, which is one zip too many" for archive in zips]
    if not runs and not unknown:
        names = _names(path) if path.is_dir() else _names(work / "zip-0")
        unknown = [f"{', '.join(map(shown, names[:5]))}{', ...' * (len(names) > 5)}, which is no run"] * bool(names)
    return runs, unknown


def _wanted(place):
    """Whether a member of a zip is unpacked; see archives.unpack."""
    folders = {part.casefold() for part in place.parts[:-1]}
    if any(map(_is_litter, place.parts)):
        return None
    if folders & PASSED_OVER or len(place.parts) - 1 > DEPTH:
        return False if place.name.lower() == "model.keras" else None  # else a zip of these alone would look empty
    return place.name.lower() in FILES or place.suffix.lower() == ".zip"


def _names(folder):
    return sorted(path.name for path in folder.iterdir() if not _is_litter(path.name))


def survey(root):
    """The Survey of a folder and of those in it. Raises Refused or OSError."""
    ranks, zips, unknown = ([], [], []), [], []
    for folder, base in _folders(root):
        names = [path.name for path in folder.iterdir() if path.is_symlink() and not _is_litter(path.name)]
        unknown += [f"{shown(name)}, which is a link: links are not followed" for name in sorted(names)]
        for path in _files(folder):
            if path.suffix.lower() == ".zip":
                zips.append(path)
            elif path.suffix.lower() in NOT_OPENED:
                unknown.append(f"{shown(path.name)}, which is not opened: hand in a folder or a zip")
        if base and folder.parent.parent == base and child(folder, "model.keras"):
            ranks[0].append((folder, base))
        elif child(folder, "model.keras"):  # deeper in outputs/, or handed in without outputs/
            ranks[1].append((folder, base or (folder if folder == root else folder.parent)))
        elif base and folder.parent.parent == base:  # a training that has not ended, or just begun
            ranks[2].append((folder, base))
    runs = {}
    for folder, base in (each for rank in ranks for each in rank):
        task, remark = identify(folder)
        if task:
            runs.setdefault(task, Run(folder, base, root, remark))
        elif child(folder, "model.keras"):
            unknown.append(f"{shown(folder.name)}/model.keras, of which no config.json names a task that has a bar")
    return Survey(runs, zips, unknown)


def models_of(path, work):
    """All model.keras in a folder, in those below and in their zips, or the file `path` itself; as for `opened`."""
    if path.suffix == ".keras":
        return [path]
    opened(path, work)
    folders = [folder for root in (path, work) if root.is_dir() for folder, _ in _folders(root)]
    return [found for folder in folders if (found := child(folder, "model.keras"))]


def _folders(root):
    """Yield (folder, base) of `root` and of the folders in it, nearest first; `base`/outputs is where it lies, or None.

    Links, and what no run lies in, are left out.
    """
    waiting, count = deque([(root, None, 0)]), 0
    while waiting and count < MOST_FOLDERS:
        folder, base, depth = waiting.popleft()
        count += 1
        yield folder, base
        if depth < DEPTH:
            children = [path for path in folder.iterdir() if path.is_dir() and not path.is_symlink()]
            for path in sorted(children, key=lambda path: (path.name.casefold() not in bars.HOMEWORKS, path.name)):
                name = path.name.casefold()
                if name not in PASSED_OVER and not _is_litter(name):
                    waiting.append((path, base or (folder if name == "outputs" else None), depth + 1))


def _files(folder):
    files = [path for path in folder.iterdir() if path.is_file() and not path.is_symlink()]
    return sorted(path for path in files if not _is_litter(path.name))


def child(folder, name):
    """The path of what is called `name` in a folder, in whatever case, or None."""
    exact = folder / name
    if os.path.lexists(exact):
        return exact
    return min((path for path in folder.iterdir() if path.name.casefold() == name.casefold()), default=None)


def identify(folder):
    """(key of bars.JUDGED, remark) of the run in `folder`; the key is None where nothing tells, or it has no bar.

    This only says what the student means to hand in: the metrics do not depend on it.
    """
    exercises = [key for key in bars.EXERCISES if bars.exercise_folder(key) == folder.name.casefold()]
    try:
        config = json.loads(read(child(folder, "config.json") or folder / "config.json", folder))
        task, kind = config["task"], config["data"]["kind"]
    except (Refused, OSError, ValueError, LookupError, TypeError, RuntimeError):
        tasks = [task for task in bars.FULL if task.partition("/")[0] == folder.name.casefold()]
        return next(iter(exercises + tasks), None), ""
    known = [task] if isinstance(task, str) and task in bars.FULL else []
    remark = "by its config.json trained on the built-in sample" if kind == "sample" else ""
    return next(iter(exercises + known), None), remark


def read(path, root):
    """The bytes of a file below `root`, links on the way refused, and what is larger than FILES allows."""
    if path.resolve() != root.resolve() / path.relative_to(root):
        raise Refused(f"{shown(path.name)} is a link, or lies behind one: links are not followed")
    most_bytes = FILES[path.name.lower()]
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise Refused(f"{path.name} is not a file")
        if status.st_size > most_bytes:
            raise Refused(f"{path.name} has {status.st_size:,} bytes: that is not read")
        return file.read(most_bytes)


def take(run, homework, files, folder):
    """Copy what is needed of a Run into the new folder `folder`, where nothing else of the student is; or Refused.

    files: the names that a run of the homework must have beside model.keras.
    """
    folder.mkdir()
    folder.chmod(0o755)  # the model may run as another user
    if not child(run.folder, "model.keras"):
        raise Refused("there is no model.keras: the training has not finished")
    names = ("model.keras", *files)
    sources = {name: child(run.folder, name) or run.folder / name for name in names}
    own = child(run.base, homework)
    places = (own if own and own.is_dir() else None, run.folder, run.base)
    codes = [code for place in places if place and (code := child(place, "model.py"))]
    for name, source in (*sources.items(), *[("model.py", code) for code in codes[:1]]):
        try:
            content = read(source, run.root)
        except OSError as error:
            raise Refused(f"{name} cannot be read ({error.strerror})") from None
        (folder / name).write_bytes(content)  # a disk that is full is no fault of the student
        (folder / name).chmod(0o644)


def fingerprint(path):
    """A SHA-256 of all in a submission that its results can depend on."""
    digest = hashlib.sha256(repr((path.name, path.is_symlink(), path.is_dir())).encode("utf-8", "surrogateescape"))
    files = [path] if path.is_file() and not path.is_symlink() else []
    if path.is_dir() and not path.is_symlink():
        for folder, _ in _folders(path):
            for each in sorted(folder.iterdir()):
                status = each.lstat()
                said = (str(each.relative_to(path)), status.st_mode, status.st_size)
                digest.update(repr(said).encode("utf-8", "surrogateescape"))
                if stat.S_ISREG(status.st_mode) and (each.name.lower() in FILES or each.suffix.lower() == ".zip"):
                    files.append(each)
    for each in files:
        with contextlib.suppress(PermissionError), each.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
