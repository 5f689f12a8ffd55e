"""Is a GAN only rejection sampling? The critic as a filter over what a bad generator draws, beside a trained generator.

    python hw4_autoencoder/studies/rejection.py        minutes on two CPU cores

The answer: no. A critic, trained against a generator that is held still, knows how much likelier an image is among real
than among drawn ones, and rejection sampling keeps images with a chance in proportion to that: a perfect critic would
turn any generator that draws everything into a perfect one. Here one in twenty is kept of what a generator draws after
25 updates as a GAN (and 300 as the decoder of an autoencoder before), and its Fréchet distance falls from 116 ± 22 to
106 ± 30 (three seeds; real digits 5): hardly. What 375 more updates of both networks do, 65 ± 10, no filter comes near
to; nor does one help that late. By its own critic, exact rejection sampling would keep 2 to 8 images of 1,000; and what
is never drawn cannot be kept.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # runs from any folder, without installation

from common.run import cli, study  # first: it keeps the backend of Keras quiet while it loads

# isort: split
import keras
import numpy as np
from scipy.optimize import brentq
from scipy.special import expit
from tqdm import tqdm

from common.figures import plots
from common.run import device
from hw4_autoencoder import evaluate
from hw4_autoencoder.model import build_discriminator, build_generator
from hw4_autoencoder.studies import gan_from_autoencoder as small

EARLY, LATE = 25, 400  # updates as a GAN of the generator that is filtered, and of the one beside it
CRITIC_UPDATES, CRITIC_RATE = 300, 1e-3  # of the critic, with the early generator held still
FAKES = 10_000  # images that it is shown as drawn ones
KEPT, SHARES = 500, (1.0, 0.5, 0.2, 0.05)  # images that are measured; shares of what is drawn that the filter lets by


def train_critic(generator, x, updates, seed):
    """A discriminator that has learned to tell real images from those of a generator that does not change."""
    critic = build_discriminator(small.SHAPE, small.WIDTH, small.DROPOUT)
    critic.compile(keras.optimizers.Adam(CRITIC_RATE), keras.losses.BinaryCrossentropy(from_logits=True))
    n = min(FAKES, small.BATCH * updates)  # no more than it sees
    noise, _ = evaluate.sampling(small.NOISE, 0, n, seed=1000 + seed)
    fakes, rng = evaluate.generate(generator, noise), np.random.default_rng(seed)

    def pairs():
        for real, _ in small.batches(x, seed):
            both = np.concatenate([real, fakes[rng.integers(0, len(fakes), len(real))]])
            yield both.astype("float32") / 255, np.repeat([1.0, 0.0], len(real))[:, None]

    critic.fit(pairs(), steps_per_epoch=updates, shuffle=False, verbose=0)
    return critic


def chances(logits, share):
    """The chance of each image to be accepted, such that `share` of all are: sigmoid(logit - shift).

    The exponential of the logit estimates how much likelier an image is among real than among drawn ones. Rejection
    sampling accepts in proportion to it, which is what this does to all images with logits well below the shift
    (Azadi et al. 2019, arXiv:1810.06758, section 3.2).
    """
    if share == 1:
        return np.ones_like(logits)
    low, high = logits.min() - 20, logits.max() + 20
    return expit(logits - brentq(lambda shift: expit(logits - shift).mean() - share, low, high))


def learn(x, ages, quick, seed):
    """(images of the early generator, logits of its critic, the same of the late one): uint8 (n, 28, 28), (n,)."""
    keras.utils.set_random_seed(seed)
    generator = build_generator(small.SHAPE, small.NOISE, small.WIDTH)
    small.learn_to_decode(generator, x, 2 if quick else small.DECODER_UPDATES, seed)  # else few draw any digit so early
    gan, endless, done, found = small.build_gan(generator, seed), small.batches(x, seed), 0, []
    kept = 50 if quick else KEPT
    noise, _ = evaluate.sampling(small.NOISE, 0, int(kept / min(SHARES)), seed=seed)
    for updates in ages:
        gan.fit(endless, steps_per_epoch=updates - done, shuffle=False, verbose=0)
        done = updates
        critic = train_critic(generator, x, 2 if quick else CRITIC_UPDATES, seed)
        images = evaluate.generate(generator, noise)
        logits = critic.predict(images.astype("float32") / 255, batch_size=500, verbose=0)[:, 0]
        found.append((images, logits.astype(float)))
    return found


def study_rejection(options):
    device.setup("float32")
    digits = study.load("mnist", options)
    measures = small.Measures(digits, 2 if options.quick else small.JUDGE_UPDATES)
    updates = {"early": 2, "late": 4} if options.quick else {"early": EARLY, "late": LATE}
    found, exact, shown = {}, {}, {}
    for seed in tqdm(range(1 if options.quick else small.SEEDS), "seeds", disable=None):
        runs = learn(digits.x_train, updates.values(), options.quick, seed)
        for age, (images, logits) in zip(updates, runs, strict=True):
            exact.setdefault(age, []).append(np.mean(np.exp(logits - logits.max())))
            for share in SHARES:
                rng = np.random.default_rng(seed)
                passed = images[rng.random(len(images)) < chances(logits, share)][:KEPT]
                found.setdefault((age, share), []).append(measures(passed))
                shown.setdefault((age, share), passed[:25])
    rows = [("generator", "the critic lets by", *small.METRICS)]
    for (age, share), values in found.items():
        cells = [f"{np.mean(column):.2f} ± {np.std(column):.2f}" for column in zip(*values, strict=True)]
        rows.append((f"{age}: {updates[age]:,} updates", f"{100 * share:g} %", *cells))
    real = measures(digits.x_train[:KEPT])
    study.print_table([*rows, ("real digits", "", *(f"{value:.2f}" for value in real))])
    for age, rates in exact.items():
        print(f"\n{age}: exact rejection sampling would let by {', '.join(f'{rate:.1e}' for rate in rates)} of all")
    draw(found, shown, real, options.out / "rejection.png")
    print(f"\nsee {options.out / 'rejection.png'}")


def draw(found, shown, real, path):
    figure = plots.new_figure(14, 8.6, "A critic that lets by but the most real of what a generator draws")
    above, below = figure.subfigures(2, 1)
    drawn = [1 / share for share in SHARES]
    panels = above.subplots(1, len(small.METRICS))
    for j, ax in enumerate(panels):
        for age, colour in zip(("early", "late"), plots.COLOURS, strict=False):
            values = np.array([found[age, share] for share in SHARES])[:, :, j]
            label = f"{age} generator"
            ax.errorbar(drawn, values.mean(axis=1), values.std(axis=1), fmt="o-", color=colour, capsize=3, label=label)
        ax.axhline(real[j], color=plots.INK, linestyle="--", label="real digits")
        ax.set(xlabel="drawn for each that is kept", title=small.METRICS[j], xscale="log")
        ax.set_xticks(drawn, [f"{each:g}" for each in drawn])
        ax.minorticks_off()
        ax.grid(alpha=0.3)
    panels[1].legend(loc="center")  # no line is there
    pictured = [("early", share) for share in SHARES] + [("late", 1.0)]
    for ax, (age, share) in zip(below.subplots(1, len(pictured)), pictured, strict=True):
        tiles = np.zeros((25, *small.SHAPE), "uint8")
        tiles[: len(shown[age, share])] = shown[age, share]
        ax.imshow(tiles.reshape(5, 5, *small.SHAPE).swapaxes(1, 2).reshape(140, 140), cmap="gray_r", vmin=0, vmax=255)
        ax.set_title(f"{age}, " + ("all" if share == 1 else f"{100 * share:g} % let by"))
        ax.set_axis_off()
    plots.save(figure, path)


@cli.guarded
def main(argv=None):
    study_rejection(study.options(__doc__, on_data=True).parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
