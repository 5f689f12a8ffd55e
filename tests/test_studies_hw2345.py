"""The answers of the studies of homeworks 2 to 5 follow from what they compute."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from common.data.wires import Wires
from hw2_cifar10_cnn.studies import small_cnn
from hw3_lstm_text.studies import attention, clipping
from hw4_autoencoder import generated
from hw4_autoencoder.studies import gan_from_autoencoder, rejection
from hw5_anime_dcgan.studies import adam

# What does a convolution buy?


def test_the_lectures_network_has_5521_weights():
    counts = {name: build().count_params() for name, (build, _) in small_cnn.NETWORKS.items()}
    assert list(counts.values()) == [5521, 5575, 275_875]
    table = small_cnn.shapes(small_cnn.build_cnn())
    assert ("conv_2", "24 x 24 x 10", "460") in table and ("pool_4", "20 x 20 x 1", "0") in table
    assert table[-1] == ("in all", "", "5,521")


def test_moved_digits_lose_nothing():
    rng = np.random.default_rng(0)
    digits = np.zeros((3, 28, 28), "uint8")
    digits[:, 4:24, 4:24] = rng.integers(1, 255, (3, 20, 20))
    right, left, down, up = np.split(small_cnn.moved(digits, 4), 4)
    np.testing.assert_array_equal(right[:, 4:24, 8:28], digits[:, 4:24, 4:24])
    np.testing.assert_array_equal(up[:, :20, 4:24], digits[:, 4:24, 4:24])
    np.testing.assert_array_equal(
        left[:, :, ::-1].sum(axis=1), digits[:, :, ::-1].sum(axis=1)[:, [*range(24, 28), *range(24)]]
    )
    assert down.sum() == digits.sum()


# Why clip, why an LSTM?


def test_gradient_by_distance_is_that_of_difference_quotients(monkeypatch):
    """Of the loss of each window's last character, by every number of the input at some place."""
    monkeypatch.setattr(clipping, "WINDOW", 6)
    monkeypatch.setattr(clipping, "BATCH", 4)
    keras.utils.set_random_seed(0)
    codes = np.random.default_rng(1).integers(0, 5, 50).astype("int32")
    model = clipping.build("GRU", 5, 5, True, "sgd")
    norms = clipping.norms_by_distance(model, codes)
    assert norms.shape == (6,)
    x, y = next(clipping.windows(codes, np.random.default_rng(0)))
    _, embedding, recurrent, dense = model.layers
    vectors = keras.ops.convert_to_numpy(embedding(x))
    n = vectors.shape[-1]
    for distance in (0, 3):
        moved = np.tile(vectors, (2 * n, 1, 1, 1))  # a copy of the windows for each number, up and down
        for i in range(n):
            moved[i, :, -1 - distance, i] += 1e-2
            moved[n + i, :, -1 - distance, i] -= 1e-2
        logits = dense(recurrent(moved.reshape(-1, 6, n))[:, -1])
        logits = keras.ops.convert_to_numpy(logits).astype("float64").reshape(2 * n, 4, 5)
        losses = np.log(np.exp(logits).sum(axis=-1)) - logits[:, np.arange(4), y[:, -1]]
        slopes = (losses[:n] - losses[n:]) / 2e-2
        assert norms[distance] == pytest.approx(np.linalg.norm(slopes, axis=0).mean(), rel=0.01)


def test_windows_and_symbols():
    x, y = next(clipping.windows(np.arange(100), np.random.default_rng(0)))
    np.testing.assert_array_equal(y, x + 1)
    assert x.shape == (clipping.BATCH, clipping.WINDOW)
    rows, first = next(clipping.symbols([7], np.random.default_rng(0), 50))
    assert rows.shape == (50, 7) and (rows[:, 1:] >= clipping.SYMBOLS).all()
    np.testing.assert_array_equal(rows[:, 0], first)
    assert set(first) <= set(range(clipping.SYMBOLS))


# What does attention add?


def test_wires_are_cut_into_pieces():
    length, words = attention.PIECE * attention.PIECES, attention.WORDS
    tokens = np.r_[[5, words, 7], np.arange(1, length + 3)].astype("int32")
    first, second = attention.cut(Wires(tokens, np.array([0, 3, len(tokens)]), np.array([])))
    np.testing.assert_array_equal(first[0, :4], [6, 1, 8, 0])  # a rare word is 1, and 0 is the end
    assert not first[1:].any()
    np.testing.assert_array_equal(second.ravel(), np.arange(2, length + 2))


def test_average_weighs_all_words_alike_and_attention_adds_up():
    pieces = np.zeros((2, attention.PIECES, attention.PIECE), "int32")
    pieces[0, 0, :3], pieces[1, :2] = 9, np.arange(2, 2 + 2 * attention.PIECE).reshape(2, -1)
    weights = attention.weight_of_words(attention.build("average", 4)[1], pieces)
    np.testing.assert_allclose(weights[pieces > 0], 1, rtol=1e-5)
    weights = attention.weight_of_words(attention.build("attention", 4)[1], pieces)
    np.testing.assert_allclose(weights.sum(axis=(1, 2)), [3, 2 * attention.PIECE], rtol=1e-5)
    assert not weights[pieces == 0].any()


