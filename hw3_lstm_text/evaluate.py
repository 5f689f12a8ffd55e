"""What a network that writes is worth: what a character of the held-out text costs, how sound is what it writes.

train.py and the grader both call `score`, so that what a student sees is what is graded.
"""

import json
from types import SimpleNamespace

import numpy as np

from common import data
from common.errors import UserError

FILES = ("characters.json",)  # that a run must hold beside model.keras


def load(task, config):
    """The text of a task such as "hw3_lstm_text/tang"; config as for data.load_text."""
    return data.load_text(task.partition("/")[2], config)


def score(predictor, folder, corpus):
    """{metric: value} of a predictor (see common/run/predictor.py). Raises UserError when it is no such network."""
    from hw3_lstm_text import language

    characters = read_characters(folder / "characters.json")
    return language.scores(Reader(predictor, len(characters)), characters, corpus)


class Reader:
    """A predictor in the shape of a Keras model: `inputs`, and `predict_on_batch` for characters and states."""

    def __init__(self, predictor, n_characters):
        shapes = predictor.inputs or []
        if not shapes or any(len(shape) != 2 for shape in shapes) or any(not 0 < (s[1] or 0) < 1e5 for s in shapes[1:]):
            raise UserError(
                "the network does not take characters and the states of its memory, as model.py's reader does"
            )
        self.predictor, self.n_characters = predictor, n_characters
        self.inputs = [SimpleNamespace(shape=tuple(shape)) for shape in shapes]

    def predict_on_batch(self, arrays):
        codes, *states = (np.asarray(array) for array in arrays)
        states = [state.astype("float32") for state in states]
        shapes = [(*codes.shape, self.n_characters), *(state.shape for state in states)]
        return self.predictor.predict([codes.astype("int32"), *states], shapes)


def read_characters(path):
    """The characters of the network, a str. Raises UserError."""
    try:
        characters = json.loads(path.read_text(encoding="utf-8"))["characters"]
        if not (isinstance(characters, str) and 0 < len(characters) == len(set(characters)) < 65_536):
            raise ValueError("it does not hold different characters")
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise UserError(f"characters.json is not what training writes: {str(error)[:200]}") from None
    return characters
