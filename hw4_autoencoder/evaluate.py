"""What an autoencoder or a generator of homework 4 is worth: the metrics on the test images.

train.py, train_gan.py and the grader all call `score`, so that what a student sees is what is graded.
"""

import math
from argparse import Namespace
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from common import data
from common.errors import UserError
from common.run.predictor import Part
from hw4_autoencoder import generated, inputs
from hw4_autoencoder.codes import encode, fit_pca, flat, pca_reconstruction_error, separation

FILES = ()  # that a run must hold beside model.keras
CODES = {"dense": 32, "map": 2, "conv": 32, "vae": 2, "vae_binary": 32, "neighbours": 2}  # numbers in the graded codes
JUDGED = 2000  # images that a generator makes to be judged


class HeldOut(NamedTuple):
    """What `score` compares with. `images` has the training images too: codes and diversity are seen beside them.

    Of an autoencoder: `latent_dim`, the numbers in its code, and `variational`. Of a generator: `n_classes` that can be
    asked for, 0 for none; the `judge` of digits with its accuracy, None for other images; the `digit` that it is to
    write, None for all.
    """

    images: data.Dataset
    latent_dim: int | None = None
    variational: bool = False
    n_classes: int = 0
    judge: Callable | None = None
    judge_accuracy: float | None = None
    digit: int | None = None


def load(task, config):
    """The HeldOut of a task such as "hw4_autoencoder/vae"; config as for data.load."""
    name = task.partition("/")[2]
    pixels = "binary" if name == "vae_binary" else "grey"
    images = inputs.load(Namespace(**vars(config), data_set="mnist", pixels=pixels))
    if name == "cgan":
        from hw4_autoencoder.judge import judge_of  # it needs Keras, which scores of codes do not

        judge, accuracy = judge_of(config)
        return HeldOut(images, n_classes=10, judge=judge, judge_accuracy=accuracy)
    return HeldOut(images, CODES[name], variational=name.startswith("vae"))


def score(predictor, folder, held_out):
    """{metric: value} of a predictor (see common/run/predictor.py). Raises UserError when it is no such network."""
    scores = _of_codes(predictor, held_out) if held_out.latent_dim else _of_generator(predictor, held_out)
    if not all(math.isfinite(value) for value in scores.values() if isinstance(value, float)):
        raise UserError("its codes or images are too large to be measured")
    return scores


def _of_codes(predictor, held_out):
    """How well images come back, beside PCA, and how well codes tell the classes apart.

    The decoder works apart: it knows of an image what is in the code and nothing else.
    """
    images, code = held_out.images, (held_out.latent_dim,)
    with predictor.apart() as other:
        encoder = Part(predictor, [code, code] if held_out.variational else [code], "encoder")
        decoder = Part(other, [images.x_test.shape[1:]], "decoder")
        test_codes = encode(encoder, images.x_test)
        nats, mse = pixel_nats(decoder, test_codes, images.x_test)
        elbo = {"negative_elbo": negative_elbo(encoder, decoder, images.x_test)} if held_out.variational else {}
    pca_mse = pca_reconstruction_error(fit_pca(images.x_train, held_out.latent_dim), images.x_test)
    scores = {
        "test_bce_per_pixel": float(nats.mean()),
        "test_mse": mse,
        "pca_mse": pca_mse,
        "mse_share_of_pca": mse / pca_mse,
    }
    if len(images.names) > 1:
        scores |= separation((encode(encoder, images.x_train), images.y_train), (test_codes, images.y_test))
    return scores | elbo


def pixel_nats(decoder, codes, images):
    """Binary cross-entropy of every pixel in nats (n, pixels), of `images` (uint8) given their codes; mean squares."""
    logits = decoder.predict(codes, batch_size=500, verbose=0).reshape(len(images), -1)
    target = flat(images)
    nats = np.logaddexp(0, logits) - target * logits
    return nats, float(np.mean((1 / (1 + np.exp(-logits)) - target) ** 2))


def negative_elbo(encoder, decoder, images, draws=3):
    """The bound on the test images in nats per image, with `draws` codes drawn for each."""
    mean, log_variance = encoder.predict(images, batch_size=500, verbose=0)
    kl = np.sum(mean**2 + np.exp(log_variance) - 1 - log_variance, axis=1) / 2
    rng = np.random.default_rng(0)
    nats = []
    for _ in range(draws):
        drawn = mean + np.exp(log_variance / 2) * rng.standard_normal(mean.shape, "float32")
        nats.append(pixel_nats(decoder, drawn, images)[0].sum(axis=1).mean())
    return float(np.mean(nats) + kl.mean())


def _of_generator(predictor, held_out):
    """Is what it writes what was asked for, and is it diverse?"""
    images = held_out.images
    generator = Part(predictor, [images.x_test.shape[1:]])
    if not generator.inputs or len(generator.inputs[0].shape) != 2 or not 0 < (generator.inputs[0].shape[1] or 0) < 1e4:
        raise UserError("the generator does not take noise")
    noise, labels = sampling(generator.inputs[0].shape[1], held_out.n_classes, JUDGED, seed=2)
    written, scores = generate(generator, noise), {}
    if held_out.judge:
        scores["judge_accuracy"] = held_out.judge_accuracy
        probabilities = held_out.judge(written)
        scores["sure_share"] = float(np.mean(probabilities.max(axis=1) > 0.9))
        if held_out.digit is not None:
            labels = np.full(len(written), held_out.digit)
        if labels is not None:
            scores["recognised_share"] = generated.recognised_share(probabilities, labels)
        else:
            labels = probabilities.argmax(axis=1)
            scores["shares_of_digits"] = (np.bincount(labels, minlength=10) / len(labels)).tolist()
    scores["diversity_ratio"] = generated.diversity_ratio(written, labels, images.x_test, images.y_test)
    return scores


def sampling(noise_dim, n_classes, n, seed):
    """(inputs of a generator, labels or None) for n samples; the classes in turn where they can be asked for."""
    noise = np.random.default_rng(seed).standard_normal((n, noise_dim), "float32")
    if not n_classes:
        return noise, None
    labels = np.arange(n) % n_classes
    return [noise, np.eye(n_classes, dtype="float32")[labels]], labels


def generate(generator, noise):
    """uint8 images that the generator makes of its inputs. Raises UserError when its numbers are no pixels."""
    pixels = generator.predict(noise, batch_size=500, verbose=0)
    if not (pixels.min() >= 0 and pixels.max() <= 1):  # nor NaN
        raise UserError("its images are not made of numbers between 0 and 1")
    return np.round(255 * pixels).astype("uint8")
