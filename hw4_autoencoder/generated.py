"""What is written, measured: is it what was wished for, is it diverse, is it more than copies?

Images are uint8 (n, height, width[, channels]), labels integers (n,).
"""

import numpy as np
from scipy.spatial.distance import pdist

from hw4_autoencoder.codes import flat, nearest


def recognised_share(probabilities, wished):
    """The share of images that the judge takes for what was wished: probabilities (n, classes), wished (n,)."""
    return float(np.mean(probabilities.argmax(axis=1) == wished))


def diversity_ratio(images, labels, real, real_labels, some=200):
    """Mean distance between generated images of one class, as a share of that between real ones; mean over classes.

    labels None: all images are of one class, and `real_labels` does not count.
    """
    if labels is None:
        labels, real_labels = np.zeros(len(images), int), np.zeros(len(real), int)
    ratios = []
    for label in np.unique(labels):
        own, theirs = (_mean_distance(each[of == label][:some]) for each, of in ((images, labels), (real, real_labels)))
        if own is not None and theirs:
            ratios.append(own / theirs)
    return float(np.mean(ratios)) if ratios else None


def _mean_distance(images):
    return float(pdist(flat(images)).mean()) if len(images) > 1 else None


def frechet_distance(features, real):
    """The Fréchet distance of Heusel et al. 2017 (arXiv:1706.08500) between two sets of features (n, d); 0: alike.

    It is that between the normal distributions which have the means and covariances of the two.
    """
    own, theirs = np.cov(features.T), np.cov(real.T)
    root = np.sqrt(np.linalg.eigvals(own @ theirs).astype(complex)).real.sum()  # the trace of the root of the product
    apart = np.sum((features.mean(axis=0) - real.mean(axis=0)) ** 2)
    return float(apart + np.trace(own) + np.trace(theirs) - 2 * root)


def detail_ratio(images, real):
    """How sharp images are: the mean difference between neighbouring pixels, as a share of that in real ones.

    Blurred images have less than 1, noisy ones more.
    """

    def detail(x):
        x = x.astype("float32")  # differences of uint8 would wrap around
        return np.abs(np.diff(x, axis=1)).mean() + np.abs(np.diff(x, axis=2)).mean()

    return float(detail(images) / detail(real))


def copying(images, train, test):
    """Is anything a copy of a training image? Distances (Euclidean, pixels in 0..1) to the nearest training image.

    Of the generated images and, for comparison, of the real test images: the smallest and the median; and the share of
    the generated ones that lie closer to a training image than 99 % of the test images do (by chance: 0.01).
    """
    pixels = flat(train)
    own, real = (nearest(flat(each), pixels)[0][:, 0] for each in (images, test[: len(images)]))
    return {
        "smallest": float(own.min()),
        "smallest_of_test": float(real.min()),
        "median": float(np.median(own)),
        "median_of_test": float(np.median(real)),
        "closer_than_99_percent_of_test": float(np.mean(own < np.quantile(real, 0.01))),
    }
