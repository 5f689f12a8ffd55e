"""The Reuters wires: how they are kept in memory, read from the staged file, and made from Keras' own file."""

import json

import numpy as np

TOPIC_NAMES = """
cocoa grain veg-oil earn acq wheat copper housing money-supply coffee sugar trade reserves ship cotton carcass crude
nat-gas cpi money-fx interest gnp meal-feed alum oilseed gold tin strategic-metal livestock retail ipi iron-steel rubber
heat jobs lei bop zinc orange pet-chem dlr gas silver wpi hog lead
"""
TOPICS = tuple(TOPIC_NAMES.split())  # in the order of Keras' labels


class Wires:
    """Texts of different lengths in flat arrays; rows are selected by a slice or an array, as in NumPy.

    tokens: int32, all texts end to end; number t is the word `words[t - 1]`, and 1 is the most frequent word.
    offsets: int64 (n + 1,), where each text begins, and where the last one ends. words: str.
    """

    def __init__(self, tokens, offsets, words):
        self.tokens, self.offsets, self.words = tokens, offsets, words

    def __len__(self):
        return len(self.offsets) - 1

    def __getitem__(self, rows):
        lengths = np.diff(self.offsets)[rows]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        places = np.arange(offsets[-1]) + np.repeat(self.offsets[:-1][rows] - offsets[:-1], lengths)
        return Wires(self.tokens[places], offsets, self.words)

    def text(self, row):
        """The words of one wire as a list."""
        return self.words[self.tokens[self.offsets[row] : self.offsets[row + 1]] - 1].tolist()

    def tobytes(self):
        """All of it as bytes, for a hash."""
        return b"".join(array.tobytes() for array in (self.tokens, self.offsets, self.words))


def split(wires, labels):
    """x_train, y_train, x_test, y_test: the first 80 % are the training split (8,982 of 11,228 wires), as in Keras."""
    cut = int(len(labels) * (1 - 0.2))
    return wires[:cut], labels[:cut], wires[cut:], labels[cut:]


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
