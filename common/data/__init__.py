"""The only place that knows where data lives: staged files, the public downloads, the built-in samples, own texts.

For each data set the order is: 1. the staged file in the data folder (--data-dir, else HW_DATA_DIR, else data/ in
the repository), 2. the download, kept in the data folder in the same layout, 3. the built-in sample.
`--data full` never takes the sample; `--data sample` takes nothing else. A staged file that is broken is an error,
never a reason to take the next source.
"""

import hashlib
import shutil
import sys
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import filelock
import numpy as np

from common.data import corpus
from common.data.download import fetch
from common.data.sources import SPECS, TEXTS
from common.errors import UserError
from common.files import atomic


class Source(NamedTuple):
    """Where a data set came from. `kind`: "full" or "sample"; `sha256` of the file (of the arrays, for a sample)."""

    kind: str
    path: Path | str
    sha256: str
    line: str


@dataclass
class Dataset:
    """Training and test arrays with the examples along the first axis, and their source."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    source: Source
    names: tuple = ()  # of the classes 0, 1, ...

    def validation_split(self, share=1 / 12):
        """(x, y) to train on and (x, y) to validate on: the last `share` of the training examples is held out."""
        cut = len(self.x_train) - max(1, int(len(self.x_train) * share))
        return (self.x_train[:cut], self.y_train[:cut]), (self.x_train[cut:], self.y_train[cut:])


@dataclass
class Corpus:
    """A text as character codes: code i stands for characters[i]. The codes of a large file are a read-only memmap."""

    codes: np.ndarray  # uint8 or uint16 (n,)
    characters: str  # of the whole text, the most frequent first
    kind: str  # "english", "chinese" or "poems"
    x_train: np.ndarray  # the codes of the first 90 %, or the last --limit of them
    x_test: np.ndarray  # the codes of the last 10 %
    source: Source


def load(name, config, own=None):
    """The data set `name` ("mnist") as a Dataset, from the first source that has it.

    config: a namespace with data ("auto", "full", "sample"), data_dir (Path), limit (number of training examples, or
    None) and seed. The examples that --limit keeps are drawn from the seed. own: the path of the user's own data, in
    place of what is staged. Raises UserError with one sentence when the data cannot be had or is broken.
    """
    spec = SPECS[name]
    if own and config.data != "sample":
        spec, path = replace(spec, title=f"the {name}", remotes=()), Path(own)
        if not path.exists():
            raise UserError(f"there is no {path}: check the name that was given")
    else:
        path = _path(spec, config)
    arrays = _read(spec, path) if path else spec.sample()
    source = _source(spec, path, arrays)
    names = spec.names if path else spec.sample_names or spec.names
    dataset = Dataset(*arrays, source, names)
    if config.limit and config.limit < len(dataset.x_train):
        keep = np.random.default_rng(config.seed).permutation(len(dataset.x_train))[: config.limit]
        dataset = replace(dataset, x_train=dataset.x_train[keep], y_train=dataset.y_train[keep])
    if len(dataset.x_train) < 12:
        raise UserError(f"--limit {config.limit} leaves too few examples to train and validate on: give at least 12")
    line = f"{source.line}, {len(dataset.x_train):,} training and {len(dataset.x_test):,} test examples"
    return replace(dataset, source=source._replace(line=line))


def load_text(name, config):
    """A text as a Corpus: a name of TEXTS, or the path of a UTF-8 file or of a folder of .txt files.

    config: as for `load`; data="sample" puts the Chinese sample in place of a Chinese name, the English one in place
    of everything else. x_test is one part, the last 10 % (of poems: whole ones); limit leaves the last characters
    before it. Raises UserError with one sentence when there is no such text or it cannot be used.
    """
    spec = TEXTS.get(str(name))
    if spec is None and config.data != "sample":
        files = corpus.files_of(name, TEXTS)
        codes, characters, kind = corpus.read(files)
        cut = 9 * len(codes) // 10
        source = Source("full", Path(name), corpus.sha256(files), f"the text of {name}")
    else:
        spec = spec or TEXTS["shakespeare"]
        path = _path(spec, config)
        text = _read(spec, path) if path else spec.sample()
        codes, characters, kind = corpus.index(lambda: [text])
        cut = 9 * len(codes) // 10
        if path and str(name) == "tang":
            kind, cut = "poems", text.rfind("\n\n", 0, cut) + 2
        source = _source(spec, path, [text.encode()])
    if len(characters) == 1:
        raise UserError(
            f"{source.path} holds the one character {characters!r} again and again: give a text to learn from"
        )
    x_train, x_test = codes[:cut], codes[cut:]
    if config.limit:
        x_train = x_train[-config.limit :]
    line = (
        f"{source.line}, {len(x_train):,} training and {len(x_test):,} test characters, {len(characters):,} of them "
        "distinct"
    )
    return Corpus(codes, characters, kind, x_train, x_test, source._replace(line=line))


def _source(spec, path, content):
    """The source of what was read from `path`, or of the sample; content: arrays or bytes, hashed without a file."""
    if path and path.is_file():
        sha256 = corpus.sha256([path])
    else:
        digest = hashlib.sha256()
        for part in content:
            digest.update(part if isinstance(part, bytes) else part.tobytes())
        sha256 = digest.hexdigest()
    if path:
        return Source("full", path, sha256, f"{spec.title} from {path}")
    return Source("sample", "built in", sha256, f"the BUILT-IN SAMPLE, {spec.sample_title}")


def _path(spec, config):
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
                    _read(spec, part, downloaded=True)
            finally:
                shutil.rmtree(work, ignore_errors=True)
    except UserError as error:
        raise UserError(f"{error}; {stage}, or use --data sample") from None
    except OSError as error:
        raise UserError(f"cannot write to the data folder {folder} ({error.strerror}): {stage} as its owner") from None
    return path


def _read(spec, path, downloaded=False):
    try:
        return spec.read(path)
    except (UserError, ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        reason = str(error).strip("'\"").splitlines()[0] if str(error) else type(error).__name__
        if downloaded:  # into a file that is gone by now
            reason = reason.removeprefix(f"{path} ")
            raise UserError(f"what was downloaded for {spec.file} is broken: {reason}") from None
        if isinstance(error, UserError):
            raise
        again = ", or delete it to download it again" if spec.remotes else ""
        raise UserError(f"{path} is broken: {reason}; replace it{again}") from None
