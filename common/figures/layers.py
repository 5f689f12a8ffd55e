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
    """The first two principal components: a function that gives the (n, 2) coordinates of outputs, and their share.

    The share is that of the variance; a layer that always answers the same has none, and all its points are one.
    """
    with np.errstate(invalid="ignore"):  # 0 / 0 where nothing varies
        pca = PCA(2, svd_solver="randomized", random_state=0).fit(_plane(output))
    share = float(pca.explained_variance_ratio_.sum()) if _varies(output) else 0.0
    return threadpool_limits.wrap(limits=1)(lambda outputs: pca.transform(_plane(outputs))), share


def _varies(output):
    return np.ptp(output, axis=0).any()


def _plane(output):
    """The output with at least two columns: that of a layer of one unit is a line in the plane."""
    return np.pad(output, ((0, 0), (0, max(0, 2 - output.shape[1]))))


@threadpool_limits.wrap(limits=1)
def tsne_map(output):
    """(n, 2) coordinates by t-SNE (van der Maaten & Hinton 2008), after PCA to at most 50 dimensions as they do.

    All points are one where the layer always answers the same, as a dead one does: t-SNE would crash the process.
    """
    if not _varies(output):
        return np.zeros((len(output), 2), "float32")
    if output.shape[1] > 50:
        output = PCA(50, svd_solver="randomized", random_state=0).fit_transform(output)
    return TSNE(init="pca", random_state=0).fit_transform(_plane(output))


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
    """The share of the variance that lies between the class means, 0 (classes alike) to 1 (each class one point).

    0 too where nothing varies at all.
    """
    between = sum(
        np.mean(labels == label) * np.sum((output[labels == label].mean(axis=0) - output.mean(axis=0)) ** 2)
        for label in np.unique(labels)
    )
    return float(between / output.var(axis=0).sum()) if _varies(output) else 0.0


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
    """Mean activation (units, classes), the largest of each unit 1; sorted by favourite class, the choosiest first.

    Without the dead units; where all are dead, one row of zeros.
    """
    means = np.stack([output[labels == label].mean(axis=0) for label in np.unique(labels)], axis=1)
    if not (alive := means.max(axis=1) > 0).any():
        return np.zeros((1, means.shape[1]))
    means = means[alive] / means[alive].max(axis=1, keepdims=True)
    return means[np.lexsort((means.mean(axis=1), means.argmax(axis=1)))]
