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
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs from any folder, without installation

import numpy as np

from common import augment, cli, data, files, plots
from common.distort import distort
from common.errors import UserError

HOMEWORK = "hw4_autoencoder"
SETTINGS = {  # not tuned yet; `map` holds what is different for a code of two numbers
    "dense": {
        "latent_dim": 32,  # the code stands for the image; --latent-dim 2 makes it a place on a map
        "updates": 6500,  # 60 passes over the training digits
        "batch_size": 512,
        "network": "dense",
        "hidden": [1024, 512, 256],  # of the encoder; the decoder mirrors it
        "activation": "gelu",
        "learning_rate": 2e-3,  # the peak of one cycle: up over a tenth of the updates, then down to 0
        "map": {"updates": 10000},  # two numbers are hard to learn
    },
    "conv": {
        "latent_dim": 32,
        "updates": 4300,
        "batch_size": 256,
        "network": "conv",
        "width": 32,  # channels after the first halving of the image, twice as many after the second
        "blocks": 0,  # residual blocks between the halvings
        "activation": "relu",
        "learning_rate": 2e-3,
        "map": {},
    },
    "vae": {
        "latent_dim": 2,
        "updates": 2600,
        "batch_size": 256,
        "network": "conv",
        "width": 32,
        "blocks": 1,
        "activation": "relu",
        "learning_rate": 1e-3,
        "redraw": False,  # with --pixels binary: whether the training pixels are drawn anew in every pass
        "map": {"network": "dense", "hidden": [1024, 512, 256], "activation": "gelu", "updates": 8600},
    },
    "neighbours": {
        "latent_dim": 2,
        "updates": 3500,
        "batch_size": 512,
        "network": "conv",
        "width": 32,
        "blocks": 0,
        "activation": "relu",
        "learning_rate": 2e-3,
        "graph": 15,  # an image and one of its so many nearest belong together
        "map": {},
    },
    "gan": {
        "latent_dim": 64,  # numbers of noise
        "updates": 8600,
        "batch_size": 128,
        "width": 32,
        "dropout": 0.3,  # of the discriminator
        "learning_rate": 4e-4,  # of the generator
        "discriminator_rate": 4e-4,
        "memory": 500,  # updates that the averaged generator remembers
        "map": {},
    },
    "cgan": {
        "latent_dim": 64,
        "updates": 8600,
        "batch_size": 128,
        "width": 32,
        "dropout": 0.3,
        "learning_rate": 4e-4,
        "discriminator_rate": 4e-4,
        "memory": 500,
        "map": {},
    },
}
DISTORTION = {"rotate": 10, "scale": 0.1, "shear": 0.15, "shift": 2, "elastic": 1}  # of `neighbours`
REPORTS = 24  # of a GAN: grids of samples of the same noise, spread over the training
GRID = 200  # samples of a report
JUDGED = 2000  # samples of the finished generator that are judged
OPTIONS = {
    "latent_dim": {
        "type": cli.positive,
        "metavar": "N",
        "help": "numbers in the code (32 for dense and conv, which are after the image, 2 for vae and neighbours, "
        "which are after the map), or in the noise of a GAN (64)",
    },
    "data_set": {"choices": ("mnist", "cifar10", "faces"), "default": "mnist", "help": "the images (mnist)"},
    "digit": {
        "type": int,
        "choices": range(10),
        "metavar": "D",
        "default": None,
        "help": "train a GAN on this digit alone (all)",
    },
    "pixels": {
        "choices": ("grey", "binary"),
        "default": "grey",
        "help": "binary: each pixel drawn once as black or white, with its grey value for the chance of white, as is "
        "usual for comparing likelihoods (grey)",
    },
    "noise": {
        "type": float,
        "metavar": "S",
        "default": 0.0,
        "help": "train dense or conv to remove noise of this standard deviation, as a share of white (0)",
    },
}


