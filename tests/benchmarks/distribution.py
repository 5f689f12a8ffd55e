"""Homework 1 trained by two processes together, as two hosts would, beside one process: the same network comes out.

Run `KERAS_BACKEND=jax python tests/benchmarks/distribution.py` (about two minutes on two cores; with the full MNIST
data, else with the built-in sample). Each process uses its own part of every batch; Keras adds up the gradients by
`keras.distribution`, here through localhost. Sums of float32 in another order differ in their last digits, and the
high learning rate of homework 1 makes more of it; how much one run differs from another of the same kind is 0.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import numpy as np


def start(out, environment):
    command = [sys.executable, ROOT / "hw1_mnist_mlp/train.py", "--out", out, "--precision", "float32"]
    return subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL)


def result(process, out):
    """(metrics.json, weights) of a run, after its end."""
    import keras

    assert process.wait() == 0
    return json.loads((out / "metrics.json").read_text()), keras.models.load_model(out / "model.keras").get_weights()


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        one = result(start(folder / "one", {}), folder / "one")
        with socket.create_server(("127.0.0.1", 0)) as free:
            address = f"127.0.0.1:{free.getsockname()[1]}"
        hosts = {"KERAS_DISTRIBUTION_JOB_ADDRESSES": address, "KERAS_DISTRIBUTION_NUM_PROCESSES": "2"}
        outs = [folder / "first", folder / "second"]
        processes = [start(out, {**hosts, "KERAS_DISTRIBUTION_PROCESS_ID": str(i)}) for i, out in enumerate(outs)]
        two = [result(process, out) for process, out in zip(processes, outs, strict=True)]
    for title, (metrics, weights) in zip(("one process", "first of two", "second of two"), (one, *two), strict=True):
        difference = max(np.abs(a - b).max() for a, b in zip(weights, one[1], strict=True))
        print(
            f"{title:14} test accuracy {metrics['test_accuracy']:.4f}, test loss {metrics['test_loss']:.4f}, weights "
            f"differ from those of one process by {difference:.1e} at most; {metrics['train_seconds']:.1f} s"
        )


if __name__ == "__main__":
    main()
