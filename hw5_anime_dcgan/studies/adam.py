"""Is Adam overrated for GANs? Five optimizers under two losses, judged by the distance of the drawn faces.

    python hw5_anime_dcgan/studies/adam.py         40 minutes on two CPU cores, on the staged faces

The answer: in so short a training, yes. Plain SGD with a learning rate of its own is as good as Adam: under the usual
loss 382 (264 to 489, three seeds; real faces: 33), where Adam has 507, 707 and 608 with beta1 0, 0.5 and 0.9; under
that of Wasserstein 428, where they have 438, 360 and 702. Adam's default, 0.9, does not come first under either loss.
But seeds differ by as much as optimizers do.

Each trains a small DCGAN by the usual loss, and by that of Wasserstein: the discriminator is a critic there, without
normalisation, its weights kept within 0.01 (Arjovsky et al. 2017, arXiv:1701.07875, section 3; one of its updates for
each of the generator's). Each optimizer has the best of three learning rates, by trainings from a seed of its own; then
three other seeds count.
"""

import itertools
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # runs from any folder, without installation

from common.run import cli, study  # first: it keeps the backend of Keras quiet while it loads

# isort: split
import keras
import numpy as np
from keras import ops
from tqdm import tqdm

from common.figures import plots
from common.gan import GAN
from common.run import device
from hw5_anime_dcgan import asking, evaluate
from hw5_anime_dcgan.losses import logistic
from hw5_anime_dcgan.model import build_discriminator, build_generator
from hw5_anime_dcgan.quality import Judge
from hw5_anime_dcgan.stretches import Stretches

WIDTH, LATENT_DIM, BATCH_SIZE, UPDATES, SEEDS, JUDGED = 8, 32, 32, 1000, 3, 500
CLIP = 0.01  # of the critic's weights
RATES_OF_SGD, RATES = (3e-3, 3e-2, 3e-1), (5e-5, 4e-4, 3.2e-3)  # to choose from
OPTIMIZERS = {  # name: (a function of the rate, rates)
    "SGD": (keras.optimizers.SGD, RATES_OF_SGD),
    "RMSprop": (keras.optimizers.RMSprop, RATES),
    "Adam, beta1 0": (lambda rate: keras.optimizers.Adam(rate, 0.0), RATES),
    "Adam, beta1 0.5": (lambda rate: keras.optimizers.Adam(rate, 0.5), RATES),
    "Adam, beta1 0.9": (lambda rate: keras.optimizers.Adam(rate, 0.9), RATES),
}


def wasserstein(real, fake):
    """(real loss, fake loss, generator's loss) of the answers (n, 1) of a critic."""
    return -ops.mean(real), ops.mean(fake), -ops.mean(fake)


LOSSES = {"the usual loss": logistic, "the loss of Wasserstein": wasserstein}


def build(loss, optimizer, rate, seed):
    """The GAN, compiled; under the loss of Wasserstein with a critic whose weights are clipped after every update."""
    keras.utils.set_random_seed(seed)
    critic = build_discriminator(WIDTH, batch_norm=loss is not wasserstein)
    if loss is wasserstein:
        for variable in critic.trainable_variables:
            variable.assign(clip(variable))
            variable.constraint = clip
    model = GAN(build_generator(LATENT_DIM, WIDTH), critic, loss, seed=seed)
    model.compile(optimizer(rate), optimizer(rate))
    return model


def clip(weights):
    return ops.clip(weights, -CLIP, CLIP)


def distance(x, judge, loss, optimizer, rate, seed, updates):
    """The Fréchet distance of the faces that are drawn after so many updates; inf when the training breaks."""
    model = build(loss, optimizer, rate, seed)
    batches = Stretches(x, asking.Nothing().batch, BATCH_SIZE, seed, mirror=True)
    model.fit(batches.between(0, updates), shuffle=False, verbose=0)
    if not all(np.isfinite(weight).all() for weight in model.generator.get_weights()):
        return np.inf
    faces = evaluate.draw(model.generator, evaluate.noise(model.generator, len(judge.real), seed))
    return judge.frechet_distance(faces)


def study_adam(options):
    device.setup("float32", seed=0)
    updates, seeds, n_rates = (3, 1, 0) if options.quick else (UPDATES, SEEDS, len(RATES))
    (x, _), (held_out, _) = study.load("faces", options).validation_split()
    judge = Judge(x[: 200 if options.quick else 5000], held_out[: 30 if options.quick else JUDGED])
    optimizers = dict([*OPTIMIZERS.items()][:: 3 if options.quick else 1])
    found = {}
    total = len(LOSSES) * len(optimizers) * (n_rates + seeds)
    with tqdm(total=total, unit="training", disable=not sys.stderr.isatty()) as bar:
        for (title, loss), (name, (optimizer, rates)) in itertools.product(LOSSES.items(), optimizers.items()):

            def train(rate, seed, loss=loss, optimizer=optimizer):
                measured = distance(x, judge, loss, optimizer, rate, seed, updates)
                bar.update()
                return measured

            best = min(rates, key=lambda rate: train(rate, 0)) if n_rates else rates[0]
            found[title, name] = best, [train(best, seed) for seed in range(1, 1 + seeds)]
    of_real = judge.of_real(len(judge.real))
    rows = [("", "optimizer", "rate", "distance, mean of the seeds", "least", "largest")]
    for (title, name), (rate, distances) in found.items():
        numbers = (f"{value:.0f}" for value in (np.mean(distances), min(distances), max(distances)))
        rows.append((title, name, f"{rate:g}", *numbers))
    study.print_table(rows)
    print(f"real faces: {of_real:.0f}")
    draw(found, optimizers, of_real, updates, options.out / "adam.png")
    print(f"see {options.out / 'adam.png'}")


def draw(found, optimizers, of_real, updates, path):
    figure = plots.new_figure(9, 4.6, f"The distance of drawn faces to real ones after {updates:,} updates")
    ax = figure.subplots()
    for i, title in enumerate(LOSSES):
        for j, name in enumerate(optimizers):
            _, distances = found[title, name]
            place = [j + 0.24 * (2 * i - 1)] * len(distances)
            ax.plot(place, distances, "o", color=plots.COLOURS[i], label="" if j else title)
            ax.plot([place[0] - 0.12, place[0] + 0.12], [np.mean(distances)] * 2, color=plots.COLOURS[i])
    ax.axhline(of_real, color=plots.INK, linestyle="--", linewidth=1, label="real faces")
    ax.set_xticks(range(len(optimizers)), optimizers)
    ax.set(ylabel="Fréchet distance, less is better", yscale="log")
    plots.plain_ticks(ax)
    ax.grid(axis="y", alpha=0.3)
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    plots.save(figure, path)


@cli.guarded
def main(argv=None):
    study_adam(study.options(__doc__, on_data=True).parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
