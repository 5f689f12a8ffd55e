"""How fast the grader is: 200 small submissions with one job and with two.

Run `python tests/benchmarks/grade.py` (90 seconds on two cores; needs no data: the test digits are those of the
built-in sample). --submissions N takes another number.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import numpy as np

from common.data import mnist


def make(folder, count):
    """Write `count` submissions, networks of homework 1 with random weights, and the data to grade them by."""
    import keras

    from hw1_mnist_mlp.model import build_mlp

    (folder / "data").mkdir()
    names = ("x_train", "y_train", "x_test", "y_test")
    np.savez(folder / "data" / "mnist.npz", **dict(zip(names, mnist.digits(), strict=True)))
    model = build_mlp([32])
    for i in range(count):
        model.layers[-1].kernel.assign(keras.random.normal((32, 10), seed=i))
        run = folder / "class" / f"student{i:03d}" / "outputs" / "hw1_mnist_mlp"
        run.mkdir(parents=True)
        model.save(run / "model.keras")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--submissions", type=int, default=200, metavar="N")
    count = parser.parse_args().submissions
    tables = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, count)
        for jobs in (1, 2):
            given = [folder / "class", "--data-dir", folder / "data", "--out", folder / f"grades{jobs}"]
            command = [sys.executable, "-m", "common.grade", *given, "--homework", "hw1_mnist_mlp", "--jobs", jobs]
            began = time.perf_counter()
            subprocess.run(list(map(str, command)), cwd=ROOT, check=True)
            seconds = time.perf_counter() - began
            tables.append((folder / f"grades{jobs}" / "grades.csv").read_bytes())
            print(f"--jobs {jobs}: {seconds:.0f} s, {60 * count / seconds:.0f} submissions a minute", flush=True)
    print("the tables are", "the same, byte for byte" if tables[0] == tables[1] else "DIFFERENT")


if __name__ == "__main__":
    main()
