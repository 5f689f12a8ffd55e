"""Where the chatbot looks when it answers, which words it likes, and ten talks as they came.

    python hw3_lstm_text/chatbot/analyze.py                                          after train.py
    python hw3_lstm_text/chatbot/analyze.py --run outputs/hw3_chatbot_reinforced     beside the run that it began with

Writes attention.png and words.png into figures/ of the run, ten talks with itself into talks.txt, and the numbers
behind them into analysis.json.
"""

import argparse
import sys
import textwrap
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # runs from any folder, without installation

from common.run import cli  # first: it keeps the backend of Keras quiet while it loads

# isort: split
import numpy as np

from common import files
from common.data import conversations
from common.figures import plots
from common.run import analysis
from hw3_lstm_text.chatbot import evaluate, talk
from hw3_lstm_text.chatbot.generate import HOMEWORK, open_speaker
from hw3_lstm_text.chatbot.pairs import prepare
from hw3_lstm_text.chatbot.reinforce import same_network

SHOWN = 4  # answers whose attention is shown
TALKS, ANSWERS = 10, 6  # that are written down, and answers in each
WORDS = 14  # that became more frequent, and as many that became rarer
FEWEST = 5  # times that a word of words.png is said


def analyze(options):
    speaker, saved = open_speaker(options)
    given = analysis.run_options(options, saved)
    dataset = analysis.as_seen(conversations.load(given.corpus, given), options, saved)
    talks = prepare(dataset, given, speaker.pieces)
    figures, test = options.run / "figures", talks.test

    numbers = {"attention": show_attention(speaker, test, figures / "attention.png")}
    contexts = test.contexts[evaluate.some(test, evaluate.ASKED)]
    said = [texts[0] for texts in evaluate.self_talks(speaker, contexts, evaluate.DRAWN, 1)]
    if "start" in saved["options"]:
        first, _ = open_speaker(argparse.Namespace(run=Path(given.start)))
        same_network(given, Path(given.start))
        before = [texts[0] for texts in evaluate.self_talks(first, contexts, evaluate.DRAWN, 1)]
        names = "before", "reinforced"
    else:
        before = [speaker.pieces.decode(row) for row in test.answers[evaluate.some(test, evaluate.ASKED)]]
        names = "people", "the network"
    numbers["words"] = show_words(before, said, names, figures / "words.png")
    numbers["talks"] = write_talks(speaker, test, options.run / "talks.txt")
    analysis.save_numbers(options, numbers)


def show_attention(speaker, pairs, path):
    """attention.png: questions, the likeliest answers, and where the network looks before each of their pieces."""
    contexts = pairs.contexts[evaluate.some(pairs, SHOWN)]
    answers, weights = speaker.answer(contexts, np.random.default_rng(0), 0)
    figure = plots.new_figure(13, 10, "Where it looks before it says a piece")
    axes = figure.subplots(2, -(-len(contexts) // 2), squeeze=False).ravel()
    piece = speaker.pieces.name
    for ax, context, answer, looks in zip(axes, contexts, answers, weights, strict=False):
        read, said = np.flatnonzero(context), np.flatnonzero(answer)
        ax.imshow(looks[np.ix_(said, read)], cmap="Blues", vmin=0, aspect="auto")
        ax.set_xticks(range(len(read)), [piece(context[i]) for i in read], rotation=90, fontsize=8)
        ax.set_yticks(range(len(said)), [piece(answer[i]) for i in said], fontsize=9)
        ax.set(xlabel="what was said", ylabel="the answer")
    for ax in axes[len(contexts) :]:
        ax.set_axis_off()
    plots.save(figure, path)
    return [speaker.pieces.decode(row) for row in answers]


def show_words(before, after, names, path):
    """words.png: the words whose share grew or fell most. {word: [before, after]}, per thousand words."""
    counts = [Counter(word for text in texts for word in talk.words(text)) for texts in (before, after)]
    shares = [{word: 1000 * n / count.total() for word, n in count.items()} for count in counts]
    often = [word for word in {**counts[0], **counts[1]} if max(count[word] for count in counts) >= FEWEST]
    often.sort(key=lambda word: shares[1].get(word, 0) - shares[0].get(word, 0))
    chosen = list(dict.fromkeys([*often[:WORDS], *often[-WORDS:]]))
    values = np.array([[share.get(word, 0) for share in shares] for word in chosen]).reshape(-1, 2)
    figure = plots.new_figure(9, 2 + 0.26 * len(chosen), "Words that became rarer, and more frequent")
    ax = figure.subplots()
    rows = np.arange(len(chosen))
    ax.hlines(rows, *values.T, color="lightgrey", linewidth=2)
    for column, (name, marker) in enumerate(zip(names, "os", strict=True)):
        ax.plot(values[:, column], rows, marker, color=plots.COLOURS[column], label=name)
    ax.set_yticks(rows, chosen)
    ax.set(xlabel="of a thousand words")
    ax.grid(axis="x", alpha=0.3)
    ax.legend()
    plots.save(figure, path)
    return dict(zip(chosen, values.tolist(), strict=True))


def write_talks(speaker, pairs, path):
    """talks.txt: ten talks with itself, drawn with a fixed seed, the first that came. A list of lists."""
    contexts = pairs.contexts[evaluate.some(pairs, TALKS)]
    found = evaluate.self_talks(speaker, contexts, evaluate.DRAWN, ANSWERS)
    lines = []
    for context, answers in zip(contexts, found, strict=True):
        said = [speaker.pieces.decode(codes) for codes in talk.split(context, speaker.pieces)]
        lines += [f"   ({textwrap.shorten(text, 200)})" for text in said]
        lines += [f"{'AB'[i % 2]}: {answer}" for i, answer in enumerate(answers)] + [""]
    with files.atomic(path) as part:
        part.write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))
    return found


@cli.guarded
def main(argv=None):
    analysis.main(analysis.options(HOMEWORK, __doc__), analyze, argv)


if __name__ == "__main__":
    sys.exit(main())
