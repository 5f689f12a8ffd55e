"""Measures what the network writes: is it made of real words, does it repeat itself, is it copied, does it rhyme?"""

import re

import numpy as np
from matplotlib.ticker import MaxNLocator
from tqdm import tqdm

from common.data import poems
from common.data.corpus import decode, encode
from common.figures import plots
from hw3_lstm_text import language

TEMPERATURES = (0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4)
TEXTS, LENGTH = 12, 800  # written at each temperature
QUATRAINS = 100  # of each form, for the measures of poems
STRING = 8  # characters that stand for "the same again"
DEPTH = 256  # characters by which places of a text are sorted to find the longest runs
RUNS = (5, 10, 20), (10, 20, 30)  # characters of a run worth counting: of Chinese, of English
PASSAGES = 3  # copied passages that analysis.json shows


def write_at(reader, characters, prompt, temperatures, length, rng):
    """A text after `prompt` for each of the temperatures (n,), written side by side: a list of str (n,)."""
    temperatures = np.asarray(temperatures, "float32")[:, None]
    prompts = np.repeat(encode(prompt, characters)[None], len(temperatures), axis=0)
    logits, states = language.read(reader, prompts)
    written = []
    for _ in tqdm(range(length), desc="writing", disable=None, leave=False):
        written.append(language.choose(logits / temperatures, rng))
        logits, states = language.read(reader, written[-1][:, None], states)
    return [decode(row, characters) for row in np.stack(written, axis=1)]


def write_texts(reader, corpus, temperatures, count, rng):
    """{temperature: [texts]}: `count` texts of LENGTH characters each; of poems, `count` of each kind of quatrain."""
    rows = np.repeat(temperatures, count)
    if corpus.kind == "poems":
        written = [
            [
                form + "\n" + text.split("\n\n")[0]
                for text in write_at(reader, corpus.characters, opening, rows, 42, rng)
            ]
            for form in language.QUATRAINS
            for opening in [language.opening("poems", corpus.characters, form)]
        ]
    else:
        written = [
            write_at(reader, corpus.characters, language.opening(corpus.kind, corpus.characters), rows, LENGTH, rng)
        ]
    return {
        temperature: [text for texts in written for text in texts[i * count : (i + 1) * count]]
        for i, temperature in enumerate(temperatures)
    }


def real_quatrains(text):
    """The quatrains of a text of poems, each with the line that names its form."""
    blocks = text.strip("\n").split("\n\n")
    return [block for block in blocks if block.partition("\n")[0] in language.QUATRAINS]


def bodies(texts):
    """The poems without the lines that name their forms."""
    return [text.partition("\n")[2] for text in texts]


def measures(texts, known, kind):
    """{label of a panel: shares (n,) in per cent} of the texts. known: set of the training text's words, or pairs."""
    if kind == "english":
        result = {"words that the training text has, %": [language.word_share([text], known) for text in texts]}
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
    return set(language.words(train) if kind == "english" else pairs(train))


def pairs(text):
    """The neighbouring Chinese characters of a text, as strings of two."""
    return re.findall(rf"(?=({poems.CHINESE}{{2}}))", text)


def _share(pieces, known):
    return float(np.mean([piece in known for piece in pieces])) if pieces else 0.0


def repeated(text, n):
    """The share of the strings of `n` characters of a text that have occurred in it before; Chinese ones for n = 1."""
    if n == 1:
        text = "".join(re.findall(poems.CHINESE, text))
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


def longest_runs(texts, source):
    """How long the text from each place on is found in the source, and where: two int arrays, texts joined.

    texts: list of code arrays. source: codes. The places of all of them are sorted by the characters that follow
    (a suffix array, by prefix doubling: Manber & Myers 1993); the longest run is with a neighbour in that order.
    """
    mark = int(max([source.max(initial=0), *(text.max(initial=0) for text in texts)])) + 1  # ends a text
    text = np.concatenate([part for codes in texts for part in (np.asarray(codes, "int64"), [mark])])
    joined = np.concatenate([text, np.asarray(source, "int64"), [mark + 1]])
    ranks, width = joined, 1
    while width < DEPTH:
        following = np.zeros_like(ranks)
        following[:-width] = ranks[width:] + 1
        _, ranks = np.unique(ranks * (ranks.max() + 2) + following, return_inverse=True)
        width *= 2
    n, first = len(text), len(text)
    order = first + np.argsort(ranks[first:-1], kind="stable")  # the places of the source
    place = np.searchsorted(ranks[order], ranks[:n])
    runs, found = np.zeros((2, n), int)
    for neighbour in (place - 1, place):
        candidate = order[neighbour.clip(0, len(order) - 1)]
        length, alive = np.zeros(n, int), np.arange(n)
        while len(alive):
            alive = alive[joined[alive + length[alive]] == joined[candidate[alive] + length[alive]]]
            length[alive] += 1
        longer = length > runs
        runs[longer], found[longer] = length[longer], candidate[longer] - first
    return runs, found


def covered(runs, n):
    """The share of the characters that lie in a copied run of at least `n`. runs: from `longest_runs`."""
    end = np.maximum.accumulate(np.where(runs >= n, np.arange(len(runs)) + runs, 0))
    return float(np.mean(end > np.arange(len(runs))))


def show_copying(path, sources, corpus, train):
    """copying.png: how much of each text lies in long runs that the training text has too; the figures as a dict.

    sources: {name: [texts]}, cut to the length of the shortest so that none has more chances. train: codes.
    """
    size = min(sum(map(len, texts)) for texts in sources.values())
    figure = plots.new_figure(7.5, 4.6, "Copied or written? Runs of characters that the training text has too")
    ax = figure.subplots()
    numbers = {"characters": size}
    for (name, texts), colour in zip(sources.items(), plots.COLOURS, strict=False):
        runs, _ = longest_runs([encode(text, corpus.characters) for text in cut(texts, size)], train)
        lengths = np.arange(1, runs.max() + 1)
        ax.plot(lengths, [100 * covered(runs, n) for n in lengths], color=colour, label=name)
        numbers[name] = {"longest": int(runs.max()), "mean_longest_run": float(runs.mean())}
        numbers[name]["share_in_runs_of"] = {str(n): covered(runs, n) for n in RUNS[corpus.kind == "english"]}
        numbers[name]["longest_passages"] = passages("\x00".join(cut(texts, size)), runs)
    ax.set(yscale="log", xlabel="length of the run, characters", ylabel="share of the text in such runs, %")
    ax.set_ylim(0.02, 130)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.grid(alpha=0.3)
    ax.legend()
    plots.save(figure, path)
    return numbers


def cut(texts, size):
    """The texts up to `size` characters in all."""
    kept = []
    for text in texts:
        kept.append(text[:size])
        size -= len(kept[-1])
    return [text for text in kept if text]


def passages(text, runs):
    """The longest runs of a text that do not overlap, as strings."""
    runs, found = runs.copy(), []
    for _ in range(PASSAGES):
        place = int(runs.argmax())
        end = place + int(runs[place])
        if end > place:
            found.append(text[place:end])
        starts = np.arange(len(runs))
        runs[(starts < end) & (starts + runs > place)] = 0  # these overlap it
    return found


def show_poems(path, written, real, rng):
    """poems.png: rhyme, tones and repetition of written quatrains beside real and shuffled ones; as a dict."""
    groups = {
        "written": written,
        "real, held out": real,
        "real, shuffled": [poems.shuffled(poem, rng) for poem in real],
    }
    tests = {"rhymes": poems.rhymes, "tones that contrast as they ought": poems.tones_agree}
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
