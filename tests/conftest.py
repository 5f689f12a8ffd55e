"""Fixtures: isolation from the repository's own folders and from the network, and runs to look at."""

import os
import re
import socket
import subprocess
import sys

import filelock
import numpy as np
import pytest

from common.run import cli
from tests.helpers import HOMEWORK, NO_NETWORK, PATIENCE, RUN, Server

# What is made of fork, signals and Linux's sandbox cannot even be imported on Windows.
POSIX_ONLY = ("bars", "exercises", "grade", "resume", "sandbox", "submissions")
collect_ignore = [f"test_{name}.py" for name in POSIX_ONLY] if os.name == "nt" else []


def pytest_collection_modifyitems(config, items):
    """Tests that take minutes run only when asked for: pytest -m slow, pytest -m full."""
    asked = re.sub(r"\bnot \w+", "", config.option.markexpr)
    unasked = [name for name in ("slow", "full") if name not in asked]
    lengthy = [item for item in items if any(map(item.get_closest_marker, unasked))]
    config.hook.pytest_deselected(items=lengthy)
    items[:] = [item for item in items if item not in lengthy]


@pytest.fixture(autouse=True)
def isolated(request, tmp_path, monkeypatch):
    """No test writes into data/ or outputs/ of the repository, and none leaves this machine.

    Tests marked `full` need the staged data, those marked `bars` the user's runs too: they keep these folders.
    """
    if not request.node.get_closest_marker("full") and not request.node.get_closest_marker("bars"):
        monkeypatch.setenv("HW_DATA_DIR", str(tmp_path / "no-data"))
        monkeypatch.setattr(cli, "ROOT", tmp_path / "no-repository")
    if "keras" in sys.modules:  # a run of the test before may have chosen another
        sys.modules["keras"].config.set_dtype_policy("float32")
        from common.run import speed

        monkeypatch.setattr(speed, "bfloat16_speed", lambda kind: 2.0)  # no test depends on a measurement
    for name, value in NO_NETWORK.items():
        monkeypatch.setenv(name, value)
    connect = socket.socket.connect

    def connect_to_this_machine_only(self, address):
        if self.family != getattr(socket, "AF_UNIX", None) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise OSError(f"a test tried to reach {address}")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect_to_this_machine_only)


@pytest.fixture
def train_command(tmp_path):
    """Run hw1_mnist_mlp/train.py as a student does, but from another folder; returns the finished process."""

    def run(*options, **changes):
        environment = {**os.environ, **{name: str(value) for name, value in changes.items()}}
        command = [sys.executable, str(HOMEWORK), *map(str, options)]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
        )

    return run


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("runs"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory):
    """The folder of a run of RUN that nothing interrupted, by the real command. Do not write into it."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return finish_run(tmp_path_factory.mktemp("finished"))
    folder = tmp_path_factory.getbasetemp().parent / "finished"  # of all workers: one of them trains
    with filelock.FileLock(folder.with_suffix(".lock")):
        if (folder / "stderr.txt").exists():
            return folder / "out"
        folder.mkdir(exist_ok=True)
        return finish_run(folder)


def finish_run(folder):
    process = subprocess.run(
        [sys.executable, str(HOMEWORK), *RUN, "--out", str(folder / "out")],
        cwd=folder,
        env={**os.environ, **NO_NETWORK},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    (folder / "stdout.txt").write_text(process.stdout)
    (folder / "stderr.txt").write_text(process.stderr)
    return folder / "out"


@pytest.fixture(scope="session")
def tiny_mnist():
    """Arrays that have all that MNIST's must have, but few of them: x_train, y_train, x_test, y_test."""
    rng = np.random.default_rng(0)
    arrays = {}
    for split, n in (("train", 40), ("test", 20)):
        arrays[f"x_{split}"] = rng.integers(0, 256, (n, 28, 28), "uint8")
        arrays[f"y_{split}"] = np.arange(n, dtype="uint8") % 10
    return arrays


@pytest.fixture
def fake_mnist(tiny_mnist):
    """Write a small mnist.npz; arguments replace arrays, and None leaves one out."""

    def write(path, **changes):
        arrays = {name: array for name, array in (tiny_mnist | changes).items() if array is not None}
        np.savez(path, **arrays)
        return path

    return write


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory, tiny_mnist):
    """{name: .keras file} of tiny networks for the 20 test images of tiny_mnist. "good" knows all of them."""
    import keras

    folder = tmp_path_factory.mktemp("models")
    pixels = tiny_mnist["x_test"].reshape(20, -1).astype(float)
    kernel = np.linalg.lstsq(pixels, np.eye(10)[tiny_mnist["y_test"]], rcond=None)[0]

    @keras.saving.register_keras_serializable()
    class Mine(keras.layers.Layer):
        def call(self, x):
            return 2 * x

    def save(name, width=10, kernel=kernel, extra=None):
        inputs = keras.Input((28, 28), dtype="uint8")
        x = keras.layers.Flatten()(keras.layers.Rescaling(1.0)(inputs))
        dense = keras.layers.Dense(width, dtype="float32")
        x = dense(x)
        model = keras.Model(inputs, extra(x) if extra else x)
        dense.set_weights([kernel, np.zeros(width)])
        model.save(folder / f"{name}.keras")

    try:
        save("good")
        save("bad", kernel=np.zeros((784, 10)))
        save("nan", kernel=np.full((784, 10), np.nan))
        save("shape", width=7, kernel=np.zeros((784, 7)))
        save("lambda", extra=keras.layers.Lambda(lambda x: x))
        save("custom", extra=Mine())
    finally:
        keras.saving.get_custom_objects().pop("Custom>Mine")
    return {path.stem: path for path in folder.iterdir()}


@pytest.fixture(scope="session")
def workers():
    """The program that opens models for the grader, with the usual limits."""
    from common.grading import remote, rules

    with remote.Workers(rules.load().limits) as workers:
        yield workers
