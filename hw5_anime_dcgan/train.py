"""Homework 5: a DCGAN learns to draw anime faces.

    python hw5_anime_dcgan/train.py                      faces in ten minutes on two CPU cores
    python hw5_anime_dcgan/train.py --model best         the whole ladder, 50,000 updates: two to three hours
    python hw5_anime_dcgan/train.py --model classic      the DCGAN of the paper, without what helps with so few faces
    python hw5_anime_dcgan/train.py --conditional        learns colours of hair and eyes, to be asked for
    python hw5_anime_dcgan/train.py --faces my_faces/    any folder or .zip of pictures

Then `python hw5_anime_dcgan/generate.py` and `python hw5_anime_dcgan/analyze.py`.
"""

import functools
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs from any folder, without installation

from common.run import cli  # first: it keeps the backend of Keras quiet while it loads

# isort: split
import keras
import numpy as np

from common import data
from common.errors import OptionError, UserError
from common.gan import GAN
from common.run.predictor import Local
from common.run.recorder import save_network
from hw5_anime_dcgan import asking, evaluate, progress
from hw5_anime_dcgan.diffaugment import shift
from hw5_anime_dcgan.losses import LOSSES
from hw5_anime_dcgan.matching import MatchingGAN
from hw5_anime_dcgan.model import build_discriminator, build_generator
from hw5_anime_dcgan.quality import Judge
from hw5_anime_dcgan.reading import train_reader, understood
from hw5_anime_dcgan.stretches import Stretches

HOMEWORK = "hw5_anime_dcgan"
SETTINGS = {
    "fast": {  # a DCGAN and what helps when there are few faces
        "layers": "convolution",  # what --precision auto measures
        "updates": 4000,
        "show_every": 500,  # updates; there are also those of the ladder
        "batch_size": 64,
        "width": 32,  # channels of the networks next to the image; 64 is usual, and more than three times as slow
        "latent_dim": 100,  # numbers of noise
        "loss": "hinge",
        "batch_norm": True,  # in the discriminator
        "penalty": 0.0,  # on the slope of the discriminator, see common/gan.py
        "learning_rate": 2e-4,  # of the generator
        "discriminator_rate": 4e-4,  # twice that of the generator (Heusel et al. 2017)
        "beta_1": 0.5,  # of Adam: 0.9 made the training of the paper oscillate
        "beta_2": 0.999,
        "augment": True,  # few faces become many: shifted for the discriminator (Zhao et al. 2020), and mirrored
        "matching": 0.13,  # of --conditional: weight of the loss of what does not fit, see matching.py
        "memory": 1000,  # updates that the averaged generator remembers (Yazıcı et al. 2018); 0: none
    },
    "best": {  # what R3GAN (Huang et al. 2024) trains by, with the networks of DCGAN: better to the end
        "layers": "convolution",
        "updates": 50_000,
        "show_every": 2500,
        "batch_size": 40,  # the lecture counts updates: with fewer faces in each its ladder is climbed sooner
        "width": 32,
        "latent_dim": 100,
        "loss": "relativistic",
        "batch_norm": False,
        "penalty": 0.05,
        "learning_rate": 2e-4,
        "discriminator_rate": 2e-4,
        "beta_1": 0.0,
        "beta_2": 0.99,
        "augment": True,
        "matching": 0.13,
        "memory": 1000,
    },
    "classic": {  # Radford et al. 2015, section 4
        "layers": "convolution",
        "updates": 4000,
        "show_every": 500,
        "batch_size": 64,
        "width": 32,
        "latent_dim": 100,
        "loss": "logistic",
        "batch_norm": True,
        "penalty": 0.0,
        "learning_rate": 2e-4,
        "discriminator_rate": 2e-4,
        "beta_1": 0.5,
        "beta_2": 0.999,
        "augment": False,
        "matching": 0.13,
        "memory": 0,
    },
}
FEWEST = 36  # training faces: three of them are held out, to judge by
OPTIONS = {
    "updates": {
        "type": cli.positive,
        "metavar": "N",
        "help": "batches to train on; with --resume more than before",
        "may_grow": True,  # nothing depends on where the training ends
    },
    "faces": {
        "type": lambda text: str(cli.path(text).absolute()),  # for --resume anywhere
        "metavar": "DIR_OR_ZIP",
        "default": None,
        "help": "own pictures, JPEG, PNG or WebP of any size (the staged anime_faces.zip)",
    },
    "conditional": {
        "action": "store_true",
        "default": False,
        "help": "learn the colours of hair and eyes too, to draw what generate.py --hair --eyes or --text asks for",
    },
}


