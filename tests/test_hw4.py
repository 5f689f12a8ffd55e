"""Homework 4: the networks, their losses, the train step of a GAN, exact resuming, faces, the judge, the analysis."""

import contextlib
import json
import re
import zipfile
from argparse import Namespace
from dataclasses import replace

import keras
import numpy as np
import pytest
from PIL import Image, ImageDraw

from common import bars, data
from common.data import faces, mnist
from common.errors import UserError
from common.figures import plots
from common.gan import GAN
from hw4_autoencoder import (
    analyze,
    codes,
    evaluate,
    generated,
    inputs,
    judge,
    likelihood,
    maps,
    model,
    train,
    train_gan,
    train_neighbours,
    train_vae,
    writing,
)
from hw4_autoencoder.autoencoder import task_of
from tests import helpers
from tests.helpers import (
    STAGED,
    assert_drawn,
    assert_one_sentence,
    assert_resumes_exactly,
    history,
    metrics,
    train_on_real_subset,
)

KNOWS_NOTHING = Namespace(inputs=[], predict_on_batch=lambda images: np.zeros((len(images), 10)))  # a judge
SHAPES = ((28, 28), (32, 32, 3), (64, 64, 3))
TINY = ["--data", "sample", "--limit", "150", "--batch-size", "64", "--epochs", "3", "--precision", "float32"]
SCRIPTS = {name: script for script in (train, train_vae, train_neighbours, train_gan) for name in script.SETTINGS}
OF_CODES = {
    *("curves", "map", "maps", "spread", "overlap", "plane", "numbers", "reconstructions", "denoising"),
    *("slanted", "walks", "written", "random"),
}
OF_GAN = {"curves", "samples", "progress", "training", "written", "walks", "nearest"}


@pytest.fixture(scope="module", autouse=True)
def one_judge():
    """All runs on the sample share a judge, which would be alike in all of them; and few samples are judged."""
    train_judge, judges = judge.train_judge, []

    def judge_of(dataset, seed):
        if dataset.source is not None and dataset.source.kind != "sample":
            return train_judge(dataset, seed)
        if not judges:
            with pytest.MonkeyPatch.context() as patch:
                patch.setitem(judge.JUDGE, "updates", 60)
                judges.append(train_judge(all_digits(), seed))
        return judges[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judge, "train_judge", judge_of)
        patch.setattr(evaluate, "JUDGED", 300)
        yield


@pytest.fixture(scope="module", autouse=True)
def compiled_once(tmp_path_factory):
    """On JAX: equal networks are compiled once, however many runs build them."""
    if keras.backend.backend() != "jax":
        yield
        return
    import jax
    from jax.experimental.compilation_cache import compilation_cache

    def keep(folder, seconds):
        """Keep in `folder` what takes at least so many seconds to compile."""
        jax.config.update("jax_compilation_cache_dir", folder)
        jax.config.update("jax_persistent_cache_min_compile_time_secs", seconds)
        compilation_cache.reset_cache()

    before = jax.config.jax_compilation_cache_dir, jax.config.jax_persistent_cache_min_compile_time_secs
    keep(str(tmp_path_factory.mktemp("compiled")), 0)
    yield
    keep(*before)


@pytest.fixture
def small_networks(monkeypatch):
    """What is tested does not depend on the widths of the networks."""
    for recipe, script in SCRIPTS.items():
        for name, value in (("hidden", [64, 32]), ("head", [32]), ("width", 4)):
            if name in script.SETTINGS[recipe]:
                monkeypatch.setitem(script.SETTINGS[recipe], name, value)


@pytest.fixture
def few_updates(monkeypatch):
    """Where nobody looks at pictures and TensorFlow would take longer to draw up its graphs than to train."""
    monkeypatch.setattr(plots, "save", lambda *_, **__: None)
    with eagerly():
        yield


@contextlib.contextmanager
def eagerly():
    """Without graphs, on TensorFlow."""
    if keras.backend.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(False)


def run(recipe, *options, out):
    """The exit status of the script that has this recipe."""
    return SCRIPTS[recipe].main(["--model", recipe, *options, "--out", str(out)])


def all_digits():
    """The digits of the sample as a Dataset."""
    return data.Dataset(*mnist.digits(), None, tuple("0123456789"))


