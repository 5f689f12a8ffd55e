"""The order of the examples: complete, drawn from (seed, epoch) alone, and the one that `fit` really uses."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from common.data.batches import Batches


def batches_of(n=50, batch_size=8, seed=3, **options):
    """Examples that tell who they are: x is (n, 2), filled with the number of the example, and so is y."""
    numbers = np.arange(n, dtype="float32")
    return Batches(np.stack([numbers, numbers], axis=1), numbers, batch_size, seed, **options)


def order(batches):
    """The numbers of the examples of one epoch, in order."""
    return [int(number) for i in range(len(batches)) for number in batches[i][1]]


@pytest.mark.parametrize(("n", "batch_size", "lengths"), [(50, 8, [8] * 6 + [2]), (16, 8, [8, 8]), (5, 8, [5])])
def test_every_example_once_and_the_last_batch_kept(n, batch_size, lengths):
    batches = batches_of(n, batch_size)
    for epoch in range(3):
        batches.epoch = epoch
        assert sorted(order(batches)) == list(range(n))
        assert [len(batches[i][0]) for i in range(len(batches))] == lengths


def test_images_and_labels_stay_together_with_their_types():
    x, y = np.arange(40, dtype="uint8").reshape(20, 2), np.arange(20, dtype="int16")
    for images, labels in (Batches(x, y, 6, 0)[i] for i in range(4)):
        assert images.dtype == "uint8"
        assert labels.dtype == "int16"
        np.testing.assert_array_equal(images[:, 0], 2 * labels)


def test_every_device_of_every_host_has_an_equal_part(monkeypatch):
    """Of 10 examples in batches of 8, for 2 hosts with 2 devices each: the last batch is filled up from 2 to 4."""
    whole = batches_of(10)
    shares = []
    for host in range(2):
        mesh = SimpleNamespace(devices=np.zeros(4))
        shared = SimpleNamespace(device_mesh=mesh, num_processes=2, data_shard_id=host)
        monkeypatch.setattr(keras.distribution, "distribution", lambda shared=shared: shared)
        shares.append(batches_of(10))
    assert [[len(share[i][0]) for i in range(2)] for share in shares] == [[4, 2]] * 2
    np.testing.assert_array_equal(np.concatenate([share[0][0] for share in shares]), whole[0][0])
    np.testing.assert_array_equal(np.concatenate([share[1][1] for share in shares]), np.tile(whole[1][1], 2))


def test_order_depends_on_seed_and_epoch_alone():
    def order_of(seed, epoch):
        batches = batches_of(seed=seed)
        batches.epoch = epoch
        return order(batches)

    assert order_of(0, 0) != order_of(0, 1) != order_of(1, 0)
    assert order_of(0, 0) != order_of(1, 0)
    stepped = batches_of(seed=0)
    for epoch in range(4):
        np.random.seed(epoch)  # noqa: NPY002 (the global state must not matter)
        keras.utils.set_random_seed(epoch)
        assert order(stepped) == order_of(0, epoch)
        assert order(stepped) == order_of(0, epoch)  # reading changes nothing
        stepped.epoch += 1


def test_augmentation_is_drawn_from_seed_epoch_and_batch():
    def noise(x, rows, epoch, rng):
        return x + rng.random(x.shape)

    def epoch_of(seed, epoch, backwards=False):
        batches = batches_of(seed=seed, augment=noise)
        batches.epoch = epoch
        indices = range(len(batches))
        found = {i: batches[i][0] for i in (reversed(indices) if backwards else indices)}
        return np.concatenate([found[i] for i in indices])

    first = epoch_of(0, 0)
    np.testing.assert_array_equal(first, epoch_of(0, 0))
    np.testing.assert_array_equal(first, epoch_of(0, 0, backwards=True))  # threads may come in any order
    fractions = np.sort(first % 1, axis=0)
    assert len(np.unique(fractions)) == first.size  # no two batches get the same noise
    for other in (epoch_of(0, 1), epoch_of(1, 0)):
        assert not np.isin(fractions, other % 1).any()


class Seen(keras.layers.Layer):
    """Notes where in which training batch each example came: `log` is (batches, examples), 0 where it did not."""

    def build(self, shape):
        self.step = self.add_weight(shape=(), dtype="int32", initializer="zeros", trainable=False)
        self.log = self.add_weight(shape=(50, 50), initializer="zeros", trainable=False)
        self.scale = self.add_weight(shape=(), initializer="ones")

    def call(self, x, training=False):
        if training:
            places = keras.ops.cumsum(keras.ops.ones_like(x[:, 0]))
            who = keras.ops.one_hot(keras.ops.cast(x[:, 0], "int32"), 50)
            row = keras.ops.sum(places[:, None] * who, axis=0)
            self.log.assign(self.log + keras.ops.one_hot(self.step, 50)[:, None] * row)
            self.step.assign(self.step + 1)
        return x[:, :1] * self.scale


@pytest.mark.parametrize("resumed_after", [0, 2])
def test_fit_sees_the_announced_order(resumed_after):
    batches = batches_of()
    batches.epoch = resumed_after
    announced = []
    for epoch in range(resumed_after, 5):
        twin = batches_of()
        twin.epoch = epoch
        announced += order(twin)
    model = keras.Sequential([keras.Input((2,)), Seen()])
    model.compile("sgd", "mse")
    options = {"validation_data": (batches.x, batches.y), "validation_batch_size": 20, "verbose": 0}
    model.fit(batches, shuffle=False, epochs=5, initial_epoch=resumed_after, **options)
    log = keras.ops.convert_to_numpy(model.layers[-1].log).astype(int)
    assert len(log[log.any(axis=1)]) == (5 - resumed_after) * len(batches)
    assert [int(number) for row in log for number in np.argsort(row)[np.sort(row) > 0]] == announced
    assert batches.epoch == 5
