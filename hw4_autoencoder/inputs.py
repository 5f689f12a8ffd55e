"""What the networks of homework 4 get to see: the images of a run, noise on them, pairs of neighbours."""

from dataclasses import replace

import numpy as np
from scipy.ndimage import affine_transform
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

from common import data
from common.data import augment
from common.data.distort import distort
from common.errors import UserError
from hw4_autoencoder.codes import flat, nearest

DISTORTION = {"rotate": 10, "scale": 0.1, "shear": 0.15, "shift": 2, "elastic": 1}  # another hand, the same digit
MILD = {"rotate": 5, "scale": 0.05, "shear": 0.08, "shift": 0.5, "elastic": 0.5}  # the same hand on another day


def load(config):
    """The images of the run as a Dataset: of one digit with --digit, black or white if the recipe wants such pixels."""
    dataset = data.load(config.data_set, config)
    digit = getattr(config, "digit", None)  # an option of train_gan.py
    if digit is not None:
        train, test = dataset.y_train == digit, dataset.y_test == digit
        dataset = replace(
            dataset,
            x_train=dataset.x_train[train],
            y_train=dataset.y_train[train],
            x_test=dataset.x_test[test],
            y_test=dataset.y_test[test],
        )
        if min(train.sum(), test.sum()) < 2:
            raise UserError(f"--digit {digit}: the data have fewer than two such digits: give a larger --limit")
        dataset = with_remark(dataset, f"of them {train.sum():,} and {test.sum():,} of the digit {digit}")
    if getattr(config, "pixels", "grey") == "binary":  # a setting of VAEs
        # drawn once and for all, whatever the seed of the run
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


def distorted(images, rng):
    """uint8 images (n, 28, 28) or (n, height, width, 3), each a little changed: it is of the same thing still."""
    if images.ndim == 3:
        return distort(images, rng, **DISTORTION)
    return augment.shift(augment.flip(images, rng.random(len(images)) < 0.5), rng, 2)


def slant(x):
    """How far each digit (n, 28, 28) leans to the right: pixels to the right per pixel upwards (second moments)."""
    ink = x / np.maximum(x.sum(axis=(1, 2), keepdims=True), 1)
    rows, columns = np.arange(x.shape[1]), np.arange(x.shape[2])
    dy = rows - (ink.sum(axis=2) @ rows)[:, None]
    dx = columns - (ink.sum(axis=1) @ columns)[:, None]
    covariance = np.einsum("nij,ni,nj->n", ink, dy, dx)
    return -covariance / np.maximum(np.einsum("nij,ni->n", ink, dy**2), 1e-6)


def upright(x):
    """uint8 digits (n, 28, 28), sheared until they lean no more: how one writes says little of what one writes."""
    middle = (x.shape[1] - 1) / 2
    return np.stack(
        [
            affine_transform(image, [[1, 0], [-lean, 1]], offset=[0, lean * middle], order=1)
            for image, lean in zip(x, slant(x), strict=True)
        ]
    )


class Pairs:
    """An augmentation for Batches: images with a partner each, (n, 2, ...), both distorted.

    graph: int32 (len(x), graph size + 1), the rows of the images nearest to each one, itself among them; the partner
    is one of them. At first the nearest are those with the nearest pixels, of digits made upright; later, what the
    network has learned says better who belongs together (Dwibedi et al. 2021, arXiv:2104.14548).
    """

    def __init__(self, x, config):
        self.x, self.n_neighbours = x, min(config.graph + 1, len(x))
        self.join(flat(upright(x) if x.ndim == 3 else x))

    @threadpool_limits.wrap(limits=1)
    def join(self, features):
        """Join every image with those that have the nearest `features`, (len(x), any number): 50 components of them."""
        if features.shape[1] > 50:
            few = features[:20_000]
            pca = PCA(min(50, len(few)), svd_solver="randomized", random_state=0).fit(few)
            features = pca.transform(features)
        self.graph = nearest(features, features, self.n_neighbours)[1].astype("int32")

    def __call__(self, images, rows, epoch, rng):
        partners = self.x[self.graph[rows, rng.integers(0, self.n_neighbours, len(rows))]]
        return np.stack([distorted(images, rng), distorted(partners, rng)], axis=1)


# What is trained on: (x, augmentation for Batches or None, x_val, what is shown of x_val), uint8 images. x and x_val
# are to be given back.


def changed(config, dataset):
    """What a plain autoencoder trains on: images as they are, or distorted or noisy ones whose originals are wanted."""
    (x, _), (x_val, _) = dataset.validation_split()
    if not (config.distort or config.noise):
        return x, None, x_val, x_val

    def change(images, rows, epoch, rng):
        images = distorted(images, rng) if config.distort else images
        return add_noise(images, rng, config.noise) if config.noise else images

    return x, change, x_val, add_noise(x_val, np.random.default_rng(0), config.noise) if config.noise else x_val


def redrawn(config, dataset, count_epochs):
    """What a VAE trains on: a share of the digits a little distorted, and pixels black or white if wanted.

    Over all epochs, count_epochs(images), the share goes in a straight line from the first number of
    config.distorted_share to the second. A VAE that sees the same digits a hundred times learns codes for them that it
    cannot find for new ones; but in the end it is to learn what real ones look like. Black and white pixels are drawn
    anew in every epoch, as there is no end of drawings of a grey image; those of x_val, as of the test images, once.
    """
    (x, _), (x_val, _) = dataset.validation_split()
    binary, (first, last) = config.pixels == "binary", config.distorted_share
    if binary:
        (x, _), _ = data.load(config.data_set, config).validation_split()  # grey
    if not (binary or first or last):
        return x, None, x_val, x_val
    epochs = count_epochs(len(x))

    def redraw(images, rows, epoch, rng):
        chosen = rng.random(len(images)) < first + (last - first) * epoch / epochs
        if chosen.any():
            images = images.copy()
            images[chosen] = distort(images[chosen], rng, **MILD)
        return draw_pixels(images, rng) if binary else images

    return x, redraw, x_val, x_val


def in_pairs(config, dataset):
    """What an encoder of neighbours trains on: pairs that belong together."""
    (x, _), (x_val, _) = dataset.validation_split()
    shown = Pairs(x_val, config)(x_val, np.arange(len(x_val)), 0, np.random.default_rng(0))
    return x, Pairs(x, config), x_val, shown