@pytest.fixture(scope="module")
def autoencoder(tmp_path_factory):
    """A short training of the default network on the sample."""
    out = tmp_path_factory.mktemp("autoencoder") / "out"
    assert train.main(["--data", "sample", "--epochs", "12", "--batch-size", "100", "--out", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def vae(tmp_path_factory):
    """A very short training of a VAE on the sample."""
    out = tmp_path_factory.mktemp("vae") / "out"
    options = ["--data", "sample", "--limit", "1000", "--batch-size", "100", "--epochs", "4"]
    assert run("vae", *options, out=out) == 0
    return out


@pytest.fixture(scope="module")
def cgan(tmp_path_factory):
    """A very short training of a GAN that is told which digit to write."""
    out = tmp_path_factory.mktemp("cgan") / "out"
    options = ["--data", "sample", "--limit", "500", "--batch-size", "100", "--epochs", "3"]
    assert run("cgan", *options, out=out) == 0
    return out


# The networks and what they learn from


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", ["dense", "conv"])
def test_autoencoders_give_back_images_of_the_size_they_see(kind, shape, tmp_path):
    if kind == "dense":
        encoder, decoder = model.dense_encoder(shape, [8], "relu", 3), model.dense_decoder(shape, [8], "relu", 3)
    else:
        encoder, decoder = model.conv_encoder(shape, 4, "relu", 3), model.conv_decoder(shape, 4, "relu", 3)
    images = np.random.default_rng(0).integers(0, 256, (5, *shape), "uint8")
    assembled = model.assemble(encoder, decoder)
    pictures = assembled.predict(images, verbose=0)
    assert pictures.shape == images.shape
    assert pictures.dtype == "float32"
    assert pictures.min() >= 0
    assert pictures.max() <= 1
    assembled.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")  # without anything of this project
    written = loaded.get_layer("decoder").predict(loaded.get_layer("encoder").predict(images, verbose=0), verbose=0)
    np.testing.assert_allclose(1 / (1 + np.exp(-written)), pictures, atol=1e-5)


@pytest.mark.parametrize("n_classes", [0, 10])
@pytest.mark.parametrize("shape", SHAPES)
def test_generator_and_discriminator_fit_each_other(shape, n_classes):
    generator = model.build_generator(shape, 7, 4, n_classes)
    discriminator = model.build_discriminator(shape, 4, 0.3, n_classes)
    noise, labels = np.zeros((3, 7), "float32"), np.eye(n_classes, dtype="float32")[:3]
    pictures = generator.predict([noise, labels] if n_classes else noise, verbose=0)
    assert pictures.shape == (3, *shape)
    logits = discriminator.predict([pictures, labels] if n_classes else pictures, verbose=0)
    assert logits.shape == (3, 1)


def small_vae():
    size = (28, 28), [16], "relu", 2
    return train_vae.VAE(model.dense_encoder(*size, variational=True), model.dense_decoder(*size), 0)


def small_neighbours():
    encoder, decoder = model.conv_encoder((28, 28), 4, "relu", 2), model.dense_decoder((28, 28), [16], "relu", 2)
    return train_neighbours.Neighbours(encoder, decoder, np.zeros((1, 1), int))


def test_the_loss_of_the_vae_is_the_negative_elbo():
    vae = small_vae()
    images = mnist.digits()[0][:200]
    vae.compile("sgd")
    mean, log_variance = np.array([[0.0, 1], [2, -1]]), np.array([[0.0, 0], [-1, 1]])
    kl = [0.5, 0.5 * (4 + np.exp(-1) - 1 + 1 + 1 + np.e - 1 - 1)]
    logits = np.zeros((2, 28, 28))
    answers = tuple(keras.ops.cast(a, "float32") for a in (logits, mean, mean, log_variance))
    loss = vae.compute_loss(images[:2], images[:2], answers)
    assert float(loss) == pytest.approx(784 * np.log(2) + np.mean(kl), rel=1e-5)
    reported = evaluate.negative_elbo(vae.encoder, vae.decoder, images, draws=5)
    losses = [vae.evaluate(images, images, batch_size=50, verbose=0, return_dict=True)["loss"] for _ in range(3)]
    assert reported == pytest.approx(np.mean(losses), rel=0.01)


def known_model(mean, log_variance):
    """(encoder, decoder) whose likelihood is known: of a code of one number each pixel says the sign, or by chance not.

    The chance of black is 0.9 or 0.1. So p(x) = (0.9^b 0.1^w + 0.1^b 0.9^w) / 2 for b black and w white pixels.
    mean, log_variance: where the encoder says that every code is.
    """

    def encoder(images, training):
        return [keras.ops.full((images.shape[0], 1), guess, "float32") for guess in (mean, log_variance)]

    def decoder(codes, training):
        return keras.ops.where(codes > 0, -1.0, 1.0)[:, :, None] * np.full((1, 28, 28), np.log(9), "float32")

    return encoder, decoder


@pytest.mark.parametrize("guess", [(0.0, 0.0), (0.7, 0.5), (-0.5, 1.0)])
def test_the_estimated_likelihood_is_the_true_one(guess):
    images = np.zeros((2, 28, 28), "uint8")
    images[0].flat[:393] = 255  # 393 white, 391 black
    images[1].flat[:392] = 255
    log_p = [
        np.logaddexp(b * np.log(0.9) + w * np.log(0.1), b * np.log(0.1) + w * np.log(0.9)) - np.log(2)
        for b, w in ((391, 393), (392, 392))
    ]
    found = likelihood.negative_log_likelihood(*known_model(*guess), images, draws=15_000)
    assert found == pytest.approx(-np.mean(log_p), abs=0.03)


def test_the_likelihood_of_a_run_is_better_than_its_bound(tmp_path, capsys):
    options = ["--data", "sample", "--limit", "300", "--batch-size", "100", "--epochs", "2", "--precision", "float32"]
    assert run("vae_binary", *options, "--set", "hidden=[16]", out=tmp_path) == 0
    capsys.readouterr()
    assert analyze.main(["--run", str(tmp_path), "--likelihood", "50"]) == 0
    nats = float(re.search(r"digits: ([\d.]+) nats", capsys.readouterr().out)[1])
    bound = metrics(tmp_path)["negative_elbo"]
    assert bound - 20 < nats < bound


def test_a_likelihood_is_refused_where_pixels_are_grey(vae, capsys):
    assert analyze.main(["--run", str(vae), "--likelihood", "5"]) == 1
    assert_one_sentence(capsys.readouterr().err, "vae_binary")


def test_the_bound_of_several_draws_is_that_of_the_paper():
    vae = train_vae.VAE(small_vae().encoder, small_vae().decoder, 0, draws=3)
    vae.compile("sgd")
    rng = np.random.default_rng(0)
    images = mnist.digits()[0][:2]
    mean, log_variance, code = (rng.normal(size=(2, 3, 2)) for _ in range(3))
    mean[:], log_variance[:] = mean[:, :1], log_variance[:, :1]
    logits = rng.normal(size=(2, 3, 28, 28))
    flat = [keras.ops.cast(each.reshape(6, *each.shape[2:]), "float32") for each in (logits, code, mean, log_variance)]
    loss = float(vae.compute_loss(images, images, flat))
    x = images[:, None] / 255
    log_p = (x * logits - np.logaddexp(0, logits)).sum(axis=(2, 3))
    log_prior = -(code**2).sum(axis=2) / 2
    log_q = -(((code - mean) ** 2 / np.exp(log_variance) + log_variance).sum(axis=2)) / 2
    bound = np.logaddexp.reduce(log_p + log_prior - log_q, axis=1) - np.log(3)
    assert loss == pytest.approx(-bound.mean(), rel=1e-4)


def test_the_contrast_of_neighbours_is_info_nce_with_the_cauchy_kernel():
    neighbours = small_neighbours()
    neighbours.compile("sgd")
    points = np.random.default_rng(0).normal(size=(8, 2)).astype("float32")
    kernel = 1 / (1 + ((points[:, None] - points[None]) ** 2).sum(axis=2))
    np.fill_diagonal(kernel, 0)
    partner = (np.arange(8) + 4) % 8
    expected = -np.log(kernel[np.arange(8), partner] / kernel.sum(axis=1)).mean()
    images, logits = np.zeros((4, 28, 28), "uint8"), keras.ops.zeros((4, 28, 28))
    loss = neighbours.compute_loss(None, images, (keras.ops.convert_to_tensor(points), logits))
    assert float(loss) - 784 * np.log(2) == pytest.approx(expected, abs=1e-3)


def test_what_the_decoder_learns_does_not_move_the_map():
    images = mnist.digits()[0][:32]
    pairs = np.stack([images, images[:, ::-1]], axis=1)
    weights = []
    for to_draw in (images, np.zeros_like(images)):
        keras.utils.set_random_seed(0)
        neighbours = small_neighbours()
        neighbours.compile(keras.optimizers.SGD(1e-3))
        neighbours.fit(pairs, to_draw, batch_size=16, shuffle=False, verbose=0)
        weights.append((neighbours.encoder.get_weights(), neighbours.decoder.get_weights()))
    for one, other in zip(weights[0][0], weights[1][0], strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(weights[0][1][-1], weights[1][1][-1])


def make_gan(generator_rate, discriminator_rate):
    keras.utils.set_random_seed(0)
    gan = GAN(
        model.build_generator((28, 28), 7, 4),
        model.build_discriminator((28, 28), 4, 0.3),
        train_gan.logistic_losses,
        model.build_generator((28, 28), 7, 4),
        memory=10,
        seed=0,
    )
    gan.compile(keras.optimizers.SGD(generator_rate), keras.optimizers.SGD(discriminator_rate))
    return gan


@pytest.mark.parametrize("learner", ["generator", "discriminator"])
def test_each_network_of_a_gan_learns_from_its_own_loss_alone(learner):
    gan = make_gan(float(learner == "generator"), float(learner == "discriminator"))
    before = {
        name: [np.array(v) for v in getattr(gan, name).trainable_variables] for name in ("generator", "discriminator")
    }
    images = mnist.digits()[0][:64]
    gan.fit(images, np.zeros((64, 10), "float32"), batch_size=32, shuffle=False, verbose=0)
    for name, arrays in before.items():
        changed = [
            not np.array_equal(a, v) for a, v in zip(arrays, getattr(gan, name).trainable_variables, strict=True)
        ]
        assert any(changed) == (name == learner), name


def test_the_generator_is_judged_with_the_statistics_it_trains_with():
    """Both losses see batch normalisation as in training, and its running means follow: no frozen copy."""
    gan = make_gan(0.0, 0.0)
    means = [v for v in gan.generator.non_trainable_variables if "moving_mean" in v.path]
    gan.fit(mnist.digits()[0][:64], np.zeros((64, 10), "float32"), batch_size=32, shuffle=False, verbose=0)
    assert means
    assert all(np.abs(np.array(v)).max() > 0 for v in means)


def test_the_average_follows_the_generator():
    gan = make_gan(0.1, 0.1)
    images = mnist.digits()[0][:64]
    for _ in range(3):
        gan.fit(images, np.zeros((64, 10), "float32"), batch_size=32, shuffle=False, verbose=0)
    first, average = (np.array(each.trainable_variables[0]) for each in (gan.generator, gan.averaged))
    assert not np.array_equal(first, average)
    start = np.array(make_gan(0.0, 0.0).generator.trainable_variables[0])
    assert np.abs(average - start).sum() < np.abs(first - start).sum()


def test_the_last_quarter_of_a_training_draws_more_codes(tmp_path):
    options = ["--data", "sample", "--limit", "300", "--batch-size", "100", "--epochs", "4", "--precision", "float32"]
    assert run("vae_binary", *options, "--set", "hidden=[16]", "--set", "final_draws=5", out=tmp_path) == 0
    rows = [{name: float(value) for name, value in row.items()} for row in history(tmp_path)]
    below_elbo = [784 * row["val_bce"] + row["val_kl"] - row["val_loss"] for row in rows]
    np.testing.assert_allclose(below_elbo[:3], 0, atol=0.01)
    assert below_elbo[3] > 0.5


# Training


@pytest.mark.parametrize(
    ("recipe", "options"),
    [
        pytest.param("dense", ["--noise", "0.3"], marks=pytest.mark.slow),
        pytest.param("conv", [], marks=pytest.mark.full),  # the rest cover its parts
        ("vae_binary", ["--set", "final_draws=3"]),
        pytest.param("neighbours", [], marks=pytest.mark.slow),
        pytest.param("gan", ["--digit", "8", "--limit", "600"], marks=pytest.mark.full),
        ("cgan", []),
    ],
)
def test_a_stopped_run_of_every_kind_resumes_exactly(recipe, options, small_networks, tmp_path, monkeypatch):
    assert_resumes_exactly(SCRIPTS[recipe], [*TINY, "--model", recipe, *options], tmp_path, monkeypatch)


def test_short_training_passes_the_bar_of_the_sample(autoencoder):
    found = metrics(autoencoder)
    assert bars.SUBSET["hw4_autoencoder/dense", "sample"].passes(found), found
    assert found["passed"] is None
    assert found["n_train"] == 4000
    assert found["test_mse"] < found["pca_mse"]


if (STAGED / "mnist.npz").exists():

    def test_short_training_passes_the_bar_of_5000_real_digits(tmp_path):
        options = ["--limit", "5000", "--epochs", "12", "--batch-size", "100"]
        train_on_real_subset(train, tmp_path, *options, variant="/dense")


if (STAGED / "mnist.npz").exists():

    @pytest.mark.slow  # an hour
    @pytest.mark.parametrize("recipe", ["dense", "map", "conv", "vae", "neighbours", "cgan"])
    def test_default_training_passes_the_bar_of_the_assignment(recipe, tmp_path):
        assert run(recipe, "--data", "full", "--data-dir", str(STAGED), out=tmp_path) == 0
        assert metrics(tmp_path)["passed"] is True


@pytest.mark.full
@pytest.mark.parametrize(("recipe", "epochs"), [("dense", "25"), ("vae", "12"), ("cgan", "8")])
def test_a_part_of_the_training_passes_the_bar_of_the_assignment(recipe, epochs, tmp_path):
    assert run(recipe, "--data", "full", "--epochs", epochs, out=tmp_path) == 0
    assert metrics(tmp_path)["passed"] is True


@pytest.mark.parametrize(
    ("name", "data_set"),
    [
        ("neighbours", "cifar10"),
        ("cgan", "cifar10"),
        pytest.param("vae_colour", "faces", marks=pytest.mark.slow),
    ],
)
def test_every_kind_learns_colour_images_too(name, data_set, small_networks, few_updates, tmp_path):
    options = ["--data", "sample", "--limit", "40", "--batch-size", "20", "--epochs", "1", "--data-set", data_set]
    assert run(name, *options, out=tmp_path) == 0
    found = metrics(tmp_path)
    assert found["task"] is found["bar"] is None
    assert ("knn_error" in found) == (name == "neighbours")


@pytest.mark.parametrize(
    ("recipe", "options", "reason"),
    [
        ("cgan", "--digit 8", "--digit"),
        ("gan", "--digit 8 --data-set cifar10", "--digit"),
        ("cgan", "--data-set faces", "needs classes"),
        ("vae", "--data-set cifar10", "take --model vae_colour"),
    ],
)
def test_options_that_do_not_go_together(recipe, options, reason, tmp_path, capsys):
    assert run(recipe, *TINY, *options.split(), out=tmp_path) == 2
    assert_one_sentence(capsys.readouterr().err, reason)


@pytest.mark.parametrize(
    ("script", "options", "recipe"),
    [
        (train_gan, {"digit": None, "data_set": "mnist"}, "cgan"),
        (train_gan, {"digit": 8, "data_set": "mnist"}, "gan"),
        (train_gan, {"digit": None, "data_set": "faces"}, "gan"),
        (train_vae, {"data_set": "mnist"}, "vae"),
        (train_vae, {"data_set": "faces"}, "vae_colour"),
    ],
)
def test_the_recipe_where_none_was_asked_for(script, options, recipe):
    assert script.choose_model(options) == recipe


def test_only_the_graded_task_has_a_bar():
    given = {"homework": "hw4_autoencoder", "data_set": "mnist", "noise": 0.0}
    for name, numbers in evaluate.CODES.items():
        assert SCRIPTS[name].SETTINGS[name]["latent_dim"] == numbers
        task = task_of(Namespace(**given, model=name, latent_dim=numbers))
        assert task == f"hw4_autoencoder/{name}"
        assert task in bars.FULL
        other_pixels = "grey" if name == "vae_binary" else "binary"
        changes = {"data_set": "faces"}, {"noise": 0.1}, {"latent_dim": numbers + 1}, {"pixels": other_pixels}
        for change in changes:
            changed = {**given, "model": name, "latent_dim": numbers, **change}
            assert task_of(Namespace(**changed)) is None


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("map", "--noise 0.3"),
        ("conv", ""),
        ("vae", "--latent-dim 5"),
        ("vae_binary", ""),
        ("vae_colour", "--data-set cifar10"),
        ("neighbours", ""),
        ("gan", ""),
    ],
)
def test_every_recorded_setting_is_one_that_the_run_goes_by(
    model, options, small_networks, few_updates, tmp_path, monkeypatch
):
    read = set()

    class Watched(Namespace):
        def __getattribute__(self, name):
            read.add(name)
            return super().__getattribute__(name)

    monkeypatch.setattr("common.run.cli.argparse.Namespace", Watched)
    tiny = ["--data", "sample", "--limit", "80", "--batch-size", "64", "--epochs", "1", "--precision", "float32"]
    assert run(model, *tiny, *options.split(), out=tmp_path) == 0
    recorded = json.loads((tmp_path / "config.json").read_text())["options"]
    recipe = {*SCRIPTS[model].SETTINGS[model]} & {name for name, value in recorded.items() if value is not None}
    assert recipe - read == set()
    assert recorded["updates"] is None  # --epochs takes its place


@pytest.mark.parametrize("noise", [0.0, 0.3])
@pytest.mark.parametrize("distort", [False, True])
def test_what_an_autoencoder_is_shown_is_what_was_recorded(noise, distort, monkeypatch):
    monkeypatch.setattr(inputs, "distorted", lambda images, rng: images[:, ::-1])  # on its head
    x, change, x_val, shown = inputs.changed(Namespace(noise=noise, distort=distort), all_digits())
    assert np.array_equal(shown, x_val) == (not noise)
    seen = change(x[:500], np.arange(500), 0, np.random.default_rng(0)) if change else x[:500]
    assert (seen[:, :2, :2].std() > 20) == bool(noise)
    upright, turned = (np.corrcoef(seen.ravel(), images.ravel())[0, 1] for images in (x[:500], x[:500, ::-1]))
    assert (turned > upright) == distort


def test_fewer_and_fewer_digits_are_distorted():
    digits = all_digits()

    def redrawn(first, last):
        return inputs.redrawn(Namespace(distorted_share=[first, last], pixels="grey"), digits, lambda n: 10)

    x, redraw, *_ = redrawn(1, 0.1)
    x = x[:400]
    before, rows = x.copy(), np.arange(len(x))
    for epoch, share in ((0, 1.0), (5, 0.55), (9, 0.19)):
        changed = (redraw(x, rows, epoch, np.random.default_rng(0)) != x).any(axis=(1, 2))
        assert changed.mean() == pytest.approx(share, abs=0.06), epoch
    np.testing.assert_array_equal(x, before)
    assert redrawn(0, 0)[1] is None


@pytest.mark.parametrize(("share", "data_set", "reason"), [("[0.5]", "mnist", "two"), ("[1.0,0.1]", "cifar10", "grey")])
def test_a_share_of_distorted_digits_that_is_none(share, data_set, reason, tmp_path, capsys):
    options = ["--data-set", data_set, "--data", "sample", "--limit", "100", "--set", f"distorted_share={share}"]
    assert train_vae.main([*options, "--out", str(tmp_path)]) == 2
    assert_one_sentence(capsys.readouterr().err, reason)
    assert not (tmp_path / "config.json").exists()


def test_images_that_are_none_are_not_judged():
    """Beyond 0 and 1 a byte is something else on each kind of machine."""
    generator = Namespace(predict=lambda noise, **_: np.full((len(noise), 28, 28), noise[0, 0], "float32"))
    for pixel in (-0.2, 1.2, np.nan):
        with pytest.raises(UserError, match="between 0 and 1"):
            evaluate.generate(generator, np.full((3, 5), pixel))


def test_the_judge_computes_as_that_of_the_grader(monkeypatch):
    """In float32, whatever the run computes in."""
    policies = []
    monkeypatch.setattr(
        judge, "train_judge", lambda *_: policies.append(keras.config.dtype_policy().name) or KNOWS_NOTHING
    )
    keras.config.set_dtype_policy("mixed_bfloat16")
    judge.judge_of(Namespace(data="sample", data_dir=None, limit=None, seed=0))
    assert policies == ["float32"]
    assert keras.config.dtype_policy().name == "mixed_bfloat16"


def test_too_few_of_a_digit_leave_an_earlier_run_alone(tmp_path, capsys):
    (tmp_path / "metrics.json").write_text("{}")
    assert run("gan", "--data", "sample", "--limit", "12", "--digit", "8", out=tmp_path) == 1
    assert_one_sentence(capsys.readouterr().err, "--digit 8", "--limit")
    assert (tmp_path / "metrics.json").exists()


def test_binary_pixels_are_drawn_with_their_grey_values():
    images = np.full((1000, 2, 2), 64, "uint8")
    images[:, 0] = [0, 255]
    drawn = inputs.draw_pixels(images, np.random.default_rng(0))
    assert set(np.unique(drawn)) == {0, 255}
    np.testing.assert_allclose(drawn.mean(axis=0) / 255, [[0, 1], [0.25, 0.25]], atol=0.03)
    assert not drawn[:, 0, 0].any()


# The judges


def test_the_judge_reads_digits_and_is_kept(tmp_path):
    config, digits = Namespace(data="sample", data_dir=tmp_path, limit=None, seed=0), all_digits()
    reader, accuracy = judge.judge_of(config, tmp_path)
    probabilities = reader(digits.x_test)
    assert generated.recognised_share(probabilities, digits.y_test) == accuracy > 0.93
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judge, "train_judge", None)  # it is not trained again
        np.testing.assert_array_equal(judge.judge_of(config, tmp_path)[0](digits.x_test), probabilities)