def load(config):
    """The images of the run as a Dataset: those of one digit with --digit, black or white with --pixels binary."""
    dataset = data.load(config.data_set, config)
    if config.digit is not None:
        train, test = dataset.y_train == config.digit, dataset.y_test == config.digit
        dataset = replace(
            dataset,
            x_train=dataset.x_train[train],
            y_train=dataset.y_train[train],
            x_test=dataset.x_test[test],
            y_test=dataset.y_test[test],
        )
        dataset = with_remark(dataset, f"of them {train.sum():,} and {test.sum():,} of the digit {config.digit}")
    if config.pixels == "binary":  # drawn once and for all, whatever the seed of the run
        drawn = [draw_pixels(x, np.random.default_rng(i)) for i, x in enumerate((dataset.x_train, dataset.x_test))]
        dataset = with_remark(replace(dataset, x_train=drawn[0], x_test=drawn[1]), "pixels black or white")
    return dataset


def with_remark(dataset, remark):
    """`dataset` with a remark in the line that says which data are used."""
    return replace(dataset, source=dataset.source._replace(line=f"{dataset.source.line}, {remark}"))


def draw_pixels(images, rng):
    """uint8 images with every pixel 0 or 255, drawn with the grey value as the chance of 255."""
    return np.where(255 * rng.random(images.shape, "float32") < images, np.uint8(255), np.uint8(0))


def add_noise(images, rng, strength):
    """uint8 images with Gaussian noise of the standard deviation 255 x strength added."""
    noise = rng.standard_normal(images.shape, "float32") * np.float32(255 * strength)
    return (images + noise).clip(0, 255).astype("uint8")


def check(config):
    """UserError for options that do not go together."""
    gan = config.model in ("gan", "cgan")
    if config.digit is not None and (config.model != "gan" or config.data_set != "mnist"):
        raise UserError("--digit is for --model gan on --data-set mnist")
    if config.model == "cgan" and config.data_set == "faces":
        raise UserError("--model cgan needs classes, and faces have none: take --model gan")
    if config.pixels == "binary" and (config.model != "vae" or config.data_set != "mnist"):
        raise UserError("--pixels binary is for --model vae on --data-set mnist")
    if config.noise and config.model not in ("dense", "conv"):
        raise UserError("--noise is for --model dense and conv")
    if not 0 <= config.noise <= 1:
        raise UserError(f"--noise {config.noise}: give a share of white from 0 to 1")
    if gan and (config.gpus or 1) > 1:
        raise UserError("a GAN trains on one GPU: leave --gpus out")


def variant(config):
    """Which bar of common/bars.py judges the run."""
    if config.data_set != "mnist" or config.digit is not None or config.noise:
        return f"{config.model} on {config.data_set}"  # none
    if config.model in ("gan", "cgan"):
        return config.model
    return f"{config.model} {config.latent_dim}{' binary' if config.pixels == 'binary' else ''}"


def train(config, run):
    """Train on the training split, look at the test split once, write everything to the folder of the run."""
    check(config)
    if config.latent_dim == 2:
        for name, value in config.map.items():
            setattr(config, name, value)
    dataset = load(config)
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


def build(config, image_shape):
    """The model to train: encoder and decoder in the wrapper that knows the loss."""
    from hw4_autoencoder import model as models

    variational = config.model == "vae"
    if config.network == "dense":
        size = image_shape, config.hidden, config.activation, config.latent_dim
        encoder, decoder = models.dense_encoder(*size, variational), models.dense_decoder(*size)
    else:
        size = image_shape, config.width, config.blocks, config.activation, config.latent_dim
        encoder, decoder = models.conv_encoder(*size, variational), models.conv_decoder(*size)
    if variational:
        return models.VAE(encoder, decoder, config.seed)
    return (models.Neighbours if config.model == "neighbours" else models.Autoencoder)(encoder, decoder)


def pairing(x, config):
    """An augmentation for Batches: images with a partner each, (n, 2, ...), both distorted."""
    from common import codes

    pixels = codes.flat(x)
    if x[0].size > 50:
        pixels = codes.fit_pca(x, 50).transform(pixels)
    graph = codes.nearest(pixels, pixels, min(config.graph + 1, len(x)))[1]  # the image itself among them

    def distorted(images, rng):
        if images.ndim == 3:
            return distort(images, rng, **DISTORTION)
        return augment.shift(augment.flip(images, rng.random(len(images)) < 0.5), rng, 2)

    def augmentation(images, rows, epoch, rng):
        partners = x[graph[rows, rng.integers(0, graph.shape[1], len(rows))]]
        return np.stack([distorted(images, rng), distorted(partners, rng)], axis=1)

    return augmentation


