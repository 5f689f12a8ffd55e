"""Can anything be trained? Fizz buzz: multiples of 3 are fizz, of 5 buzz, of both fizzbuzz, all others the number.

python hw1_mnist_mlp/studies/fizz_buzz.py        about a minute on two CPU cores

The answer: what fits the numbers it has seen is always learned, 100 % of 101 to 1,023, however they are shown. What it
makes of 1 to 100 depends on how (mean and spread over three seeds; always to say the number is right 53 times):

- in binary 98.0 ± 1.6 %: bits are the same whether the number is large or small;
- as decimal digits 57.3 ± 4.5 %, of the multiples of 3 none: it has never seen a number that has neither hundreds
  nor a thousand, and a network knows nothing of what it has not seen. That a number ends in 0 or 5 it finds;
- as digits of base 15 100 %: the last digit alone decides, and there is nothing left to learn.
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

WORDS = ("the number", "fizz", "buzz", "fizzbuzz")
ASKED, LEARNED = np.arange(1, 101), np.arange(101, 1024)
UPDATES, SEEDS = 1000, 3  # each update sees all the numbers that are learned from
BASES = {"binary": 2, "decimal": 10, "base 15": 15}


def answers(numbers):
    """Which of WORDS is right, int (n,)."""
    return (numbers % 3 == 0) + 2 * (numbers % 5 == 0)


def digits(numbers, base):
    """float32 (n, length * base): the digits of numbers below 1,024, each a 1 among `base` places; bits as they are."""
    powers = base ** np.arange(int(np.ceil(np.log(1024) / np.log(base) - 1e-9)))[::-1]
    found = numbers[:, None] // powers % base
    if base == 2:
        return found.astype("float32")
    return np.eye(base, dtype="float32")[found].reshape(len(numbers), -1)


def build_mlp(n_inputs):
    x = keras.Input((n_inputs,))
    y = layers.Dense(256, activation="relu")(x)
    y = layers.Dense(256, activation="relu")(y)
    return keras.Model(x, layers.Dense(4)(y))


def learn(base, updates, seed):
    """(the answers to ASKED, the accuracy on LEARNED) of a network that sees numbers in this base."""
    keras.utils.set_random_seed(seed)
    x = digits(LEARNED, base)
    model = build_mlp(x.shape[1])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-3), loss, metrics=["accuracy"])
    repeated = np.tile(x, (20, 1)), np.tile(answers(LEARNED), 20)  # an epoch of one update would mostly be overhead
    model.fit(*repeated, batch_size=len(x), epochs=updates // 20, shuffle=False, verbose=0)
    said = model.predict(digits(ASKED, base), verbose=0).argmax(axis=1)
    return said, model.evaluate(x, answers(LEARNED), verbose=0)[1]


def study_fizz_buzz(options):
    device.setup("float32")
    updates, seeds = (20, 1) if options.quick else (UPDATES, SEEDS)
    right = answers(ASKED)
    rows = [("the network sees", "of the numbers it learned", "of 1 to 100", *WORDS)]
    said = {}
    for name, base in BASES.items():
        runs = [learn(base, updates, seed) for seed in tqdm(range(seeds), desc=name, disable=None, leave=False)]
        said[name] = np.array([each for each, _ in runs])
        hits = said[name] == right
        shares = [f"{100 * hits[:, right == word].mean():.0f} %" for word in range(4)]
        spread = f"{100 * hits.mean():.1f} ± {100 * hits.mean(axis=1).std():.1f} %"
        rows.append((name, f"{100 * np.mean([accuracy for _, accuracy in runs]):.1f} %", spread, *shares))
    always = [f"{100 * np.mean(answers(numbers) == 0):.0f} %" for numbers in (LEARNED, ASKED)]
    rows.append(("nothing: it always says the number", *always, "100 %", "0 %", "0 %", "0 %"))
    study.print_table(rows)
    draw(said, right, options.out / "fizz_buzz.png")
    print(f"\nsee {options.out / 'fizz_buzz.png'}")


def draw(said, right, path):
    """Of each representation the numbers 1 to 100 with what the first network answers; red: it is wrong."""
    figure = plots.new_figure(16, 5.8, "Fizz buzz, learned from 101 to 1,023 and asked of 1 to 100")
    for ax, (name, runs) in zip(figure.subplots(1, len(said)), said.items(), strict=True):
        wrong = runs[0] != right
        ax.imshow(wrong.reshape(10, 10), cmap="Reds", vmin=0, vmax=1.8)
        for i, (number, word) in enumerate(zip(ASKED, runs[0], strict=True)):
            text = f"{number}" if word == 0 else WORDS[word].replace("fizzbuzz", "fizz\nbuzz")
            ax.text(i % 10, i // 10, text, ha="center", va="center", fontsize=8)
        ax.set_frame_on(False)
        ax.set(title=f"{name}: {100 - wrong.sum()} of 100 are right", xticks=[], yticks=[])
    plots.save(figure, path)


@cli.guarded
def main(argv=None):
    study_fizz_buzz(study.options(__doc__).parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