def test_the_judge_does_not_depend_on_what_was_drawn_before(tmp_path, monkeypatch):
    monkeypatch.setitem(judge.JUDGE, "updates", 3)
    digits = all_digits()
    few = replace(digits, x_train=digits.x_train[:200], y_train=digits.y_train[:200], source=Namespace(kind="few"))
    monkeypatch.setattr(judge.data, "load", lambda *_: few)
    one = judge.judge_of(None)[0](digits.x_test)
    keras.random.normal((3,))
    np.testing.assert_array_equal(judge.judge_of(None)[0](digits.x_test), one)


def test_copies_and_collapse_are_noticed():
    x, y, x_test, y_test = mnist.digits()
    honest = generated.copying(x_test[500:], x, x_test[:500])
    assert honest["closer_than_99_percent_of_test"] < 0.05
    copied = generated.copying(np.concatenate([x[:50], x_test[550:]]), x, x_test[:500])
    assert copied["smallest"] == pytest.approx(0, abs=1e-3)
    assert copied["smallest_of_test"] > 1
    assert copied["closer_than_99_percent_of_test"] >= 0.1
    assert generated.diversity_ratio(x[:2000], y[:2000], x_test, y_test) == pytest.approx(1, abs=0.05)
    one_of_each = np.stack([x[y == digit][0] for digit in range(10)])
    labels = np.arange(300) % 10
    assert generated.diversity_ratio(one_of_each[labels], labels, x_test, y_test) == 0


