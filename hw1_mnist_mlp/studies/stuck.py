"""When training stops, is it a minimum, a saddle, or neither? All slopes and curvatures of a small network.

    python hw1_mnist_mlp/studies/stuck.py        about a minute of one CPU core (Intel Xeon, Sapphire Rapids)

The answer, for 78 weights and 100 digits: mostly neither. Where the norm of the gradient g can get no smaller, 36 of
56 points are only flat: Hg is 0 (H: all second derivatives) and g is not, so the loss can still fall (Frye et al. 2021,
arXiv:2003.10397). 14 are critical points: 12 minima, loss 0.526 to 0.542, and 2 saddles, 0.567 and 0.777; 6 were not
finished. From all digits in each update 8 of 8 trainings end in a minimum, |g| 8.5e-6. From 10 digits in each they stop
higher, at 0.618, with |g| 0.56, which is no critical point at all: every ten digits pull another way.
"""

import sys
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # runs from any folder, without installation

import numpy as np
from scipy.optimize import least_squares
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from common.figures import plots
from common.run import cli, study

SIZES = (6, 4, 10)  # units: 6 numbers that PCA makes of a digit, 4 hidden, 10 classes; 78 weights
DIGITS, DECAY = 100, 1e-3  # the loss is the mean squared error plus DECAY times the squared weights
RATE, MOMENTUM, UPDATES, SEEDS = 0.05, 0.9, 4000, 8
TRAININGS = {"all digits in each update": None, "10 digits in each update": 10}
LOOKS = (0, 10, 30, 100, 300, 1000, UPDATES)  # updates after which a point without slope is looked for
ZERO, FLAT = 1e-8, 1e-5  # |g| below ZERO: a critical point; else |Hg| / |g| below FLAT: flat along the gradient
KINDS = ("minimum", "saddle", "flat", "not finished")


def loss_and_gradient(weights, x, y):
    """The loss (...) of tanh networks with these weights (..., 78), and its gradient (..., 78), by the chain rule."""
    n, units, outputs = SIZES
    first, last = np.split(weights, [(n + 1) * units], axis=-1)
    first = first.reshape(*first.shape[:-1], n + 1, units)  # the last row: biases
    last = last.reshape(*last.shape[:-1], units + 1, outputs)
    hidden = np.tanh(x @ first[..., :-1, :] + first[..., -1:, :])
    error = hidden @ last[..., :-1, :] + last[..., -1:, :] - y
    slope = 2 * error / len(x)
    below = (slope @ np.swapaxes(last[..., :-1, :], -1, -2)) * (1 - hidden**2)
    parts = (x.T @ below, below.sum(-2), np.swapaxes(hidden, -1, -2) @ slope, slope.sum(-2))
    gradient = np.concatenate([part.reshape(*weights.shape[:-1], -1) for part in parts], axis=-1)
    return (error**2).sum(-1).mean(-1) + DECAY * (weights**2).sum(-1), gradient + 2 * DECAY * weights


def hessian(weights, x, y, step=1e-5):
    """All second derivatives (78, 78), by the differences of gradients on both sides."""
    ahead, behind = (loss_and_gradient(weights + move * np.eye(78), x, y)[1] for move in (step, -step))
    return (ahead - behind + (ahead - behind).T) / (4 * step)


def train(seed, x, y, batch, updates):
    """Descent with momentum: {update: weights} for LOOKS; loss and |gradient| of all digits (updates + 1, 2)."""
    rng = np.random.default_rng(seed)
    weights = np.concatenate([rng.normal(0, n**-0.5, (n + 1) * units) for n, units in pairwise(SIZES)])
    speed, seen, curves = 0.0, {}, []
    for update in range(updates + 1):
        loss, gradient = loss_and_gradient(weights, x, y)
        curves.append((loss, np.linalg.norm(gradient)))
        if update in LOOKS or update == updates:
            seen[update] = weights
        if batch:
            rows = rng.choice(len(x), batch, replace=False)
            gradient = loss_and_gradient(weights, x[rows], y[rows])[1]
        speed = MOMENTUM * speed - RATE * gradient
        weights = weights + speed
    return seen, np.array(curves)


def without_slope(weights, x, y, evaluations):
    """Weights from which |gradient| can be made no smaller by small changes (Levenberg-Marquardt, exact Hessian)."""
    exact = {"method": "lm", "xtol": 1e-15, "ftol": 1e-15, "gtol": 1e-15, "max_nfev": evaluations}
    return least_squares(lambda w: loss_and_gradient(w, x, y)[1], weights, lambda w: hessian(w, x, y), **exact).x