def test_what_is_past_the_end_is_not_read():
    """A wire of two pieces in a longer row: the logits do not depend on what the numbers behind the end would be."""
    keras.utils.set_random_seed(0)
    pieces = np.zeros((1, attention.PIECES, attention.PIECE), "int32")
    pieces[0, 0] = 7
    for kind in attention.KINDS:
        model, _ = attention.build(kind, 4)
        one = keras.ops.convert_to_numpy(model(pieces))
        table = next(layer for layer in model.layers if "embedding" in layer.name)
        vectors = table.get_weights()[0]
        vectors[0] += 1
        table.set_weights([vectors])
        np.testing.assert_allclose(keras.ops.convert_to_numpy(model(pieces)), one, atol=1e-6)


def test_words_are_made_unknown_by_their_order():
    pieces = np.zeros((1, attention.PIECES, attention.PIECE), "int32")
    pieces[0, 0, :10] = np.arange(10, 20)
    order = np.zeros(pieces.shape)
    order[0, 0, 4], order[0, 5, 5] = 3, 9  # the second is past the end
    changed = attention.without(pieces, order)
    assert np.argwhere(changed != pieces).tolist() == [[0, 0, 4]] and changed[0, 0, 4] == 1
    assert (attention.without(pieces, order, share=0.45) == 1).sum() == 5


# From autoencoder to GAN


def test_frechet_distance():
    rng = np.random.default_rng(0)
    features = rng.standard_normal((500, 6))
    assert generated.frechet_distance(features, features) == pytest.approx(0, abs=1e-8)
    assert generated.frechet_distance(features + 2, features) == pytest.approx(24)  # 2² in each of 6 directions
    spread = features.std(axis=0, ddof=1)
    twice = 2 * features
    uncorrelated = features @ np.linalg.inv(np.linalg.cholesky(np.cov(features.T)).T)
    assert generated.frechet_distance(2 * uncorrelated, uncorrelated) == pytest.approx(
        6 + np.sum(uncorrelated.mean(axis=0) ** 2)
    )
    assert generated.frechet_distance(twice, features) == pytest.approx(
        np.sum(spread**2) + np.sum(features.mean(axis=0) ** 2)
    )


def test_the_generator_itself_is_the_decoder_and_its_codes_look_like_noise():
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).integers(0, 255, (100, 28, 28)).astype("uint8")
    generator = gan_from_autoencoder.build_generator((28, 28), gan_from_autoencoder.NOISE, 4)
    before = generator.get_weights()
    model = gan_from_autoencoder.build_autoencoder(generator)
    codes = keras.Model(model.inputs, model.get_layer("like_noise").output)(x, training=True)
    codes = keras.ops.convert_to_numpy(codes)
    np.testing.assert_allclose(codes.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(codes.std(axis=0), 1, atol=0.05)
    gan_from_autoencoder.learn_to_decode(generator, x, 1, seed=0)
    assert not all(np.array_equal(one, two) for one, two in zip(before, generator.get_weights(), strict=True))


# Rejection sampling


def test_chances_let_by_the_share_that_was_asked_for():
    logits = np.random.default_rng(0).normal(-3, 2, 10_000)
    np.testing.assert_array_equal(rejection.chances(logits, 1.0), 1)
    for share in (0.5, 0.02):
        chances = rejection.chances(logits, share)
        assert chances.mean() == pytest.approx(share, rel=1e-3)
        assert (np.diff(chances[np.argsort(logits)]) >= 0).all()
    low = np.sort(logits)[:2]  # well below the shift: in proportion to the exponential of the logit
    one, two = rejection.chances(np.r_[low, logits], 0.02)[:2]
    assert two / one == pytest.approx(np.exp(low[1] - low[0]), rel=1e-2)


# Is Adam overrated for GANs?


def test_the_losses_of_wasserstein():
    real, fake = np.array([[1.0], [3.0]], "float32"), np.array([[-1.0], [4.0]], "float32")
    assert [float(loss) for loss in adam.wasserstein(real, fake)] == [-2, 1.5, -1.5]


def test_a_training_that_breaks_is_infinitely_far():
    """Its faces would be black, which is nearer than what some others draw."""
    faces = np.random.default_rng(0).integers(0, 256, (64, 64, 64, 3), "uint8")
    judge = SimpleNamespace(real=faces[:4], frechet_distance=lambda faces: 0.0)
    assert adam.distance(faces, judge, adam.logistic, keras.optimizers.SGD, 1e30, 0, 2) == np.inf


def test_the_weights_of_the_critic_stay_small():
    gan = adam.build(adam.wasserstein, keras.optimizers.SGD, 10.0, seed=0)
    faces = np.random.default_rng(0).integers(0, 256, (8, 64, 64, 3), "uint8")
    gan.fit(faces, np.zeros((8, 0), "float32"), batch_size=4, verbose=0)
    largest = [float(keras.ops.max(keras.ops.abs(weight))) for weight in gan.discriminator.trainable_weights]
    np.testing.assert_allclose(max(largest), adam.CLIP, rtol=1e-6)
    assert max(float(keras.ops.max(keras.ops.abs(weight))) for weight in gan.generator.trainable_weights) > 1
