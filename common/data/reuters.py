"""The Reuters wires: how they are kept in memory, read from the staged file, and made from Keras' own file."""

import json

import numpy as np

from common.data import sample_wires, staged
from common.data.download import Remote
from common.data.source import Spec
from common.data.wires import TOPICS, Wires, split


def check(tokens, offsets, labels, words, topics):
    """ValueError with the reason unless the arrays of the staged file fit together."""
    for name, array, kind in zip(
        ("tokens", "offsets", "labels", "words", "topics"),
        (tokens, offsets, labels, words, topics),
        "iiuUU",
        strict=True,
    ):
        if array.ndim != 1 or array.dtype.kind != kind or not len(array):
            raise ValueError(f"{name} is {array.dtype} {array.shape} and should be one row of type {kind}")
    if len(offsets) != len(labels) + 1:
        raise ValueError(f"there are {len(labels)} labels and {len(offsets)} offsets, which should be one more")
    if offsets[0] != 0 or offsets[-1] != len(tokens) or (np.diff(offsets) < 0).any():
        raise ValueError(f"offsets should rise from 0 to the number of tokens, {len(tokens)}")
    if tokens.min() < 1 or tokens.max() > len(words):
        raise ValueError(f"tokens should lie in 1 to {len(words)}, the number of words")
    if tuple(topics) != TOPICS:
        raise ValueError(f"topics should be the {len(TOPICS)} of Keras, from {TOPICS[0]} to {TOPICS[-1]}")
    if set(np.unique(labels[: int(len(labels) * (1 - 0.2))])) != set(range(len(TOPICS))):
        raise ValueError(f"the training labels should be 0 to {len(TOPICS) - 1}, each at least once")


def convert(files, path):
    """Keras' reuters.npz and reuters_word_index.json to the staged layout at `path`.

    The lists of the first are pickled: it is opened only here, after its SHA-256 was found right. Keras shuffles the
    rows before it splits them; done the same way here, the splits are those of `keras.datasets.reuters.load_data`.
    """
    with np.load(files[0], allow_pickle=True) as content:
        texts, labels = content["x"], content["y"]
    order = np.arange(len(texts))
    np.random.RandomState(113).shuffle(order)  # the old generator, as Keras uses it
    texts, labels = texts[order], labels[order]
    index = json.loads(files[1].read_text(encoding="utf-8"))
    with path.open("wb") as file:
        np.savez(
            file,
            tokens=np.concatenate([np.asarray(text, "int32") for text in texts]),
            offsets=np.concatenate([[0], np.cumsum([len(text) for text in texts])]).astype("int64"),
            labels=labels.astype("uint8"),
            words=np.array(sorted(index, key=index.get)),
            topics=np.array(TOPICS),
        )


def read(path):
    """x_train, y_train, x_test, y_test of the wires (x: Wires), checked."""
    tokens, offsets, labels, words, topics = staged.read_npz(path, ("tokens", "offsets", "labels", "words", "topics"))
    check(tokens, offsets, labels, words, topics)
    return split(Wires(tokens, offsets, words), labels)


KERAS_BUCKET = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
SPEC = Spec(
    title="Reuters newswires",
    file="reuters.npz",
    remotes=(
        Remote(
            "reuters.npz",
            (KERAS_BUCKET + "reuters.npz",),
            "sha256:d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916",
        ),
        Remote(
            "reuters_word_index.json",
            (KERAS_BUCKET + "reuters_word_index.json",),
            "md5:4d44cc38712099c9e383dc6e5f11a921",
        ),
    ),
    convert=convert,
    read=read,
    sample=sample_wires.wires,
    sample_title="wires written by a small topic model",
    names=TOPICS,
)
