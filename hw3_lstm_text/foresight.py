"""What is hard to foresee: by how far the memory reaches, and by the kind of character."""

import itertools
import re

import numpy as np

from common.data import poems
from common.data.corpus import CHINESE, is_chinese
from common.figures import plots

MEMORY = 512  # characters, or a little more, after which the memory is emptied, to see what it was good for


def show_memory(path, reader, codes, warm, counted):
    """memory.png: what a character costs so many characters after the memory was emptied, and without that.

    reader: a reader.Reader. warm, counted: from evaluate.nats_per_character.
    """
    cold, place, _ = reader.read_passages(codes, MEMORY)
    cold, place, warm = cold[counted], place[counted], warm[counted]
    edges = np.array([0, 1, 2, 3, 5, *(2**k for k in range(3, 32) if 3 * 2**k < 2 * (place.max() + 1))])  # of the bins
    group = np.searchsorted(edges, place, side="right") - 1
    counts = np.bincount(group)
    loss, extra = np.bincount(group, cold) / counts, np.bincount(group, cold - warm) / counts
    error = np.sqrt(np.maximum(np.bincount(group, (cold - warm) ** 2) / counts - extra**2, 0) / counts)
    middle = np.bincount(group, place) / counts + 1
    figure = plots.new_figure(11, 4.3, "How far the memory reaches")
    left, right = figure.subplots(1, 2)
    left.plot(middle, loss, "o-", color=plots.COLOURS[0], markersize=4, label="memory emptied")
    left.axhline(warm.mean(), color=plots.COLOURS[1], linestyle="--", label="memory of all that came before")
    left.set(ylabel="nats per character")
    left.legend()
    right.errorbar(middle, extra, error, fmt="o-", color=plots.COLOURS[0], capsize=3, markersize=4)
    right.axhline(0, color=plots.INK, linewidth=1)
    right.set_yscale("symlog", linthresh=0.01)
    right.set(ylabel="nats lost by having forgotten", ylim=(-0.006, 2 * extra.max()))
    for ax in (left, right):
        ax.set(xscale="log", xlabel="characters read since the memory was emptied")
        ax.xaxis.set_major_formatter("{x:g}")
        ax.grid(alpha=0.3)
    right.yaxis.set_major_formatter("{x:g}")
    plots.save(figure, path)
    reached = middle[extra < 0.02]
    return {
        "nats_with_full_memory": float(warm.mean()),
        "characters_until_within_0.02_nats": float(reached[0]) if len(reached) else None,
        "nats_by_characters_read": {f"{m:.0f}": float(value) for m, value in zip(middle, loss, strict=True)},
        "nats_lost_by_characters_read": {f"{m:.0f}": float(value) for m, value in zip(middle, extra, strict=True)},
    }


def kinds_of(text, kind, train):
    """{kind of character: bool (n,)} for the n characters of a text; every character is of one kind."""
    characters = np.array(list(text))
    line_end, space = characters == "\n", np.array([c.isspace() and c != "\n" for c in text], bool)
    if kind == "english":
        letter = np.array([character.isalpha() for character in text], bool)
        capital = np.array([character.isupper() for character in text], bool)
        first = letter & ~np.append(False, letter[:-1])
        kinds = {
            "capital letter": capital,
            "first letter of a word": first & ~capital,
            "second or third letter": letter & ~first & ~capital & _near(first, 2),
            "later letter": letter & ~first & ~capital & ~_near(first, 2),
            "space": space,
            "line end": line_end,
            "digit": np.array([character.isdigit() for character in text], bool) & ~letter,
        }
    else:
        header = poems.is_header(text) if kind == "poems" else np.zeros(len(text), bool)
        chinese = np.array([is_chinese(character) for character in text], bool) & ~header
        used, counts = np.unique(np.array(re.findall(CHINESE, train)), return_counts=True)
        used = used[np.argsort(-counts, kind="stable")]
        kinds, edges = {"the line that names the form": header}, (0, 100, 500, 1500, len(used))
        for low, high in itertools.pairwise(edges):
            name = f"characters {low + 1:,} to {high:,} by frequency" if high < len(used) else "rarer characters"
            kinds[name] = kinds.get(name, False) | chinese & np.isin(characters, used[low:high])
        kinds["rarer characters"] = kinds.get("rarer characters", False) | chinese & ~np.isin(characters, used)
        kinds |= {"space": space, "line end": line_end & ~header}
    kinds["punctuation and others"] = ~np.any(list(kinds.values()), axis=0)
    return {name: mask for name, mask in kinds.items() if mask.any()}


def _near(mask, n):
    """Whether one of the `n` before is in the mask."""
    return np.any([np.append(np.zeros(k, bool), mask[:-k]) for k in range(1, n + 1)], axis=0)


def show_kinds(path, text, nats, counted, kind, train):
    """kinds.png: what characters of each kind cost, and how much of the whole loss they make up.

    text, nats, counted: (n,); what does not count is left out.
    """
    kinds = {name: mask[counted] for name, mask in kinds_of(text, kind, train).items() if mask[counted].any()}
    nats = nats[counted]
    numbers = {
        name: {
            "share_of_characters": float(mask.mean()),
            "nats_per_character": float(nats[mask].mean()),
            "share_of_loss": float(nats[mask].sum() / nats.sum()),
        }
        for name, mask in kinds.items()
    }
    figure = plots.new_figure(12, 1.6 + 0.42 * len(kinds), "Which characters are hard to foresee?")
    left, right = figure.subplots(1, 2, sharey=True)
    places = np.arange(len(kinds))
    values = [entry["nats_per_character"] for entry in numbers.values()]
    left.barh(places, values, color=plots.COLOURS[0])
    left.axvline(nats.mean(), color=plots.INK, linestyle="--", linewidth=1.2, zorder=0)
    left.set_xlabel(f"nats per character (dashed: all {len(nats):,} of them, {nats.mean():.2f})")
    left.set_yticks(places, [f"{name}: {value:.2f}" for name, value in zip(kinds, values, strict=True)])
    left.invert_yaxis()
    for offset, key, label, colour in (
        (-0.2, "share_of_characters", "share of the characters", plots.COLOURS[2]),
        (0.2, "share_of_loss", "share of the loss", plots.COLOURS[1]),
    ):
        right.barh(places + offset, [100 * entry[key] for entry in numbers.values()], 0.38, color=colour, label=label)
    right.set(xlabel="%")
    right.legend()
    plots.save(figure, path)
    return numbers
