"""A drawn digit, layer by layer: where each layer puts it among known digits, and what can be read from it there."""

from typing import NamedTuple

import numpy as np
from scipy.special import softmax

from common.figures import layers
from common.figures.layer_analysis import layer_reader

LEARNED, SHOWN = 5000, 3000  # training digits that the probes learn from, test digits on the maps


class Seen(NamedTuple):
    """What one layer makes of a digit."""

    output: np.ndarray  # float32 (units,)
    place: np.ndarray  # (2,), on the layer's map
    chances: np.ndarray  # (10,), by a linear probe; of the last layer by the network itself


class DigitReader:
    """A network that reads digits, with the maps (PCA) and linear probes of its layers.

    model: gives logits (n, 10). digits: a data.Dataset. points: {layer: (n, 2)}, the map of each; labels: (n,) theirs.
    """

    def __init__(self, model, digits):
        self.outputs = layer_reader(model)
        of_train = self.outputs(digits.x_train[:LEARNED])
        of_test = self.outputs(digits.x_test[:SHOWN])
        self.labels = digits.y_test[:SHOWN]
        self.points_of = {name: layers.pca_map(output)[0] for name, output in of_test.items()}
        self.points = {name: self.points_of[name](output) for name, output in of_test.items()}
        *before, self.last = of_train
        self.probes = {name: layers.fit_linear_probe(of_train[name], digits.y_train[:LEARNED]) for name in before}

    def read(self, digit):
        """{layer: Seen} of one digit, uint8 (28, 28); the last layer's chances are the answer."""
        own = self.outputs(digit[np.newaxis])
        return {
            name: Seen(
                output[0],
                self.points_of[name](output)[0],
                softmax(output[0]) if name == self.last else self.by_probe(name, output),
            )
            for name, output in own.items()
        }

    def by_probe(self, name, output):
        """The chances of the ten digits; of those that the probe has never seen 0."""
        chances = np.zeros(10)
        chances[self.probes[name].classes_] = self.probes[name].predict_proba(output)[0]
        return chances
