"""The train step of a GAN: what each network learns from, and the penalties on the slope of the discriminator."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from common.gan import GAN, logits_and_slopes
from hw4_autoencoder.train_gan import logistic_losses
from hw5_anime_dcgan.train import LOSSES

SHAPE = (2, 2, 3)


def networks(n_labels=0):
    """A generator and a discriminator that are smooth, so that differences tell their gradients."""
    keras.utils.set_random_seed(1)
    noise, label = keras.Input((3,)), [keras.Input((n_labels,))] if n_labels else []
    x = layers.Concatenate()([noise, *label]) if label else noise
    x = layers.Dense(12, activation="sigmoid")(layers.Dense(5, activation="tanh")(x))
    generator = keras.Model([noise, *label] if label else noise, layers.Reshape(SHAPE)(x))
    images = keras.Input(SHAPE)
    x = layers.Dense(6, activation="tanh", kernel_initializer=keras.initializers.HeNormal())(layers.Flatten()(images))
    logit = layers.Dense(1)(x)
    if label:
        logit = layers.Add()([logit, layers.Dot(1)([x, layers.Dense(6)(label[0])])])
    return generator, keras.Model([images, *label] if label else images, logit)


def make_gan(losses, penalty, rate=0.0, n_labels=0):
    gan = GAN(*networks(n_labels), losses, seed=0, penalty=penalty)
    gan.compile(keras.optimizers.SGD(rate), keras.optimizers.SGD(rate))
    return gan


def test_slopes_are_those_of_differences():
    _, discriminator = networks()
    images = np.random.default_rng(0).random((3, *SHAPE)).astype("float32")
    logits, slopes, more = logits_and_slopes(lambda x: (discriminator(x), 2 * x), ops.convert_to_tensor(images))
    np.testing.assert_allclose(more, 2 * images)
    np.testing.assert_allclose(logits, discriminator.predict(images, verbose=0), rtol=1e-4)
    expected = np.zeros(3)
    for place in np.ndindex(SHAPE):
        step = np.zeros(SHAPE, "float32")
        step[place] = 1e-2
        difference = discriminator.predict(images + step, verbose=0) - discriminator.predict(images - step, verbose=0)
        expected += (difference[:, 0] / 2e-2) ** 2
    np.testing.assert_allclose(slopes, expected, rtol=1e-2)


@pytest.mark.parametrize("penalty", [0.0, 2.0])
@pytest.mark.parametrize(
    ("losses", "n_labels"),
    [*((losses, 0) for losses in (*LOSSES.values(), logistic_losses)), (logistic_losses, 4)],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_each_network_goes_down_its_own_loss(losses, penalty, n_labels):
    """One step of SGD changes each weight by the difference quotient of the loss, penalties and all."""
    images = np.random.default_rng(0).integers(0, 256, (4, *SHAPE), "uint8")
    labels = np.eye(n_labels or 2, dtype="float32")[[0, 1, 1, 0]]
    gan = make_gan(losses, penalty, rate=1.0, n_labels=n_labels)
    state = np.array(gan.noise.state)

    def loss_of(which):
        gan.noise.state.assign(state)
        return float(gan.batch_losses(images, ops.convert_to_tensor(labels))[which])

    expected = []
    for which, network in enumerate((gan.generator, gan.discriminator)):
        for variable in network.trainable_variables:
            value = np.array(variable)
            place = np.unravel_index(np.abs(value).argmax(), value.shape)  # one weight of each array
            quotient = []
            for sign in (1, -1):
                changed = value.copy()
                changed[place] += sign * 1e-2
                variable.assign(changed)
                quotient.append(loss_of(which))
            variable.assign(value)
            expected.append((variable, place, value[place], (quotient[0] - quotient[1]) / 2e-2))
    gan.noise.state.assign(state)
    gan.fit(images, labels, batch_size=4, shuffle=False, verbose=0)
    for variable, place, before, gradient in expected:
        assert before - np.array(variable)[place] == pytest.approx(gradient, rel=2e-2, abs=2e-4), variable.path


def test_penalty_is_that_of_pixels_between_minus_one_and_one():
    """R1 and R2 with gamma 2: the mean squared slope of both kinds of image, a quarter of that by pixels in 0..1."""
    gan = make_gan(logistic_losses, 2.0)
    images = np.random.default_rng(0).integers(0, 256, (4, *SHAPE), "uint8")
    noise = keras.random.normal((4, 3), seed=keras.random.SeedGenerator(0))
    both = ops.cast(images, "float32") / 255, gan.generator(noise)
    slopes = [logits_and_slopes(lambda x: (gan.discriminator(x), ()), each)[1] for each in both]
    *_, values = gan.batch_losses(images, None)
    assert [tracker.name for tracker in gan.trackers][-1] == "penalty"
    assert float(values[-1]) == pytest.approx(float(sum(map(ops.mean, slopes))) / 4, rel=1e-4)


def test_relativistic_loss_is_about_pairs():
    real, fake = np.array([[3.0], [0.0]], "float32"), np.array([[1.0], [4.0]], "float32")
    real_loss, fake_loss, generator_loss = (float(loss) for loss in LOSSES["relativistic"](real, fake))
    assert real_loss + fake_loss == pytest.approx(np.mean(np.log1p(np.exp([-2, 4]))), rel=1e-5)
    assert generator_loss == pytest.approx(np.mean(np.log1p(np.exp([2, -4]))), rel=1e-5)
    moved = [float(loss) for loss in LOSSES["relativistic"](real + 7, fake + 7)]
    assert moved == pytest.approx([real_loss, fake_loss, generator_loss], rel=1e-5)