def train_autoencoder(config, run, dataset):
    import keras  # here and not above: Keras must start after the device is chosen

    from common.batches import Batches
    from hw4_autoencoder.model import assemble

    (x, _), (x_val, _) = dataset.validation_split()
    shown, augmentation = x_val, None
    if config.model == "neighbours":
        augmentation = pairing(x, config)
        shown = pairing(x_val, config)(x_val, np.arange(len(x_val)), 0, np.random.default_rng(0))
    elif config.pixels == "binary" and config.redraw:
        (x, _), _ = data.load(config.data_set, config).validation_split()  # grey

        def augmentation(images, rows, epoch, rng):
            return draw_pixels(images, rng)

    elif config.noise:
        shown = add_noise(x_val, np.random.default_rng(0), config.noise)

        def augmentation(images, rows, epoch, rng):
            return add_noise(images, rng, config.noise)

    batches = Batches(x, x, config.batch_size, config.seed, augmentation)
    epochs = run.epochs(len(x))
    with run.device.scope():
        model = build(config, x.shape[1:])
        model.compile(keras.optimizers.Adam(one_cycle(config, epochs * len(batches))))
    model(np.stack([x[:2], x[:2]], axis=1) if config.model == "neighbours" else x[:2])  # creates what it lacks
    batches.epoch = run.restore(model)
    model.fit(
        batches,
        shuffle=False,  # Batches shuffles, in an order that a resumed run repeats
        epochs=epochs,
        initial_epoch=batches.epoch,
        validation_data=(shown, x_val),
        validation_batch_size=500,
        callbacks=run.callbacks(),
        verbose=run.verbose,
    )

    panels = [("loss", "loss, nats per image"), ("bce", "binary cross-entropy per pixel")]
    panels += [("kl", "nats in the code")] if config.model == "vae" else []
    panels += [("contrast", "finding the partner, nats")] if config.model == "neighbours" else []
    plots.curves(run.figure("curves"), run.progress.history, panels, "Learning to give the image back")
    run.finish(
        assemble(model.encoder, model.decoder),
        variant(config),
        **autoencoder_figures(config, model.encoder, model.decoder, dataset),
    )


def encode(encoder, images):
    """Codes float32 (n, latent_dim) of uint8 images; of a VAE the means."""
    codes = encoder.predict(images, batch_size=500, verbose=0)
    return codes[0] if isinstance(codes, (list, tuple)) else codes


def pixel_nats(decoder, codes, images):
    """Binary cross-entropy of every pixel in nats (n, pixels), of `images` (uint8) given their codes; mean squares."""
    from common.codes import flat

    logits = decoder.predict(codes, batch_size=500, verbose=0).reshape(len(images), -1)
    target = flat(images)
    nats = np.logaddexp(0, logits) - target * logits
    return nats, float(np.mean((1 / (1 + np.exp(-logits)) - target) ** 2))


def negative_elbo(encoder, decoder, images, draws=3):
    """The bound on the test images in nats per image, with `draws` codes drawn for each."""
    mean, log_variance = encoder.predict(images, batch_size=500, verbose=0)
    kl = np.sum(mean**2 + np.exp(log_variance) - 1 - log_variance, axis=1) / 2
    rng = np.random.default_rng(0)
    nats = []
    for _ in range(draws):
        drawn = mean + np.exp(log_variance / 2) * rng.standard_normal(mean.shape, "float32")
        nats.append(pixel_nats(decoder, drawn, images)[0].sum(axis=1).mean())
    return float(np.mean(nats) + kl.mean())


def autoencoder_figures(config, encoder, decoder, dataset):
    """What metrics.json adds: how well images come back, beside PCA, and how well codes tell the classes apart."""
    from common import codes

    test_codes = encode(encoder, dataset.x_test)
    nats, mse = pixel_nats(decoder, test_codes, dataset.x_test)
    pca = codes.fit_pca(dataset.x_train, config.latent_dim)
    pca_mse = codes.pca_reconstruction_error(pca, dataset.x_test)
    figures = {
        "test_bce_per_pixel": float(nats.mean()),
        "test_mse": mse,
        "pca_mse": pca_mse,
        "mse_share_of_pca": mse / pca_mse,
    }
    if len(dataset.names) > 1:
        train, test = (encode(encoder, dataset.x_train), dataset.y_train), (test_codes, dataset.y_test)
        figures |= codes.separation(train, test)
    if config.model == "vae":
        figures["negative_elbo"] = negative_elbo(encoder, decoder, dataset.x_test)
    return figures


