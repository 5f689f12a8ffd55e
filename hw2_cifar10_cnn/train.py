"""Homework 2: a convolutional network recognises objects in CIFAR-10 (bar: 81.0 % test accuracy).

Run `python hw2_cifar10_cnn/train.py`, then `python hw2_cifar10_cnn/analyze.py`.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs from any folder, without installation

from common.run import cli  # first: it keeps the backend of Keras quiet while it loads

# isort: split
import keras
import numpy as np

from common import bars, data
from common.data import augment
from common.data.batches import Batches
from common.figures import plots
from common.run.predictor import Local
from common.run.schedules import one_cycle
from hw2_cifar10_cnn import evaluate
from hw2_cifar10_cnn.model import build_classic, build_fast, whitening_weights
from hw2_cifar10_cnn.muon import Muon

HOMEWORK = "hw2_cifar10_cnn"
SETTINGS = {  # tuned on a validation split of the training pictures
    "fast": {
        "layers": "convolution",  # what --precision auto measures
        "updates": 276,  # 3 epochs over the training pictures
        "batch_size": 500,
        "widths": [32, 64, 256],  # channels of the three blocks
        "optimizer": "muon",  # of the kernels; sgd: as for the rest
        "learning_rate": 0.3,  # the peak of one cycle, from which it falls to 0
        "warm_up": 0.05,  # of the updates, in which it rises; with sgd 0.25 was used
        "momentum": 0.85,
        "kernel_rate": 0.5,  # of muon: the learning rate of the kernels as a multiple of the other one, see muon.py
        "kernel_momentum": 0.6,
        "bias_rate": 32.0,  # of muon: the same for the shifts of the normalisations
        "weight_decay": 0.0,
        "label_smoothing": 0.2,
        "averaged": False,
        "shift": 2,  # pixels
        "held_out": 1 / 12,  # of the training pictures; on them the settings were chosen
    },
    "best": {  # the widths of airbench95: 94.1 %, 94.5 % with mirrored pictures
        "layers": "convolution",  # what --precision auto measures
        "updates": 1372,  # 14 epochs
        "batch_size": 500,
        "widths": [128, 384, 384],
        "optimizer": "muon",
        "learning_rate": 0.3,
        "warm_up": 0.05,
        "momentum": 0.85,
        "kernel_rate": 0.5,
        "kernel_momentum": 0.6,
        "bias_rate": 32.0,
        "weight_decay": 5e-3,  # each update shrinks weights by this times the rate; kernels are kept at their length
        "label_smoothing": 0.2,
        "averaged": True,  # the result is a running average of the weights
        "shift": 2,
        "held_out": 0.02,  # with the settings chosen, nearly all are for learning
    },
    "classic": {  # the example cifar10_cnn.py of Keras, for comparison
        "layers": "convolution",  # what --precision auto measures
        "updates": 71650,  # 50 epochs
        "batch_size": 32,
        "learning_rate": 1e-4,
        "label_smoothing": 0.0,
        "shift": 3,  # a tenth of the picture
        "held_out": 1 / 12,
    },
}


def flip_and_shift(seed, n, pixels):
    """The augmentation of `n` training pictures, for Batches: mirrored every second time, shifted by up to `pixels`."""
    mirrored_first = np.random.default_rng(seed).random(n) < 0.5

    def augmentation(images, rows, epoch, rng):
        # Alternating flip (airbench94, section 3.6): every second epoch shows the other side, none is seen twice.
        images = augment.flip(images, mirrored_first[rows] ^ (epoch % 2 == 1))
        return augment.shift(images, rng, pixels)

    return augmentation


def train(config, run):
    """Train on the training split, look at the test split once, write everything to the folder of the run."""
    pictures = data.load("cifar10", config)
    run.start(pictures)
    (x, y), (x_val, y_val) = pictures.validation_split(config.held_out)
    augmentation = flip_and_shift(config.seed, len(x), config.shift)
    batches = Batches(x, keras.utils.to_categorical(y, 10), config.batch_size, config.seed, augmentation)
    epochs = run.epochs(len(x))
    updates = epochs * len(batches)

    with run.device.scope():
        if config.model == "classic":
            model = build_classic()
            optimizer = keras.optimizers.RMSprop(config.learning_rate)
        else:
            model = build_fast(config.widths, whitening_weights(x[:5000]))
            rate = one_cycle(config.learning_rate, updates, warm_up=int(updates * config.warm_up))
            decay_and_average = {
                "weight_decay": config.weight_decay or None,
                # over about 100 updates, a plain form of airbench94's Lookahead (section 3.4); `fit` ends with it. The
                # statistics of the normalisation stay those of the last weights, which at a rate near 0 are close.
                "use_ema": config.averaged,
                "ema_momentum": 0.99,
            }
            if config.optimizer == "muon":
                kernels = config.kernel_rate, config.kernel_momentum
                optimizer = Muon(rate, config.momentum, *kernels, config.bias_rate, **decay_and_average)
            else:
                optimizer = keras.optimizers.SGD(rate, config.momentum, nesterov=True, **decay_and_average)
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
    # on JAX, weights and average now are the same arrays, which `predict` deletes: make them two
    if model.optimizer.use_ema:
        model.set_weights([np.array(weight) for weight in model.get_weights()])

    run.save(model)
    run.finish(model, evaluate.score(Local(model), run.folder, pictures))
    panels = [("loss", "cross-entropy, nats"), ("accuracy", "accuracy")]
    bar = bars.FULL[HOMEWORK].threshold
    with run.picture("curves") as path:
        plots.curves(path, run.progress.history, panels, "Learning to recognise objects", bar)


def main(argv=None):
    return cli.main(HOMEWORK, SETTINGS, train, __doc__, argv)


if __name__ == "__main__":
    sys.exit(main())
