"""Homework 5: a DCGAN learns to draw anime faces.

    python hw5_anime_dcgan/train.py                      faces in ten minutes on two CPU cores
    python hw5_anime_dcgan/train.py --model dcgan        the DCGAN of the paper, without what helps with so few faces
    python hw5_anime_dcgan/train.py --updates 50000      the whole ladder of the lecture
    python hw5_anime_dcgan/train.py --conditional        learns colours of hair and eyes, to be asked for
    python hw5_anime_dcgan/train.py --faces my_faces/    any folder or .zip of pictures

Then `python hw5_anime_dcgan/generate.py` and `python hw5_anime_dcgan/analyze.py`.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs from any folder, without installation

import numpy as np

from common import data
from common.errors import OptionError, UserError
from common.run import cli
from common.run.predictor import Local
from hw5_anime_dcgan import attributes, evaluate
from hw5_anime_dcgan.quality import Judge

HOMEWORK = "hw5_anime_dcgan"
LADDER = (100, 1000, 2000, 5000, 10_000, 20_000, 50_000)  # updates after which the lecture shows samples
SETTINGS = {
    "best": {  # a DCGAN and what helps when there are few faces
        "layers": "convolution",  # what --precision auto measures
        "batch_size": 64,
        "latent_dim": 100,  # numbers of noise
        "learning_rate": 2e-4,  # of the generator
        "discriminator_rate": 4e-4,  # twice that of the generator (Heusel et al. 2017)
        "hinge": True,  # the hinge loss (Lim & Ye 2017)
        "augment": True,  # the discriminator sees shifted faces (Zhao et al. 2020)
        "mirror": True,  # twice as many faces
        "memory": 1000,  # updates that the averaged generator remembers (Yazıcı et al. 2018); 0: none
    },
    "dcgan": {  # Radford et al. 2015, section 4
        "layers": "convolution",  # what --precision auto measures
        "batch_size": 64,
        "latent_dim": 100,
        "learning_rate": 2e-4,
        "discriminator_rate": 2e-4,
        "hinge": False,
        "augment": False,
        "mirror": False,
        "memory": 0,
    },
}
FEWEST = 36  # training faces: three of them are held out, to judge by
BETA_1 = 0.5  # of Adam: 0.9 made the training of the paper oscillate
ON_CPU = {"updates": 4000, "width": 32, "report_every": 500}  # some ten minutes on two cores
ON_GPU = {"updates": 50_000, "width": 64, "report_every": 2500}  # the whole ladder
OPTIONS = {
    "updates": {
        "type": cli.positive,
        "metavar": "N",
        "default": None,
        "help": f"batches to train on; with --resume more than before ({ON_CPU['updates']:,} on a CPU, ten minutes; "
        f"{ON_GPU['updates']:,} on a GPU)",
    },
    "width": {
        "type": cli.positive,
        "metavar": "N",
        "default": None,
        "help": f"channels of the networks next to the image ({ON_CPU['width']} on a CPU, four times as fast as 64; "
        f"{ON_GPU['width']} on a GPU, as usual)",
    },
    "report_every": {
        "type": cli.positive,
        "metavar": "N",
        "default": None,
        "help": f"updates between reports, each with faces, figures and a checkpoint; there are also those of the "
        f"lecture ({ON_CPU['report_every']} on a CPU, {ON_GPU['report_every']:,} on a GPU)",
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
        "help": "learn the colours of hair and eyes too, to draw what generate.py --hair --eyes asks for",
    },
}


def report_points(updates, every):
    """The update counts of the reports: those of the lecture, every `every`, and the last."""
    return sorted({n for n in (*LADDER, *range(every, updates, every)) if n < updates} | {updates})


def train(config, run):
    """Train on the training split, look at the test split once, write everything to the folder of the run."""
    if (config.gpus or 1) > 1:
        raise OptionError("a GAN trains on one GPU: leave --gpus out")
    if config.faces and config.data == "sample":
        raise OptionError("--faces and --data sample contradict each other: leave one out")
    for name, value in (ON_GPU if run.device.on_gpu else ON_CPU).items():
        if getattr(config, name) is None:
            setattr(config, name, value)
    dataset = data.load("faces", config, config.faces)
    if len(dataset.x_train) < FEWEST:
        raise UserError(f"{len(dataset.x_train)} faces are too few to learn and to judge from: give at least {FEWEST}")
    run.start(dataset)
    import keras  # here and not above: Keras must start after the device is chosen

    from common.data.batches import Stretches
    from hw5_anime_dcgan import report

    (x, _), (x_val, _) = dataset.validation_split()
    labels = attributes.one_hot(*attributes.read(x)) if config.conditional else np.zeros(len(x), "uint8")
    model = build(config, labels.shape[1] if config.conditional else 0)
    generator = model.generator if model.averaged is None else model.averaged
    batches = Stretches(x, labels, config.batch_size, config.seed, config.mirror)
    wishes = evaluate.wishes_like(labels)
    judge = Judge(x, x_val[: evaluate.JUDGED])
    run.reports = report_points(config.updates, config.report_every)
    finished = run.restore(model)
    run.reports = sorted({*run.reports, finished} - {0})  # a training that goes on for longer
    callbacks = [report.Report(run, generator, model.discriminator, judge, wishes), *run.callbacks()]
    for i, (begin, end) in enumerate(zip([0, *run.reports], run.reports, strict=False)):
        if begin >= finished:
            stretch = batches.between(begin, end)
            model.fit(stretch, shuffle=False, initial_epoch=i, epochs=i + 1, callbacks=callbacks, verbose=run.verbose)

    best = keras.models.load_model(run.folder / "best.keras")
    run.save(best)
    rates = [row["updates_per_second"] for row in run.progress.history]
    run.finish(
        best,
        variant="own faces" if config.faces else None,  # the bar is for the faces of the course
        updates_per_second=float(np.median(rates)),
        best_updates=min(run.progress.history, key=lambda row: row["frechet_distance"])["updates"],
        **evaluate.score(Local(best), run.folder, evaluate.held_out(dataset)),
    )
    report.show_progress(run, LADDER)


def hinge_losses(real, fake):
    """(real loss, fake loss, generator's loss) of the logits (n, 1) of the discriminator (Lim & Ye 2017)."""
    from keras import ops

    return ops.mean(ops.relu(1 - real)), ops.mean(ops.relu(1 + fake)), -ops.mean(fake)


def logistic_losses(real, fake):
    """The same with cross-entropy, in nats; the generator's is the non-saturating one (Goodfellow 2014, section 3)."""
    from keras import ops

    return ops.mean(ops.softplus(-real)), ops.mean(ops.softplus(fake)), ops.mean(ops.softplus(-fake))


def build(config, n_attributes):
    """The GAN, compiled."""
    import keras

    from common.gan import GAN
    from hw5_anime_dcgan import model as models
    from hw5_anime_dcgan.diffaugment import shift

    size = config.latent_dim, config.width, n_attributes
    model = GAN(
        models.build_generator(*size),
        models.build_discriminator(config.width, n_attributes),
        hinge_losses if config.hinge else logistic_losses,
        averaged=models.build_generator(*size) if config.memory else None,
        memory=config.memory,
        seed=config.seed,
        augment=shift if config.augment else None,
    )
    model.compile(
        keras.optimizers.Adam(config.learning_rate, beta_1=BETA_1),
        keras.optimizers.Adam(config.discriminator_rate, beta_1=BETA_1),
    )
    return model


def main(argv=None):
    return cli.main(HOMEWORK, SETTINGS, train, __doc__, argv, OPTIONS)


if __name__ == "__main__":
    sys.exit(main())
