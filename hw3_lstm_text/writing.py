"""Measures what the network writes: is it made of real words, does it repeat itself, does it rhyme?"""

import re

import numpy as np

from common.data import poems
from common.data.corpus import CHINESE
from common.figures import plots
from hw3_lstm_text import sound
from hw3_lstm_text.evaluate import word_share, words
from hw3_lstm_text.reader import QUATRAINS, opening

TEMPERATURES = (0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4)
TEXTS, LENGTH = 12, 800  # written at each temperature
POEMS = 100  # of each form, for the measures of poems
STRING = 8  # characters that stand for "the same again"


def write_at(reader, temperatures, count, kind, rng):
    """{temperature: [texts]}: `count` texts of LENGTH characters each; of poems, `count` of each kind of quatrain.

    reader: a reader.Reader. The texts of all temperatures are written side by side.
    """
    rows = np.repeat(temperatures, count).astype("float32")[:, None]
    written = []
    for form in QUATRAINS if kind == "poems" else [""]:
        prompts = [opening(kind, reader.characters, form)] * len(rows)
        texts = reader.write_texts(prompts, 42 if form else LENGTH, rng, temperature=rows)
        written.append([form + "\n" + text.split("\n\n")[0] for text in texts] if form else texts)
    return {
        temperature: [text for texts in written for text in texts[i * count : (i + 1) * count]]
        for i, temperature in enumerate(temperatures)
    }


def real_quatrains(text):
    """The quatrains of a text of poems, each with the line that names its form."""
    blocks = text.strip("\n").split("\n\n")
    return [block for block in blocks if block.partition("\n")[0] in QUATRAINS]


def bodies(texts):
    """The poems without the lines that name their forms."""
    return [text.partition("\n")[2] for text in texts]


def measures(texts, known, kind):
    """{label of a panel: shares (n,) in per cent} of the texts. known: set of the training text's words, or pairs."""
    if kind == "english":
        result = {"words that the training text has, %": [word_share([text], known) for text in texts]}
    else:
        result = {"pairs of characters that the training text has, %": [_share(pairs(text), known) for text in texts]}
    if kind == "poems":
        result["poems of the asked form, %"] = [poems.has_form(text, text.partition("\n")[0]) for text in texts]
        result["characters that occur before in the poem, %"] = [repeated(text, 1) for text in bodies(texts)]
    else:
        result[f"strings of {STRING} characters that occur before, %"] = [repeated(text, STRING) for text in texts]
    return {label: 100 * np.array(values, float) for label, values in result.items()}


def known_pieces(train, kind):
    """The set of the words of the training text, or of the pairs of Chinese characters in it."""
    return set(words(train) if kind == "english" else pairs(train))


def pairs(text):
    """The neighbouring Chinese characters of a text, as strings of two."""
    return re.findall(rf"(?=({CHINESE}{{2}}))", text)


def _share(pieces, known):
    return float(np.mean([piece in known for piece in pieces])) if pieces else 0.0


def repeated(text, n):
    """The share of the strings of `n` characters of a text that have occurred in it before; Chinese ones for n = 1."""
    if n == 1:
        text = "".join(re.findall(CHINESE, text))
    strings = [text[i : i + n] for i in range(len(text) - n + 1)]
    return 1 - len(set(strings)) / len(strings) if strings else 0.0


def show_temperature(path, written, held_out, known, kind):
    """temperature.png: the measures of what is written at each temperature beside those of held-out text."""
    by_temperature = {t: measures(texts, known, kind) for t, texts in written.items()}
    reference = measures(held_out, known, kind)
    figure = plots.new_figure(5.4 * len(reference), 4.3, "Colder is safer and repeats itself, hotter invents")
    for ax, (label, real) in zip(np.atleast_1d(figure.subplots(1, len(reference))), reference.items(), strict=True):
        values = np.array([by_temperature[t][label].mean() for t in written])
        errors = [by_temperature[t][label].std() / len(by_temperature[t][label]) ** 0.5 for t in written]
        ax.errorbar(list(written), values, errors, fmt="o-", capsize=3, color=plots.COLOURS[0], label="written")
        ax.axhline(real.mean(), color=plots.COLOURS[1], linestyle="--", label="held-out text")
        ax.set(xlabel="temperature", ylabel=label)
        ax.grid(alpha=0.3)
        ax.legend()
    plots.save(figure, path)
    every = {**{str(t): shares for t, shares in by_temperature.items()}, "held-out text": reference}
    return {
        name: {label.removesuffix(", %"): float(values.mean()) / 100 for label, values in shares.items()}
        for name, shares in every.items()
    }


def show_poems(path, written, real, rng):
    """poems.png: rhyme, tones and repetition of written quatrains beside real and shuffled ones; as a dict."""
    groups = {
        "written": written,
        "real, held out": real,
        "real, shuffled": [sound.shuffled(poem, rng) for poem in real],
    }
    tests = {"rhymes": sound.rhymes, "tones that contrast as they ought": sound.tones_agree}
    figure = plots.new_figure(9, 4.4, "Sound of the quatrains, by modern readings")
    numbers = {}
    for ax, (label, measure) in zip(figure.subplots(1, 2), tests.items(), strict=True):
        numbers[label] = {}
        for i, (name, group) in enumerate(groups.items()):
            values = np.array([measure(poem) for poem in group])
            values = values[np.isfinite(values)]
            mean, error = (values.mean(), values.std() / len(values) ** 0.5) if len(values) else (0, 0)
            numbers[label][name] = {"mean": float(mean), "standard_error": float(error), "poems": len(values)}
            ax.bar(i, 100 * mean, yerr=100 * error, color=plots.COLOURS[i], capsize=4, width=0.65)
            ax.text(i, 100 * (mean + error) + 1.5, f"{100 * mean:.0f} %", ha="center")
        ax.set_xticks(range(len(groups)), groups)
        ax.set(ylim=(0, 105), ylabel=f"{label}, %")
    plots.save(figure, path)
    return numbers
