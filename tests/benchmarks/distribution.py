"""Homework 1 trained by two processes together, as two hosts would, beside one process: is it the same training?

Run `KERAS_BACKEND=jax python tests/benchmarks/distribution.py` (about three minutes on two cores; on the full data,
else on the built-in samples).

Each process uses its own part of every batch, and Keras adds up the gradients by `keras.distribution`, here through
localhost. Sums of float32 in another order differ in their last digits. Of the news topics little comes of that; for
the digits, with a learning rate sixty times the usual one, it is like another seed after some hundred updates. That
every update is the same, tests/test_device.py shows on a small network.
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


def start(homework, out, **environment):
    command = [sys.executable, ROOT / homework / "train.py", "--out", out]
    return subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL)


def result(process, out):
    """(metrics.json, all weights as one array) of a run, after its end."""
    import keras

    assert process.wait() == 0
    weights = keras.models.load_model(out / "model.keras").get_weights()
    return json.loads((out / "metrics.json").read_text()), np.concatenate([np.ravel(each) for each in weights])


def main():
    for homework in ("hw1_reuters_mlp", "hw1_mnist_mlp"):
        with tempfile.TemporaryDirectory() as name:
            one, *two = (Path(name) / each for each in ("one", "first", "second"))
            found = [result(start(homework, one), one)]
            with socket.create_server(("127.0.0.1", 0)) as free:
                address = f"127.0.0.1:{free.getsockname()[1]}"
            hosts = {"KERAS_DISTRIBUTION_JOB_ADDRESSES": address, "KERAS_DISTRIBUTION_NUM_PROCESSES": "2"}
            processes = [
                start(homework, out, **hosts, KERAS_DISTRIBUTION_PROCESS_ID=str(i)) for i, out in enumerate(two)
            ]
            found += [result(process, out) for process, out in zip(processes, two, strict=True)]
        print(f"{homework}, {found[0][0]['data']} data")
        for title, (metrics, weights) in zip(("one process", "first of two", "second of two"), found, strict=True):
            difference = np.linalg.norm(weights - found[0][1]) / np.linalg.norm(found[0][1])
            print(
                f"  {title:14} test accuracy {metrics['test_accuracy']:.4f}, {metrics['train_seconds']:.1f} s, weights "
                f"away from those of one process by {difference:.1e} of their length",
                flush=True,
            )


if __name__ == "__main__":
    main()
