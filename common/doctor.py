"""Says what is here and what is wrong, as text to paste into a question, without the names of your folders.

    python -m common.doctor

Versions, device, precision, data, free space, the runs in outputs/ beside their bars; then what is wrong, and what to
do. It needs nothing but Python, so that it can say what is missing. Exit status: 0 nothing is wrong, else 1.
"""

import contextlib
import importlib.metadata
import io
import json
import os
import platform
import re
import shutil
import sys
import tempfile
from pathlib import Path

from common import bars, files
from common.errors import UserError
from common.run import streams

ROOT = Path(__file__).resolve().parents[1]
INSTALL = "pip install -r requirements.txt"
DATA_SETS = "mnist", "cifar10", "reuters", "faces"  # and texts
LEAST_GB = 2  # of free space: a run with its checkpoints, and the largest data set while it is downloaded


def data_folder():
    """That of cli.py, which cannot be asked without Keras."""
    given = Path(os.environ.get("HW_DATA_DIR") or ROOT / "data")
    try:
        return given.expanduser()
    except RuntimeError:  # there is no such user; cli.py says so
        return given


def private(text):
    """`text` with words in place of the repository, the data folder, the home folder and the user's name."""
    places = {ROOT: "REPOSITORY", data_folder(): "DATA", Path.home(): "~"}
    for path in sorted(places, key=lambda path: -len(str(path))):  # one may lie in another
        if path == path.parent:  # the home folder in some containers: every path begins with it
            continue
        text = text.replace(str(path), places[path])
    user = re.escape(Path.home().name)
    return re.sub(rf"(?<=[/\\]){user}(?![\w.-])", "USER", text) if user else text


def versions(wrong):
    """Lines about Python, the system, and the packages of requirements.txt."""
    inside = "in" if sys.prefix != sys.base_prefix else "NOT in"
    yield f"Python {platform.python_version()}, {inside} a virtual environment, {platform.platform()}"
    found, missing = [], []
    wanted = re.findall(r"^([\w-]+)>=([\d.]+)", (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)
    for name, least in [*wanted, ("jax", "0")]:
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            missing += [name] if name not in ("tensorflow", "jax") else []  # Keras says which of these it wants
            continue
        found.append(f"{name} {version}")
        has, wants = ([int(number) for number in re.findall(r"\d+", each)[:3]] for each in (version, least))
        if has < wants:
            wrong.append(f'{name} {version} is older than {least}: pip install --upgrade "{name}>={least}"')
    yield f"packages: {', '.join(found) or 'none'}"
    if missing:
        wrong.append(f"{', '.join(missing)} not installed: activate the environment that has them, or {INSTALL}")


def devices(wrong):
    """Lines about the backend, the device, and the precision as measured for each kind of layers."""
    try:
        device, speed = importlib.import_module("common.run.device"), importlib.import_module("common.run.speed")
        visible, lines = os.environ.get("CUDA_VISIBLE_DEVICES"), {}
        for layers in speed.LAYERS:
            lines[f"device: {device.setup(layers=layers).line}"] = None
            if visible is None:  # `setup` hides the GPUs that it does not choose
                os.environ.pop("CUDA_VISIBLE_DEVICES", None)
        yield from lines
    except (UserError, SystemExit) as error:  # SystemExit: the backend is missing
        wrong.append(str(error).removeprefix("error: "))
    except Exception as error:
        wrong.append(f"Keras cannot be used ({type(error).__name__}: {error}): {INSTALL}")


def data(wrong):
    """Lines about the staged files: their hashes beside those of the public files, and whether they can be read."""
    folder, missing = data_folder(), 0
    try:
        load = importlib.import_module
        source, texts = load("common.data.source"), load("common.data.texts").TEXTS
        specs = [*(load(f"common.data.{name}").SPEC for name in DATA_SETS), *texts.values()]
    except ImportError as error:
        wrong.append(f"the data cannot be looked at ({error}): {INSTALL}")
        return
    for spec in specs:
        places = [folder / spec.file, folder / (spec.folder or spec.file)]
        # Path.exists raises below a closed folder
        path = next((place for place in places if os.access(place, os.F_OK)), None)
        if not path:
            yield f"data: {spec.file} is not there"
            missing += 1
            continue
        try:
            digest = files.sha256([path]) if path.is_file() else None
            public = spec.remotes[0].hash if spec.remotes and spec.convert is source.copy else None  # else: converted
            if public and public == f"sha256:{digest}":
                yield f"data: {path.name}, SHA-256 {digest[:16]}, as published"
                continue
            with contextlib.redirect_stdout(io.StringIO()) as notes:
                source.read(spec, path)
            beside = f", not the public file, which has {public[7:23]}" if public else ""
            yield f"data: {path.name}, {f'SHA-256 {digest[:16]}' if digest else 'a folder'}, can be read{beside}"
            yield from notes.getvalue().splitlines()
        except (UserError, OSError) as error:
            yield f"data: {path.name} CANNOT BE READ"
            wrong.append(str(error))
    if missing == len(specs):
        wrong.append(f"there are no data in {folder}: train.py --data full downloads them; or put the files there")


def space(wrong):
    """Lines about the folders that are written to: the room in them, and whether they can be written to."""
    for name, folder in (("outputs", ROOT / "outputs"), ("data folder", data_folder())):
        there = next((path for path in (folder, *folder.absolute().parents) if os.access(path, os.F_OK)), None)
        if not there:
            wrong.append(f"{folder} is on a drive that is not there: set HW_DATA_DIR to another folder")
            continue
        free = shutil.disk_usage(there).free / 1e9
        yield f"{name}: {free:.1f} GB free"
        if free < LEAST_GB:
            wrong.append(f"{folder} has {free:.1f} GB left, {LEAST_GB} are needed: delete what you need no more")
        try:
            tempfile.TemporaryFile(dir=there).close()
        except OSError as error:
            if name == "outputs" or not any(folder.glob("*.*")):  # a lab's data folder need only be read
                wrong.append(f"{there} cannot be written to ({error.strerror}): copy the repository to where you may")


def runs(_):
    """A line for each run in outputs/: what it reached beside its bar."""
    for config in sorted((ROOT / "outputs").glob("*/config.json")):
        try:
            metrics = json.loads((config.parent / "metrics.json").read_text(encoding="utf-8"))
            bar, full = bars.FULL.get(metrics["task"]), metrics["data"] != "sample"
            line = bar.sentence(metrics, judged=full) if bar else "no bar for this data and model"
        except FileNotFoundError:
            line = "stopped before its end: train.py --resume goes on"
        except (OSError, ValueError, LookupError, TypeError) as error:
            line = f"its metrics.json cannot be read ({error!r}): train again"
        yield f"run {config.parent.name}: {line}"


def main():
    """Print the lines of every part as they come, then what is wrong; the exit status."""
    streams.prepare()
    wrong = []
    for part in (versions, devices, data, space, runs):
        for line in part(wrong):
            print(private(line), flush=True)
    print(*("", "WRONG:", *(f"- {private(each)}" for each in wrong)) if wrong else ("", "nothing is wrong"), sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
