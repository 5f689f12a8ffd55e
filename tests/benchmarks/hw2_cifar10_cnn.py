"""The default training of homework 2 beside the example of Keras, its input pipeline, and its memory.

Run `python tests/benchmarks/hw2_cifar10_cnn.py` (about seven minutes on two cores; needs the full CIFAR-10 data).

The example is cifar10_cnn.py as published: conv 32-32-64-64, dense 512, RMSprop at 1e-4, batches of 32, 50 epochs over
50,000 pictures with shifts and flips. Its arithmetic alone is timed, some hundred steps on data in memory, between two
runs of ours and after them, and multiplied: its augmentation, validation and start-up would only make it slower. Ours
is `hw2_cifar10_cnn/train.py` as a student runs it, with validation, history and checkpoints.
"""

import json
import resource
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import runs

EXAMPLE_EPOCHS, EXAMPLE_STEPS = 50, 1563  # 50,000 pictures in batches of 32
TIMED_STEPS = 300
SEEDS = 5
ROUNDS = 3


def keras_example():
    """Print {"step_seconds"} of the example as JSON."""
    import numpy as np

    from common.run import device

    device.setup("float32")
    import keras

    from hw2_cifar10_cnn.model import build_classic

    model = build_classic()
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.RMSprop(1e-4), loss, metrics=["accuracy"])
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (32 * TIMED_STEPS, 32, 32, 3), "uint8")
    y = keras.utils.to_categorical(rng.integers(0, 10, len(x)), 10)
    model.fit(x[:640], y[:640], batch_size=32, verbose=0)
    began = time.perf_counter()
    model.fit(x, y, batch_size=32, verbose=0)
    print(json.dumps({"step_seconds": (time.perf_counter() - began) / TIMED_STEPS}))


def pipeline():
    """Print {"piped", "bare"}, lists of training pictures per second with our batches and with one that is ready."""
    import numpy as np

    from common.run import device

    device.setup(layers="convolution")  # the precision of train.py
    import keras

    from common.data.batches import Batches
    from hw2_cifar10_cnn import model as models
    from hw2_cifar10_cnn import train
    from hw2_cifar10_cnn.muon import Muon

    settings = train.SETTINGS["fast"]
    size = settings["batch_size"]
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (40 * size, 32, 32, 3), "uint8")
    y = keras.utils.to_categorical(rng.integers(0, 10, len(x)), 10)

    class Ready(keras.utils.PyDataset):
        batch = x[:size], y[:size]

        def __init__(self):
            super().__init__(workers=2)  # the same way into `fit`: only the work of a batch is missing

        def __len__(self):
            return len(x) // size

        def __getitem__(self, index):
            return self.batch

    model = models.build_fast(settings["widths"], models.whitening_weights(x[:500]))
    model.compile(Muon(1e-3, 0.9, 0.5, 0.6, 1.0), keras.losses.CategoricalCrossentropy(from_logits=True))
    sources = {"piped": Batches(x, y, size, 0, train.flip_and_shift(0, len(x), settings["shift"])), "bare": Ready()}
    rates = {name: [] for name in sources}
    for i in range(ROUNDS + 1):
        for name, source in sources.items():
            began = time.perf_counter()
            model.fit(source, shuffle=False, verbose=0)
            if i:  # the first round compiles
                rates[name].append(len(x) / (time.perf_counter() - began))
    print(json.dumps(rates))


def main():
    if len(sys.argv) > 1:
        {"keras_example": keras_example, "pipeline": pipeline}[sys.argv[1]]()
        return
    found = [runs.train("hw2_cifar10_cnn")]
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e9  # of the largest child so far
    steps = [runs.child(__file__, "keras_example")["step_seconds"]]
    found += [runs.train("hw2_cifar10_cnn", "--seed", seed) for seed in range(1, SEEDS)]
    steps.append(runs.child(__file__, "keras_example")["step_seconds"])
    seconds = statistics.mean(run["train_seconds"] for run in found)
    example = statistics.mean(steps) * EXAMPLE_STEPS * EXAMPLE_EPOCHS
    print(f"ours: {seconds:.1f} s, peak memory {memory:.2f} GB")
    for name in ("test_accuracy", "test_accuracy_mirrored"):
        values = [run[name] for run in found]
        print(
            f"  {name}: mean {statistics.mean(values):.4f}, standard deviation {statistics.stdev(values):.4f}, "
            f"lowest {min(values):.4f} of {SEEDS} seeds"
        )
    print(f"Keras example: {1000 * statistics.mean(steps):.1f} ms a step, {example:.0f} s for {EXAMPLE_EPOCHS} epochs")
    print(f"ours takes 1/{example / seconds:.0f} of its time")
    rates = runs.child(__file__, "pipeline")
    piped, bare = statistics.median(rates["piped"]), statistics.median(rates["bare"])
    loss = 100 * (1 - piped / bare)
    print(f"training: {piped:.0f} pictures/s with the input pipeline, {bare:.0f} bare: a loss of {loss:.1f} %")


if __name__ == "__main__":
    main()
