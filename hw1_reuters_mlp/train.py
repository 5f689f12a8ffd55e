"""Homework 1, news topics: a fully connected network sorts Reuters wires by topic (bar: 78.0 % test accuracy).

Run `python hw1_reuters_mlp/train.py`, then `python hw1_reuters_mlp/analyze.py`.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs from any folder, without installation

from common.run import cli  # first: it keeps the backend of Keras quiet while it loads

# isort: split
import keras
import numpy as np

from common import bars, data
from common.data.batches import Batches
from common.figures import plots
from common.run.predictor import Local
from common.run.schedules import one_cycle
from hw1_reuters_mlp import evaluate
from hw1_reuters_mlp.bag_of_words import BagOfWords
from hw1_reuters_mlp.committee import build_committee
from hw1_reuters_mlp.model import build_mlp

HOMEWORK = "hw1_reuters_mlp"
SETTINGS = {  # tuned on three splits of the training wires
    "fast": {
        "updates": 170,  # 5 epochs over the training wires
        "batch_size": 256,
        "weighting": "tf-idf",
        "n_words": 5000,  # the most frequent ones
        "units": 256,
        "dropout": 0.3,
        "l2": 2.2e-4,  # strong: many labels are wrong, and must not be learned by heart
        "loss": "squared hinge",
        "learning_rate": 3e-3,  # the peak: up over a tenth of the updates, then down to a twentieth along a cosine
        "schedule": "one cycle",
    },
    "best": {  # the mean of five wider networks, trained side by side
        "updates": 170,
        "batch_size": 256,
        "weighting": "tf-idf",
        "n_words": 5000,
        "units": 512,
        "members": 5,
        "dropout": 0.5,
        "l2": 1.3e-4,
        "loss": "squared hinge",
        "learning_rate": 3e-3,
        "schedule": "one cycle",
    },
    "classic": {  # the example reuters_mlp.py of Keras, for comparison
        "updates": 1345,  # 5 epochs
        "batch_size": 32,
        "weighting": "binary",
        "n_words": 1000,
        "units": 512,
        "dropout": 0.5,
        "l2": 0.0,
        "loss": "cross-entropy",
        "learning_rate": 1e-3,
        "schedule": "constant",
    },
}
HELD_OUT = 1 / 24  # of the training wires, for the validation curve: few, as every wire counts


def train(config, run):
    """Train on the training split, look at the test split once, write everything to the folder of the run."""
    wires = data.load("reuters", config)
    run.start(wires)
    (x, y), (x_val, y_val) = wires.validation_split(HELD_OUT)
    bag = BagOfWords.fit(x, config.n_words, config.weighting)
    n_topics = len(wires.names)

    def targets(labels):
        one_hot = keras.utils.to_categorical(labels, n_topics)
        if config.model == "best":  # the same for every member
            return np.repeat(one_hot[:, np.newaxis], config.members, axis=1)
        return one_hot

    batches = Batches(bag.rows(x), targets(y), config.batch_size, config.seed)
    epochs = run.epochs(len(x))
    learning_rate, updates = config.learning_rate, epochs * len(batches)
    if config.schedule == "one cycle":
        learning_rate = one_cycle(config.learning_rate, updates, warm_up=updates // 10, last=0.05)
    losses = {
        # One topic against the rest: the margin of the right topic should pass +1, that of the others stay below -1.
        # A wire that does is left alone; cross-entropy would go on pulling, most of all at wires with a wrong label.
        "squared hinge": keras.losses.SquaredHinge(),
        "cross-entropy": keras.losses.CategoricalCrossentropy(from_logits=True),
    }
    with run.device.scope():
        size = len(bag.words), n_topics, config.units, config.dropout, config.l2
        if config.model == "best":
            trained, model = build_committee(*size, config.members)
        else:
            trained = model = build_mlp(*size)
        trained.compile(
            optimizer=keras.optimizers.Adam(learning_rate),
            loss=losses[config.loss],
            metrics=[keras.metrics.CategoricalAccuracy("accuracy")],  # an object, see Run.restore
        )
    batches.epoch = run.restore(trained)
    trained.fit(
        batches,
        shuffle=False,  # Batches shuffles, in an order that a resumed run repeats
        epochs=epochs,
        initial_epoch=batches.epoch,
        validation_data=(bag.rows(x_val)[:], targets(y_val)),
        callbacks=run.callbacks(),
        verbose=run.verbose,
    )

    run.save(model)
    bag.save(run.folder / "words.npz")
    run.finish(model, evaluate.score(Local(model), run.folder, wires))
    panels = [("loss", config.loss + " and L2"), ("accuracy", "accuracy")]
    with run.picture("curves") as path:
        plots.curves(path, run.progress.history, panels, "Learning topics", bars.FULL[HOMEWORK].threshold)


def main(argv=None):
    return cli.main(HOMEWORK, SETTINGS, train, __doc__, argv)


if __name__ == "__main__":
    sys.exit(main())
