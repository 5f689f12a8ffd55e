"""What each layer of a trained network has made of the data: the layer analysis of homeworks 1, 2 and 4.

Arrays are (examples, units), float32. Labels are integers (examples,).

Here and elsewhere the heavy functions run on one thread of BLAS and OpenMP: threads that wait for each other burn the
cores. On a machine that others use too one is up to 20 times as fast, on an idle one not slower for data of this size.
"""

import warnings

import numpy as np
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import TSNE
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits


@threadpool_limits.wrap(limits=1)
def pca_map(output):
    """(n, 2) coordinates on the first two principal components, the fitted PCA, and their share of the variance."""
    pca = PCA(2, svd_solver="randomized", random_state=0)
    points = pca.fit_transform(output)
    return points, pca, float(pca.explained_variance_ratio_.sum())


@threadpool_limits.wrap(limits=1)
def tsne_map(output):
    """(n, 2) coordinates by t-SNE (van der Maaten & Hinton 2008), after PCA to at most 50 dimensions as they do."""
    if output.shape[1] > 50:
        output = PCA(50, svd_solver="randomized", random_state=0).fit_transform(output)
    return TSNE(init="pca", random_state=0).fit_transform(output)


@threadpool_limits.wrap(limits=1)
def fit_linear_probe(output, labels):
    """A linear classifier on one layer's output (Alain & Bengio 2016, arXiv:1610.01644), with predict_proba.

    The more numbers the layer has, the stronger the penalty on their weights.
    """
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=10 / output.shape[1], max_iter=200))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # near enough: the accuracy no longer changes
        return probe.fit(output, labels)


def class_separation(output, labels):
    """The share of the variance that lies between the class means, 0 (classes alike) to 1 (each class one point)."""
    between = sum(
        np.mean(labels == label) * np.sum((output[labels == label].mean(axis=0) - output.mean(axis=0)) ** 2)
        for label in np.unique(labels)
    )
    return float(between / output.var(axis=0).sum())


def unit_statistics(output):
    """How a layer with ReLU, or by its sign GELU, uses its units, as shares of them; of all activations for `sparsity`.

    dead: never active on the data. always_on: active on at least 99 % of it, so that the unit is linear there.
    sparsity: the share of activations that are zero, or below it.
    """
    active = (output > 0).mean(axis=0)
    return {
        "units": output.shape[1],
        "dead": float(np.mean(active == 0)),
        "always_on": float(np.mean(active >= 0.99)),
        "sparsity": float(np.mean(output <= 0)),
    }


def class_means(output, labels):
    """Mean activation (units, classes), the largest of each unit 1; sorted by favourite class, the choosiest first."""
    means = np.stack([output[labels == label].mean(axis=0) for label in np.unique(labels)], axis=1)
    means = means[means.max(axis=1) > 0]  # without the dead units
    means = means / means.max(axis=1, keepdims=True)
    return means[np.lexsort((means.mean(axis=1), means.argmax(axis=1)))]
