"""What a network that reads digits is worth: the share of the test digits that it reads right.

train.py and the grader both call `score`, so that what a student sees is what is graded.
"""

import numpy as np

from common import data
from common.run.predictor import predict

FILES = ()  # that a run must hold beside model.keras


def load(task, config):
    """The digits as a data.Dataset; config as for data.load."""
    return data.load("mnist", config)


def score(predictor, folder, digits):
    """{"test_accuracy": ...} of a predictor (see common/run/predictor.py) on all test digits."""
    logits = predict(predictor, digits.x_test, (len(digits.names),))  # (n, 10)
    return {"test_accuracy": float(np.mean(logits.argmax(axis=1) == digits.y_test))}
