"""The mathematics of the studies of homework 1: gradients, curvatures, networks that start again."""

import keras
import numpy as np
import pytest

from common.figures import plots
from common.run import study
from hw1_mnist_mlp.studies import losses_and_optimizers, stuck


@pytest.fixture(scope="module")
def images():
    """16 pictures uint8 (16, 28, 28) of noise, and classes (16,)."""
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (16, 28, 28), "uint8"), np.arange(16) % 10


def compiled(model, optimizer):
    loss = keras.losses.SparseCategoricalCrossentropy()
    model.compile(optimizer, loss, run_eagerly=True)
    return model


# A network that starts again


@pytest.mark.parametrize("name", ["momentum", "Adagrad", "Adam", "Muon"])
def test_a_restarted_network_is_as_new(images, name):
    """The same seed repeats a training bit for bit, whatever was trained before: weights and optimizer are fresh."""
    x, y = images
    model = compiled(losses_and_optimizers.build(), losses_and_optimizers.OPTIMIZERS[name][0]())

    def trained(seed):
        study.restart(model, seed, 0.01)
        model.fit(x, y, batch_size=8, shuffle=False, verbose=0)
        return model.get_weights()

    first, other, again = trained(1), trained(2), trained(1)
    for before, after in zip(first, again, strict=True):
        np.testing.assert_array_equal(before, after)
    assert not np.array_equal(first[0], other[0])


def test_logarithmic_ticks_are_plain_numbers():
    ax = plots.new_figure(4, 3).subplots()
    ax.loglog([1e-4, 1e4], [1, 50])
    plots.plain_ticks(ax)
    assert ax.xaxis.get_major_formatter().format_ticks([1e-4, 1000]) == ["0.0001", "1,000"]
    assert set(ax.yaxis.get_minorticklocs()) >= {2, 5, 20, 50}
    assert not len(ax.xaxis.get_minorticklocs())


# Losses and optimizers


def test_muon_leaves_the_last_layer_to_adam(images):
    """Adam's first update moves every weight by the rate; Muon's turns a kernel's gradient into a near rotation."""
    model = compiled(losses_and_optimizers.build(), losses_and_optimizers.OPTIMIZERS["Muon"][0]())
    study.restart(model, 0, 0.01)
    before = model.get_weights()
    model.fit(*images, batch_size=16, verbose=0)
    moves = [after - each for each, after in zip(before, model.get_weights(), strict=True)]
    sizes = np.linalg.svd(moves[2], compute_uv=False)  # of the second hidden layer, 64 x 64
    strong = sizes[: len(images[0]) // 2]  # a gradient of 16 digits has no more than 16 directions
    assert strong.max() < 2 * strong.min()
    assert np.median(np.abs(moves[4])) == pytest.approx(0.01, rel=0.05)
    assert not np.isclose(np.median(np.abs(moves[2])), 0.01, rtol=0.3)


# Stuck


@pytest.fixture(scope="module")
def small():
    """x (30, 6) and y (30, 10) of ten classes that lie apart, and weights (78,)."""
    rng = np.random.default_rng(0)
    classes = np.arange(30) % 10
    x = rng.normal(size=(10, 6))[classes] + 0.1 * rng.normal(size=(30, 6))
    return x, np.eye(10)[classes], rng.normal(0, 0.5, 78)


def test_slopes_and_curvatures_are_difference_quotients(small):
    x, y, weights = small
    loss, gradient = stuck.loss_and_gradient(weights, x, y)
    found = stuck.hessian(weights, x, y)
    assert gradient.shape == weights.shape
    moves = 1e-4 * np.eye(78)
    ahead, behind = (stuck.loss_and_gradient(weights + sign * moves, x, y)[0] for sign in (1, -1))
    np.testing.assert_allclose(gradient, (ahead - behind) / 2e-4, atol=1e-6)
    np.testing.assert_allclose(np.diag(found), (ahead - 2 * loss + behind) / 1e-8, atol=1e-5)
    rng = np.random.default_rng(1)
    direction, other = (each / np.linalg.norm(each) for each in rng.normal(size=(2, 78)))
    corners = [
        a * b * stuck.loss_and_gradient(weights + 1e-3 * (a * direction + b * other), x, y)[0]
        for a in (1, -1)
        for b in (1, -1)
    ]
    assert direction @ found @ other == pytest.approx(sum(corners) / 4e-6, rel=1e-3)


def test_kinds_of_points(small):
    """Without any weight but the last biases the network is at a saddle: the classes' shares, and no way to tell."""
    x, y, weights = small
    shares = np.zeros(78)
    shares[-10:] = y.mean(axis=0) / (1 + stuck.DECAY)
    _, norm, _, positive, kind = stuck.look(shares, x, y)
    assert norm < 1e-12
    assert 0 < positive < 1
    assert kind == "saddle"
    _, norm, ratio, _, kind = stuck.look(weights, x, y)
    gradient = stuck.loss_and_gradient(weights, x, y)[1]
    assert ratio == pytest.approx(np.linalg.norm(stuck.hessian(weights, x, y) @ gradient) / np.linalg.norm(gradient))
    assert norm == pytest.approx(np.linalg.norm(gradient))
    assert kind == "not finished"


def test_the_search_ends_at_a_point_without_slope(small):
    x, y, _ = small
    rng = np.random.default_rng(0)
    shares = np.zeros(78)
    shares[-10:] = y.mean(axis=0) / (1 + stuck.DECAY)
    found = stuck.without_slope(shares + 0.01 * rng.normal(size=78), x, y, 200)
    assert stuck.look(found, x, y)[1] < stuck.ZERO
