"""Homework 4: what a code of a few numbers knows of a digit, and writing digits from codes.

    python hw4_autoencoder/train.py                          32 numbers per digit, to give it back
    python hw4_autoencoder/train.py --latent-dim 2           2 numbers, to draw a map of all digits
    python hw4_autoencoder/train.py --model vae              a variational autoencoder; conv, neighbours: see --help
    python hw4_autoencoder/train.py --model cgan             a GAN that writes the digit that is asked for
    python hw4_autoencoder/train.py --digit 8                a GAN that has seen nothing but eights

Then `python hw4_autoencoder/analyze.py`. Runs that shall stay side by side need an --out of their own.
"""

import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs from any folder, without installation

import numpy as np

from common import files
from common.errors import OptionError
from common.figures import plots
from common.run import analysis, cli
from hw4_autoencoder import evaluate, inputs

HOMEWORK = "hw4_autoencoder"
SETTINGS = {  # what is different: `map`: for a code of two numbers; `longer`: for any other; `colour`: colour images
    "dense": {
        "latent_dim": 32,  # the code stands for the image; --latent-dim 2 makes it a place on a map
        "updates": 4300,  # 40 passes over the training digits
        "batch_size": 512,
        "network": "dense",
        "hidden": [1024, 512, 256],  # of the encoder; the decoder mirrors it
        "activation": "gelu",
        "learning_rate": 2e-3,  # the peak of one cycle: up over a tenth of the updates, then down to 0
        "distort": False,  # whether to show distorted images; those to give back are never distorted
        "map": {"updates": 8000, "distort": True},  # two numbers are hard to learn, and shall not tell how one wrote
    },
    "conv": {
        "layers": "convolution",  # what --precision auto measures
        "latent_dim": 32,
        "updates": 3500,
        "batch_size": 256,
        "network": "conv",
        "width": 32,  # channels after the first halving of the image, twice as many after the second
        "blocks": 0,  # residual blocks between the halvings
        "activation": "relu",
        "learning_rate": 2e-3,
    },
    "vae": {
        "latent_dim": 2,
        "updates": 4300,  # 40 passes
        "batch_size": 512,
        "network": "dense",
        "hidden": [1024, 512, 256],
        "activation": "gelu",
        "learning_rate": 2e-3,
        "distorted_share": [0, 0],  # of the digits, a little, in the first pass and in the last
        "longer": {"updates": 10800, "learning_rate": 4e-3, "distorted_share": [1, 0.1]},
        "colour": {
            "layers": "convolution",
            "network": "conv",
            "width": 32,
            "blocks": 0,
            "activation": "relu",
            "updates": 1000,
            "learning_rate": 2e-3,
            "distorted_share": [0, 0],
        },
    },
    "neighbours": {
        "layers": "convolution",  # what --precision auto measures
        "latent_dim": 2,
        "updates": 1720,  # 16 passes
        "batch_size": 512,
        "width": 32,
        "blocks": 0,
        "head": [512, 256],  # between the features and the code: without it, the map is but a plane cut through them
        "hidden": [512, 256],  # of the decoder
        "activation": "relu",
        "learning_rate": 2e-3,
        "graph": 15,  # an image and one of its so many nearest belong together
    },
    "gan": {
        "layers": "convolution",  # what --precision auto measures
        "latent_dim": 64,  # numbers of noise
        "updates": 6000,  # 13 passes
        "batch_size": 128,
        "width": 32,
        "dropout": 0.3,  # of the discriminator
        "learning_rate": 4e-4,  # of the generator
        "discriminator_rate": 4e-4,
        "memory": 500,  # updates that the averaged generator remembers
    },
    "cgan": {
        "layers": "convolution",  # what --precision auto measures
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
REPORTS = 24  # of a GAN: grids of samples of the same noise, spread over the training
OPTIONS = {
    "latent_dim": {
        "type": cli.positive,
        "metavar": "N",
        "help": "numbers in the code (32 for dense and conv, which are after the image, 2 for vae and neighbours, "
        "which are after the map), or in the noise of a GAN (64); dense with 2 and vae with more train longer",
    },
    "data_set": {"choices": ("mnist", "cifar10", "faces"), "default": "mnist", "help": "the images (mnist)"},
    "digit": {
        "type": int,
        "choices": range(10),
        "metavar": "D",
        "default": None,
        "help": "train a GAN on this digit alone, with --model gan if no other is named (all)",
    },
    "pixels": {
        "choices": ("grey", "binary"),
        "default": "grey",
        "help": "binary: each pixel drawn once as black or white, with its grey value for the chance of white, as is "
        "usual for comparing likelihoods (grey)",
    },
    "noise": {
        "type": cli.number(0, 1),
        "metavar": "S",
        "default": 0.0,
        "help": "train dense or conv to remove noise of this standard deviation, as a share of white (0)",
    },
}


def check(config):
    """OptionError for options that do not go together."""
    gan = config.model in ("gan", "cgan")
    if config.digit is not None and (config.model != "gan" or config.data_set != "mnist"):
        raise OptionError("--digit is for --model gan on --data-set mnist")
    if config.model == "cgan" and config.data_set == "faces":
        raise OptionError("--model cgan needs classes, and faces have none: take --model gan")
    if config.pixels == "binary" and (config.model != "vae" or config.data_set != "mnist"):
        raise OptionError("--pixels binary is for --model vae on --data-set mnist")
    if config.noise and config.model not in ("dense", "conv"):
        raise OptionError("--noise is for --model dense and conv")
    if gan and (config.gpus or 1) > 1:
        raise OptionError("a GAN trains on one GPU: leave --gpus out")


def variant(config):
    """Which bar of common/bars.py judges the run."""
    if config.data_set != "mnist" or config.digit is not None or config.noise:
        return f"{config.model} on {config.data_set}"  # none
    if config.model in ("gan", "cgan"):
        return config.model
    return f"{config.model} {config.latent_dim}{' binary' if config.pixels == 'binary' else ''}"


def settle(config):
    """Take the settings for this code and these images, and leave no others: config.json tells what the run goes by."""
    settings = vars(config)
    special = {name: settings.pop(name, {}) for name in ("map", "longer", "colour")}
    settings |= special["map" if config.latent_dim == 2 else "longer"]
    if config.data_set != "mnist":
        settings |= special["colour"]
    if settings.get("network") == "conv":
        settings.pop("hidden", None)  # sizes of dense layers


def train(config, run):
    """Train on the training split, look at the test split once, write everything to the folder of the run."""
    check(config)
    settle(config)
    dataset = inputs.load(config)
    run.start(dataset)
    if config.model in ("gan", "cgan"):
        train_gan(config, run, dataset)
    else:
        train_autoencoder(config, run, dataset)


def one_cycle(config, updates):
    import keras

    warm_up = updates // 10
    return keras.optimizers.schedules.CosineDecay(
        0.0, updates - warm_up, warmup_target=config.learning_rate, warmup_steps=warm_up
    )


def build(config, image_shape, graph=None):
    """The model to train: encoder and decoder in the wrapper that knows the loss; `graph` is for neighbours."""
    from hw4_autoencoder import model as models

    variational = config.model == "vae"
    if config.model == "neighbours":
        conv = image_shape, config.width, config.blocks, config.activation, config.latent_dim
        dense = image_shape, config.hidden, config.activation, config.latent_dim
        return models.Neighbours(models.conv_encoder(*conv, head=config.head), models.dense_decoder(*dense), graph)
    if config.network == "dense":
        size = image_shape, config.hidden, config.activation, config.latent_dim
        encoder, decoder = models.dense_encoder(*size, variational), models.dense_decoder(*size)
    else:
        size = image_shape, config.width, config.blocks, config.activation, config.latent_dim
        encoder, decoder = models.conv_encoder(*size, variational), models.conv_decoder(*size)
    return models.VAE(encoder, decoder, config.seed) if variational else models.Autoencoder(encoder, decoder)


def train_autoencoder(config, run, dataset):
    import keras  # here and not above: Keras must start after the device is chosen

    from common.data.batches import Batches
    from hw4_autoencoder.model import assemble

    x, augmentation, x_val, shown = inputs.views(config, dataset, run.epochs)
    batches = Batches(x, x, config.batch_size, config.seed, augmentation)
    epochs = run.epochs(len(x))
    neighbours = config.model == "neighbours"
    with run.device.scope():
        model = build(config, x.shape[1:], augmentation.graph if neighbours else None)
        model.compile(keras.optimizers.Adam(one_cycle(config, epochs * len(batches))))
    model(np.stack([x[:2], x[:2]], axis=1) if neighbours else x[:2])  # creates what it lacks
    batches.epoch = run.restore(model)
    callbacks = run.callbacks()
    if neighbours:
        augmentation.graph = model.graph.numpy()  # of a resumed run: the one that it had come to

        def join_by_features(epoch, logs):
            """Half-way: from the nearest pixels to the nearest features."""
            if epoch + 1 == max(1, epochs // 2):
                augmentation.join(model.features(x))
                model.graph.assign(augmentation.graph)

        callbacks.insert(0, keras.callbacks.LambdaCallback(on_epoch_end=join_by_features))  # before the checkpoint
    model.fit(
        batches,
        shuffle=False,  # Batches shuffles, in an order that a resumed run repeats
        epochs=epochs,
        initial_epoch=batches.epoch,
        validation_data=(shown, x_val),
        validation_batch_size=config.batch_size,
        callbacks=callbacks,
        verbose=run.verbose,
    )

    # bfloat16 rounds places on a map, by which some change their neighbours
    trained = analysis.in_float32(assemble(model.encoder, model.decoder))
    run.save(trained)
    run.finish(
        trained,
        variant(config),
        **evaluate.autoencoder_figures(config, trained.get_layer("encoder"), trained.get_layer("decoder"), dataset),
    )
    panels = [("loss", "loss, nats per image"), ("bce", "binary cross-entropy per pixel")]
    panels += [("kl", "nats in the code")] if config.model == "vae" else []
    panels += [("contrast", "finding the partner, nats")] if config.model == "neighbours" else []
    with run.picture("curves") as path:
        plots.curves(path, run.progress.history, panels, "Learning to give the image back")


def logistic_losses(real, fake):
    """(real loss, fake loss, generator's loss) of the logits (n, 1) of a discriminator, scalars in nats."""
    from keras import ops

    real_loss, fake_loss = ops.mean(ops.softplus(-real)), ops.mean(ops.softplus(fake))
    return real_loss, fake_loss, ops.mean(ops.softplus(-fake))  # the non-saturating loss (Goodfellow 2014, section 3)


def train_gan(config, run, dataset):
    import keras

    from common.data.batches import Batches
    from common.gan import GAN
    from hw4_autoencoder import model as models

    x, n_classes = dataset.x_train, len(dataset.names)
    batches = Batches(x, keras.utils.to_categorical(dataset.y_train, n_classes), config.batch_size, config.seed)
    epochs = run.epochs(len(x))
    classes = n_classes if config.model == "cgan" else 0
    size = x.shape[1:], config.latent_dim, config.width, classes
    model = GAN(
        models.build_generator(*size),
        models.build_discriminator(x.shape[1:], config.width, config.dropout, classes),
        logistic_losses,
        averaged=models.build_generator(*size),
        memory=min(config.memory, max(1, epochs * len(batches) // 10)),
        seed=config.seed,
    )
    model.compile(
        keras.optimizers.Adam(config.learning_rate, beta_1=0.5),
        keras.optimizers.Adam(config.discriminator_rate, beta_1=0.5),
    )
    noise, _ = evaluate.sampling(config, dataset, evaluate.GRID, seed=1)
    every = math.ceil(epochs / REPORTS)

    def report(epoch, logs):
        """The same noise after every few passes, in samples/<passes>.npy."""
        if (epoch + 1) % every == 0 or epoch + 1 == epochs:
            with files.atomic(run.folder / "samples" / f"{epoch + 1:06d}.npy") as part:
                np.save(part, evaluate.generate(model.averaged, noise))

    batches.epoch = run.restore(model)
    model.fit(
        batches,
        shuffle=False,
        epochs=epochs,
        initial_epoch=batches.epoch,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=report), *run.callbacks()],
        verbose=run.verbose,
    )

    run.save(model.averaged)
    run.finish(model.averaged, variant(config), **evaluate.gan_figures(config, run.folder, model.averaged, dataset))
    panels = [("real_loss", "loss on real images, nats"), ("fake_loss", "loss on fakes, nats")]
    panels += [("generator_loss", "loss of the generator, nats"), ("fooled", "share of fakes taken for real")]
    with run.picture("curves") as path:
        plots.curves(path, run.progress.history, panels, "Writing against a critic")
    images = evaluate.generate(model.averaged, noise)
    rows = [("", images[i : i + 10]) for i in range(0, 100, 10)]  # of a cgan: a digit in each column
    with run.picture("samples") as path:
        plots.image_rows(path, rows, "Images made of noise")


def choose_model(options):
    """The model where none was asked for: the GAN of the lecture if there is a digit, else the autoencoder."""
    return "gan" if options["digit"] is not None else "dense"


def main(argv=None):
    return cli.main(HOMEWORK, SETTINGS, train, __doc__, argv, OPTIONS, choose_model)


if __name__ == "__main__":
    sys.exit(main())
