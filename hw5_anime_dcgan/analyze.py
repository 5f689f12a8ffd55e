"""What the networks have learned: ways through the noise, what moves the hair, where faces are made, what is believed.

    python hw5_anime_dcgan/analyze.py        two minutes on two CPU cores, after train.py

--run DIR chooses the run. Writes pictures into figures/ of the run and the numbers behind them into analysis.json.
"""

import itertools
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs from any folder, without installation

from common.run import cli  # first: it keeps the backend of Keras quiet while it loads

# isort: split
import keras
import numpy as np

from common import data
from common.figures import plots
from common.run import analysis
from hw5_anime_dcgan import attributes, evaluate
from hw5_anime_dcgan.generate import slerp
from hw5_anime_dcgan.inside import SHOWN, show_believed, show_stages
from hw5_anime_dcgan.quality import Judge

HOMEWORK = "hw5_anime_dcgan"
SAMPLES = 3000  # faces in which directions are looked for
ONE = 5  # which face is moved along directions, or asked for in all colours
STEP = 3.0  # the longest step along a direction; noise of 100 numbers is 10 long
FEWEST = 30  # faces with a colour of hair, to speak of its direction


class Faces:
    """The trained generator: noise (n, latent_dim) to uint8 faces, each with the same wish if it takes any."""

    def __init__(self, generator):
        self.generator = generator
        self.latent_dim = generator.inputs[0].shape[1]
        self.conditional = len(generator.inputs) == 2
        self.wish = attributes.one_hot([attributes.HAIR.index("brown")], [attributes.EYES.index("blue")])

    def inputs(self, noise, wishes=None):
        noise = np.asarray(noise, "float32")
        if not self.conditional:
            return noise
        return [noise, np.repeat(self.wish, len(noise), axis=0) if wishes is None else wishes]

    def draw(self, noise, wishes=None):
        return evaluate.draw(self.generator, self.inputs(noise, wishes))


def analyze(options):
    """Draw all pictures of the run."""
    generator, config = analysis.open_model(options, HOMEWORK)
    faces = Faces(analysis.in_float32(generator))
    discriminator = analysis.in_float32(keras.models.load_model(options.run / "discriminator.keras"))
    settings = analysis.run_options(options, config)
    dataset = analysis.as_seen(data.load("faces", settings, settings.faces), options, config)
    figures, rng = options.run / "figures", np.random.default_rng(5)
    noise = rng.standard_normal((SAMPLES, faces.latent_dim), "float32")
    hairs, eyes = rng.integers(0, len(attributes.HAIR), SAMPLES), rng.integers(0, len(attributes.EYES), SAMPLES)
    drawn = faces.draw(noise)

    show_walks(faces, rng, figures / "walks.png")
    numbers = {"directions": show_directions(faces, noise, drawn, figures / "directions.png")}
    numbers["arithmetic"] = show_arithmetic(faces, noise, drawn, figures / "arithmetic.png")
    numbers["stages"] = show_stages(faces, noise[:SHOWN], figures / "stages.png")
    any_kind = faces.draw(noise, attributes.one_hot(hairs, eyes)) if faces.conditional else drawn
    if faces.conditional:
        show_asked(faces, noise[ONE], figures / "asked.png")
    judge = Judge(dataset.x_train, dataset.x_test)
    numbers["nearest"] = show_nearest(judge, any_kind, dataset, figures / "nearest.png")
    numbers["believed"] = show_believed(discriminator, any_kind, dataset, figures / "believed.png")
    analysis.save_numbers(options, numbers)


def show_walks(faces, rng, path, walks=6, steps=11):
    """From one face to another, and on to the next."""
    places = rng.standard_normal((walks + 1, faces.latent_dim))
    rows = [("", faces.draw(slerp(places[i], places[i + 1], steps))) for i in range(walks)]
    plots.image_rows(path, rows, "Walks through the noise: each row goes on where the one above ends")


def brightness(images):
    return images.mean(axis=(1, 2, 3)) / 255


