"""Which loss, which optimizer? Three and six of them, each at the best learning rate of a grid.

    python hw1_mnist_mlp/studies/losses_and_optimizers.py        two and a half minutes of one CPU core

The answer, by the test digits that are wrong after 300 updates (mean and spread over three seeds; Intel Xeon, Sapphire
Rapids; each rate chosen on held-out digits):

- cross-entropy 6.2 ± 0.3 %, squared error 7.2 ± 0.7, cosine 7.5 ± 0.4; squared error needs ten times the rate;
- Muon 4.4 ± 0.4 %, RMSprop 5.4 ± 0.4, Adam 5.6 ± 0.1, momentum 6.2 ± 0.3, SGD 6.7 ± 0.8, Adagrad 7.5 ± 1.3: between
  neighbours in this row, but for Muon, there is hardly a difference;
- the rate matters as much: on the held-out digits the optimizers lie between 3.3 and 4.6 % at their best rates, and
  three times too much or too little costs 0.1 to 3.5 points, except that with three times too much for Adagrad 90 %
  are wrong, as with nine times too much for SGD and momentum.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # runs from any folder, without installation

from common.run import cli, study  # first: it keeps the backend of Keras quiet while it loads

# isort: split
import keras
import numpy as np
from keras import layers, losses, optimizers
from tqdm import tqdm

from common.figures import plots
from common.run import device

LOSSES = {  # name: (what makes it, by how much its grid of learning rates is higher: its gradients are smaller)
    "squared error": (losses.MeanSquaredError, 10),
    "cosine": (losses.CosineSimilarity, 3),
    "cross-entropy": (losses.CategoricalCrossentropy, 1),
}
OPTIMIZERS = {  # name: (what makes it, the middle of its grid of learning rates)
    "SGD": (optimizers.SGD, 0.3),
    "momentum": (lambda: optimizers.SGD(momentum=0.9), 0.1),
    "Adagrad": (optimizers.Adagrad, 0.09),
    "RMSprop": (optimizers.RMSprop, 1e-3),
    "Adam": (optimizers.Adam, 3e-3),
    "Muon": (lambda: optimizers.Muon(exclude_layers=["answers"], weight_decay=None, adam_weight_decay=None), 3e-3),
}
WAYS = [(loss, "momentum") for loss in LOSSES] + [("cross-entropy", name) for name in OPTIMIZERS if name != "momentum"]
GRID = (1 / 9, 1 / 3, 1, 3, 9)  # times the middle
BATCH, UPDATES, SEEDS = 128, 300, 3
ASKED = np.array([50, 100, 200, UPDATES])  # updates after which the test digits are read


def build():
    return keras.Sequential(
        [
            keras.Input((28, 28)),
            layers.Rescaling(1 / 255),
            layers.Flatten(),
            layers.Dense(64, "relu"),
            layers.Dense(64, "relu"),
            layers.Dense(10, "softmax", name="answers"),
        ]
    )


def errors(model, seed, rate, learned, asked, counts):
    """The errors on `asked` (x, y), %, after these counts of updates, of a training that starts anew."""
    study.restart(model, seed, rate)
    x, y = learned
    rows = np.random.default_rng(seed).choice(len(x), counts[-1] * BATCH)
    found = []
    for part in np.split(rows, counts[:-1] * BATCH):
        model.fit(x[part], np.eye(10, dtype="float32")[y[part]], batch_size=BATCH, shuffle=False, verbose=0)
        found.append(study.error_rate(model, asked))
    return found


def study_losses(options):
    device.setup("float32")
    digits = study.load("mnist", options)
    learned, held_out = digits.validation_split()
    test = digits.x_test, digits.y_test
    ways, grid, counts, seeds = WAYS, GRID, ASKED, SEEDS
    if options.quick:
        ways, grid, counts, seeds = WAYS[1::3], GRID[2:3], np.array([1, 2]), 1
    tried, found = {}, {}
    with tqdm(total=len(ways) * (len(grid) + seeds), disable=None, leave=False) as bar:
        for way in ways:
            (loss, higher), (optimizer, middle) = LOSSES[way[0]], OPTIMIZERS[way[1]]
            model = build()
            model.compile(optimizer(), loss(), steps_per_execution=50, run_eagerly=options.quick)
            for rate in middle * higher * np.array(grid):
                # with a seed that is not among those below, and on digits that are not those of the test
                tried.setdefault(way, {})[rate] = errors(model, seeds, rate, learned, held_out, counts[-1:])[0]
                bar.update()
            best = min(tried[way], key=tried[way].get)
            for seed in range(seeds):
                found.setdefault(way, []).append(errors(model, seed, best, learned, test, counts))
                bar.update()
    rows = [("loss", "optimizer", "best rate", *(f"wrong after {count}, %" for count in counts), "rates as good")]
    for way in ways:
        best = min(tried[way], key=tried[way].get)
        cells = (f"{np.mean(each):.2f} ± {np.std(each):.2f}" for each in np.transpose(found[way]))
        good = sum(error < 1.25 * tried[way][best] for error in tried[way].values())
        rows.append((*way, f"{best:.2g}", *cells, f"{good} of {len(grid)}"))
    study.print_table(rows)
    draw(tried, found, counts, options.out / "losses_and_optimizers.png")
    print(f"\nsee {options.out / 'losses_and_optimizers.png'}")


def draw(tried, found, counts, path):
    """Left the losses, right the optimizers: errors by the rate above, by the updates at the best rate below."""
    figure = plots.new_figure(14, 9, "Three losses and six optimizers, each at its best learning rate")
    columns = figure.subplots(2, 2, sharey="row").T
    for which, (rates, updates) in enumerate(columns):
        ways = [way for way in tried if way[1 - which] == ("momentum", "cross-entropy")[which]]
        for way, colour, marker in zip(ways, plots.COLOURS, "osv^DP", strict=False):
            style = {"color": colour, "marker": marker, "label": way[which]}
            rates.loglog(*zip(*tried[way].items(), strict=True), **style)
            updates.loglog(counts, np.mean(found[way], axis=0), **style)
        what = ("losses, with momentum", "optimizers, with cross-entropy")[which]
        rates.set(title=what, xlabel="learning rate", ylabel=f"wrong after {counts[-1]} updates, %, held-out digits")
        updates.set(xlabel="updates", ylabel="wrong, %, test digits, mean of the seeds")
        for ax in (rates, updates):
            plots.plain_ticks(ax)
            ax.grid(alpha=0.3)
            ax.legend()
    plots.save(figure, path)


@cli.guarded
def main(argv=None):
    study_losses(study.options(__doc__, on_data=True).parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
