"""Why an activation, and which? Six of them, in networks of 1, 4 and 12 hidden layers.

    python hw1_mnist_mlp/studies/activations.py          three minutes on two CPU cores

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

ACTIVATIONS = {"none": None, "sigmoid": "sigmoid", "tanh": "tanh", "ReLU": "relu", "leaky ReLU": "leaky_relu", "GELU": "gelu"}
DEPTHS = (1, 4, 12)  # hidden layers
WIDTH, EXAMPLES, EPOCHS, SEEDS, RATE = 50, 10_000, 4, 2, 1e-3


def build(activation, depth, seed):
    """A network of `depth` hidden layers, started as suits its activation: He et al. 2015 for the kinds of ReLU."""
    keras.utils.set_random_seed(seed)
    start = "he_normal" if activation in ("relu", "leaky_relu", "gelu") else "glorot_normal"
    hidden = [layers.Dense(WIDTH, activation, kernel_initializer=start) for _ in range(depth)]
    return keras.Sequential(
        [keras.Input((28, 28)), layers.Rescaling(1 / 255), layers.Flatten(), *hidden, layers.Dense(10)]
    )


def gradients(model, x, y):
    """The size (root mean square) of the gradient of each layer's weights, by what a step of SGD changes."""
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    copy.compile(keras.optimizers.SGD(1.0), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    before = [layer.kernel.numpy() for layer in kernels(copy)]
    copy.train_on_batch(x, y)
    return [np.sqrt(np.mean((old - layer.kernel.numpy()) ** 2)) for old, layer in zip(before, kernels(copy), strict=True)]


def kernels(model):
    return [layer for layer in model.layers if isinstance(layer, layers.Dense)]


def dead(model, x):
    """The share of the units of the hidden layers that give the same for every example: they learn nothing more."""
    outputs = keras.Model(model.inputs, [layer.output for layer in kernels(model)[:-1]]).predict(x, verbose=0)
    outputs = outputs if isinstance(outputs, list) else [outputs]
    return float(np.mean([np.ptp(each, axis=0) < 1e-6 for each in outputs]))


def study_activations(options):
    device.setup("float32", seed=0)
    digits = study.load("mnist", options)
    n, epochs, seeds = (500, 1, 1) if options.quick else (EXAMPLES, EPOCHS, SEEDS)
    (x, y), (x_val, y_val) = digits.validation_split()
    found = {}
    with tqdm(total=len(ACTIVATIONS) * len(DEPTHS) * seeds, disable=not sys.stderr.isatty()) as bar:
        for name, activation in ACTIVATIONS.items():
            for depth in DEPTHS:
                for seed in range(seeds):
                    model = build(activation, depth, seed)
                    slopes = gradients(model, x[:500], y[:500])
                    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
                    model.compile(keras.optimizers.Adam(RATE), loss, metrics=["accuracy"])
                    model.fit(x[:n], y[:n], batch_size=64, epochs=epochs, verbose=0)
                    accuracy = model.evaluate(x_val, y_val, batch_size=1000, verbose=0)[1]
                    found.setdefault((name, depth), []).append((accuracy, slopes, dead(model, x_val[:1000])))
                    bar.update()
    rows = [("activation", *(f"{depth} hidden" for depth in DEPTHS), "gradient first / last", "units that are dead")]
    for name in ACTIVATIONS:
        accuracies = (np.mean([each[0] for each in found[name, depth]]) for depth in DEPTHS)
        deepest = found[name, DEPTHS[-1]]
        ratio = np.mean([slopes[0] / slopes[-1] for _, slopes, _ in deepest])
        rows.append(
            (name, *(f"{100 * each:.1f} %" for each in accuracies), f"{ratio:.1e}", f"{100 * np.mean([d for *_, d in deepest]):.0f} %")
        )
    study.print_table(rows)
    draw(found, options.out / "activations.png")
    print(f"see {options.out / 'activations.png'}")


def draw(found, path):
    figure = plots.new_figure(12, 4.6, "Six activations, by the depth of the network")
    ax_accuracy, ax_slope = figure.subplots(1, 2)
    for i, name in enumerate(ACTIVATIONS):
        accuracies = [[100 * each[0] for each in found[name, depth]] for depth in DEPTHS]
        ax_accuracy.plot(range(len(DEPTHS)), np.mean(accuracies, axis=1), "o-", color=plots.COLOURS[i], label=name)
        slopes = np.mean([each[1] for each in found[name, DEPTHS[-1]]], axis=0)
        ax_slope.semilogy(range(1, len(slopes) + 1), slopes, "o-", color=plots.COLOURS[i], markersize=4)
    ax_accuracy.set_xticks(range(len(DEPTHS)), DEPTHS)
    ax_accuracy.set(xlabel="hidden layers", ylabel="digits that are read rightly, %", ylim=(0, 102))
    ax_slope.set(xlabel="layer, of 12 hidden and the last", ylabel="size of the gradient before training")
    for ax in (ax_accuracy, ax_slope):
        ax.grid(alpha=0.3)
    figure.legend(*ax_accuracy.get_legend_handles_labels(), loc="outside lower center", ncols=len(ACTIVATIONS))
    plots.save(figure, path)


@cli.guarded
def main(argv=None):
    study_activations(study.options(__doc__, on_data=True).parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