def show_directions(faces, noise, drawn, path, steps=7):
    """Directions in the noise along which one thing changes: found by regression on the faces, shown on one face.

    The direction of a property is the slope of its least squares fit to the noise (the difference of class means for a
    property that faces have or have not). numbers: how often faces have it after a step of 2 along its direction.
    """
    hair, _ = attributes.read(drawn)
    found = {"brightness": brightness(drawn)}
    counts = np.bincount(hair, minlength=len(attributes.HAIR))
    for i in np.argsort(-counts):
        if FEWEST <= counts[i] <= 0.9 * len(hair):
            found[f"{attributes.HAIR[i]} hair"] = (hair == i).astype(float)
    numbers, rows = {}, []
    some = noise[: min(500, len(noise))]
    for name, values in found.items():
        direction = noise.T @ (values - values.mean())
        direction /= np.linalg.norm(direction)
        along = np.linspace(-STEP, STEP, steps)[:, None] * direction
        rows.append((name, faces.draw(noise[ONE] + along)))
        moved = faces.draw(some + 2 * direction)
        if name == "brightness":
            after = brightness(moved)
        else:
            after = attributes.read(moved)[0] == attributes.HAIR.index(name.removesuffix(" hair"))
        numbers[name] = {"before": float(values[: len(some)].mean()), "after_a_step_of_2": float(np.mean(after))}
    captions = [f"{value:+.0f}" for value in np.linspace(-STEP, STEP, steps)]
    plots.image_rows(path, rows, "One face, moved along directions in the noise", captions)
    return numbers


def show_arithmetic(faces, noise, drawn, path, pairs=4):
    """A face, minus the mean noise of its hair, plus the mean noise of another's (Radford et al. 2015, section 6.3.2).

    Means over many faces lie near each other, so their difference is made STEP long.
    numbers: how many of the faces have the other hair then.
    """
    hair, _ = attributes.read(drawn)
    kinds = [i for i in np.argsort(-np.bincount(hair, minlength=len(attributes.HAIR))) if (hair == i).sum() >= SHOWN]
    rows, numbers = [], {}
    for a, b in itertools.pairwise(kinds[: pairs + 1]):
        own = np.flatnonzero(hair == a)[:200]
        move = noise[hair == b].mean(axis=0) - noise[hair == a].mean(axis=0)
        move *= STEP / np.linalg.norm(move)  # means over many faces lie near each other
        moved = faces.draw(noise[own] + move)
        names = attributes.HAIR[a], attributes.HAIR[b]
        rows += [(f"{names[0]} hair", drawn[own[:SHOWN]]), (f"- {names[0]} + {names[1]}", moved[:SHOWN])]
        numbers[f"{names[0]} to {names[1]}"] = float(np.mean(attributes.read(moved)[0] == b))
    if rows:
        plots.image_rows(path, rows, "Arithmetic with noise")
    return numbers


def show_asked(faces, noise, path):
    """One noise, every colour of hair and eyes."""
    rows = []
    for i, name in enumerate(attributes.HAIR):
        wishes = attributes.one_hot([i] * len(attributes.EYES), range(len(attributes.EYES)))
        rows.append((f"{name} hair", faces.draw(np.repeat(noise[None], len(wishes), axis=0), wishes)))
    plots.image_rows(path, rows, "One noise, asked for every colour", [f"{name}\neyes" for name in attributes.EYES])


def show_nearest(judge, drawn, dataset, path):
    """Drawn faces above the training faces nearest to them: the first ones, and those nearest to any."""
    distances, nearest = judge.nearest(drawn)
    rows = []
    closest = np.argsort(distances)[:SHOWN]
    for name, chosen in (("drawn", np.arange(SHOWN)), ("drawn, most like\na training face", closest)):
        rows += [(name, drawn[chosen]), ("nearest\ntraining face", dataset.x_train[nearest[chosen]])]
    plots.image_rows(path, rows, "Drawn, and the nearest that it was trained on")
    real, _ = judge.nearest(dataset.x_test)
    return {
        "relative_distance_median": float(np.median(distances)),
        "relative_distance_median_of_test": float(np.median(real)),
    }


@cli.guarded
def main(argv=None):
    analysis.main(analysis.options(HOMEWORK, __doc__), analyze, argv)


if __name__ == "__main__":
    sys.exit(main())
