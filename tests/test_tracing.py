"""TensorFlow draws up the graph of a train step once: drawn twice, it costs each training half a second or more."""

import importlib

import keras
import pytest

from tests.helpers import judge_short_texts

SMALL = {
    "hw1_mnist_mlp": ["--limit", "100", "--set", "hidden=[8]"],
    "hw1_reuters_mlp": ["--limit", "100", "--set", "n_words=50"],
    "hw3_lstm_text": ["--limit", "20000", "--set", "units=[8]", "--batch-size", "8"],
    "hw4_autoencoder": ["--limit", "100", "--set", "hidden=[8]"],
}


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="JAX compiles once for every shape of a batch")
@pytest.mark.parametrize("homework", SMALL)
def test_a_train_step_is_traced_once(homework, tmp_path, monkeypatch):
    traced, train_step = [], keras.Model.train_step
    monkeypatch.setattr(keras.Model, "train_step", lambda model, data: traced.append(1) or train_step(model, data))
    judge_short_texts(monkeypatch)
    train = importlib.import_module(f"{homework}.train")
    options = ["--data", "sample", "--epochs", "2", "--precision", "float32", *SMALL[homework]]
    assert train.main([*options, "--out", str(tmp_path / "out")]) == 0
    assert traced == [1]
