"""Checkpoints: everything comes back, damage is noticed, and nothing is started over in silence."""

import random

import keras
import numpy as np
import pytest

from common.errors import UserError
from common.run import checkpoint
from common.run.checkpoint import Progress

X = np.random.default_rng(0).random((64, 5), "float32")
Y = (X.sum(axis=1) * 2).astype("int32") % 3


def make_model(units=7):
    """A small network with all kinds of state: weights, moving averages, a dropout generator, Adam's moments."""
    model = keras.Sequential(
        [
            keras.Input((5,)),
            keras.layers.Dense(units, activation="relu"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(3),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss)
    return model


def state(model):
    return [keras.ops.convert_to_numpy(v) for v in (*model.variables, *model.optimizer.variables)]


def assert_same_state(model, expected):
    for array, other in zip(state(model), expected, strict=True):
        np.testing.assert_array_equal(array, other)


def train(model, epochs=1):
    model.fit(X, Y, batch_size=16, epochs=epochs, shuffle=False, verbose=0)


@pytest.fixture(scope="module")
def trained():
    """A model trained for three epochs, its state after each, and what its training did next."""
    keras.utils.set_random_seed(1)
    model = make_model()
    states = []
    for _ in range(4):
        train(model)
        states.append(state(model))
    return model, states


def put(model, arrays):
    for variable, array in zip((*model.variables, *model.optimizer.variables), arrays, strict=True):
        variable.assign(array)


@pytest.fixture
def saved(trained, tmp_path):
    """A folder with the checkpoints of epochs 1 to 3, and the states."""
    model, states = trained
    for epoch in (1, 2, 3):
        put(model, states[epoch - 1])
        history = [{"epoch": e, "loss": 1 / e} for e in range(1, epoch + 1)]
        checkpoint.save(tmp_path, model, Progress(epoch, history, 1.5 * epoch))
    return tmp_path, states


def files(folder):
    return sorted(folder.glob("*"))


def test_round_trip_and_the_next_epoch(saved):
    folder, states = saved
    keras.utils.set_random_seed(99)
    model = make_model()
    progress = checkpoint.restore(folder, model)
    assert progress == Progress(3, [{"epoch": e, "loss": 1 / e} for e in (1, 2, 3)], 4.5)
    assert_same_state(model, states[2])
    train(model)  # with the same dropout, the same moments and the same moving averages as if it had never stopped
    assert_same_state(model, states[3])


def test_the_newest_two_are_kept(saved):
    folder, _ = saved
    assert [path.name[:6] for path in files(folder)] == ["000002", "000003"]
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_the_millionth_update_is_newer(tmp_path):
    for name in ("999999-b.npz", "1000000-a.npz"):
        (tmp_path / name).touch()
    assert [path.name[:7] for path in checkpoint._newest_first(tmp_path)] == ["1000000", "999999-"]


def test_no_checkpoint_leaves_the_model_alone(tmp_path):
    model = make_model()
    before = model.get_weights()
    assert checkpoint.restore(tmp_path / "nothing", model) == Progress()
    for array, expected in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(array, expected)


def damaged(content):
    """Yield (what was done, the spoilt content): cut anywhere, a bit changed anywhere, emptied, appended to."""
    moments = random.Random(0)
    for length in (0, 1, len(content) - 1, *(moments.randrange(len(content)) for _ in range(12))):
        yield f"cut to {length}", content[:length]
    for _ in range(30):
        place, bit = moments.randrange(len(content)), moments.randrange(8)
        flipped = bytearray(content)
        flipped[place] ^= 1 << bit
        yield f"bit {bit} of byte {place}", bytes(flipped)
    yield "zeros", bytes(len(content))
    yield "appended", content + b"\0"


def test_a_damaged_newest_checkpoint_falls_back(trained, saved, capsys):
    folder, states = saved
    model = trained[0]
    whole = files(folder)[-1].read_bytes()
    for name, content in damaged(whole):
        files(folder)[-1].write_bytes(content)
        progress = checkpoint.restore(folder, model)
        assert progress.epoch == 2, name
        assert len(progress.history) == 2, name
        assert_same_state(model, states[1])
        warning = capsys.readouterr().err
        assert warning.startswith("warning: "), name
        assert str(files(folder)[-1]) in warning, name
        assert len(warning.splitlines()) == 1, name


def test_all_damaged_is_an_error(trained, saved):
    folder, _ = saved
    for path in files(folder):
        path.write_bytes(path.read_bytes()[:-1])
    before = state(trained[0])
    with pytest.raises(UserError, match="every checkpoint") as error:
        checkpoint.restore(folder, trained[0])
    assert str(folder) in str(error.value)
    assert_same_state(trained[0], before)


def test_what_a_killed_save_left_is_no_checkpoint(trained, saved):
    folder, _ = saved
    (folder / ".part-000004-0123456789abcdef.npz").write_bytes(b"half")
    assert checkpoint.restore(folder, trained[0]).epoch == 3
    checkpoint.save(folder, trained[0], Progress(4, [], 1.0))
    assert not [*folder.glob(".part-*")]  # its name says what is in it, so nobody writes it anew


def test_after_a_fall_back_the_damaged_file_does_not_count(trained, saved):
    """The epoch is done and saved again: the two that are kept must both be whole."""
    folder, states = saved
    model = trained[0]
    spoilt = files(folder)[-1].rename(folder / "000003-ffffffffffffffff.npz")  # it sorts before its successor
    assert checkpoint.restore(folder, model).epoch == 2
    put(model, states[2])
    checkpoint.save(folder, model, Progress(3, [{}] * 3, 9.0))
    assert not spoilt.exists()
    assert [path.name[:6] for path in files(folder)] == ["000002", "000003"]
    assert checkpoint.restore(folder, model).epoch == 3


@pytest.mark.parametrize("units", [6, 8])
def test_of_another_model(saved, units):
    other = make_model(units)
    before = other.get_weights()
    with pytest.raises(UserError, match="another model"):
        checkpoint.restore(saved[0], other)
    for array, expected in zip(other.get_weights(), before, strict=True):
        np.testing.assert_array_equal(array, expected)


def test_of_a_deeper_model(saved):
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(7), keras.layers.Dense(7), keras.layers.Dense(3)])
    model.compile(keras.optimizers.Adam(0.01), "mse")
    with pytest.raises(UserError, match="another model"):
        checkpoint.restore(saved[0], model)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_not_saved(trained, saved, value):
    folder, states = saved
    before = {path: path.read_bytes() for path in files(folder)}
    spoilt = [array.copy() for array in states[2]]
    spoilt[0].flat[3] = value
    put(trained[0], spoilt)
    with pytest.raises(UserError, match="no longer finite") as error:
        checkpoint.save(folder, trained[0], Progress(4, [{}] * 4, 1.0))
    assert str(folder) in str(error.value)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_a_disk_error_leaves_the_earlier_checkpoints(trained, saved, monkeypatch):
    folder, _ = saved
    before = {path: path.read_bytes() for path in files(folder)}

    def no_space(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", no_space)
    with pytest.raises(OSError, match="No space left"):
        checkpoint.save(folder, trained[0], Progress(4, [{}] * 4, 1.0))
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
