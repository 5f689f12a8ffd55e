"""Is what the network writes copied? How much of it lies in long runs of characters that the training text has too."""

import numpy as np
from matplotlib.ticker import MaxNLocator

from common.data.corpus import encode
from common.figures import plots

DEPTH = 256  # characters by which places of a text are sorted to find the longest runs
RUNS = (5, 10, 20), (10, 20, 30)  # characters of a run worth counting: of Chinese, of English
PASSAGES = 3  # copied passages that analysis.json shows


def longest_runs(texts, source):
    """How long the text from each place on is found in the source: an int array, texts joined.

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
    runs = np.zeros(n, int)
    for neighbour in (place - 1, place):
        candidate = order[neighbour.clip(0, len(order) - 1)]
        length, alive = np.zeros(n, int), np.arange(n)
        while len(alive):
            alive = alive[joined[alive + length[alive]] == joined[candidate[alive] + length[alive]]]
            length[alive] += 1
        runs = np.maximum(runs, length)
    return runs


def covered(runs, n):
    """The share of the characters that lie in a copied run of at least `n`. runs: from `longest_runs`."""
    end = np.maximum.accumulate(np.where(runs >= n, np.arange(len(runs)) + runs, 0))
    return float(np.mean(end > np.arange(len(runs))))


def show_copying(path, sources, corpus, train):
    """copying.png: how much of each text lies in long runs that the training text has too; the numbers as a dict.

    sources: {name: [texts]}, cut to the length of the shortest so that none has more chances. train: codes.
    """
    size = min(sum(map(len, texts)) for texts in sources.values())
    figure = plots.new_figure(7.5, 4.6, "Copied or written? Runs of characters that the training text has too")
    ax = figure.subplots()
    numbers = {"characters": size}
    for (name, texts), colour in zip(sources.items(), plots.COLOURS, strict=False):
        runs = longest_runs([encode(text, corpus.characters) for text in cut(texts, size)], train)
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
