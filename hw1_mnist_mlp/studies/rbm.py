"""Is pre-training by restricted Boltzmann machines overrated? Against random starts of then and of today.

    python hw1_mnist_mlp/studies/rbm.py        two and a half minutes on two CPU cores (Intel Xeon, Sapphire Rapids)

The answer, by the test digits that are wrong (three layers of 200 units, mean and spread over three seeds; the three
RBMs saw all 55,000 training digits, without labels, in 8,250 updates in all):

labels  updates with them  RBMs          random as then  random as today
100     200                19.6 ± 1.8 %  46.9 ± 8.6 %    26.1 ± 2.4 %
1,000   300                8.1 ± 0.3     17.2 ± 1.4      9.2 ± 0.2
10,000  500                4.4 ± 0.0     9.1 ± 0.4       4.7 ± 0.3
55,000  900                3.2 ± 0.1     5.1 ± 0.3       3.1 ± 0.2

Against the random starts of then (sigmoid, small weights) RBMs were a great step. ReLU with He's start needs no
pre-training and is as good when there are labels enough. With 100 to 1,000 labels RBMs are still ahead: they know what
digits look like from those without labels.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # runs from any folder, without installation

from common.run import cli, study  # first: it keeps the backend of Keras quiet while it loads

# isort: split
import keras
import numpy as np
from keras import initializers, layers
from sklearn.neural_network import BernoulliRBM
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from common.errors import UserError
from common.figures import plots
from common.run import device

STARTS = {  # name: (activation, how the kernels of the hidden layers start)
    "RBMs": ("sigmoid", None),  # given
    "random as then: sigmoid, small": ("sigmoid", initializers.RandomNormal(stddev=0.01)),
    "random as today: ReLU, He": ("relu", "he_normal"),
}
HIDDEN = (200, 200, 200)
RBM_EPOCHS, RBM_RATE, RBM_BATCH = 5, 0.05, 100
UPDATES = {100: 200, 1000: 300, 10_000: 500, 55_000: 900}  # labels: updates of the training with them
RATES = (5e-4, 2e-3)  # of Adam; each start has the one that is best on held-out digits
BATCH, SEEDS = 100, 3


def build(start):
    activation, kernels = STARTS[start]
    hidden = [layers.Dense(units, activation, kernel_initializer=kernels) for units in HIDDEN]
    return keras.Sequential(
        [keras.Input((28, 28)), layers.Rescaling(1 / 255), layers.Flatten(), *hidden, layers.Dense(10)]
    )


@threadpool_limits.wrap(limits=1)  # two threads take longer for matrices of this size
def pretrain(images, epochs):
    """RBMs (Hinton 2006), each on the units of the one below, as [kernel, bias, kernel, bias, ...]; no labels.

    images: uint8 (n, 28, 28). Contrastive divergence; its chains go on from update to update (Tieleman 2008).
    """
    x = images.reshape(len(images), -1).astype("float32") / 255
    weights = []
    for units in tqdm(HIDDEN, "RBMs", disable=None, leave=False):
        settings = {"learning_rate": RBM_RATE, "batch_size": RBM_BATCH, "n_iter": epochs, "random_state": 0}
        rbm = BernoulliRBM(units, **settings).fit(x)
        weights += [rbm.components_.T, rbm.intercept_hidden_]
        x = rbm.transform(x)
    return weights


def wrong(model, below, n, seed, rate, learned, asked, updates):
    """The error on `asked` (x, y), %, after a new training with n labels, from the weights `below` if there are any."""
    study.restart(model, seed, rate)
    if below:
        model.set_weights([*below, *model.get_weights()[len(below) :]])
    x, y = learned
    rng = np.random.default_rng(seed)  # the same labels for every start
    rows = rng.choice(rng.permutation(len(x))[:n], updates * BATCH)
    model.fit(x[rows], y[rows], batch_size=BATCH, shuffle=False, verbose=0)
    return study.error_rate(model, asked)


def study_rbm(options):
    device.setup("float32")
    digits = study.load("mnist", options)
    learned, held_out = digits.validation_split()
    test = digits.x_test, digits.y_test
    updates, epochs, seeds = ({100: 2}, 1, 1) if options.quick else (UPDATES, RBM_EPOCHS, SEEDS)
    updates = {n: length for n, length in updates.items() if n <= len(learned[0])}  # the sample has fewer digits
    if not updates:
        raise UserError(f"{len(learned[0])} digits are too few to learn from: give a larger --limit")
    images = learned[0][: 200 if options.quick else None]
    machines = pretrain(images, epochs)
    found = {}
    for start in tqdm(STARTS, "with labels", disable=None, leave=False):
        model = build(start)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("adam", loss, steps_per_execution=50, run_eagerly=options.quick)
        below = machines if start == "RBMs" else []
        for n, length in updates.items():
            tried = [wrong(model, below, n, seeds, rate, learned, held_out, length) for rate in RATES]
            rate = RATES[np.argmin(tried)]
            found[start, n] = [wrong(model, below, n, seed, rate, learned, test, length) for seed in range(seeds)]
    rows = [("start: wrong, %", *(f"{n:,} labels" for n in updates))]
    for start in STARTS:
        rows.append((start, *(f"{np.mean(found[start, n]):.2f} ± {np.std(found[start, n]):.2f}" for n in updates)))
    study.print_table(rows)
    draw(found, list(updates), machines[0], options.out / "rbm.png")
    print(f"\nsee {options.out / 'rbm.png'}")


def draw(found, counts, kernel, path):
    """Left the errors by the number of labels, right what the first RBM has learned to look for, without any label."""
    figure = plots.new_figure(14, 5.5, "Pre-training by RBMs: worth it?")
    errors, filters = figure.subplots(1, 2)
    for start, colour, marker in zip(STARTS, plots.COLOURS, "osv", strict=False):
        values = np.array([found[start, n] for n in counts])
        errors.loglog(counts, values.mean(axis=1), color=colour, marker=marker, label=start)
        errors.fill_between(counts, values.min(axis=1), values.max(axis=1), color=colour, alpha=0.2)
    errors.set(xlabel="digits with a label", ylabel="test digits read wrongly, %")
    plots.plain_ticks(errors)
    errors.legend()
    errors.grid(alpha=0.3)
    tiles = kernel[:, :60].T.reshape(5, 12, 28, 28).transpose(0, 2, 1, 3).reshape(5 * 28, 12 * 28)
    limit = np.percentile(np.abs(tiles), 99.5)
    filters.imshow(tiles, cmap="RdBu_r", vmin=-limit, vmax=limit)
    filters.set_title("60 units of the first RBM: red raises them, blue lowers")
    filters.set_axis_off()
    plots.save(figure, path)


@cli.guarded
def main(argv=None):
    study_rbm(study.options(__doc__, on_data=True).parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
