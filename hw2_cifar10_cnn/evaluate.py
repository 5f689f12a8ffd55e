"""What a network that recognises objects is worth: the share of the test pictures that it recognises.

train.py and the grader both call `score`, so that what a student sees is what is graded.
"""

import numpy as np

from common import data
from common.run.predictor import predict

FILES = ()  # that a run must hold beside model.keras


def load(task, config):
    """The pictures as a data.Dataset; config as for data.load."""
    return data.load("cifar10", config)


def score(predictor, folder, pictures):
    """{metric: value} of a predictor (see common/run/predictor.py) on all test pictures.

    test_accuracy_mirrored: by the sum of the logits for a picture and for its mirror image, two views in place of one.
    """
    shape = (len(pictures.names),)
    logits = predict(predictor, pictures.x_test, shape)  # (n, 10)
    mirrored = predict(predictor, pictures.x_test[:, :, ::-1], shape)
    return {
        "test_accuracy": float(np.mean(logits.argmax(axis=1) == pictures.y_test)),
        "test_accuracy_mirrored": float(np.mean((logits + mirrored).argmax(axis=1) == pictures.y_test)),
    }
