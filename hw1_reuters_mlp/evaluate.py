"""What a network that sorts wires by topic is worth: the share of the test wires that it puts where they belong.

train.py and the grader both call `score`, so that what a student sees is what is graded. Which words the network
reads, and their weights, are in the run's words.npz.
"""

import zipfile

import numpy as np
from sklearn.metrics import f1_score

from common import data
from common.errors import UserError
from common.run.predictor import predict
from hw1_reuters_mlp.bag_of_words import BagOfWords

FILES = ("words.npz",)  # that a run must hold beside model.keras
MOST_BYTES = 64 << 20  # that words.npz may unpack to


def load(task, config):
    """The wires as a data.Dataset; config as for data.load."""
    return data.load("reuters", config)


def score(predictor, folder, wires):
    """{metric: value} of a predictor (see common/run/predictor.py) on all test wires.

    macro_f1: every topic counts the same. folder: where words.npz lies. Raises UserError when it cannot be used.
    """
    bag = read_words(folder / "words.npz", wires.x_train.words)
    answers = predict(predictor, bag.rows(wires.x_test), (len(wires.names),)).argmax(axis=1)
    return {
        "test_accuracy": float(np.mean(answers == wires.y_test)),
        "macro_f1": float(f1_score(wires.y_test, answers, average="macro")),
        "majority_class_accuracy": float(np.mean(wires.y_test == np.bincount(wires.y_train).argmax())),
    }


def read_words(path, words):
    """The BagOfWords in `path`, whose words must be the first of `words`, str (n,). Raises UserError."""
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(info.file_size for info in archive.infolist())
        if size > MOST_BYTES:
            raise UserError(f"words.npz unpacks to {size:,} bytes: that is not read")
        bag = BagOfWords.load(path)
        if not np.array_equal(bag.words, words[: len(bag.words)]) or bag.weighting not in ("tf-idf", "binary"):
            raise UserError("words.npz does not hold the words of these data: was it trained on others?")
        if bag.idf.shape != bag.words.shape or bag.idf.dtype != "float32" or not np.isfinite(bag.idf).all():
            raise UserError("words.npz does not hold a weight for each of its words")
    except UserError:
        raise
    except Exception as error:  # a damaged or made-up archive can raise nearly anything
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        reason = "pickled objects in it are not read" if "pickle" in reason else reason
        raise UserError(f"words.npz is not what training writes: {reason}") from None
    return bag
