"""Where the content of a data set comes from: its staged file, its public files, or its built-in sample."""

import hashlib
import shutil
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import filelock
import numpy as np

from common.data.download import fetch
from common.errors import UserError
from common.files import atomic, sha256


class Source(NamedTuple):
    """Where a data set came from. `kind`: "full" or "sample"; `sha256` of the file (of the arrays, for a sample).

    own: whether the user has given it, in place of what the course uses.
    """

    kind: str
    path: Path | str
    sha256: str
    line: str
    own: bool = False


@dataclass(frozen=True)
class Spec:
    """What common/data knows about a data set."""

    title: str  # for people
    file: str  # its name in the data folder
    remotes: tuple  # the public files
    convert: Callable  # (paths of the downloaded files, path to write): makes the staged layout
    read: Callable  # path -> arrays, or a text; ValueError with the reason when the content is wrong
    sample: Callable  # () -> arrays, or a text
    sample_title: str
    names: tuple = ()  # of the classes
    sample_names: tuple = ()  # where they are others
    folder: str = ""  # of this name in the data folder, which may take the place of the file


def copy(files, path):
    """A `convert` for a public file that already has the staged layout."""
    shutil.copyfile(files[0], path)


def source_of(spec, path, content):
    """The source of what was read from `path`, or of the sample; content: arrays, bytes or Wires."""
    if path and path.is_file():
        digest = sha256([path])
    else:
        joined = hashlib.sha256()
        for part in content:
            if isinstance(part, np.ndarray):
                joined.update(part.reshape(-1).data)  # no copy of what is mapped from a file
            else:
                joined.update(part if isinstance(part, bytes) else part.tobytes())
        digest = joined.hexdigest()
    if path:
        return Source("full", path, digest, f"{spec.title} from {path}")
    return Source("sample", "built in", digest, f"the BUILT-IN SAMPLE, {spec.sample_title}")


def path_of(spec, config):
    """The file to read, or None for the sample; a note says why if it was not asked for."""
    if config.data == "sample":
        return None
    try:
        return _find(spec, Path(config.data_dir))
    except UserError as error:
        if config.data == "full":
            raise
        print(f"note: {error}", file=sys.stderr)
        return None


def _find(spec, folder):
    """The path of the staged file, downloaded first if need be; UserError says how to stage it."""
    path = folder / spec.file
    if spec.folder and not path.exists() and (folder / spec.folder).is_dir():
        return folder / spec.folder
    if path.exists():
        return path
    stage = f"put {spec.file} into {folder}"
    if not spec.remotes:
        raise UserError(f"{spec.title} cannot be downloaded: {stage}, or use --data sample")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder / f".{spec.file}.lock"):
            if path.exists():  # another process has downloaded it while this one waited
                return path
            print(f"{spec.file} is not in {folder}: downloading it", file=sys.stderr, flush=True)
            work = folder / f".{spec.file}.download"  # what a killed process left there is removed
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir()
            try:
                files = [fetch(remote, work) for remote in spec.remotes]
                with atomic(path) as part:
                    spec.convert(files, part)
                    read(spec, part, downloaded=True)
            finally:
                shutil.rmtree(work, ignore_errors=True)
    except UserError as error:
        raise UserError(f"{error}; {stage}, or use --data sample") from None
    except OSError as error:
        raise UserError(f"cannot write to the data folder {folder} ({error.strerror}): {stage} as its owner") from None
    return path


def read(spec, path, downloaded=False):
    try:
        return spec.read(path)
    except (UserError, ValueError, KeyError, OSError, EOFError, NotImplementedError, zipfile.BadZipFile) as error:
        reason = str(error).strip("'\"").splitlines()[0] if str(error) else type(error).__name__
        if downloaded:  # into a file that is gone by now
            reason = reason.removeprefix(f"{path} ")
            raise UserError(f"what was downloaded for {spec.file} is broken: {reason}") from None
        if isinstance(error, UserError):
            raise
        again = ", or delete it to download it again" if spec.remotes else ""
        raise UserError(f"{path} is broken: {reason}; replace it{again}") from None
