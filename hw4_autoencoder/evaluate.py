"""The figures of homework 4: how well images come back, what codes tell, whether what a GAN writes is any good."""

import numpy as np

from common import data
from hw4_autoencoder import generated
from hw4_autoencoder.codes import fit_pca, flat, pca_reconstruction_error, separation

GRID = 200  # samples of a report
JUDGED = 2000  # samples of the finished generator that are judged


def encode(encoder, images):
    """Codes float32 (n, latent_dim) of uint8 images; of a VAE the means."""
    codes = encoder.predict(images, batch_size=500, verbose=0)
    return codes[0] if isinstance(codes, (list, tuple)) else codes


def pixel_nats(decoder, codes, images):
    """Binary cross-entropy of every pixel in nats (n, pixels), of `images` (uint8) given their codes; mean squares."""
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
    test_codes = encode(encoder, dataset.x_test)
    nats, mse = pixel_nats(decoder, test_codes, dataset.x_test)
    pca = fit_pca(dataset.x_train, config.latent_dim)
    pca_mse = pca_reconstruction_error(pca, dataset.x_test)
    figures = {
        "test_bce_per_pixel": float(nats.mean()),
        "test_mse": mse,
        "pca_mse": pca_mse,
        "mse_share_of_pca": mse / pca_mse,
    }
    if len(dataset.names) > 1:
        train, test = (encode(encoder, dataset.x_train), dataset.y_train), (test_codes, dataset.y_test)
        figures |= separation(train, test)
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


def judge_of(config, folder):
    """The classifier that judges what is written, and its test accuracy. It knows all ten digits, whatever --digit."""
    digits = data.load("mnist", config)
    judge = generated.judge(folder, digits)
    return judge, generated.recognised_share(judge(digits.x_test), digits.y_test)


def gan_figures(config, folder, generator, dataset):
    """What metrics.json adds: are the samples what was asked for, are they diverse, are they copies?"""
    inputs, labels = sampling(config, dataset, JUDGED, seed=2)
    images = generate(generator, inputs)
    figures = {}
    if config.data_set == "mnist":
        judge, figures["judge_accuracy"] = judge_of(config, folder)
        probabilities = judge(images)
        figures["sure_share"] = float(np.mean(probabilities.max(axis=1) > 0.9))
        if config.digit is not None:
            labels = np.full(len(images), config.digit)
        if labels is not None:
            figures["recognised_share"] = generated.recognised_share(probabilities, labels)
        else:
            labels = probabilities.argmax(axis=1)
            figures["shares_of_digits"] = (np.bincount(labels, minlength=10) / len(labels)).tolist()
    figures["diversity_ratio"] = generated.diversity_ratio(images, labels, dataset.x_test, dataset.y_test)
    return figures
