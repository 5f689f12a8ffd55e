"""Homework 1, digits: a fully connected network reads handwritten digits (bar: 98.0 % test accuracy).

Run `python hw1_mnist_mlp/train.py`, then `python hw1_mnist_mlp/analyze.py`.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs from any folder, without installation

from common import bars, cli, data, plots

HOMEWORK = "hw1_mnist_mlp"
SETTINGS = {  # tuned on a validation split of the training digits
    "fast": {
        "updates": 645,  # 3 passes over the training digits
        "batch_size": 256,
        "hidden": [256, 256],
        "batch_norm": True,
        "dropout": 0.0,  # in so short a training it only slows the learning down
        "optimizer": "adam",
        "learning_rate": 2e-2,  # the peak: up over a tenth of the updates, then down to 0 along a cosine
        "schedule": "one cycle",
        "label_smoothing": 0.1,
    },
    "classic": {  # the example mnist_mlp.py of Keras, for comparison
        "updates": 8600,  # 20 passes
        "batch_size": 128,
        "hidden": [512, 512],
        "batch_norm": False,
        "dropout": 0.2,
        "optimizer": "rmsprop",
        "learning_rate": 1e-3,
        "schedule": "constant",
        "label_smoothing": 0.0,
    },
}


def train(config, run):
    """Train on the training split, look at the test split once, write everything to the folder of the run."""
    import keras  # here and not above: Keras must start after the device is chosen

    from common.batches import Batches
    from hw1_mnist_mlp.model import build_mlp

    digits = data.load("mnist", config)
    run.start(digits)
    (x, y), (x_val, y_val) = digits.validation_split()
    batches = Batches(x, keras.utils.to_categorical(y, 10), config.batch_size, config.seed)
    epochs = run.epochs(len(x))

    learning_rate = config.learning_rate
    if config.schedule == "one cycle":
        updates = epochs * len(batches)
        learning_rate = keras.optimizers.schedules.CosineDecay(
            0.0, updates - updates // 10, warmup_target=config.learning_rate, warmup_steps=updates // 10
        )
    optimizers = {"adam": keras.optimizers.Adam, "rmsprop": keras.optimizers.RMSprop}
    with run.device.scope():
        model = build_mlp(config.hidden, config.batch_norm, config.dropout)
        model.compile(
            optimizer=optimizers[config.optimizer](learning_rate),
            loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=config.label_smoothing),
            metrics=["accuracy"],
        )
    batches.epoch = run.restore(model)
    model.fit(
        batches,
        shuffle=False,  # Batches shuffles, in an order that a resumed run repeats
        epochs=epochs,
        initial_epoch=batches.epoch,
        validation_data=(x_val, keras.utils.to_categorical(y_val, 10)),
        validation_batch_size=1000,
        callbacks=run.callbacks(),
        verbose=run.verbose,
    )

    y_test = keras.utils.to_categorical(digits.y_test, 10)
    test_loss, test_accuracy = model.evaluate(digits.x_test, y_test, batch_size=1000, verbose=0)
    panels = [("loss", "cross-entropy, nats"), ("accuracy", "accuracy")]
    bar = bars.FULL[HOMEWORK].threshold
    plots.curves(run.figure("curves"), run.progress.history, panels, "Learning to read digits", bar)
    run.finish(model, test_accuracy=test_accuracy, test_loss=test_loss)


def main(argv=None):
    return cli.main(HOMEWORK, SETTINGS, train, __doc__, argv)


if __name__ == "__main__":
    sys.exit(main())
