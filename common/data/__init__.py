"""The only place that knows where data lives: staged files, the public downloads, the built-in samples, own texts.

For each data set the order is: 1. the staged file in the data folder (--data-dir, else HW_DATA_DIR, else data/ in
the repository), 2. the download, kept in the data folder in the same layout, 3. the built-in sample.
`--data full` never takes the sample; `--data sample` takes nothing else. A staged file that is broken is an error,
never a reason to take the next source. A data set has a module of its name here, with
its SPEC; texts are in texts.py.
"""

import importlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from common.data.source import Source, path_of, read, source_of
from common.errors import UserError


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


def load(name, config, own=None):
    """The data set `name` ("mnist") as a Dataset, from the first source that has it.

    config: a namespace with data ("auto", "full", "sample"), data_dir (Path), limit (number of training examples, or
    None) and seed. The examples that --limit keeps are drawn from the seed. own: the path of the user's own data, in
    place of what is staged. Raises UserError with one sentence when the data cannot be had or is broken.
    """
    spec = importlib.import_module(f"common.data.{name}").SPEC  # only what this data set needs
    if own and config.data != "sample":
        spec, path = replace(spec, title=f"the {name}", remotes=()), Path(own)
        if not path.exists():
            raise UserError(f"there is no {path}: check the name that was given")
    else:
        path = path_of(spec, config)
    arrays = read(spec, path) if path else spec.sample()
    source = source_of(spec, path, arrays)._replace(own=bool(own) and config.data != "sample")
    names = spec.names if path else spec.sample_names or spec.names
    dataset = Dataset(*arrays, source, names)
    if config.limit and config.limit < len(dataset.x_train):
        keep = np.random.default_rng(config.seed).permutation(len(dataset.x_train))[: config.limit]
        dataset = replace(dataset, x_train=dataset.x_train[keep], y_train=dataset.y_train[keep])
    if len(dataset.x_train) < 12:
        few = f"--limit {config.limit} leaves" if config.limit else f"{source.path} has"
        raise UserError(f"{few} too few examples to train and validate on: give at least 12")
    line = f"{source.line}, {len(dataset.x_train):,} training and {len(dataset.x_test):,} test examples"
    return replace(dataset, source=source._replace(line=line))
