"""Is Adam overrated for GANs? Five optimizers under two losses, judged by the distance of the drawn faces.

    python hw5_anime_dcgan/studies/adam.py         some 20 minutes on two CPU cores, on the staged faces

Each trains a small DCGAN by the usual loss, and by that of Wasserstein: the discriminator is a critic there, without
normalisation, its weights kept within 0.01 (Arjovsky et al. 2017, arXiv:1701.07875, section 3; one of its updates for
each of the generator's). Each optimizer has the best of three learning rates, by shorter trainings from a seed of its
own; then three other seeds count.
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
SEARCHED = 400  # updates, of the trainings that choose the rate
CLIP = 0.01  # of the critic's weights
OPTIMIZERS = {  # name: (a function of the rate, rates to choose from)
    "SGD": (keras.optimizers.SGD, (3e-3, 3e-2, 3e-1)),
    "RMSprop": (keras.optimizers.RMSprop, (5e-5, 2e-4, 8e-4)),
    "Adam, beta1 0": (lambda rate: keras.optimizers.Adam(rate, 0.0), (2e-4, 8e-4, 3.2e-3)),
    "Adam, beta1 0.5": (lambda rate: keras.optimizers.Adam(rate, 0.5), (2e-4, 8e-4, 3.2e-3)),
    "Adam, beta1 0.9": (lambda rate: keras.optimizers.Adam(rate, 0.9), (2e-4, 8e-4, 3.2e-3)),
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
    faces = evaluate.draw(model.generator, evaluate.noise(model.generator, len(judge.real), seed))
    found = judge.frechet_distance(faces)
    return found if np.isfinite(found) else np.inf


def study_adam(options):
    device.setup("float32", seed=0)
    updates, searched, seeds = (3, 0, 1) if options.quick else (UPDATES, SEARCHED, SEEDS)
    (x, _), (held_out, _) = study.load("faces", options).validation_split()
    judge = Judge(x[:5000], held_out[: 30 if options.quick else JUDGED])
    found = {}
    each = seeds + (3 if searched else 0)
    with tqdm(total=len(LOSSES) * len(OPTIMIZERS) * each, unit="training", disable=not sys.stderr.isatty()) as bar:
        for (title, loss), (name, (optimizer, rates)) in itertools.product(LOSSES.items(), OPTIMIZERS.items()):

            def train(rate, seed, updates, loss=loss, optimizer=optimizer):
                bar.update()
                return distance(x, judge, loss, optimizer, rate, seed, updates)

            best = min(rates, key=lambda rate: train(rate, 0, searched)) if searched else rates[0]
            found[title, name] = best, [train(best, seed, updates) for seed in range(1, 1 + seeds)]
    of_real = judge.of_real(len(judge.real))
    rows = [("", "optimizer", "rate", "distance, mean of the seeds", "least", "largest")]
    for (title, name), (rate, distances) in found.items():
        numbers = (f"{value:.0f}" for value in (np.mean(distances), min(distances), max(distances)))
        rows.append((title, name, f"{rate:g}", *numbers))
    study.print_table(rows)
    print(f"real faces: {of_real:.0f}")
    draw(found, of_real, options.out / "adam.png")
    print(f"see {options.out / 'adam.png'}")


def draw(found, of_real, path):
    figure = plots.new_figure(9, 4.6, f"The distance of drawn faces to real ones after {UPDATES} updates")
    ax = figure.subplots()
    for i, title in enumerate(LOSSES):
        for j, name in enumerate(OPTIMIZERS):
            _, distances = found[title, name]
            place = [j + 0.24 * (2 * i - 1)] * len(distances)
            ax.plot(place, distances, "o", color=plots.COLOURS[i], label="" if j else title)
            ax.plot([place[0] - 0.12, place[0] + 0.12], [np.mean(distances)] * 2, color=plots.COLOURS[i])
    ax.axhline(of_real, color=plots.INK, linestyle="--", linewidth=1, label="real faces")
    ax.set_xticks(range(len(OPTIMIZERS)), OPTIMIZERS)
    ax.set(ylabel="Fréchet distance, less is better", ylim=(0, None))
    ax.grid(axis="y", alpha=0.3)
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    plots.save(figure, path)


@cli.guarded
def main(argv=None):
    study_adam(study.options(__doc__, on_data=True).parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
