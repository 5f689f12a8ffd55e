"""What the LSTM keeps track of, how far it remembers, what it finds hard, and how it writes.

    python hw3_lstm_text/analyze.py                       a minute or two on two CPU cores, after train.py
    python hw3_lstm_text/analyze.py --run outputs/tang
    python hw3_lstm_text/analyze.py --cloze "To be, or not to ____" be see do run

Writes pictures into figures/ of the run and the numbers behind them into analysis.json.
"""

import itertools
import re
import sys
import textwrap
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs from any folder, without installation

from common.run import cli  # first: it keeps the backend of Keras quiet while it loads

# isort: split
import numpy as np

from common import data
from common.data import poems
from common.data.corpus import decode
from common.figures import plots
from common.figures.glyphs import drawable
from common.run import analysis

HOMEWORK = "hw3_lstm_text"
WATCHED = 16_384  # held-out characters that the cells are watched on
SCORED = 60_000  # held-out characters whose loss is looked at by kind and by memory
MEMORY = 512  # characters, or a little more, after which the memory is emptied, to see what it was good for
COUNTED = 5_000_000  # characters of a larger training text that words are counted in and copies sought in
COLD = 0.4  # the lower of the two temperatures at which copying is measured


def analyze(options):
    """Draw all pictures of the run, or with --cloze rank the candidates for one blank."""
    reader, config = analysis.open_model(options, HOMEWORK)
    from hw3_lstm_text import cells, cloze, language  # need Keras, which starts after the device is chosen

    if options.cloze:
        characters, kind = language.load_characters(options.run)
        sentence, *candidates = options.cloze
        show_ranking(cloze.rank(reader, characters, kind, sentence, candidates))
        return
    settings = analysis.run_options(options, config)
    corpus = analysis.as_seen(data.load_text(settings.corpus, settings), options, config)
    figures = options.run / "figures"
    rng = np.random.default_rng(config["options"]["seed"])
    train_codes = np.asarray(corpus.x_train[-COUNTED:])
    train, held_out = decode(train_codes, corpus.characters), decode(corpus.x_test[:COUNTED], corpus.characters)

    seen = cells.look(reader, corpus.x_test[:WATCHED])
    tracked = cells.properties(held_out[:WATCHED], corpus.kind)
    found = cells.best_cells(seen.cells, tracked, rng)
    if found:
        wide = 56 if corpus.kind == "english" else 17 if corpus.kind == "poems" else 28
        cells.show_cells(figures / "cells.png", held_out[:WATCHED], seen, tracked, found, wide)
    names = [dict(zip(("layer", "cell"), seen.names[best["cell"]], strict=True)) for best in found.values()]
    numbers = {"cells": {name: best | cell for (name, best), cell in zip(found.items(), names, strict=True)}}
    numbers["gates"] = cells.show_gates(figures / "gates.png", seen)
    codes = corpus.x_test[:SCORED]
    nats, counted = language.nats_per_character(reader, codes)
    numbers["memory"] = show_memory(figures / "memory.png", reader, codes, nats, counted)
    numbers["kinds"] = show_kinds(figures / "kinds.png", held_out[1 : len(codes)], nats, counted, corpus.kind, train)
    numbers |= report_writing(reader, corpus, train, held_out, rng, figures)
    numbers["cloze"] = cloze.cloze_test(reader, corpus, train, held_out, rng, figures / "cloze.png")
    show_samples(figures / "samples.png", options.run / "samples", corpus.kind)
    analysis.save_numbers(options, numbers)
    say(numbers)


def show_memory(path, reader, codes, warm, counted):
    """memory.png: what a character costs so many characters after the memory was emptied, and without that.

    warm, counted: from language.nats_per_character.
    """
    from hw3_lstm_text import language

    cold, place, _ = language.read_passages(reader, codes, MEMORY)
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
        chinese = np.array([poems.is_chinese(character) for character in text], bool) & ~header
        used, counts = np.unique(np.array(re.findall(poems.CHINESE, train)), return_counts=True)
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
    for y, value in zip(places, values, strict=True):
        box = {"facecolor": "white", "linewidth": 0, "pad": 0.5}
        left.annotate(
            f"{value:.2f}", (value, y), (4, 0), textcoords="offset points", va="center", fontsize=9.5, bbox=box
        )
    left.axvline(nats.mean(), color=plots.INK, linestyle="--", linewidth=1.2, zorder=0)
    left.set(xlabel=f"nats per character (dashed: all, {nats.mean():.2f})", xlim=(0, 1.12 * max(values)))
    left.set_yticks(places, kinds)
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


