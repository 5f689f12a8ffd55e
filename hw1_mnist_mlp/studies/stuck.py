"""When training stops, is it a minimum, a saddle, or neither? All slopes and curvatures of a small network.

    python hw1_mnist_mlp/studies/stuck.py          two minutes on two CPU cores

TODO
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # runs from any folder, without installation

import numpy as np
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from common.figures import plots
from common.run import cli, study

X = np.linspace(-1, 1, 64)[:, None]
Y = np.sinc(5 * X)  # sin(5 pi x) / (5 pi x), the lecture's curve
SIZES = (1, 6, 6, 1)  # units of the layers: 61 weights
RATE, MOMENTUM, UPDATES = 0.05, 0.9, 20_000
LOOKS = (0, 100, 1000, 5000, 20_000)  # updates of the training after which the gradient is minimised
FLAT = 0.5  # |Hg| / |g| above this share of the largest curvature: no critical point is near


def split(weights):
    """The matrices (inputs + 1, outputs) of the layers, the last row for the biases, of one vector."""
    parts, begin = [], 0
    for n, m in zip(SIZES, SIZES[1:], strict=False):
        parts.append(weights[begin : begin + (n + 1) * m].reshape(n + 1, m))
        begin += (n + 1) * m
    return parts


def loss_and_gradient(weights):
    """The mean squared error of the tanh network with these weights (61,), and its gradient (61,)."""
    inputs = [X]
    *hidden, last = split(weights)
    for layer in hidden:
        inputs.append(np.tanh(inputs[-1] @ layer[:-1] + layer[-1]))
    error = inputs[-1] @ last[:-1] + last[-1] - Y
    slope, gradients = 2 * error / len(X), []
    for layer, given in zip([last, *reversed(hidden)], reversed(inputs), strict=True):
        gradients.append(np.concatenate([given.T @ slope, slope.sum(axis=0, keepdims=True)]).ravel())
        slope = (slope @ layer[:-1].T) * (1 - given**2)  # of the layer below; not used below the first
    return float(np.mean(error**2)), np.concatenate(gradients[::-1])


def along(weights, direction, step=1e-5):
    """The Hessian times `direction`, by the difference of two gradients."""
    size = np.linalg.norm(direction) or 1.0
    move = step * direction / size
    ahead, behind = loss_and_gradient(weights + move)[1], loss_and_gradient(weights - move)[1]
    return (ahead - behind) / (2 * step) * size


def hessian(weights):
    """All second derivatives (61, 61)."""
    found = np.stack([along(weights, each) for each in np.eye(len(weights))])
    return (found + found.T) / 2


def train(seed, updates=UPDATES):
    """Gradient descent with momentum: (weights after each of LOOKS, losses, norms of the gradient)."""
    rng = np.random.default_rng(seed)
    weights = np.concatenate(
        [rng.normal(0, n**-0.5, ((n + 1), m)).ravel() for n, m in zip(SIZES, SIZES[1:], strict=False)]
    )
    speed, seen, losses, norms = 0.0, [], [], []
    for update in range(updates + 1):
        loss, gradient = loss_and_gradient(weights)
        losses.append(loss)
        norms.append(np.linalg.norm(gradient))
        if update in LOOKS:
            seen.append(weights)
        speed = MOMENTUM * speed - RATE * gradient
        weights = weights + speed
    return seen, np.array(losses), np.array(norms)


def descend_gradient(weights, steps=1500):
    """Weights near these at which the norm of the gradient is (nearly) minimal: there the training would stop."""

    def half_squared(weights):
        gradient = loss_and_gradient(weights)[1]
        return gradient @ gradient / 2, along(weights, gradient)

    return minimize(half_squared, weights, jac=True, method="L-BFGS-B", options={"maxiter": steps, "ftol": 1e-30, "gtol": 1e-14}).x


def look(weights):
    """(loss, norm of the gradient, share of curvatures above 0, |Hg| / |g| as a share of the largest curvature)."""
    loss, gradient = loss_and_gradient(weights)
    curvatures = np.linalg.eigvalsh(hessian(weights))
    norm, largest = np.linalg.norm(gradient), np.abs(curvatures).max()
    positive = np.mean(curvatures > 1e-6 * largest)
    return loss, norm, positive, np.linalg.norm(along(weights, gradient)) / norm / largest


@threadpool_limits.wrap(limits=1)
def study_stuck(options):
    seeds, updates, steps = (2, 1000, 50) if options.quick else (20, UPDATES, 1500)
    trainings = [train(seed, updates) for seed in tqdm(range(seeds), "trainings", disable=not sys.stderr.isatty())]
    starts = [weights for seen, *_ in trainings for weights in seen]
    found = np.array([look(descend_gradient(each, steps)) for each in tqdm(starts, "points", disable=not sys.stderr.isatty())])
    ends = np.array([look(seen[-1]) for seen, *_ in trainings])
    print("norms", np.quantile(found[:,1],[0,.25,.5,.75,1]), "Hg/g", np.quantile(found[:,3],[0,.25,.5,.75,1]))
    for row in found[np.argsort(found[:,0])]: print("%.5f %.2e %.2f %.2e" % tuple(row))
    print("ends"); 
    for row in ends: print("%.5f %.2e %.2f %.2e" % tuple(row))


if __name__ == "__main__":
    import argparse, time; t=time.time()
    study_stuck(argparse.Namespace(quick="--quick" in sys.argv)); print(time.time()-t)
