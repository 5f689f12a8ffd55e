"""Judges drawn faces by numbers: are they like real ones, are all kinds among them, are they more than copies?

Everything is computed on the features of features.py, each divided by its spread over the training faces.

frechet_distance  between the normal distributions that fit the real and the drawn features (Heusel et al. 2017,
                  arXiv:1706.08500, there on other features: the numbers of the two cannot be compared). 0 is perfect;
                  `of_real` of a Judge is what as many training faces get, which is the least that can be hoped for
precision         share of drawn faces that lie among the real ones, so near one of them as its 3rd neighbour is;
recall            share of real faces that lie among the drawn ones (Kynkäänniemi et al. 2019, arXiv:1904.06991)
copy_share        share of drawn faces that lie closer to a training face than 95 % of the real faces held out do; by
                  chance 0.05. The distance counts relative to that of the 50th nearest: soft pictures, as early ones
                  are, lie nearer to all others, but a copy lies near to one
diversity_ratio   mean distance between drawn faces, as a share of that between real ones; 0: always the same face
colour_ratio      the same for their mean colours: spread among the drawn, as a share of that among the real ones
"""

import numpy as np
from sklearn.metrics import euclidean_distances
from threadpoolctl import threadpool_limits

from hw5_anime_dcgan.features import extract

NEIGHBOURS = 3
COPY_QUANTILE = 0.05
AROUND = 50  # training faces to which the nearest is compared
LONGEST = 20_000  # training faces among which copies are looked for
EARLY = 1000  # updates before which every generator draws the same face, and is found out


class Judge:
    """Compares drawn faces with `real` ones that were held out from training. Both uint8 (n, 64, 64, 3).

    train: the training faces. Distances between sets depend on their size: compare drawn sets of one size.
    """

    @threadpool_limits.wrap(limits=1)
    def __init__(self, train, real):
        features = extract(train[:LONGEST])
        self.scale = features.std(axis=0) + 1e-6
        self.train, self.real = features / self.scale, extract(real) / self.scale
        self.moments = _moments(self.real)
        self.radii = _radii(self.real)
        self.copy_distance = np.quantile(self._nearest(self.real)[0], COPY_QUANTILE)
        self.spread = _mean_distance(self.real)
        self.colour_spread = _colour_spread(real)

    def frechet_distance(self, images):
        return frechet_distance(self.moments, _moments(extract(images) / self.scale))

    def of_real(self, n):
        """The Fréchet distance of `n` training faces: what a perfect generator would get."""
        return frechet_distance(self.moments, _moments(self.train[:n]))

    def metrics_beside_real(self, images):
        """`metrics`, and the Fréchet distance of as many training faces and as a multiple of it."""
        metrics, of_real = self.metrics(images), self.of_real(len(images))
        ratio = metrics["frechet_distance"] / of_real
        return metrics | {"frechet_distance_of_real": of_real, "frechet_ratio": ratio}

    @threadpool_limits.wrap(limits=1)
    def nearest(self, images):
        """(distance relative to that of the 50th, row number) of the training face nearest to each of `images`."""
        return self._nearest(extract(images) / self.scale)

    def _nearest(self, features):
        distances, rows = [], []
        for i in range(0, len(features), 500):  # some at a time: memory
            between = euclidean_distances(features[i : i + 500], self.train)
            last = min(AROUND, len(self.train)) - 1
            closest = np.partition(between, [0, last], axis=1)
            distances.append(closest[:, 0] / np.maximum(closest[:, last], 1e-6))
            rows.append(between.argmin(axis=1))
        return np.concatenate(distances), np.concatenate(rows)

    @threadpool_limits.wrap(limits=1)
    def metrics(self, images):
        """The metrics above for drawn faces, a dict of floats."""
        drawn = extract(images) / self.scale
        between = euclidean_distances(drawn, self.real)
        return {
            "frechet_distance": frechet_distance(self.moments, _moments(drawn)),
            "precision": float(np.mean((between <= self.radii).any(axis=1))),
            "recall": float(np.mean((between <= _radii(drawn)[:, None]).any(axis=0))),
            "copy_share": float(np.mean(self._nearest(drawn)[0] < self.copy_distance)),
            "diversity_ratio": _mean_distance(drawn) / self.spread,
            "colour_ratio": _colour_spread(images) / self.colour_spread,
        }


def frechet_distance(moments, others):
    """|m - n|^2 + tr(S + T - 2 (S T)^(1/2)) for (m, S) and (n, T): means (d,) and covariances (d, d), float64."""
    (mean, covariance), (other_mean, other_covariance) = moments, others
    values, vectors = np.linalg.eigh(covariance)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    # S^(1/2) T S^(1/2) has the eigenvalues of S T, and is symmetric
    mixed = np.linalg.eigvalsh(root @ other_covariance @ root)
    trace = np.trace(covariance) + np.trace(other_covariance) - 2 * np.sqrt(mixed.clip(0)).sum()
    return float(np.sum((mean - other_mean) ** 2) + trace)


def _moments(features):
    features = features.astype("float64")
    return features.mean(axis=0), np.cov(features, rowvar=False)


def _radii(features):
    """The distance of each row to its 3rd neighbour, float (n,)."""
    between = euclidean_distances(features)
    return np.partition(between, min(NEIGHBOURS, len(features) - 1), axis=1)[:, min(NEIGHBOURS, len(features) - 1)]


def _mean_distance(features, some=500):
    between = euclidean_distances(features[:some])
    return float(between.sum() / (len(between) * (len(between) - 1)))


def _colour_spread(images):
    return float(np.sqrt(np.asarray(images, "float32").mean(axis=(1, 2)).var(axis=0).sum()))


def troubles(row):
    """What is wrong with a row of history.csv, each as a sentence that says what to try; [] if nothing."""
    if row["updates"] < EARLY:
        return []
    found = []
    if row["fooled"] < 0.02 and row["real_loss"] + row["fake_loss"] < 0.1:
        found.append(
            "the discriminator has won: it tells all drawn faces from real ones, and the generator learns nothing from "
            "that; try another --model, more faces or another --seed"
        )
    if row["generator_loss"] > 20:
        found.append(
            f"the loss of the generator has exploded ({row['generator_loss']:.0f} nats); try another --seed or a lower "
            "learning rate"
        )
    if row["diversity_ratio"] < 0.4:
        found.append(
            f"the faces have collapsed: they differ only {100 * row['diversity_ratio']:.0f} % as much as real ones; "
            "try another --model, or another --seed"
        )
    elif row["colour_ratio"] < 0.4:
        found.append(
            f"the colours have collapsed: they vary only {100 * row['colour_ratio']:.0f} % as much as real ones; "
            "try another --model, or another --seed"
        )
    return found
