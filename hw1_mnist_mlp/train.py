"""Homework 1, digits: a fully connected network reads handwritten digits (bar: 98.0 % test accuracy).

Run `python hw1_mnist_mlp/train.py`, then `python hw1_mnist_mlp/analyze.py`.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs from any folder, without installation

from common.run import cli  # first: it keeps the backend of Keras quiet while it loads

# isort: split
import keras

from common import bars, data
from common.data.batches import Batches
from common.data.distort import distort
from common.figures import plots
from common.run.predictor import Local
from common.run.schedules import one_cycle
from hw1_mnist_mlp import evaluate
from hw1_mnist_mlp.model import build_mlp

HOMEWORK = "hw1_mnist_mlp"
SETTINGS = {  # tuned on a validation split of the training digits
    "fast": {
        "updates": 216,  # 2 epochs over the training digits
        "batch_size": 512,
        "hidden": [256, 256],
        "batch_norm": True,
        "dropout": 0.0,  # in so short a training it only slows the learning down
        "optimizer": "adam",
        "beta_1": 0.6,  # Adam's usual 0.9 and 0.999 remember gradients from before a step that changes much, and for
        "beta_2": 0.95,  # longer than this training takes
        "learning_rate": 6e-2,  # the peak: up over a tenth of the updates, then down to 0 along a cosine
        "schedule": "one cycle",
        "label_smoothing": 0.1,
        "distortion": 0.0,
        "final_distortion": 0.0,
    },
    "best": {
        "updates": 12960,  # 120 epochs
        "batch_size": 512,
        "hidden": [2048, 1536, 1024],
        "batch_norm": True,
        "dropout": 0.0,
        "optimizer": "adam",
        "beta_1": 0.9,
        "beta_2": 0.999,
        "learning_rate": 5e-3,
        "schedule": "one cycle",
        "label_smoothing": 0.1,
        "distortion": 1.0,  # every digit is distorted anew in every epoch, as strongly as DISTORTION says
        "final_distortion": 0.4,  # in the second half of the training the strength falls towards this
    },
    "classic": {  # the example mnist_mlp.py of Keras, for comparison
        "updates": 8600,  # 20 epochs
        "batch_size": 128,
        "hidden": [512, 512],
        "batch_norm": False,
        "dropout": 0.2,
        "optimizer": "rmsprop",
        "beta_1": 0.9,  # if it is to be Adam
        "beta_2": 0.999,
        "learning_rate": 1e-3,
        "schedule": "constant",
        "label_smoothing": 0.0,
        "distortion": 0.0,
        "final_distortion": 0.0,
    },
}
DISTORTION = {"rotate": 15, "scale": 0.15, "shear": 0.15, "shift": 2, "elastic": 1}  # degrees, shares, pixels


def train(config, run):
    """Train on the training split, look at the test split once, write everything to the folder of the run."""
    digits = data.load("mnist", config)
    run.start(digits)
    (x, y), (x_val, y_val) = digits.validation_split()
    epochs = run.epochs(len(x))

    def distorted(images, rows, epoch, rng):
        fading = max(0, 2 * epoch / epochs - 1)  # 0 in the first half, towards 1 at the end
        strength = config.distortion + fading * (config.final_distortion - config.distortion)
        return distort(images, rng, **{name: strength * value for name, value in DISTORTION.items()})

    augment = distorted if config.distortion or config.final_distortion else None
    batches = Batches(x, keras.utils.to_categorical(y, 10), config.batch_size, config.seed, augment)

    learning_rate, updates = config.learning_rate, epochs * len(batches)
    if config.schedule == "one cycle":
        learning_rate = one_cycle(config.learning_rate, updates, warm_up=updates // 10)
    with run.device.scope():
        if config.optimizer == "adam":
            optimizer = keras.optimizers.Adam(learning_rate, config.beta_1, config.beta_2)
        else:
            optimizer = keras.optimizers.RMSprop(learning_rate)
        model = build_mlp(config.hidden, config.batch_norm, config.dropout)
        model.compile(
            optimizer=optimizer,
            loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=config.label_smoothing),
            metrics=[keras.metrics.CategoricalAccuracy("accuracy")],  # an object, see Run.restore
        )
    batches.epoch = run.restore(model)
    model.fit(
        batches,
        shuffle=False,  # Batches shuffles, in an order that a resumed run repeats
        epochs=epochs,
        initial_epoch=batches.epoch,
        validation_data=(x_val, keras.utils.to_categorical(y_val, 10)),
        validation_batch_size=config.batch_size,
        callbacks=run.callbacks(),
        verbose=run.verbose,
    )

    run.save(model)
    run.finish(model, evaluate.score(Local(model), run.folder, digits))
    panels = [("loss", "cross-entropy, nats"), ("accuracy", "accuracy")]
    bar = bars.FULL[HOMEWORK].threshold
    with run.picture("curves") as path:
        plots.curves(path, run.progress.history, panels, "Learning to read digits", bar)


def main(argv=None):
    return cli.main(HOMEWORK, SETTINGS, train, __doc__, argv)


if __name__ == "__main__":
    sys.exit(main())