def look(weights, x, y):
    """(loss, |g|, |Hg| / |g|, share of curvatures above 0, which of KINDS) at these weights."""
    loss, gradient = loss_and_gradient(weights, x, y)
    curvatures, directions = np.linalg.eigh(hessian(weights, x, y))
    norm = np.linalg.norm(gradient)
    ratio = np.linalg.norm(curvatures * (gradient @ directions)) / norm if norm else 0.0
    critical = "minimum" if np.all(curvatures > 0) else "saddle"
    kind = critical if norm < ZERO else "flat" if ratio < FLAT else "not finished"
    return loss, norm, ratio, np.mean(curvatures > 0), kind


def study_stuck(options):
    digits = study.load("mnist", options)
    seeds, updates, evaluations = (2, 100, 30) if options.quick else (SEEDS, UPDATES, 400)
    few = PCA(SIZES[0], whiten=True, svd_solver="full").fit_transform(digits.x_train[:3000].reshape(-1, 784))
    x, y = few[:DIGITS], np.eye(SIZES[-1])[digits.y_train[:DIGITS]]
    runs = {name: [train(seed, x, y, batch, updates) for seed in range(seeds)] for name, batch in TRAININGS.items()}
    rows = [("where it ends", "loss", "|g|", "|Hg| / |g|", "curvatures above 0", *(f"near: {kind}" for kind in KINDS))]
    for name, trainings in runs.items():
        loss, norm, ratio, positive = np.median([look(seen[updates], x, y)[:4] for seen, _ in trainings], axis=0)
        found = [look(without_slope(seen[updates], x, y, evaluations), x, y)[4] for seen, _ in trainings]
        counts = (str(found.count(kind)) for kind in KINDS)
        rows.append((name, f"{loss:.3f}", f"{norm:.1e}", f"{ratio:.1e}", f"{100 * positive:.0f} %", *counts))
    study.print_table(rows)
    print()
    starts = tqdm([weights for seen, _ in next(iter(runs.values())) for weights in seen.values()], disable=None)
    points = [look(without_slope(each, x, y, evaluations), x, y) for each in starts]
    rows = [("where |g| is least", "points", "loss", "|g|", "|Hg| / |g|", "curvatures above 0")]
    for kind in KINDS:
        own = [point[:4] for point in points if point[4] == kind]
        low, high = ([f(each) for each in zip(*own, strict=True)] or [np.nan] * 4 for f in (min, max))
        texts = [f"{low[0]:.3f} to {high[0]:.3f}", *(f"{low[i]:.0e} to {high[i]:.0e}" for i in (1, 2))]
        rows.append((kind, str(len(own)), *texts, f"{100 * low[3]:.0f} to {100 * high[3]:.0f} %"))
    study.print_table(rows)
    draw(runs, points, options.out / "stuck.png")
    print(f"\nsee {options.out / 'stuck.png'}")


def draw(runs, points, path):
    figure = plots.new_figure(14, 8.5, "When training stops: what the slopes and the curvatures say")
    loss, slope, index, ratio = figure.subplots(2, 2).ravel()
    for (name, trainings), colour in zip(runs.items(), plots.COLOURS, strict=False):
        for i, (_, curves) in enumerate(trainings[:4]):
            updates = np.unique(np.geomspace(1, len(curves) - 1, 150).astype(int))
            for ax, values in zip((loss, slope), curves[updates].T, strict=True):
                ax.loglog(updates, values, color=colour, linewidth=1, label=None if i else name)
    for kind, colour, marker in zip(KINDS, plots.COLOURS, "osv^", strict=False):
        own = np.array([point[:4] for point in points if point[4] == kind]).reshape(-1, 4)
        style = {"color": colour, "marker": marker, "alpha": 0.7, "label": f"{kind}: {len(own)}"}
        index.scatter(own[:, 0], 100 * own[:, 3], **style)
        ratio.scatter(own[:, 1], own[:, 2], **style)
    loss.set(title="the loss, four seeds each", xlabel="updates", ylabel="loss, all digits")
    slope.set(title="the slope", xlabel="updates", ylabel="|g|, all digits")
    index.set(title="points where |g| is as small as it gets", xlabel="loss", ylabel="curvatures above 0, %")
    ratio.set(title="the same: is g 0, or only Hg?", xlabel="|g|", ylabel="|Hg| / |g|", xscale="log", yscale="log")
    for ax in figure.axes:
        plots.plain_ticks(ax)
        ax.grid(alpha=0.3)
        ax.legend()
    plots.save(figure, path)


@cli.guarded
def main(argv=None):
    with threadpool_limits(1):  # such small matrices are slower on two
        study_stuck(study.options(__doc__, on_data=True).parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
