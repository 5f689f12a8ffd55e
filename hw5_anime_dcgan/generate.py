"""Draw faces with the network that train.py left in outputs/hw5_anime_dcgan.

    python hw5_anime_dcgan/generate.py --grid                          64 faces in one picture
    python hw5_anime_dcgan/generate.py --count 1000 --out faces        1,000 pictures of their own
    python hw5_anime_dcgan/generate.py --walk 3 14 15                  an animation from face 3 to 14 to 15 and back
    python hw5_anime_dcgan/generate.py --hair blue --eyes red --grid   after train.py --conditional
    python hw5_anime_dcgan/generate.py --text "a girl with blue hair and red eyes" --grid   the same, in words

A face has a number, its seed: --seed 14 --count 3 draws the faces 14, 15 and 16, always the same.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs from any folder, without installation

from common.run import cli  # first: it keeps the backend of Keras quiet while it loads

# isort: split
import keras
import numpy as np

from common.errors import OptionError, UserError
from common.run import analysis
from hw5_anime_dcgan import attributes, evaluate, progress, sentences
from hw5_anime_dcgan.reading import understand

HOMEWORK = "hw5_anime_dcgan"
TOGETHER = 1000  # faces held in memory
STEPS = 24  # pictures of a walk from one face to the next


def face_noise(seed, latent_dim, truncation):
    """The noise of the face `seed`, float32 (latent_dim,); numbers beyond +-truncation are drawn again.

    The truncation trick (Brock et al. 2019, arXiv:1809.11096, section 3.1): safer faces, more alike.
    """
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal(latent_dim, "float32")
    while (beyond := np.abs(noise) > truncation).any():
        noise[beyond] = rng.standard_normal(beyond.sum(), "float32")
    return noise


def face_wish(seed, options):
    """What is asked for of the face `seed`, one-hot (17,): --hair and --eyes; the others are drawn, always the same."""
    rng = np.random.default_rng((seed, 1))
    hair, eyes = rng.integers(len(attributes.HAIR)), rng.integers(len(attributes.EYES))
    if options.hair:
        hair = attributes.HAIR.index(options.hair)
    if options.eyes:
        eyes = attributes.EYES.index(options.eyes)
    return attributes.one_hot([hair], [eyes])[0]


def slerp(start, end, steps):
    """`steps` noises on the way from `start` to `end`, the first included: along the sphere that noise lies near.

    On the straight line between two noises of 100 numbers the middle is shorter than any noise (White 2016,
    arXiv:1609.04468).
    """
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    angle = np.arccos(np.clip(start @ end / (np.linalg.norm(start) * np.linalg.norm(end)), -1, 1))
    if angle < 1e-3:
        return ((1 - t) * start + t * end).astype("float32")
    return ((np.sin((1 - t) * angle) * start + np.sin(t * angle) * end) / np.sin(angle)).astype("float32")


def read(options):
    """Set --hair and --eyes to what --text asks for; its words that mean nothing to the network.

    Raises UserError when all of them do.
    """
    if options.hair or options.eyes:
        raise OptionError("--text says the colours: leave --hair and --eyes out")
    numbers, unknown = sentences.numbers(options.text)
    if not numbers.any():
        raise UserError(
            f'the network knows no word of "{options.text}": see WORDS_OF in sentences.py for what it knows'
        )
    try:
        reader = keras.models.load_model(options.run / "reader.keras")
    except (OSError, ValueError) as error:
        raise UserError(f"{options.run / 'reader.keras'} cannot be read ({error}): train again") from None
    (hair,), (eyes,) = understand(reader, numbers[None])
    options.hair, options.eyes = ((*attributes.HAIR, None)[hair], (*attributes.EYES, None)[eyes])
    return unknown


def generate(options):
    generator, _ = analysis.open_model(options, HOMEWORK)

    generator = analysis.in_float32(generator)
    conditional = len(generator.inputs) == 2
    if (options.hair or options.eyes or options.text) and not conditional:
        raise UserError(f"the network in {options.run} cannot be asked for colours: train with --conditional")
    if options.text:
        if unknown := read(options):
            print(f"note: these words mean nothing to the network: {', '.join(unknown)}")
        print(f"asked for: {options.hair or 'any'} hair, {options.eyes or 'any'} eyes")
    latent_dim = generator.inputs[0].shape[1]
    folder = options.out or options.run / "generated"

    def draw(noise, seeds):
        wishes = np.stack([face_wish(seed, options) for seed in seeds]) if conditional else None
        return evaluate.draw(generator, [noise, wishes] if conditional else noise)

    if options.walk:
        places = [face_noise(seed, latent_dim, options.truncation) for seed in options.walk]
        ends = zip(places, [*places[1:], places[0]], strict=True)
        noise = np.concatenate([slerp(start, end, STEPS) for start, end in ends])
        faces = draw(noise, [options.walk[0]] * len(noise))  # one wish for all
        large = faces.repeat(3, axis=1).repeat(3, axis=2)
        path = folder / f"walk_{'_'.join(map(str, options.walk))}.gif"
        progress.save_gif(path, large, 80)
        print(f"{len(options.walk)} faces and the way between them: {path}")
        return
    found = []
    for begin in range(0, options.count, TOGETHER):
        seeds = range(options.seed + begin, options.seed + min(begin + TOGETHER, options.count))
        noise = np.stack([face_noise(seed, latent_dim, options.truncation) for seed in seeds])
        faces = draw(noise, seeds)
        if options.grid:
            path = folder / f"grid_{seeds[0]}.png"
            progress.save_png(path, progress.grid(faces, int(np.ceil(np.sqrt(len(faces))))))
            print(f"the faces {seeds[0]} to {seeds[-1]}: {path}")
        else:
            for seed, face in zip(seeds, faces, strict=True):
                progress.save_png(folder / f"face_{seed:06d}.png", face)
        found.append(attributes.read(faces))
    if not options.grid:
        print(f"{options.count:,} faces: {folder}")
    for name, asked, names, which in (
        ("hair", options.hair, attributes.HAIR, 0),
        ("eyes", options.eyes, attributes.EYES, 1),
    ):
        if asked:
            share = np.mean(np.concatenate([each[which] for each in found]) == names.index(asked))
            print(f"the rule of attributes.py finds {asked} {name} in {100 * share:.0f} % of them")


@cli.guarded
def main(argv=None):
    parser = analysis.options(HOMEWORK, __doc__)
    add = parser.add_argument
    add("--count", type=cli.positive, metavar="N", help="faces to draw (64)")
    add("--seed", type=cli.seed, metavar="N", help="the number of the first face (0)")
    add("--out", type=cli.path, metavar="DIR", help="where the pictures go (generated/ in the folder of the run)")
    add("--grid", action="store_true", help="all faces in one picture, up to 1,000 in each")
    add("--walk", type=cli.seed, nargs="+", metavar="N", help="an animation that walks between these faces")
    add(
        "--truncation",
        type=cli.number(0.1),
        default=float("inf"),
        metavar="T",
        help="draw noise beyond T again: 1 for safer faces, more alike (none)",
    )
    add("--hair", choices=attributes.HAIR, help="the colour of the hair, after --conditional (any)")
    add("--eyes", choices=attributes.EYES, help="the colour of the eyes, after --conditional (any)")
    add("--text", type=cli.text, metavar="SENTENCE", help="what to draw, in English or Chinese, after --conditional")
    options = parser.parse_args(argv)
    if options.walk and (options.count or options.seed is not None or options.grid):
        raise OptionError("a --walk goes from face to face: leave --count, --seed and --grid out")
    options.count, options.seed = options.count or 64, options.seed or 0
    generate(options)


if __name__ == "__main__":
    sys.exit(main())
