"""How a homework's evaluate.py asks for predictions: a model that is open here (Local), or one in the grader's sandbox.

A predictor has `inputs`, the shapes that it takes (None for unknown sizes), and

    predict(arrays, shapes, part=None) -> float32 arrays of these shapes, of the model or of its layer `part`
    apart()                            -> a context manager for a predictor of the same model that knows of this one's
                                          inputs only what it is given
"""

import contextlib
from types import SimpleNamespace

import numpy as np

from common.errors import UserError

CHUNK = 500  # examples at a time


class Local:
    """The predictor of a Keras model that is open in this process."""

    def __init__(self, model):
        self.model = model
        self.inputs = [tuple(each.shape) for each in model.inputs]

    def predict(self, arrays, shapes, part=None):
        model = self.model.get_layer(part) if part else self.model
        answers = model.predict_on_batch(arrays if len(arrays) > 1 else arrays[0])
        answers = answers if isinstance(answers, (list, tuple)) else [answers]
        answers = [np.asarray(answer, "float32") for answer in answers]
        if [answer.shape for answer in answers] != [tuple(shape) for shape in shapes]:
            found, wanted = ([tuple(each) for each in some] for some in ([a.shape for a in answers], shapes))
            raise UserError(f"the model gives arrays of the shapes {found} where {wanted} are asked for: see model.py")
        return answers

    def apart(self):
        return contextlib.nullcontext(self)


def predict(predictor, x, shape):
    """float32 (len(x), *shape): what the model makes of the examples x, an array or bag_of_words.Rows."""
    return predict_all(predictor, [x], [shape])[0]


def predict_all(predictor, inputs, shapes, part=None):
    """The same for a model of several inputs and answers, or for the model that is its layer `part`."""
    chunks = []
    for i in range(0, len(inputs[0]), CHUNK):
        batch = [x[i : i + CHUNK] for x in inputs]
        chunks.append(predictor.predict(batch, [(len(batch[0]), *shape) for shape in shapes], part))
    return [np.concatenate(answers) for answers in zip(*chunks, strict=True)]


class Part:
    """A predictor, or its layer `part`, in the shape of a Keras model: `inputs` and `predict` only."""

    def __init__(self, predictor, shapes, part=None):
        self.predictor, self.shapes, self.part = predictor, shapes, part
        self.inputs = [SimpleNamespace(shape=tuple(shape)) for shape in predictor.inputs or []]

    def predict(self, inputs, **_):
        inputs = inputs if isinstance(inputs, list) else [inputs]
        answers = predict_all(self.predictor, inputs, self.shapes, self.part)
        return answers if len(answers) > 1 else answers[0]
