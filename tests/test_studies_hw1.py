"""The mathematics of the studies of homework 1: gradients, curvatures, equal numbers of weights, fresh starts."""

import keras
import numpy as np
import pytest
from scipy.special import expit, softmax

from common.figures import plots
from common.run import study
from hw1_mnist_mlp.studies import activations, deep_or_shallow, losses_and_optimizers, rbm, stuck


@pytest.fixture(scope="module")
def images():
    """16 pictures uint8 (16, 28, 28) of noise, and classes (16,)."""
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (16, 28, 28), "uint8"), np.arange(16) % 10


def compiled(model, optimizer, from_logits=True):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits)
    model.compile(optimizer, loss, run_eagerly=True)
    return model


# A network that starts again


@pytest.mark.parametrize("name", ["momentum", "Adagrad", "Adam", "Muon"])
def test_a_restarted_network_is_as_new(images, name):
    """The same seed repeats a training bit for bit, whatever was trained before: weights and optimizer are fresh."""
    x, y = images
    model = compiled(losses_and_optimizers.build(), losses_and_optimizers.OPTIMIZERS[name][0](), from_logits=False)

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


# Activations


def test_gradients_are_those_of_the_chain_rule(images, monkeypatch):
    monkeypatch.setattr(activations, "WIDTH", 3)
    x, y = images
    model = compiled(activations.build("sigmoid", 1), keras.optimizers.SGD(momentum=0.9))
    study.restart(model, 0, 0.2)
    w, b, v, c = (each.astype(float) for each in model.get_weights())
    pixels = x.reshape(16, -1) / 255
    hidden = expit(pixels @ w + b)
    error = (softmax(hidden @ v + c, axis=1) - np.eye(10)[y]) / 16
    below = error @ v.T * hidden * (1 - hidden)
    expected = [np.sqrt(np.mean(each**2)) for each in (pixels.T @ below, hidden.T @ error)]
    np.testing.assert_allclose(activations.first_gradients(model, x, y), expected, rtol=1e-4)


def test_a_network_without_activation_is_a_line(images):
    """Three layers give what one matrix gives: the product of theirs."""
    model = activations.build("linear", 3)
    w, one, two, last = (layer for layer in model.get_weights() if layer.ndim == 2)
    pixels = images[0].reshape(16, -1) / 255
    logits = keras.ops.convert_to_numpy(model(images[0]))
    np.testing.assert_allclose(logits, pixels @ (w @ one @ two @ last), rtol=1e-3, atol=1e-4)


def test_units_that_always_answer_0_are_dead(images, monkeypatch):
    monkeypatch.setattr(activations, "WIDTH", 4)
    model = activations.build("relu", 2)
    weights = model.get_weights()
    weights[1][:] = [-1e3, 1e3, 1e3, 1e3]  # biases: no pixels lift the first unit above 0, none push the others below
    weights[3][:] = [-1e5, -1e5, 1e5, 1e5]
    model.set_weights(weights)
    accuracy, dead = activations.ask(model, *images)
    assert dead == pytest.approx(100 * 3 / 8)
    said = keras.ops.convert_to_numpy(model(images[0])).argmax(axis=1)
    assert accuracy == pytest.approx(100 * np.mean(said == images[1]))


# Losses and optimizers


def test_muon_leaves_the_last_layer_to_adam(images):
    """Adam's first update moves every weight by the rate; Muon's turns a kernel's gradient into a near rotation."""
    model = compiled(losses_and_optimizers.build(), losses_and_optimizers.OPTIMIZERS["Muon"][0](), from_logits=False)
    study.restart(model, 0, 0.01)
    before = model.get_weights()
    model.fit(*images, batch_size=16, verbose=0)
    moves = [after - each for each, after in zip(before, model.get_weights(), strict=True)]
    sizes = np.linalg.svd(moves[2], compute_uv=False)  # of the second hidden layer, 64 x 64
    strong = sizes[: len(images[0]) // 2]  # a gradient of 16 digits has no more than 16 directions
    assert strong.max() < 2 * strong.min()
    assert np.median(np.abs(moves[4])) == pytest.approx(0.01, rel=0.05)
    assert not np.isclose(np.median(np.abs(moves[2])), 0.01, rtol=0.3)


# Deep or shallow


@pytest.mark.parametrize("depth", deep_or_shallow.DEPTHS)
def test_all_depths_have_as_many_weights(depth):
    target = deep_or_shallow.DIGIT_WEIGHTS
    model = deep_or_shallow.build(depth)
    assert model.count_params() == pytest.approx(target, rel=0.01)
    assert sum(isinstance(layer, keras.layers.Dense) for layer in model.layers) == depth + 1
    widths = deep_or_shallow.widths_for(deep_or_shallow.CURVE_WEIGHTS, 1, depth, 1)
    assert len(widths) == depth
    assert deep_or_shallow.n_weights(widths, 1, 1) == pytest.approx(deep_or_shallow.CURVE_WEIGHTS, rel=0.01)
    assert deep_or_shallow.n_weights((3, 2), 5, 4) == 6 * 3 + 4 * 2 + 3 * 4


def test_each_fold_doubles_the_pieces():
    x = np.linspace(-1, 1, 12_801)
    np.testing.assert_allclose(deep_or_shallow.folded(x, 0), x, atol=1e-12)
    for times in (1, 3, 5):
        steps = np.sign(np.diff(deep_or_shallow.folded(x, times)))
        assert 1 + np.count_nonzero(np.diff(steps)) == 2**times
    assert np.abs(deep_or_shallow.folded(x, 5)).max() == pytest.approx(1)


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


# RBMs


def test_rbms_learn_what_belongs_together(monkeypatch):
    """Half the pictures are light on the left, half on the right: the units of the second machine tell which."""
    monkeypatch.setattr(rbm, "HIDDEN", (8, 6))
    monkeypatch.setattr(rbm, "RBM_BATCH", 10)
    rng = np.random.default_rng(0)
    left = np.arange(200) % 2 == 0
    x = np.where(np.arange(28) < 14, left[:, None, None], ~left[:, None, None]) * rng.integers(200, 256, (200, 28, 28))
    weights = rbm.pretrain(x.astype("uint8"), 5)
    assert [each.shape for each in weights] == [(784, 8), (8,), (8, 6), (6,)]
    model = rbm.build("RBMs")
    model.set_weights([*weights, *model.get_weights()[4:]])
    hidden = keras.Model(model.inputs[0], model.layers[-2].output)(x.astype("uint8"))
    hidden = keras.ops.convert_to_numpy(hidden)
    between = hidden[left].mean(axis=0) - hidden[~left].mean(axis=0)
    assert np.abs(between).max() > 5 * hidden[left].std(axis=0).max()
