"""An update of homework 3 whose error walks back by hw3_lstm_text/recurrence.py, beside one by Keras' own LSTM layer.

Run `python tests/benchmarks/recurrence.py` (about two minutes on two cores; on random characters). The two take turns.
"""

import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from common.run import device

BATCH, WINDOW, CHARACTERS = 64, 64, 65
UPDATES, TURNS = 10, 5


def network(layer, units):
    """The trainer of homework 3, with dropout left out; layer: a function of (units, x, keep)."""
    import keras
    from keras import layers

    codes = keras.Input(batch_shape=(BATCH, WINDOW), dtype="int32")
    keep = keras.Input(batch_shape=(BATCH, 1))
    x = layers.Embedding(CHARACTERS, 64)(codes)
    for n in units:
        x = layer(n, x, keep)
    model = keras.Model([codes, keep], layers.Dense(CHARACTERS, dtype="float32")(x))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-3, global_clipnorm=1.0), loss)
    return model


def main(precision="bfloat16"):
    device.setup(precision)
    import numpy as np
    from keras import layers

    from hw3_lstm_text.model import CarriedLSTM

    ways = {
        "Keras' LSTM": lambda n, x, keep: layers.LSTM(n, return_sequences=True)(x),
        "ours": lambda n, x, keep: CarriedLSTM(n, BATCH)(x, keep),
    }
    rng = np.random.default_rng(0)
    codes, following = rng.integers(0, CHARACTERS, (2, UPDATES * BATCH, WINDOW))
    for units in ([512], [512, 512]):
        models = {name: network(layer, units) for name, layer in ways.items()}
        seconds = {name: [] for name in ways}
        for turn in range(TURNS + 1):
            for name, model in models.items():
                start = time.perf_counter()
                model.fit([codes, np.ones((len(codes), 1))], following, batch_size=BATCH, verbose=0)
                if turn:  # the first draws the graph
                    seconds[name].append((time.perf_counter() - start) / UPDATES)
        times = {name: statistics.median(each) for name, each in seconds.items()}
        print(f"layers of {units}, {precision}: " + ", ".join(f"{n} {1000 * s:.0f} ms" for n, s in times.items()))


if __name__ == "__main__":
    main(*sys.argv[1:])
