"""The default training of homework 3 beside the example of Keras, for the same time on the same text.

Run `python tests/benchmarks/hw3_lstm_text.py` (about twelve minutes on two cores; needs tinyshakespeare.txt).

The example is lstm_text_generation.py as published: one LSTM of 128, windows of 40 characters with stride 3 as one-hot
arrays, RMSprop at 0.01, batches of 128. It learns from the same first 90 % of the text for as long as
`hw3_lstm_text/train.py` took, and both are scored on the last 10 %: the example on all of its characters, ours on those
that hw3_lstm_text/evaluate.py counts, which are 95 %.
"""

import json
import math
import resource
import sys
import time
from argparse import Namespace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import runs

WINDOW, STRIDE = 40, 3


def keras_example(seconds):
    """Print {"nats", "chars_per_second", "passes", "memory_gb"} of the example as JSON."""
    import numpy as np

    from common.data import texts
    from common.run import cli, device

    device.setup("float32")
    import keras
    from keras import layers

    corpus = texts.load("shakespeare", Namespace(data="full", data_dir=cli.default_data_dir(), limit=None, seed=0))
    n_characters = len(corpus.characters)
    codes = np.asarray(corpus.x_train, int)
    starts = np.arange(0, len(codes) - WINDOW, STRIDE)
    x = np.zeros((len(starts), WINDOW, n_characters), bool)
    y = np.zeros((len(starts), n_characters), bool)
    for place in range(WINDOW):
        x[np.arange(len(starts)), place, codes[starts + place]] = True
    y[np.arange(len(starts)), codes[starts + WINDOW]] = True

    model = keras.Sequential(
        [keras.Input((WINDOW, n_characters)), layers.LSTM(128), layers.Dense(n_characters, activation="softmax")]
    )
    model.compile(keras.optimizers.RMSprop(0.01), "categorical_crossentropy")

    class Until(keras.callbacks.Callback):
        batches = 0

        def on_train_batch_end(self, batch, logs=None):
            self.batches += 1
            self.model.stop_training = time.perf_counter() > end

    until = Until()
    model.train_on_batch(x[:128], y[:128])  # starting up is not counted
    end = time.perf_counter() + seconds
    model.fit(x, y, batch_size=128, epochs=1000, callbacks=[until], verbose=0)

    held_out = np.concatenate([codes[-WINDOW:], np.asarray(corpus.x_test, int)])
    cost, one_hot = 0.0, np.eye(n_characters, dtype="float32")
    for begin in range(0, len(corpus.x_test), 2000):
        following = np.asarray(corpus.x_test[begin : begin + 2000], int)
        places = begin + np.arange(len(following))[:, None] + np.arange(WINDOW)
        chances = model.predict(one_hot[held_out[places]], batch_size=500, verbose=0)
        cost -= np.log(chances[np.arange(len(following)), following] + 1e-9).sum()
    print(
        json.dumps(
            {
                "nats": float(cost / len(corpus.x_test)),
                "chars_per_second": until.batches * 128 / seconds,
                "passes": until.batches * 128 / len(starts),
                "memory_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
            }
        )
    )


def main():
    mine = runs.train("hw3_lstm_text")
    seconds = mine["train_seconds"]
    theirs = runs.child(__file__, "example", seconds)
    nats = mine["validation_nats_per_char"]
    print(f"training time of each: {seconds:.0f} s")
    print(f"ours:              {nats:.3f} nats per character, perplexity {math.exp(nats):.2f}")
    print(f"                   {mine['chars_per_second']:,} characters learned per second")
    print(f"example of Keras:  {theirs['nats']:.3f} nats per character, perplexity {math.exp(theirs['nats']):.2f}")
    print(f"                   {theirs['chars_per_second']:,.0f} characters learned per second (one per window of 40),")
    print(f"                   {theirs['passes']:.1f} passes, {theirs['memory_gb']:.1f} GB of memory")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        keras_example(float(sys.argv[2]))
    else:
        main()
