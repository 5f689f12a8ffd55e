"""Homework 4: a generative adversarial network (GAN) writes digits from noise.

    python hw4_autoencoder/train_gan.py --out outputs/cgan              it writes the digit that is asked for
    python hw4_autoencoder/train_gan.py --digit 8 --out outputs/eights  it has seen nothing but eights
    python hw4_autoencoder/train_gan.py --data-set faces --out outputs/gan_of_faces

Then `python hw4_autoencoder/analyze.py --run outputs/cgan`.
"""

import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs from any folder, without installation

from common.run import cli  # first: it keeps the backend of Keras quiet while it loads

# isort: split
import keras
import numpy as np
from keras import ops

from common import files
from common.data.batches import Batches
from common.errors import OptionError
from common.figures import plots
from common.gan import GAN
from common.run.predictor import Local
from hw4_autoencoder import evaluate, inputs
from hw4_autoencoder.judge import judge_of
from hw4_autoencoder.model import build_discriminator, build_generator

HOMEWORK = "hw4_autoencoder"
SETTINGS = {
    "cgan": {
        "layers": "convolution",  # what --precision auto measures
        "latent_dim": 64,  # numbers of noise
        "updates": 6000,  # 13 epochs of the training digits
        "batch_size": 128,
        "width": 32,  # channels next to the image, twice as many further in
        "dropout": 0.3,  # of the discriminator
        "learning_rate": 4e-4,  # of the generator
        "discriminator_rate": 4e-4,
        "memory": 500,  # updates that the averaged generator remembers
    },
    "gan": {
        "layers": "convolution",
        "latent_dim": 64,
        "updates": 6000,
        "batch_size": 128,
        "width": 32,
        "dropout": 0.3,
        "learning_rate": 4e-4,
        "discriminator_rate": 4e-4,
        "memory": 500,
    },
}
SHOWN = 24  # grids of samples of the same noise, spread over the training
GRID = 200  # samples of each
OPTIONS = {
    "latent_dim": {"type": cli.positive, "metavar": "N", "help": "numbers of noise"},
    "data_set": {"choices": ("mnist", "cifar10", "faces"), "default": "mnist", "help": "the images (mnist)"},
    "digit": {
        "type": int,
        "choices": range(10),
        "metavar": "D",
        "default": None,
        "help": "train --model gan on this digit alone (all)",
    },
}


def logistic_losses(real, fake):
    """(real loss, fake loss, generator's loss) of the logits (n, 1) of a discriminator, scalars in nats."""
    real_loss, fake_loss = ops.mean(ops.softplus(-real)), ops.mean(ops.softplus(fake))
    return real_loss, fake_loss, ops.mean(ops.softplus(-fake))  # the non-saturating loss (Goodfellow 2014, section 3)


def train(config, run):
    """Train on the training split, look at the test split once, write everything to the folder of the run."""
    if config.digit is not None and (config.model != "gan" or config.data_set != "mnist"):
        raise OptionError("--digit is for --model gan on --data-set mnist")
    if config.model == "cgan" and config.data_set == "faces":
        raise OptionError("--model cgan needs classes, and faces have none: take --model gan")
    if (config.gpus or 1) > 1:
        raise OptionError("a GAN trains on one GPU: leave --gpus out")
    config.task = f"{HOMEWORK}/cgan" if config.model == "cgan" and config.data_set == "mnist" else None
    dataset = inputs.load(config)
    run.start(dataset)
    x, y = dataset.x_train, keras.utils.to_categorical(dataset.y_train, len(dataset.names))
    batches = Batches(x, y, config.batch_size, config.seed)
    epochs = run.epochs(len(x))
    n_classes = len(dataset.names) if config.model == "cgan" else 0
    size = x.shape[1:], config.latent_dim, config.width, n_classes
    model = GAN(
        build_generator(*size),
        build_discriminator(x.shape[1:], config.width, config.dropout, n_classes),
        logistic_losses,
        averaged=build_generator(*size),
        memory=min(config.memory, max(1, epochs * len(batches) // 10)),
        seed=config.seed,
    )
    model.compile(
        keras.optimizers.Adam(config.learning_rate, beta_1=0.5),
        keras.optimizers.Adam(config.discriminator_rate, beta_1=0.5),
    )
    noise, _ = evaluate.sampling(config.latent_dim, n_classes, GRID, seed=1)
    every = math.ceil(epochs / SHOWN)

    def show(epoch, logs):
        """The same noise every few epochs, in samples/<epochs>.npy."""
        if (epoch + 1) % every == 0 or epoch + 1 == epochs:
            with files.atomic(run.folder / "samples" / f"{epoch + 1:06d}.npy") as part:
                np.save(part, evaluate.generate(model.averaged, noise))

    batches.epoch = run.restore(model)
    model.fit(
        batches,
        shuffle=False,  # Batches shuffles, in an order that a resumed run repeats
        epochs=epochs,
        initial_epoch=batches.epoch,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=show), *run.callbacks()],
        verbose=run.verbose,
    )

    run.save(model.averaged)
    network, its_accuracy = judge_of(config, run.folder) if config.data_set == "mnist" else (None, None)
    held_out = evaluate.HeldOut(
        dataset, n_classes=n_classes, judge=network, judge_accuracy=its_accuracy, digit=config.digit
    )
    run.finish(model.averaged, evaluate.score(Local(model.averaged), run.folder, held_out))
    panels = [("real_loss", "loss on real images, nats"), ("fake_loss", "loss on fakes, nats")]
    panels += [("generator_loss", "loss of the generator, nats"), ("fooled", "share of fakes that look more real")]
    with run.picture("curves") as path:
        plots.curves(path, run.progress.history, panels, "Writing against a discriminator")
    images = evaluate.generate(model.averaged, noise)
    rows = [("", images[i : i + 10]) for i in range(0, 100, 10)]  # of a cgan: a digit in each column
    with run.picture("samples") as path:
        plots.image_rows(path, rows, "Images made of noise")


def choose_model(options):
    """The recipe where none was asked for: no digit can be asked for where there is but one, or none."""
    return "cgan" if options["digit"] is None and options["data_set"] != "faces" else "gan"


def main(argv=None):
    return cli.main(HOMEWORK, SETTINGS, train, __doc__, argv, OPTIONS, choose_model)


if __name__ == "__main__":
    sys.exit(main())