def report_writing(reader, corpus, train, held_out, rng, figures):
    """temperature.png, copying.png and, of poems, poems.png; the figures as a dict."""
    from hw3_lstm_text import writing

    known = writing.known_pieces(train, corpus.kind)
    written = writing.write_texts(reader, corpus, writing.TEMPERATURES, writing.TEXTS, rng)
    train_codes = np.asarray(corpus.x_train[-COUNTED:])
    if corpus.kind == "poems":
        real = writing.real_quatrains(held_out)[: 2 * writing.QUATRAINS]
        drawn = writing.write_texts(reader, corpus, (1.0,), writing.QUATRAINS, rng)[1.0]
        train_codes = train_codes[~poems.is_header(train)]
        sources = {"written": writing.bodies(drawn), "real, held out": writing.bodies(real)}
    else:
        starts = np.linspace(0, max(0, len(held_out) - writing.LENGTH), writing.TEXTS, dtype=int)
        real = [held_out[start : start + writing.LENGTH] for start in starts]
        sources = {f"written at temperature {t:g}": written[t] for t in (1.0, COLD)} | {"held-out text": real}
    numbers = {
        "temperature": writing.show_temperature(figures / "temperature.png", written, real, known, corpus.kind),
        "copying": writing.show_copying(figures / "copying.png", sources, corpus, train_codes),
    }
    if corpus.kind == "poems":
        numbers["poems"] = writing.show_poems(figures / "poems.png", drawn, real, rng)
    return numbers


def show_samples(path, folder, kind, shown=6, lines=9):
    """samples.png: the beginnings of what the network wrote in the course of its training, as train.py left it."""
    files = sorted(folder.glob("*.txt"))
    if not files:
        return
    chosen = [files[i] for i in np.unique(np.linspace(0, len(files) - 1, shown).astype(int))]
    columns = 2 if kind == "english" else 3
    rows = -(-len(chosen) // columns)
    figure = plots.new_figure(12, rows * (0.185 * lines + 0.5) + 0.5, "Learning to write")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes:
        ax.set_axis_off()
    for ax, file in zip(axes, chosen, strict=False):
        heading, _, text = file.read_text(encoding="utf-8").partition("\n\n")
        ax.set_title(heading.rpartition(",")[0] or heading, fontsize=10.5, loc="left")
        width = 70 if kind == "english" else 24
        wrapped = [part for line in text.split("\n") for part in textwrap.wrap(line, width) or [""]]
        shown_text = drawable("\n".join(wrapped[:lines]))
        ax.text(0, 1, shown_text, va="top", fontsize=9.5, transform=ax.transAxes, linespacing=1.35)
    plots.save(figure, path)


def show_ranking(ranking):
    """Print the candidates, the likeliest first."""
    width = max(len(candidate) for candidate, _, _ in ranking)
    print(f"{'':{width}}  nats of the whole sentence  probability among the candidates")
    for candidate, nats, chance in ranking:
        print(f"{candidate:{width}}  {nats:26.2f}  {100 * chance:30.1f} %")


def say(numbers):
    """Print the findings in a few lines."""
    for name, best in numbers["cells"].items():
        print(f"{name}: cell {best['cell']} of {best['layer']}, r = {best['r']:+.2f} (by chance {best['chance']:.2f})")
    reached = numbers["memory"]["characters_until_within_0.02_nats"]
    if reached:
        print(
            f"memory: {reached:.0f} characters after it was emptied the loss is what it would have been, to 0.02 nats"
        )
    for label, groups in numbers.get("poems", {}).items():
        print(f"{label}: " + ", ".join(f"{name} {100 * found['mean']:.0f} %" for name, found in groups.items()))
    if numbers["cloze"]:
        test = numbers["cloze"]
        print(
            f"cloze, {test['questions']} questions: LSTM {100 * test['lstm']:.0f} % right, "
            f"counted pairs {100 * test['bigrams']:.0f} %, chance {100 * test['chance']:.0f} %"
        )
    for name, figures in numbers["copying"].items():
        if isinstance(figures, dict):
            n, share = list(figures["share_in_runs_of"].items())[1]
            share = f"{100 * share:.1f} % of the text in runs of {n} or more"
            print(f"copying, {name}: longest run {figures['longest']} characters, {share}")


@cli.guarded
def main(argv=None):
    parser = analysis.options(HOMEWORK, __doc__)
    parser.add_argument(
        "--cloze",
        type=cli.text,
        nargs="+",
        metavar=("SENTENCE", "CANDIDATE"),
        help="a sentence with a blank ____, and the words that may fill it: which makes it likeliest?",
    )
    analysis.main(parser, analyze, argv)


if __name__ == "__main__":
    sys.exit(main())
