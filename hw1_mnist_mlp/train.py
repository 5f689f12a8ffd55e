"""Homework 1, digits: a fully connected network reads handwritten digits (bar: 98.0 % test accuracy).

python hw1_mnist_mlp/train.py
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs from any folder, without installation

from common import cli, data, plots

HOMEWORK = "hw1_mnist_mlp"
SETTINGS = {
    "mlp": {
        "updates": 432,
        "batch_size": 512,
        "learning_rate": 2e-3,
        "hidden": [512, 512],
        "dropout": 0.2,
    },
}


def train(config, run):
    """Train on the training split, look at the test split once, write everything to the folder of the run."""
    import keras  # here and not above: Keras must start after the device is chosen

    from common.batches import Batches
    from hw1_mnist_mlp.model import build_mlp

    digits = data.load("mnist", config)
    run.start(digits)
    (x, y), validation = digits.validation_split()
    epochs = run.epochs(len(x))
    batches = Batches(x, y, config.batch_size, config.seed)
    learning_rate = keras.optimizers.schedules.PolynomialDecay(config.learning_rate, epochs * len(batches), 0)
    with run.device.scope():
        model = build_mlp(config.hidden, config.dropout)
        model.compile(
            optimizer=keras.optimizers.Adam(learning_rate),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
        )
    batches.epoch = run.restore(model)
    model.fit(
        batches,
        shuffle=False,  # Batches shuffles, in an order that a resumed run repeats
        epochs=epochs,
        initial_epoch=batches.epoch,
        validation_data=validation,
        validation_batch_size=1000,
        callbacks=run.callbacks(),
        verbose=run.verbose,
    )
    test_loss, test_accuracy = model.evaluate(digits.x_test, digits.y_test, batch_size=1000, verbose=0)
    plots.curves(
        run.figure("curves"),
        run.progress.history,
        [("loss", "cross-entropy, nats"), ("accuracy", "accuracy")],
        "Learning to read digits",
        bar=0.98,
    )
    run.finish(model, test_accuracy=test_accuracy, test_loss=test_loss)


def main(argv=None):
    return cli.main(HOMEWORK, SETTINGS, train, __doc__, argv)


if __name__ == "__main__":
    sys.exit(main())