def test_blur_is_noticed():
    x = mnist.digits()[0].astype(float)
    assert generated.detail_ratio(x[:1000], x[1000:]) == pytest.approx(1, abs=0.05)
    assert generated.detail_ratio((x + np.roll(x, (1, 1), (1, 2))) / 2, x) < 0.95
    striped = np.tile(np.array([0, 255], "uint8"), (2, 4, 2))  # from column to column all the way, from row to row none
    assert generated.detail_ratio(striped // 5, striped) == pytest.approx(0.2)


def test_separation_of_codes():
    rng = np.random.default_rng(0)
    labels = np.arange(400) % 4
    corners = 10 * np.array([[0, 0], [0, 1], [1, 0], [1, 1]])[labels] + rng.normal(size=(400, 2))
    found = codes.separation((corners[:200], labels[:200]), (corners[200:], labels[200:]))
    assert found["knn_error"] == found["probe_error"] == 0
    assert found["silhouette"] > 0.6
    nothing = rng.normal(size=(400, 2))
    found = codes.separation((nothing[:200], labels[:200]), (nothing[200:], labels[200:]))
    assert found["knn_error"] == pytest.approx(0.75, abs=0.12)
    assert abs(found["silhouette"]) < 0.1


# Faces


@pytest.fixture
def archive(tmp_path):
    """An archive of 30 pictures of several sizes and formats, one of them twice, and a file that is none."""
    path = tmp_path / "data" / "anime_faces.zip"
    path.parent.mkdir()
    rng = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w") as zipped:
        for i in range(30):
            picture = Image.fromarray(rng.integers(0, 256, (70 + i, 90, 3), "uint8"))
            file = tmp_path / f"{i:02d}.{'png' if i % 2 else 'jpg'}"
            picture.save(file)
            zipped.write(file, f"faces/{file.name}")
        zipped.write(tmp_path / "03.png", "faces/copy.png")
        zipped.writestr("readme.txt", "faces")
    return path


def test_faces_are_decoded_once(archive, monkeypatch):
    x_train, y_train, x_test, _ = faces.read(archive)
    assert x_train.shape == (27, 64, 64, 3)
    assert x_test.shape == (3, 64, 64, 3)
    assert x_train.dtype == "uint8"
    assert not y_train.any()
    monkeypatch.setattr(faces, "decode", None)
    np.testing.assert_array_equal(faces.read(archive)[0], x_train)
    config = Namespace(data="full", data_dir=archive.parent, limit=20, seed=0)
    assert data.load("faces", config).x_train.shape == (20, 64, 64, 3)


def test_a_broken_archive_of_faces(archive):
    archive.write_bytes(archive.read_bytes()[:-100])
    with pytest.raises(UserError, match="is broken"):
        data.load("faces", Namespace(data="full", data_dir=archive.parent, limit=None, seed=0))


# The analysis


def test_slant():
    upright = np.zeros((28, 28), "uint8")
    upright[4:24, 13:15] = 255
    leaning = np.stack([np.roll(row, (14 - i) // 3) for i, row in enumerate(upright)])  # to the right further up
    found = inputs.slant(np.stack([upright, leaning, leaning[:, ::-1]]))
    np.testing.assert_allclose(found, [0, 1 / 3, -1 / 3], atol=0.05)
    np.testing.assert_allclose(inputs.slant(inputs.upright(leaning[None])), 0, atol=0.02)


def test_codes_around_a_class_lie_between_codes_of_it():
    rng = np.random.default_rng(0)
    labels = np.arange(300) % 3
    places = 100 * labels[:, None] + rng.random((300, 2))
    drawn, wished = writing.around_classes(places.astype("float32"), labels, 60)
    assert set(wished) == {0, 1, 2}
    np.testing.assert_array_equal(np.floor(drawn / 100), np.repeat(wished[:, None], 2, axis=1))


def test_analysis_of_an_autoencoder_beside_a_vae(autoencoder, vae, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(maps, "MAPPED", 300)
    assert analyze.main(["--run", str(autoencoder), "--beside", str(vae)]) == 0
    assert_drawn(autoencoder, OF_CODES)
    found = json.loads((autoencoder / "analysis.json").read_text())
    assert found["maps"]["code"]["knn_error"] < found["maps"]["pca_2"]["knn_error"]
    assert found["written"]["class_means_recognised"] >= 0.6
    assert found["denoising"]["noise_0.6"]["mse_cleaned"] < found["denoising"]["noise_0.6"]["mse_noisy"]
    assert set(found["slanted"]) == {"real test images", "pixels mixed", "dense, 32 numbers", "vae, 2 numbers"}

    picture = Image.new("L", (200, 200), 255)
    ImageDraw.Draw(picture).line((110, 30, 90, 170), fill=0, width=16)
    picture.save(tmp_path / "my_one.png")
    assert analyze.main(["--run", str(vae), "--encode", str(tmp_path / "my_one.png")]) == 0
    assert "its code is" in capsys.readouterr().out
    assert_drawn(vae, {"own_my_one", "own_my_one_map"})
    assert analyze.main(["--run", str(vae), "--decode", "-0.3,1.2"]) == 0
    assert_drawn(vae, {"code_-0.3,1.2"})


@pytest.mark.parametrize("code", ["1,2,3", "1", "nan,1", "a,b"])
def test_a_code_that_is_none(code, vae, capsys):
    assert analyze.main(["--run", str(vae), "--decode", code]) == 1
    assert_one_sentence(capsys.readouterr().err, "--decode", code)


def test_analysis_of_a_gan(cgan, capsys):
    assert analyze.main(["--run", str(cgan)]) == 0
    assert_drawn(cgan, OF_GAN)
    found = json.loads((cgan / "analysis.json").read_text())
    assert [row["epoch"] for row in found["over_time"]] == [1, 2, 3]
    assert analyze.main(["--run", str(cgan), "--decode", "1,2"]) == 1
    assert_one_sentence(capsys.readouterr().err.splitlines()[-1], "GAN")


@pytest.mark.slow
def test_analysis_of_images_without_classes(small_networks, vae, tmp_path, capsys):
    options = ["--data", "sample", "--limit", "60", "--batch-size", "20", "--epochs", "1", "--data-set", "faces"]
    for name, pictures in (("conv", {"map", "plane", "reconstructions", "written"}), ("gan", {"progress", "written"})):
        out = tmp_path / name
        with eagerly():
            assert run(name, *options, out=out) == 0
            assert analyze.main(["--run", str(out)]) == 0
        assert_drawn(out, pictures)
        found = json.loads((out / "analysis.json").read_text())
        samples = found["random_codes"] if name == "conv" else found
        assert samples["detail_ratio"] > 0
        assert samples["copying"]["smallest"] > 0
    (tmp_path / "conv" / "analysis.json").unlink()
    for one, other in (("conv", vae), (vae, tmp_path / "conv")):
        assert analyze.main(["--run", str(tmp_path / one), "--beside", str(other)]) == 1
        assert_one_sentence(capsys.readouterr().err.splitlines()[-1], "two runs of digits")
    assert not (tmp_path / "conv" / "analysis.json").exists()


def test_other_data_than_those_of_the_run_are_refused(vae, tmp_path, capsys):
    helpers.assert_other_data_are_refused(analyze, vae, tmp_path, capsys)
