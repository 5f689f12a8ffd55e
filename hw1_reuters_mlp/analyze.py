"""What the topic network makes of the wires, which words decide, and which labels are likely wrong.

    python hw1_reuters_mlp/analyze.py                       about a minute on two CPU cores, after train.py
    python hw1_reuters_mlp/analyze.py --text "Oil prices rose after OPEC ..."
    python hw1_reuters_mlp/analyze.py --text news.txt       a file; - reads standard input

Writes pictures into figures/ of the run and the numbers behind them into analysis.json.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs from any folder, without installation

from common.run import cli  # first: it keeps the backend of Keras quiet while it loads

# isort: split
import numpy as np
from matplotlib.ticker import LogFormatter
from sklearn.metrics import precision_recall_fscore_support

from common.data.wires import TOPICS
from common.errors import UserError
from common.figures import plots
from common.figures.layer_analysis import analyze_layers
from common.run import analysis
from hw1_reuters_mlp.bag_of_words import BagOfWords
from hw1_reuters_mlp.deciding_words import contributions, largest_topics, show_deciding_words, show_topic_words
from hw1_reuters_mlp.marked_text import AGAINST, FOR, draw_texts
from hw1_reuters_mlp.suspects import show_suspects
from hw1_reuters_mlp.texts import read_text

HOMEWORK = "hw1_reuters_mlp"


def analyze(options):
    """Draw all pictures of the run, or with --text name the topics of one text."""
    if options.text is not None:
        name_topics(options)
        return
    model, wires, _ = analysis.open_run(options, HOMEWORK, "reuters")
    bag = open_words(options)
    figures = options.run / "figures"
    scores = bag.predict(model, wires.x_test)
    numbers = report_layers(model, bag, wires, figures)
    numbers["words"] = show_topic_words(model, bag, wires, figures / "topic_words.png")
    numbers["topics"] = show_topics(wires, scores.argmax(axis=1), figures)
    show_deciding_words(model, bag, wires, scores, figures / "deciding_words.png")
    numbers["labels"] = show_suspects(model, bag, wires, scores, figures / "suspects.png")
    analysis.save_numbers(options, numbers)


def open_words(options):
    """The BagOfWords of the run."""
    path = options.run / "words.npz"
    try:
        return BagOfWords.load(path)
    except Exception as error:  # a damaged .npz raises errors of many kinds
        raise UserError(f"{path} cannot be read ({error}): train again") from None


def report_layers(model, bag, wires, figures):
    """The layer analysis of homework 1, with the ten largest topics on the maps, each in a colour of its own."""
    largest = largest_topics(wires, len(TOPICS))
    rank = np.argsort(largest)  # the topics numbered by size
    train = bag.rows(wires.x_train[:5000])[:], rank[wires.y_train[:5000]]
    test = bag.rows(wires.x_test)[:], rank[wires.y_test]
    return analyze_layers(model, train, test, [TOPICS[topic] for topic in largest[:10]], figures)


def show_topics(wires, answers, figures):
    """topics.png, precision and recall of every topic; confusion.png, the topics that get confused most."""
    sizes = np.bincount(wires.y_train, minlength=len(TOPICS))
    precision, recall, f1, n_test = precision_recall_fscore_support(
        wires.y_test, answers, labels=range(len(TOPICS)), zero_division=0
    )
    order = np.argsort(sizes, kind="stable")
    places = np.arange(len(TOPICS))
    figure = plots.new_figure(11, 10.5, "How well each topic is known, the largest first")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(1, 2))
    left.barh(places, sizes[order], color=plots.COLOURS[2])
    left.set(xscale="log", xlabel="training wires", ylim=(-0.7, len(TOPICS) - 0.3))
    left.xaxis.set_major_formatter(LogFormatter())
    left.xaxis.set_minor_formatter(LogFormatter())
    left.set_yticks(places, [f"{TOPICS[topic]} ({n_test[topic]:,})" for topic in order], fontsize=8.5)
    left.set_ylabel("topic (test wires)")
    precision = np.where(np.isin(range(len(TOPICS)), answers), precision, np.nan)  # a topic that is never answered
    right.hlines(places, precision[order], recall[order], color="#cccccc", linewidth=2)
    rings = {"facecolors": "none", "edgecolors": FOR, "linewidths": 1.6, "s": 60}  # seen around a point, too
    right.scatter(precision[order], places, **rings, label="precision: of the answers, this share is right")
    right.scatter(recall[order], places, color=AGAINST, s=22, label="recall: of the wires, this share is found")
    right.set(xlabel="share", xlim=(-0.03, 1.03))
    right.grid(axis="x", alpha=0.3)
    figure.legend(*right.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    plots.save(figure, figures / "topics.png")

    matrix = np.zeros((len(TOPICS), len(TOPICS)), int)
    np.add.at(matrix, (wires.y_test, answers), 1)
    errors = matrix - np.diag(np.diag(matrix))
    confused = np.sort(np.argsort(-(errors.sum(axis=0) + errors.sum(axis=1)), kind="stable")[:14])
    others = np.setdiff1d(places, confused)
    names = [*(TOPICS[topic] for topic in confused), f"{len(others)} others"]
    groups = [*([topic] for topic in confused), others]
    small = np.array([[matrix[np.ix_(rows, columns)].sum() for columns in groups] for rows in groups])
    title = f"{errors.sum():,} mistakes in {len(answers):,} test wires: the topics that get confused"
    plots.confusion_matrix(figures / "confusion.png", small, names, title)
    return {
        TOPICS[topic]: {
            "n_train": int(sizes[topic]),
            "n_test": int(n_test[topic]),
            "precision": None if np.isnan(precision[topic]) else float(precision[topic]),
            "recall": float(recall[topic]),
            "f1": float(f1[topic]),
        }
        for topic in order[::-1]
    }


def judge_text(model, bag, text, n=3):
    """What the network makes of a text: (its words, how many of them are known, the scores of all topics,
    the numbers of the `n` likeliest topics, what every word of `bag` adds to each of these (n, words)).

    Raises UserError when no word is known.
    """
    words, wire = bag.read(text)
    if not words:
        raise UserError("the text is empty: give some English sentences")
    known = int((wire.tokens > 0).sum())
    if not known:
        raise UserError("the network knows none of the words: give English text, as in a newspaper")
    scores = bag.predict(model, wire)[0]
    top = np.argsort(-scores)[:n]
    return words, known, scores, top, contributions(model, bag.rows(wire)[:].repeat(n, axis=0), top)


def name_topics(options):
    """Print the three most likely topics of the text in --text, with the words that counted; draw own_text.png."""
    text = read_text(options.text)
    model, _ = analysis.open_model(options, HOMEWORK)
    bag = open_words(options)
    words, known, scores, top, added = judge_text(model, bag, text)
    for topic, values in zip(top, added, strict=True):
        best = [i for i in np.argsort(-values)[:6] if values[i] > 0]
        reasons = ", ".join(f"{bag.words[i]} {values[i]:+.2f}" for i in best)
        print(f"{TOPICS[topic]:15} {scores[topic]:+.2f}   {reasons}")
    if known < max(5, len(words) / 2):
        print(f"NOTE: the network knows only {known} of the {len(words)} words: do not trust this answer")
    heading = ", ".join(f"{TOPICS[topic]} (score {scores[topic]:+.2f})" for topic in top)
    path = options.run / "figures" / "own_text.png"
    draw_texts(path, bag, [words[:400]], [heading], added[:1], "The three most likely topics")


@cli.guarded
def main(argv=None):
    parser = analysis.options(HOMEWORK, __doc__)
    parser.add_argument("--text", metavar="TEXT", help="an English text, a file with one, or - for standard input")
    analysis.main(parser, analyze, argv)


if __name__ == "__main__":
    sys.exit(main())
