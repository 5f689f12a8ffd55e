"""Is it the depth, or the number of weights? As many weights in 1, 2, 3 and 5 hidden layers.

    python hw1_mnist_mlp/studies/deep_or_shallow.py          three minutes on two CPU cores

TODO
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # runs from any folder, without installation

from common.run import cli, study  # first: it keeps the backend of Keras quiet while it loads

# isort: split
import keras
import numpy as np
from keras import layers
from tqdm import tqdm

from common.figures import plots
from common.run import device

DEPTHS = (1, 2, 3, 5)  # hidden layers
SEEDS = 3
DIGIT_WEIGHTS, CURVE_WEIGHTS = 40_000, 600
FEW, MANY = 500, 20_000  # digits to learn from
UPDATES, CURVE_UPDATES = 1500, 3000
CURVES = {  # functions of one variable, on -1..1
    "one wave, sin(3x)": lambda x: np.sin(3 * x),
    "the lecture's, sin(5πx) / 5πx": lambda x: np.sinc(5 * x),
    "folded four times": lambda x: folded(x, 4),
}


def folded(x, times):
    """A tent folded over itself: each fold doubles the number of pieces (Telgarsky 2015, arXiv:1509.08101)."""
    x = (x + 1) / 2
    for _ in range(times):
        x = 1 - np.abs(2 * x - 1)
    return 2 * x - 1


def n_weights(n_inputs, width, depth, n_outputs):
    """The weights and biases of `depth` hidden layers of one width."""
    return (n_inputs + 1) * width + (depth - 1) * (width + 1) * width + (width + 1) * n_outputs


def width_for(target, n_inputs, depth, n_outputs):
    """The width with which a network comes nearest to `target` weights."""
    return min(range(1, target), key=lambda width: abs(n_weights(n_inputs, width, depth, n_outputs) - target))


def build(shape, target, depth, n_outputs, seed):
    """Of about `target` weights; a last hidden layer of another width brings their number within 1 % of it."""
    keras.utils.set_random_seed(seed)
    n_inputs = int(np.prod(shape))
    width = width_for(target, n_inputs, depth, n_outputs)
    widths = [width] * depth
    if depth > 1:
        rest = target - n_weights(n_inputs, width, depth - 1, 0)
        widths[-1] = max(1, round((rest - n_outputs) / (width + 1 + n_outputs)))
    hidden = [layers.Dense(each, "relu", kernel_initializer="he_normal") for each in widths]
    return keras.Sequential([keras.Input(shape), layers.Flatten(), *hidden, layers.Dense(n_outputs)])


def learn_digits(digits, n, depth, seed, updates):
    """(accuracy on digits held out, weights) after training on n digits."""
    (x, y), (x_val, y_val) = digits
    model = build((28, 28), DIGIT_WEIGHTS, depth, 10, seed)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-3), loss, metrics=["accuracy"])
    rows = np.random.default_rng(seed).permutation(len(x))[:n]
    seen = np.random.default_rng((seed, 1)).choice(rows, (updates, 64)).ravel()
    model.fit(x[seen], y[seen], batch_size=64, shuffle=False, verbose=0)
    return model.evaluate(x_val, y_val, batch_size=1000, verbose=0)[1], model.count_params()


def learn_curve(curve, depth, seed, updates):
    """(root of the mean squared error on the whole curve, weights) after training on places drawn at random."""
    model = build((1,), CURVE_WEIGHTS, depth, 1, seed)
    rate = keras.optimizers.schedules.CosineDecay(5e-3, updates)
    model.compile(keras.optimizers.Adam(rate), "mse")
    x = np.random.default_rng(seed).uniform(-1, 1, (updates * 64, 1)).astype("float32")
    model.fit(x, curve(x), batch_size=64, shuffle=False, verbose=0)
    whole = np.linspace(-1, 1, 2000, dtype="float32")[:, None]
    error = model.predict(whole, batch_size=2000, verbose=0) - curve(whole)
    return float(np.sqrt(np.mean(error**2))), model.count_params()


def study_depth(options):
    device.setup("float32", seed=0)
    split = [(x.astype("float32") / 255, y) for x, y in study.load("mnist", options).validation_split()]
    updates, curve_updates, seeds = (10, 10, 1) if options.quick else (UPDATES, CURVE_UPDATES, SEEDS)
    tasks = {f"{n:,} digits, read rightly, %": (learn_digits, (split, n), updates, 100) for n in (FEW, MANY)}
    tasks |= {name: (learn_curve, (curve,), curve_updates, 1) for name, curve in CURVES.items()}
    found, weights = {}, {}
    with tqdm(total=len(tasks) * len(DEPTHS) * seeds, disable=not sys.stderr.isatty()) as bar:
        for name, (learn, given, length, unit) in tasks.items():
            for depth in DEPTHS:
                results = []
                for seed in range(seeds):
                    value, weights[learn, depth] = learn(*given, depth, seed, length)
                    results.append(unit * value)
                    bar.update()
                found[name, depth] = results
    rows = [("", *(f"{depth} hidden" for depth in DEPTHS))]
    for learn, what in ((learn_digits, "weights, digits"), (learn_curve, "weights, curves")):
        rows.append((what, *(f"{weights[learn, depth]:,}" for depth in DEPTHS)))
    for name in tasks:
        cells = (found[name, depth] for depth in DEPTHS)
        rows.append((name, *(f"{np.mean(each):.4g} ± {np.std(each):.2g}" for each in cells)))
    study.print_table(rows)
    draw(found, list(tasks), options.out / "deep_or_shallow.png")
    print(f"see {options.out / 'deep_or_shallow.png'}")


def draw(found, names, path):
    figure = plots.new_figure(3.2 * len(names), 4, "The same number of weights in more and more layers")
    for ax, name in zip(figure.subplots(1, len(names)), names, strict=True):
        values = [found[name, depth] for depth in DEPTHS]
        for place, several in enumerate(values):
            ax.plot([place] * len(several), several, "o", color=plots.COLOURS[0], alpha=0.6)
        ax.plot(range(len(DEPTHS)), np.mean(values, axis=1), "-", color=plots.COLOURS[0])
        ax.set_xticks(range(len(DEPTHS)), DEPTHS)
        ax.set(xlabel="hidden layers")
        ax.set_title(name if "digits" in name else f"{name}: error", fontsize=9)
        ax.grid(alpha=0.3)
    plots.save(figure, path)


@cli.guarded
def main(argv=None):
    study_depth(study.options(__doc__, on_data=True).parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
