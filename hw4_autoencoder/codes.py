"""What codes tell about the images that they stand for: the numbers of homework 4.

Codes are float32 (n, latent_dim), labels integers (n,).
"""

import numpy as np
from scipy.special import expit
from sklearn.decomposition import PCA
from sklearn.metrics import silhouette_score
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

from common.figures.layers import fit_linear_probe
from common.run.predictor import Local, Part, predict


def encode(encoder, images):
    """Codes float32 (n, latent_dim) of uint8 images; of a VAE the means."""
    codes = encoder.predict(images, batch_size=500, verbose=0)
    return codes[0] if isinstance(codes, (list, tuple)) else codes


class Codes:
    """A finished autoencoder: encode uint8 images to codes (n, latent_dim), decode them to uint8 images."""

    def __init__(self, model):
        self.encoder, self.decoder = model.get_layer("encoder"), model.get_layer("decoder")
        self.latent_dim = self.decoder.input.shape[1]

    def encode(self, pictures):
        shapes = [output.shape[1:] for output in self.encoder.outputs]
        return encode(Part(Local(self.encoder), shapes), pictures)

    def decode(self, codes):
        logits = predict(Local(self.decoder), np.asarray(codes, "float32"), self.decoder.output.shape[1:])
        return np.round(255 * expit(logits)).astype("uint8")


def flat(images):
    """uint8 images as float32 (n, pixels) in 0..1."""
    return images.reshape(len(images), -1) / np.float32(255)


@threadpool_limits.wrap(limits=1)
def fit_pca(images, n_components, most_numbers=100_000_000):
    """PCA on the pixels of uint8 images, on the first of them if all hold more than `most_numbers` pixels.

    Fewer components than asked for if there are no more images or pixels.
    """
    pixels = flat(images[: most_numbers // images[0].size])
    return PCA(min(n_components, *pixels.shape), svd_solver="randomized", random_state=0).fit(pixels)


def pca_reconstruction_error(pca, images):
    """Mean squared error per pixel of `images` (uint8) rebuilt from their principal components; pixels are in 0..1."""
    pixels = flat(images)
    return float(np.mean((pca.inverse_transform(pca.transform(pixels)) - pixels) ** 2))


@threadpool_limits.wrap(limits=1)
def nearest(codes, others, k=1):
    """(distances, row numbers), each (n, k), of the k nearest `others` of each code."""
    return NearestNeighbors(n_neighbors=k, algorithm="brute").fit(others).kneighbors(codes)


def neighbour_labels(codes, others, labels):
    """The label of the nearest of `others` for each code."""
    return labels[nearest(codes, others)[1][:, 0]]


def neighbour_labels_inside(codes, labels):
    """The label of the nearest other code for each code: for maps that cannot place new images."""
    return labels[nearest(codes, codes, 2)[1][:, 1]]


@threadpool_limits.wrap(limits=1)
def separation(train, test, some=5000):
    """How well codes tell the classes apart. train, test: (codes, labels).

    knn_error    share of test codes whose nearest training code has another label (van der Maaten 2009)
    probe_error  of a linear classifier trained on the training codes
    silhouette   of the test codes, -1 to 1 (Rousseeuw 1987), on the first `some`
    """
    (codes, labels), (test_codes, test_labels) = train, test
    probe = fit_linear_probe(codes[:some], labels[:some])
    return {
        "knn_error": float(np.mean(neighbour_labels(test_codes, codes, labels) != test_labels)),
        "probe_error": float(1 - probe.score(test_codes, test_labels)),
        "silhouette": float(silhouette_score(test_codes[:some], test_labels[:some])),
    }
