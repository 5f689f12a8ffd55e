"""What a generator of faces is worth: how far drawn faces are from the test faces, how diverse, how many are copies.

train.py and the grader both call `score`, so that what a student sees is what is graded.
"""

from typing import NamedTuple

import numpy as np

from common import data
from common.errors import UserError
from common.run.predictor import Part
from hw5_anime_dcgan import asking, attributes
from hw5_anime_dcgan.quality import Judge

FILES = ()  # that a run must hold beside model.keras
JUDGED = 1500  # faces that are drawn to be judged
FINAL = 3  # the seed of their noise


class Faces(NamedTuple):
    """The training faces, by whose attributes a conditional generator is asked; the Judge has the test faces."""

    x_train: np.ndarray  # uint8 (n, 64, 64, 3)
    judge: Judge


def load(task, config):
    """The Faces of the course; config as for data.load."""
    return held_out(data.load("faces", config))


def held_out(dataset):
    """The Faces of a data.Dataset."""
    return Faces(dataset.x_train, Judge(dataset.x_train, dataset.x_test[:JUDGED]))


def score(predictor, folder, faces):
    """{metric: value} of the faces that a predictor (see common/run/predictor.py) draws; see quality.py.

    Of one that takes wishes also how often the colours that were asked for are found. Raises UserError when it is no
    generator of faces.
    """
    generator = Part(predictor, [faces.x_train.shape[1:]])
    shapes = [each.shape for each in generator.inputs]
    if not shapes or len(shapes[0]) != 2 or not 0 < (shapes[0][1] or 0) < 10_000:
        raise UserError("the generator does not take noise")
    conditional = len(shapes) == 2
    if len(shapes) > 2 or (conditional and shapes[1][1:] != (asking.COLOURS,)):
        raise UserError("the generator takes something other than noise and the colours of hair and eyes")
    told = asking.Colours(faces.x_train) if conditional else asking.Nothing()

    def drawn(wishes):
        pixels = generator.predict(noise(generator, JUDGED, FINAL, wishes))
        if not (pixels.min() >= 0 and pixels.max() <= 1):  # nor NaN
            raise UserError("its faces are not made of numbers between 0 and 1")
        return np.round(255 * pixels).astype("uint8")

    wishes = told.wishes(JUDGED)
    images = drawn(wishes)
    scores = faces.judge.metrics_beside_real(images)
    if not conditional:
        return scores
    rare = told.rare_wishes(JUDGED)
    of_rare = asked_and_found(drawn(rare), rare)
    shares = {f"{name}_of_rare_pairs": of_rare[name] for name in ("hair_as_asked", "eyes_as_asked")}
    return scores | asked_and_found(images, wishes) | shares


def noise(generator, n, seed, wishes=None):
    """The inputs of `generator` for n faces: noise, and the first n of `wishes` if it takes any."""
    shape = generator.inputs[0].shape[1]
    drawn = np.random.default_rng(seed).standard_normal((n, shape), "float32")
    return drawn if len(generator.inputs) == 1 else [drawn, wishes[:n]]


def draw(generator, inputs):
    """The faces that the generator makes of `inputs`."""
    return np.round(255 * generator.predict(inputs, batch_size=250, verbose=0)).astype("uint8")


def asked_and_found(images, wishes):
    """How often the rule of attributes.py finds in drawn faces what was asked for, beside chance.

    wishes: one-hot (n, 17). Chance is how often it would by luck, faces and wishes being drawn apart from each other.
    """
    split = len(attributes.HAIR)
    scores = {}
    for name, wished, found, names in zip(
        ("hair", "eyes"),
        (wishes[:, :split].argmax(axis=1), wishes[:, split:].argmax(axis=1)),
        attributes.read(images),
        (attributes.HAIR, attributes.EYES),
        strict=True,
    ):
        shares = [np.bincount(each, minlength=len(names)) / len(each) for each in (wished, found)]
        scores[f"{name}_as_asked"] = float(np.mean(wished == found))
        scores[f"{name}_by_chance"] = float(shares[0] @ shares[1])
        scores[f"{name}_as_asked_by_colour"] = {
            names[i]: float(np.mean(found[wished == i] == i)) for i in np.unique(wished)
        }
    return scores