def sampling(config, dataset, n, seed):
    """(inputs of the generator, labels or None) for n samples; the classes in turn where they can be asked for."""
    noise = np.random.default_rng(seed).standard_normal((n, config.latent_dim), "float32")
    if config.model == "gan":
        return noise, None
    labels = np.arange(n) % len(dataset.names)
    return [noise, np.eye(len(dataset.names), dtype="float32")[labels]], labels


def generate(generator, inputs):
    """uint8 images that the generator makes of `inputs`."""
    return np.round(255 * generator.predict(inputs, batch_size=500, verbose=0)).astype("uint8")


def train_gan(config, run, dataset):
    import keras

    from common.batches import Batches
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
        averaged=models.build_generator(*size),
        memory=min(config.memory, max(1, epochs * len(batches) // 10)),
        seed=config.seed,
    )
    model.compile(
        keras.optimizers.Adam(config.learning_rate, beta_1=0.5),
        keras.optimizers.Adam(config.discriminator_rate, beta_1=0.5),
    )
    inputs, _ = sampling(config, dataset, GRID, seed=1)
    every = math.ceil(epochs / REPORTS)

    def report(epoch, logs):
        """The same noise after every few passes, in samples/<passes>.npy."""
        if (epoch + 1) % every == 0 or epoch + 1 == epochs:
            with files.atomic(run.folder / "samples" / f"{epoch + 1:06d}.npy") as part:
                np.save(part, generate(model.averaged, inputs))

    batches.epoch = run.restore(model)
    model.fit(
        batches,
        shuffle=False,
        epochs=epochs,
        initial_epoch=batches.epoch,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=report), *run.callbacks()],
        verbose=run.verbose,
    )

    panels = [("real_loss", "loss on real images, nats"), ("fake_loss", "loss on fakes, nats")]
    panels += [("generator_loss", "loss of the generator, nats"), ("fooled", "share of fakes taken for real")]
    plots.curves(run.figure("curves"), run.progress.history, panels, "Writing against a critic")
    images = generate(model.averaged, inputs)
    rows = [("", images[i : i + 10]) for i in range(0, 100, 10)]  # of a cgan: a digit in each column
    plots.image_rows(run.figure("samples"), rows, "Images made of noise")
    run.finish(model.averaged, variant(config), **gan_figures(config, run.folder, model.averaged, dataset))


def gan_figures(config, folder, generator, dataset):
    """What metrics.json adds: are the samples what was asked for, are they diverse, are they copies?"""
    from common import generated

    inputs, labels = sampling(config, dataset, JUDGED, seed=2)
    images = generate(generator, inputs)
    figures = {}
    if config.data_set == "mnist":
        digits = data.load("mnist", config)  # of all kinds: the judge must know more than the digit of --digit
        judge = generated.judge(folder, digits)
        figures["judge_accuracy"] = generated.recognised_share(judge(digits.x_test), digits.y_test)
        probabilities = judge(images)
        figures["sure_share"] = float(np.mean(probabilities.max(axis=1) > 0.9))
        if config.digit is not None:
            labels = np.full(len(images), config.digit)
        if labels is not None:
            figures["recognised_share"] = generated.recognised_share(probabilities, labels)
        else:
            labels = probabilities.argmax(axis=1)
            figures["shares_of_digits"] = (np.bincount(labels, minlength=10) / len(labels)).tolist()
    elif labels is None:  # all in one
        labels, dataset = np.zeros(len(images), int), replace(dataset, y_test=np.zeros(len(dataset.x_test), int))
    figures["diversity_ratio"] = generated.diversity_ratio(images, labels, dataset.x_test, dataset.y_test)
    return figures


def choose_model(options):
    """The model where none was asked for: the GAN of the lecture if there is a digit, else the autoencoder."""
    return "gan" if options["digit"] is not None else "dense"


def main(argv=None):
    return cli.main(HOMEWORK, SETTINGS, train, __doc__, argv, OPTIONS, choose_model)


if __name__ == "__main__":
    sys.exit(main())
