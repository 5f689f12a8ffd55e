"""Colour for grey pictures: a network gives anime faces their colours back (Isola et al. 2017, arXiv:1611.07004).

    python hw5_anime_dcgan/colour/train.py                        with a discriminator that sees pairs
    python hw5_anime_dcgan/colour/train.py --model l1 --out outputs/l1   with the plain loss: drab
    python hw5_anime_dcgan/colour/train.py --data-set cifar10     small photographs

Then `python hw5_anime_dcgan/colour/analyze.py --image my_drawing.png`.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # runs from any folder, without installation

from common.run import cli  # first: it keeps the backend of Keras quiet while it loads

# isort: split
import keras
from keras import ops

from common import data
from common.errors import OptionError, UserError
from common.figures import plots
from common.gan import GAN
from common.run.predictor import Local
from hw5_anime_dcgan.colour import evaluate
from hw5_anime_dcgan.colour.drawings import Pairs, grey
from hw5_anime_dcgan.colour.model import build_colourist, build_discriminator
from hw5_anime_dcgan.losses import logistic

HOMEWORK = "hw5_colour"  # the name of its folder in outputs/
SETTINGS = {
    "gan": {
        "layers": "convolution",  # what --precision auto measures
        "updates": 3600,
        "batch_size": 32,
        "width": 32,  # channels of both networks at half of the side
        "l1": 15.0,  # weight of the plain loss beside that of the discriminator
        "learning_rate": 5e-4,
        "discriminator_rate": 5e-4,
        "beta_1": 0.5,  # of Adam
        "lines": 0.3,  # share of the pictures that are shown as line drawings
    },
    "l1": {
        "layers": "convolution",
        "updates": 3600,
        "batch_size": 32,
        "width": 32,
        "learning_rate": 1e-3,
        "beta_1": 0.9,
        "lines": 0.3,
    },
}
FEWEST = 48  # training pictures: four of them are held out, to judge by
OPTIONS = {
    "data_set": {"choices": ("faces", "cifar10"), "default": "faces", "help": "the pictures (faces)"},
}


class Colouring(GAN):
    """A GAN whose generator begins with a drawing in place of noise, and whose discriminator sees pairs."""

    def __init__(self, colourist, discriminator, weight, seed):
        super().__init__(colourist, discriminator, logistic, seed=seed)
        self.weight = weight
        self.trackers.append(keras.metrics.Mean("l1"))

    def batch_losses(self, drawings, colours):
        pictures = self.generator(drawings, training=True)
        real = self.discriminator([colours, drawings], training=True)
        fake = self.discriminator([pictures, drawings], training=True)
        real_loss, fake_loss, generator_loss = logistic(real, fake)
        difference = ops.mean(ops.abs(colours - pictures))
        fooled = ops.mean(ops.cast(fake > real, "float32"))
        values = real_loss, fake_loss, generator_loss, fooled, difference
        return generator_loss + self.weight * difference, real_loss + fake_loss, values


def train(config, run):
    """Train on the training split, look at the test split once, write everything to the folder of the run."""
    if (config.gpus or 1) > 1:
        raise OptionError("this training takes one GPU: leave --gpus out")
    config.task = None  # the course has set no bar for it
    dataset = data.load(config.data_set, config)
    if len(dataset.x_train) < FEWEST:
        raise UserError(
            f"{len(dataset.x_train)} pictures are too few to learn and to judge from: give at least {FEWEST}"
        )
    run.start(dataset)
    (x, _), (x_val, _) = dataset.validation_split()
    batches = Pairs(x, config.batch_size, config.seed, config.lines)
    epochs = run.epochs(len(x))

    def adam(rate):  # the rates fall to 0: else the colours change from epoch to epoch
        falling = keras.optimizers.schedules.CosineDecay(rate, epochs * len(batches))
        return keras.optimizers.Adam(falling, config.beta_1)

    colourist = build_colourist(config.width)
    if config.model == "l1":
        model = colourist
        model.compile(adam(config.learning_rate), loss="mae")
    else:
        model = Colouring(colourist, build_discriminator(config.width), config.l1, config.seed)
        model.compile(adam(config.learning_rate), adam(config.discriminator_rate))
    held_out = evaluate.split(x, x_val)
    drawings = grey(held_out.colours)

    def look(epoch, logs):
        """The metrics on pictures held out from training."""
        found = evaluate.compare(evaluate.colour(Local(colourist), drawings), held_out)
        logs.update({f"val_{name}": value for name, value in found.items()})

    batches.epoch = run.restore(model)
    model.fit(
        batches,
        shuffle=False,  # Batches shuffles, in an order that a resumed run repeats
        epochs=epochs,
        initial_epoch=batches.epoch,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=look), *run.callbacks()],
        verbose=run.verbose,
    )

    run.save(colourist)
    run.finish(colourist, evaluate.score(Local(colourist), run.folder, evaluate.held_out(dataset)))
    panels = [
        ("colourfulness", "colourfulness, real = 1"),
        ("psnr", "PSNR, dB"),
        ("colour_distance", "distance of the colours"),
    ]
    with run.picture("curves") as path:
        plots.curves(path, run.progress.history, panels, "The colours of pictures that were held out")


def main(argv=None):
    return cli.main(HOMEWORK, SETTINGS, train, __doc__, argv, OPTIONS)


if __name__ == "__main__":
    sys.exit(main())
