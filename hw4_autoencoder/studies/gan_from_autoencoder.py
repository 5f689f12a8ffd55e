"""Does a generator that began as the decoder of an autoencoder learn faster than one that begins at random?

    python hw4_autoencoder/studies/gan_from_autoencoder.py        minutes on two CPU cores (290 s of CPU time)

The answer: yes, by far. After 300 updates as a decoder its pictures have a Fréchet distance of 140 ± 19 before the GAN
has begun, and of 63 ± 9 after 400 updates of it (three seeds; real digits: 2). From a random start 400 updates lead to
237 ± 44, still further away than the decoder was before. 32 % are surely digits then, against 8 %, and as the decoder
knows many digits, they are as diverse as real ones (1.04 against 0.54). Whether the two meet later was not measured.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # runs from any folder, without installation

from common.run import cli, study  # first: it keeps the backend of Keras quiet while it loads

# isort: split
import keras
import numpy as np
from keras import layers
from scipy.special import softmax
from tqdm import tqdm

from common.figures import plots
from common.gan import GAN
from common.run import device
from hw4_autoencoder import evaluate, generated
from hw4_autoencoder.judge import train_judge
from hw4_autoencoder.model import build_discriminator, build_generator, conv_encoder
from hw4_autoencoder.train_gan import logistic_losses

SHAPE, NOISE, WIDTH, DROPOUT = (28, 28), 32, 16, 0.3  # half as wide as train_gan.py
BATCH, RATE, SEEDS, MEASURED = 64, 4e-4, 3, 2000  # the last: images
DECODER_UPDATES, DECODER_RATE, JUDGE_UPDATES = 300, 3e-3, 240  # of the autoencoder; of the classifier that judges
SEEN = (0, 25, 50, 100, 200, 400)  # updates of the GAN after which its samples are measured
METRICS, STARTS = ("Fréchet distance", "surely a digit", "diversity"), ("at random", "as a decoder")


def batches(x, seed):
    """Batches without end of (images uint8, labels that nobody reads)."""
    rng = np.random.default_rng(seed)
    while True:
        yield x[rng.integers(0, len(x), BATCH)], np.zeros((BATCH, 1), "float32")


def build_gan(generator, seed):
    gan = GAN(generator, build_discriminator(SHAPE, WIDTH, DROPOUT), logistic_losses, seed=seed)
    gan.compile(keras.optimizers.Adam(RATE, beta_1=0.5), keras.optimizers.Adam(RATE, beta_1=0.5))
    return gan


def build_autoencoder(generator):
    """The generator behind an encoder whose codes look like its noise: mean 0 and variance 1 in every number."""
    encoder = conv_encoder(SHAPE, WIDTH, "relu", NOISE)
    codes = layers.BatchNormalization(center=False, scale=False, momentum=0.9, name="like_noise")(encoder.output)
    return keras.Model(encoder.input, generator(codes), name="autoencoder")


def learn_to_decode(generator, x, updates, seed):
    """Train the generator as a decoder: images in, the same images out."""
    model = build_autoencoder(generator)
    model.compile(keras.optimizers.Adam(DECODER_RATE), "binary_crossentropy")
    pairs = ((images, images.astype("float32") / 255) for images, _ in batches(x, seed))
    model.fit(pairs, steps_per_epoch=updates, shuffle=False, verbose=0)


class Measures:
    """METRICS of images beside real test digits, by the features of the judge's last hidden layer and by its answers.

    Surely a digit: the share whose likeliest class has more than 90 %. Diversity: see generated.py.
    """

    def __init__(self, digits, updates):
        judge = train_judge(digits, seed=0, updates=updates)
        self.reader = keras.Model(judge.inputs, [judge.layers[-3].output, *judge.outputs])
        self.digits, self.real = digits, self.reader.predict(digits.x_test, batch_size=500, verbose=0)[0]

    def __call__(self, images):
        features, logits = self.reader.predict(images, batch_size=500, verbose=0)
        probabilities = softmax(logits, axis=1)
        distance, read = generated.frechet_distance(features, self.real), probabilities.argmax(axis=1)
        diversity = generated.diversity_ratio(images, read, self.digits.x_test, self.digits.y_test)
        return distance, np.mean(probabilities.max(axis=1) > 0.9), diversity


def learn(start, x, seen, decoder_updates, n, seed):
    """The images, uint8 (n, 28, 28), that a generator makes of the same noise after each of `seen` updates."""
    keras.utils.set_random_seed(seed)
    generator = build_generator(SHAPE, NOISE, WIDTH)
    if start == "as a decoder":
        learn_to_decode(generator, x, decoder_updates, seed)
    gan, noise = build_gan(generator, seed), evaluate.sampling(NOISE, 0, n, seed=1)[0]
    done, images, endless = 0, [], batches(x, seed)
    for updates in seen:
        if updates > done:
            gan.fit(endless, steps_per_epoch=updates - done, shuffle=False, verbose=0)
        done, images = updates, [*images, evaluate.generate(generator, noise)]
    return images


def study_gan_from_autoencoder(options):
    device.setup("float32")
    digits = study.load("mnist", options)
    full = SEEN, SEEDS, DECODER_UPDATES, JUDGE_UPDATES, MEASURED
    seen, seeds, decoder_updates, judge_updates, n = ((0, 2), 1, 2, 2, 200) if options.quick else full
    measures = Measures(digits, judge_updates)
    found, shown = {}, {}
    for start in tqdm(STARTS, "starts", disable=None):
        runs = [learn(start, digits.x_train, seen, decoder_updates, n, seed) for seed in range(seeds)]
        found[start] = np.array([[measures(images) for images in run] for run in runs])  # (seeds, seen, metrics)
        shown[start] = [images[:9] for images in runs[0]]
    rows = [("updates", *(f"{metric}, {start}" for metric in METRICS for start in STARTS))]
    for i, updates in enumerate(seen):
        cells = [found[start][:, i, j] for j in range(len(METRICS)) for start in STARTS]
        rows.append((f"{updates:,}", *(f"{cell.mean():.2f} ± {cell.std():.2f}" for cell in cells)))
    rows.append(("real digits", *(f"{value:.2f}" for value in measures(digits.x_train[:n]) for _ in STARTS)))
    study.print_table(rows)
    draw(seen, found, shown, options.out / "gan_from_autoencoder.png")
    print(f"\nsee {options.out / 'gan_from_autoencoder.png'}")


def draw(seen, found, shown, path):
    figure = plots.new_figure(14, 9, "A generator that was a decoder first, and one that starts at random")
    above, below = figure.subfigures(2, 1)
    for j, ax in enumerate(above.subplots(1, len(METRICS))):
        for start, colour in zip(STARTS, plots.COLOURS, strict=False):
            values = found[start][:, :, j]
            ax.errorbar(seen, values.mean(axis=0), values.std(axis=0), fmt="o-", color=colour, capsize=3, label=start)
        ax.set_xscale("symlog", linthresh=25)
        ax.set(xlabel="updates of the GAN", title=METRICS[j], xticks=seen, xticklabels=[f"{n:,}" for n in seen])
        ax.minorticks_off()
        ax.grid(alpha=0.3)
    ax.legend(title="the generator starts")
    for start, row in zip(STARTS, below.subplots(len(STARTS), len(seen)), strict=True):
        for ax, images, updates in zip(row, shown[start], seen, strict=True):
            ax.imshow(images.reshape(3, 3, *SHAPE).swapaxes(1, 2).reshape(84, 84), cmap="gray_r", vmin=0, vmax=255)
            ax.set(xticks=[], yticks=[], title=f"{updates:,} updates" if start == STARTS[0] else None)
            ax.spines[:].set_visible(False)
        row[0].set_ylabel(start)
    plots.save(figure, path)


@cli.guarded
def main(argv=None):
    study_gan_from_autoencoder(study.options(__doc__, on_data=True).parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
