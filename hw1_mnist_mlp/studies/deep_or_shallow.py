"""Is it the depth, or the number of weights? As many weights in 1, 2, 3 and 5 hidden layers.

    python hw1_mnist_mlp/studies/deep_or_shallow.py        two minutes on two CPU cores (Intel Xeon, Sapphire Rapids)

The answer: the digits hardly care. After 500 of them 14.3, 13.3, 13.8, 15.5 % of the test is wrong, after 20,000
5.2, 5.2, 5.6, 5.9 % (± 0.2 to 1.8; 1,000 updates). Curves from 20 places: no difference beyond the spread. From 500,
five layers have half the error of one on sin(5πx) / 5πx (0.022 ± 0.011, 0.044 ± 0.019), and two and three a third
of it on the folded line (0.002, 0.006); there one of four trainings of five layers got stuck at 0.25.
"""

import sys
import warnings
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # runs from any folder, without installation

from common.run import cli, study  # first: it keeps the backend of Keras quiet while it loads

# isort: split
import keras
import numpy as np
from keras import layers
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from common.figures import plots
from common.run import device

DEPTHS = (1, 2, 3, 5)  # hidden layers of ReLU
SEEDS = 4
DIGIT_WEIGHTS, CURVE_WEIGHTS = 39_760, 601  # 50 and 200 units in one hidden layer
DIGITS, BATCH, UPDATES, RATES = (500, 20_000), 64, 1000, (1e-3, 4e-3)  # the rate that is best on held-out digits
PLACES, STEPS = (20, 500), 1000  # of a curve; at most so many steps of L-BFGS, which needs no learning rate


def folded(x, times):
    """A straight line folded so many times: each fold doubles the pieces (Telgarsky 2015, arXiv:1509.08101)."""
    x = (x + 1) / 2
    for _ in range(times):
        x = 1 - np.abs(2 * x - 1)
    return 2 * x - 1


CURVES = {"sin(5πx) / 5πx": lambda x: np.sinc(5 * x), "folded three times": lambda x: folded(x, 3)}  # on -1..1


def n_weights(widths, n_inputs, n_outputs):
    """The weights and biases of a network with hidden layers of these widths."""
    return sum((n + 1) * m for n, m in pairwise((n_inputs, *widths, n_outputs)))


def widths_for(target, n_inputs, depth, n_outputs):
    """The widths of `depth` hidden layers with `target` weights within 1 %: all alike, the last as near as can be."""
    fits = []
    for width in range(1, 1000 if depth > 1 else 2):
        first = [width] * (depth - 1)
        before = (first or [n_inputs])[-1]
        rest = target - n_weights(first[:-1], n_inputs, first[-1]) if first else target
        last = round((rest - n_outputs) / (before + 1 + n_outputs))
        if last > 0 and abs(n_weights((*first, last), n_inputs, n_outputs) - target) <= 0.01 * target:
            fits.append((abs(width - last), (*first, last)))
    return min(fits)[1]


def build(depth):
    widths = widths_for(DIGIT_WEIGHTS, 784, depth, 10)
    hidden = [layers.Dense(width, "relu", kernel_initializer="he_normal") for width in widths]
    return keras.Sequential(
        [keras.Input((28, 28)), layers.Rescaling(1 / 255), layers.Flatten(), *hidden, layers.Dense(10)]
    )


def digits_wrong(model, n, seed, rate, learned, asked, updates):
    """The error on the digits `asked` (x, y), %, after a training that starts anew on n of the digits `learned`."""
    study.restart(model, seed, rate)
    rng = np.random.default_rng(seed)
    seen = rng.choice(rng.choice(len(learned[0]), n, replace=False), updates * BATCH)
    model.fit(*(each[seen] for each in learned), batch_size=BATCH, shuffle=False, verbose=0)
    return study.error_rate(model, asked)


def curve_error(curve, n, depth, seed, steps):
    """The root of the mean squared error on the whole curve, after it was learned from n places drawn at random."""
    widths = widths_for(CURVE_WEIGHTS, 1, depth, 1)
    settings = {"solver": "lbfgs", "alpha": 0, "max_iter": steps, "tol": 1e-8, "random_state": seed}
    model = MLPRegressor(hidden_layer_sizes=widths, **settings)
    x = np.random.default_rng(seed).uniform(-1, 1, (n, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the steps are counted on purpose
        model.fit(x, curve(x[:, 0]))
    whole = np.linspace(-1, 1, 2001)
    return np.sqrt(np.mean((model.predict(whole[:, None]) - curve(whole)) ** 2))


def study_depth(options):
    device.setup("float32")
    digits = study.load("mnist", options)
    learned, held_out = digits.validation_split()
    test = digits.x_test, digits.y_test
    depths, updates, steps, seeds = ((1, 3), 2, 5, 1) if options.quick else (DEPTHS, UPDATES, STEPS, SEEDS)
    counts = sorted({min(n, len(learned[0])) for n in DIGITS})  # the sample has fewer digits
    found = {f"{n:,} digits: wrong, %": {depth: [] for depth in depths} for n in counts}
    for depth in tqdm(depths, "digits", disable=None, leave=False):
        model = build(depth)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("adam", loss, steps_per_execution=50, run_eagerly=options.quick)
        for n, task in zip(counts, found, strict=True):
            tried = [digits_wrong(model, n, seeds, rate, learned, held_out, updates) for rate in RATES]
            rate = RATES[np.argmin(tried)]
            found[task][depth] = [digits_wrong(model, n, seed, rate, learned, test, updates) for seed in range(seeds)]
    for name, curve in tqdm(CURVES.items(), "curves", disable=None, leave=False):
        for n in PLACES:
            found[f"{name}, {n} places: error"] = {
                depth: [curve_error(curve, n, depth, seed, steps) for seed in range(seeds)] for depth in depths
            }
    rows = [("", *(f"{depth} hidden" for depth in depths))]
    for what, target, ends in (("digits", DIGIT_WEIGHTS, (784, 10)), ("curves", CURVE_WEIGHTS, (1, 1))):
        widths = [widths_for(target, ends[0], depth, ends[1]) for depth in depths]
        rows.append((f"{what}: units", *("-".join(map(str, each)) for each in widths)))
        rows.append((f"{what}: weights", *(f"{n_weights(each, *ends):,}" for each in widths)))
    for task, values in found.items():
        rows.append((task, *(f"{np.mean(values[depth]):.3g} ± {np.std(values[depth]):.2g}" for depth in depths)))
    study.print_table(rows)
    draw(found, options.out / "deep_or_shallow.png")
    print(f"\nsee {options.out / 'deep_or_shallow.png'}")


def draw(found, path):
    figure = plots.new_figure(14, 7.5, "As many weights in more and more layers: lower is better")
    for ax, (task, values) in zip(figure.subplots(2, 3).T.ravel(), found.items(), strict=False):
        for place, results in enumerate(values.values()):
            ax.plot([place] * len(results), results, "o", color=plots.COLOURS[0], alpha=0.6)
        ax.plot(range(len(values)), [np.mean(results) for results in values.values()], color=plots.COLOURS[0])
        ax.set_xticks(range(len(values)), values)
        ax.set(xlabel="hidden layers", title=task, ylim=(0, 1.1 * np.max(list(values.values()))))
        ax.grid(alpha=0.3)
    plots.save(figure, path)


@cli.guarded
@threadpool_limits.wrap(limits=1)  # of scikit-learn: such small matrices are slower on two
def main(argv=None):
    study_depth(study.options(__doc__, on_data=True).parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
