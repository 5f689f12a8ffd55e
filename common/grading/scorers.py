"""The figures of every homework, from a model's predictions on test data. Never from what a student's files claim.

A scorer is a function (model, folder, data) -> figures. model: remote.Model, open in the sandbox; it is given inputs
only. folder: the other files of the run, written by the student, so they are checked here. data: the test data with
its labels, as common/data loads it. It raises remote.Failed or weights.Refused, with a reason for the student.
"""

import argparse
import importlib
import json
import math
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np

from common import data
from common.errors import UserError
from common.grading.remote import Failed, Model
from common.grading.weights import Refused
from common.run import device
from hw1_reuters_mlp.bag_of_words import BagOfWords

CHUNK = 500  # examples that a model gets at a time
MOST_BYTES = 64 << 20  # that words.npz may unpack to


class Homework(NamedTuple):
    """How a homework is graded."""

    load: Callable  # (variant, config of common/data) -> data
    score: Callable  # see above
    variant: Callable = lambda options: None  # options of a run -> which of its bars in common/bars.py, if several
    files: tuple = ()  # that the run must have beside model.keras


def predict(model, x, shape):
    """float32 (len(x), *shape): what the model makes of the examples x, which may come as bag_of_words.Rows."""
    return predict_all(model, [x], [shape])[0]


def predict_all(model, inputs, shapes, part=None):
    """The same for a model of several inputs and answers, or for the model that is its layer `part`."""
    chunks = []
    for i in range(0, len(inputs[0]), CHUNK):
        batch = [x[i : i + CHUNK] for x in inputs]
        chunks.append(model.predict(batch, [(len(batch[0]), *shape) for shape in shapes], part))
    return [np.concatenate(answers) for answers in zip(*chunks, strict=True)]


def accuracy(scores, labels):
    """The share of the rows of `scores` (n, classes), logits or probabilities, whose largest is the label's."""
    return float(np.mean(scores.argmax(axis=1) == labels))


def images(model, folder, dataset):
    """Homeworks 1 (digits) and 2: the share of the test images that are recognised."""
    return {"test_accuracy": accuracy(predict(model, dataset.x_test, (len(dataset.names),)), dataset.y_test)}


def wires(model, folder, dataset):
    """Homework 1, news topics. Which words the network reads, and their weights, are in its words.npz."""
    bag = _read_words(folder / "words.npz", dataset.x_train.words)
    scores = predict(model, bag.rows(dataset.x_test), (len(dataset.names),))
    return {"test_accuracy": accuracy(scores, dataset.y_test)}


def _read_words(path, words):
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(info.file_size for info in archive.infolist())
        if size > MOST_BYTES:
            raise Refused(f"words.npz unpacks to {size:,} bytes: that is not read")
        bag = BagOfWords.load(path)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, MemoryError) as error:
        reason = "pickled objects in it are not read" if "pickle" in str(error) else str(error).splitlines()[0][:200]
        raise Refused(f"words.npz is not what training writes: {reason}") from None
    if not np.array_equal(bag.words, words[: len(bag.words)]) or bag.weighting not in ("tf-idf", "binary"):
        raise Refused("words.npz does not hold the words of the full data: was it trained on the sample?")
    if bag.idf.shape != bag.words.shape or bag.idf.dtype != "float32" or not np.isfinite(bag.idf).all():
        raise Refused("words.npz does not hold a weight for each of its words")
    return bag


def text(model, folder, corpus):
    """Homework 3: what a character of the held-out text costs, and how sound the text is that the network writes."""
    # Homeworks 3 to 5 are scored by their own functions, which are imported by name, and here only: nothing else in
    # common knows a homework.
    device.setup("float32")  # it imports Keras
    language = importlib.import_module("hw3_lstm_text.language")
    characters = _read_characters(folder / "characters.json")
    try:
        return language.scores(Reader(model, len(characters)), characters, corpus)
    except UserError as error:
        raise Refused(str(error)) from None


class Reader:
    """The stand-in for a reader of hw3_lstm_text, for its functions: gives the next characters' logits, and states."""

    def __init__(self, model, n_characters):
        shapes = model.inputs or []
        if not shapes or any(len(shape) != 2 for shape in shapes) or any(not 0 < (s[1] or 0) < 1e5 for s in shapes[1:]):
            raise Failed("the network does not take characters and the states of its memory, as model.py's reader does")
        self.model, self.n_characters = model, n_characters
        self.inputs = [SimpleNamespace(shape=tuple(shape)) for shape in shapes]

    def predict_on_batch(self, arrays):
        codes, *states = (np.asarray(array) for array in arrays)
        states = [state.astype("float32") for state in states]
        shapes = [(*codes.shape, self.n_characters), *(state.shape for state in states)]
        return self.model.predict([codes.astype("int32"), *states], shapes)


def _read_characters(path):
    try:
        characters = json.loads(path.read_text(encoding="utf-8"))["characters"]
        if not (isinstance(characters, str) and 0 < len(characters) == len(set(characters)) < 65_536):
            raise ValueError("it does not hold different characters")
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise Refused(f"characters.json is not what training writes: {str(error)[:200]}") from None
    return characters


class Autoencoders(NamedTuple):
    """The data of homework 4: what its own functions ask for, and where the judge of what is written is kept."""

    config: argparse.Namespace
    images: data.Dataset
    folder: tempfile.TemporaryDirectory