def train(config, run):
    """Train on the training split, look at the test split once, write everything to the folder of the run."""
    if (config.gpus or 1) > 1:
        raise OptionError("a GAN trains on one GPU: leave --gpus out")
    if config.faces and config.data == "sample":
        raise OptionError("--faces and --data sample contradict each other: leave one out")
    if config.penalty and config.batch_norm:
        raise OptionError("penalty needs batch_norm=False: normalised by its batch, a face has no slope of its own")
    if config.matching != SETTINGS[config.model]["matching"] and not config.conditional:
        raise OptionError("matching is for --conditional: ask for it, or leave the setting out")
    config.task = None if config.faces else HOMEWORK  # the bar is for the faces of the course
    dataset = data.load("faces", config, config.faces)
    if len(dataset.x_train) < FEWEST:
        raise UserError(f"{len(dataset.x_train)} faces are too few to learn and to judge from: give at least {FEWEST}")
    run.start(dataset)
    (x, _), (x_val, _) = dataset.validation_split()
    told = asking.Colours(x) if config.conditional else asking.Nothing()
    model = build(config, told.n_attributes)
    generator = model.generator if model.averaged is None else model.averaged
    batches = Stretches(x, told.batch, config.batch_size, config.seed, config.augment)
    judge = Judge(x, x_val[: evaluate.JUDGED])
    run.stops = progress.stops(config.updates, config.show_every)
    finished = run.restore(model)
    run.stops = sorted({*run.stops, finished} - {0})  # a training that goes on for longer
    callbacks = [progress.Show(run, generator, model.discriminator, judge, told), *run.callbacks()]
    for i, (begin, end) in enumerate(zip([0, *run.stops], run.stops, strict=False)):
        if begin >= finished:
            stretch = batches.between(begin, end)
            model.fit(stretch, shuffle=False, initial_epoch=i, epochs=i + 1, callbacks=callbacks, verbose=run.verbose)

    best = keras.models.load_model(run.folder / "best.keras")
    run.save(best)
    reads = {}
    if config.conditional:
        reader = train_reader(config.seed)
        save_network(reader, run.folder / "reader.keras")
        reads = understood(reader)
    metrics = evaluate.score(Local(best), run.folder, evaluate.held_out(dataset))
    metrics["updates_per_second"] = float(np.median([row["updates_per_second"] for row in run.progress.history]))
    metrics["best_updates"] = min(run.progress.history, key=lambda row: row["frechet_distance"])["updates"]
    run.finish(best, metrics | reads)
    progress.show_progress(run)


def build(config, n_attributes):
    """The GAN, compiled."""
    size = config.latent_dim, config.width, n_attributes
    kind = functools.partial(MatchingGAN, matching=config.matching) if n_attributes else GAN
    model = kind(
        build_generator(*size),
        build_discriminator(config.width, config.batch_norm, n_attributes),
        LOSSES[config.loss],
        averaged=build_generator(*size) if config.memory else None,
        memory=config.memory,
        seed=config.seed,
        augment=shift if config.augment else None,
        penalty=config.penalty,
    )
    model.compile(
        keras.optimizers.Adam(config.learning_rate, config.beta_1, config.beta_2),
        keras.optimizers.Adam(config.discriminator_rate, config.beta_1, config.beta_2),
    )
    return model


def main(argv=None):
    return cli.main(HOMEWORK, SETTINGS, train, __doc__, argv, OPTIONS)


if __name__ == "__main__":
    sys.exit(main())
