"""What the LSTM keeps track of, how far it remembers, what it finds hard, and how it writes.

    python hw3_lstm_text/analyze.py                       a minute or two on two CPU cores, after train.py
    python hw3_lstm_text/analyze.py --run outputs/tang
    python hw3_lstm_text/analyze.py --cloze "To be, or not to ____" be see do run

Writes pictures into figures/ of the run and the numbers behind them into analysis.json.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs from any folder, without installation

from common.run import cli  # first: it keeps the backend of Keras quiet while it loads

# isort: split
import numpy as np

from common.data import poems, texts
from common.data.corpus import decode
from common.errors import UserError
from common.run import analysis
from common.run.predictor import Local
from hw3_lstm_text import cell_pictures, cells, cloze, cloze_test, copying, foresight, writing
from hw3_lstm_text.evaluate import nats_per_character
from hw3_lstm_text.reader import Reader, read_characters
from hw3_lstm_text.samples import show_samples

HOMEWORK = "hw3_lstm_text"
WATCHED = 16_384  # held-out characters that the cells are watched on
SCORED = 60_000  # held-out characters whose loss is looked at by kind and by memory
COUNTED = 5_000_000  # characters of a larger training text that words are counted in and copies sought in
COLD = 0.4  # the lower of the two temperatures at which copying is measured


def analyze(options):
    """Draw all pictures of the run, or with --cloze rank the candidates for one blank."""
    model, config = analysis.open_model(options, HOMEWORK)
    characters, kind = read_characters(options.run)
    reader = Reader(Local(model), characters)
    if options.cloze:
        sentence, *candidates = options.cloze
        show_ranking(cloze.rank(reader, kind, sentence, candidates))
        return
    settings = analysis.run_options(options, config)
    corpus = analysis.as_seen(texts.load(settings.corpus, settings), options, config)
    figures = options.run / "figures"
    rng = np.random.default_rng(config["options"]["seed"])
    train_codes = np.asarray(corpus.x_train[-COUNTED:])
    train, held_out = decode(train_codes, corpus.characters), decode(corpus.x_test[:COUNTED], corpus.characters)

    seen = cells.look(model, corpus.x_test[:WATCHED])
    tracked = cells.properties(held_out[:WATCHED], corpus.kind)
    found = cells.best_cells(seen.cells, tracked, rng)
    if found:
        wide = 56 if corpus.kind == "english" else 17 if corpus.kind == "poems" else 28
        cell_pictures.show_cells(figures / "cells.png", held_out[:WATCHED], seen, tracked, found, wide)
    names = [dict(zip(("layer", "cell"), seen.names[best["cell"]], strict=True)) for best in found.values()]
    numbers = {"cells": {name: best | cell for (name, best), cell in zip(found.items(), names, strict=True)}}
    numbers["gates"] = cell_pictures.show_gates(figures / "gates.png", seen)
    codes = corpus.x_test[:SCORED]
    nats, counted = nats_per_character(reader, codes)
    numbers["memory"] = foresight.show_memory(figures / "memory.png", reader, codes, nats, counted)
    numbers["kinds"] = foresight.show_kinds(
        figures / "kinds.png", held_out[1 : len(codes)], nats, counted, corpus.kind, train
    )
    numbers |= look_at_writing(reader, corpus, train, held_out, rng, figures)
    numbers["cloze"] = cloze_test.cloze_test(reader, corpus, train, held_out, rng, figures / "cloze.png")
    show_samples(figures / "samples.png", options.run / "samples", corpus.kind)
    analysis.save_numbers(options, numbers)
    say(numbers)


def look_at_writing(reader, corpus, train, held_out, rng, figures):
    """temperature.png, copying.png and, of poems, poems.png; the numbers as a dict."""
    known = writing.known_pieces(train, corpus.kind)
    written = writing.write_at(reader, writing.TEMPERATURES, writing.TEXTS, corpus.kind, rng)
    train_codes = np.asarray(corpus.x_train[-COUNTED:])
    if corpus.kind == "poems":
        real = writing.real_quatrains(held_out)[: 2 * writing.POEMS]
        if not real:
            raise UserError("the last tenth of the poems holds no quatrain to compare with: more poems are needed")
        drawn = writing.write_at(reader, (1.0,), writing.POEMS, corpus.kind, rng)[1.0]
        train_codes = train_codes[~poems.is_header(train)]
        sources = {"written": writing.bodies(drawn), "real, held out": writing.bodies(real)}
    else:
        starts = np.linspace(0, max(0, len(held_out) - writing.LENGTH), writing.TEXTS, dtype=int)
        real = [held_out[start : start + writing.LENGTH] for start in starts]
        sources = {f"written at temperature {t:g}": written[t] for t in (1.0, COLD)} | {"held-out text": real}
    numbers = {
        "temperature": writing.show_temperature(figures / "temperature.png", written, real, known, corpus.kind),
        "copying": copying.show_copying(figures / "copying.png", sources, corpus, train_codes),
    }
    if corpus.kind == "poems":
        numbers["poems"] = writing.show_poems(figures / "poems.png", drawn, real, rng)
    return numbers


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