def load_autoencoder(variant, config):
    """The Autoencoders of a bar such as "dense 32", "vae 32 binary" or "cgan"."""
    inputs = importlib.import_module("hw4_autoencoder.inputs")
    name, _, rest = variant.partition(" ")
    size, _, pixels = rest.partition(" ")
    own = {"model": name, "latent_dim": int(size or 0), "pixels": pixels or "grey", "data_set": "mnist", "digit": None}
    config = argparse.Namespace(**vars(config) | own)
    loaded = Autoencoders(config, inputs.load(config), tempfile.TemporaryDirectory(prefix="grade-judge-"))
    if name == "cgan":  # its judge is trained now, once: students are graded side by side
        device.setup("float32")
        importlib.import_module("hw4_autoencoder.evaluate").judge_of(config, Path(loaded.folder.name))
    return loaded


def autoencoder_variant(options):
    """As hw4_autoencoder/train.py names it."""
    if options.get("data_set", "mnist") != "mnist" or options.get("digit") is not None or options.get("noise"):
        return None
    if options["model"] in ("gan", "cgan"):
        return options["model"]
    return f"{options['model']} {options['latent_dim']}{' binary' if options.get('pixels') == 'binary' else ''}"


def autoencoder(model, folder, data):
    """Homework 4: how well images come back from their codes, and what the codes tell, or what a generator is worth.

    The decoder works in another process than the encoder: it knows of an image what is in the code and nothing else.
    """
    device.setup("float32")  # they import Keras
    evaluate = importlib.import_module("hw4_autoencoder.evaluate")
    config, shape = data.config, data.images.x_test.shape[1:]
    if config.model in ("gan", "cgan"):
        if not model.inputs or len(model.inputs[0]) != 2 or not 0 < (model.inputs[0][1] or 0) < 10_000:
            raise Failed("the generator does not take noise")
        config = argparse.Namespace(**vars(config) | {"latent_dim": model.inputs[0][1]})
        return evaluate.gan_figures(config, Path(data.folder.name), Part(model, [shape]), data.images)
    code = (config.latent_dim,)
    with Model(model.workers, model.homework, model.folder) as other:
        encoder = Part(model, [code, code] if config.model == "vae" else [code], "encoder")
        figures = evaluate.autoencoder_figures(config, encoder, Part(other, [shape], "decoder"), data.images)
    if not all(map(math.isfinite, figures.values())):
        raise Failed("its codes or images are too large to be measured")
    return figures


def load_faces(variant, config):
    """(training faces, by whose attributes a conditional generator is asked; the judge, who has the test faces)."""
    dataset = data.load("faces", config)
    device.setup("float32")
    report = importlib.import_module("hw5_anime_dcgan.report")
    quality = importlib.import_module("hw5_anime_dcgan.quality")
    return dataset.x_train, quality.Judge(dataset.x_train, dataset.x_test[: report.JUDGED])


def faces(model, folder, data):
    """Homework 5: how far drawn faces are from the test faces, how diverse they are, how many are copies."""
    report = importlib.import_module("hw5_anime_dcgan.report")
    attributes = importlib.import_module("hw5_anime_dcgan.attributes")
    x_train, judge = data
    generator, n_attributes = Part(model, [x_train.shape[1:]]), len(attributes.HAIR) + len(attributes.EYES)
    shapes = [each.shape for each in generator.inputs]
    if not shapes or len(shapes[0]) != 2 or not 0 < (shapes[0][1] or 0) < 10_000:
        raise Failed("the generator does not take noise")
    if len(shapes) > 2 or (len(shapes) == 2 and shapes[1][1:] != (n_attributes,)):
        raise Failed("the generator takes something other than noise and the colours of hair and eyes")
    wishes = None
    if len(shapes) == 2:
        wishes = report.wishes_like(attributes.one_hot(*attributes.read(x_train)))
    drawn = generator.predict(report.noise(generator, report.JUDGED, report.FINAL, wishes))
    if drawn.min() < 0 or drawn.max() > 1:
        raise Failed("its faces are not made of numbers between 0 and 1")
    return judge.figures_beside_real(np.round(255 * drawn).astype("uint8"))


class Part:
    """The stand-in for a Keras model, for the functions of homeworks 4 and 5: `inputs` and `predict` only."""

    def __init__(self, model, shapes, part=None):
        self.model, self.shapes, self.part = model, shapes, part
        self.inputs = [SimpleNamespace(shape=tuple(shape)) for shape in model.inputs or []]

    def predict(self, inputs, **_):
        inputs = inputs if isinstance(inputs, list) else [inputs]
        answers = predict_all(self.model, inputs, self.shapes, self.part)
        return answers if len(answers) > 1 else answers[0]


def _load(name):
    return lambda variant, config: data.load(name, config)


HOMEWORKS = {
    "hw1_mnist_mlp": Homework(_load("mnist"), images),
    "hw1_reuters_mlp": Homework(_load("reuters"), wires, files=("words.npz",)),
    "hw2_cifar10_cnn": Homework(_load("cifar10"), images),
    "hw3_lstm_text": Homework(
        data.load_text, text, variant=lambda options: options.get("corpus"), files=("characters.json",)
    ),
    "hw4_autoencoder": Homework(load_autoencoder, autoencoder, autoencoder_variant),
    "hw5_anime_dcgan": Homework(
        load_faces, faces, variant=lambda options: "own faces" if options.get("faces") else None
    ),
}
