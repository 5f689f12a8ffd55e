"""Which words decide: what every word adds to the score of a topic.

Of the network's answers with ReLU this is no approximation: the score is the sum over the words, and a rest that
comes from the biases.
"""

import numpy as np

from common.data.wires import TOPICS
from common.figures import plots
from hw1_reuters_mlp.marked_text import FOR, draw_texts


def largest_topics(wires, n=12):
    """The `n` topics with the most training wires, the largest first."""
    return np.argsort(-np.bincount(wires.y_train, minlength=len(TOPICS)), kind="stable")[:n]


def contributions(model, rows, topics):
    """What every word adds to the score of a topic, float32 (n, words): rows (n, words), topics (n,).

    A network with ReLU is linear as long as the same units are active: the score of a topic is a sum over the words,
    weight of the word in the text times slope, and a rest that comes from the biases. One without a hidden layer always
    is.
    """
    if not any(layer.name == "hidden" for layer in model.layers):
        return rows * model.get_layer("margins").get_weights()[0].T[topics]
    kernel, bias = (np.asarray(value, "float32") for value in model.get_layer("hidden").get_weights())
    last = next(layer for layer in reversed(model.layers) if layer.weights)
    out = last.get_weights()[0].reshape(-1, *last.get_weights()[0].shape[-2:])  # (members, units, topics)
    members = out.shape[0]
    active = rows @ kernel + bias > 0
    slopes = active * out[:, :, topics].reshape(-1, len(topics)).T / members
    return rows * (slopes @ kernel.T)


def show_topic_words(model, bag, wires, path, wires_per_topic=400, n_words=10):
    """topic_words.png: the words that add most to the scores of the largest topics, on average over their wires."""
    figure = plots.new_figure(13, 11, "The words that speak most for a topic")
    figure.get_layout_engine().set(hspace=0.06)
    words = {}
    for ax, topic in zip(figure.subplots(3, 4).ravel(), largest_topics(wires), strict=True):
        own = np.flatnonzero(wires.y_train == topic)[:wires_per_topic]
        mean = contributions(model, bag.rows(wires.x_train[own])[:], np.full(len(own), topic)).mean(axis=0)
        best = np.argsort(-mean)[:n_words]
        ax.barh(bag.words[best], mean[best], color=FOR)
        ax.invert_yaxis()
        ax.set_title(f"{TOPICS[topic]} ({(wires.y_train == topic).sum():,} wires)", fontsize=11)
        words[TOPICS[topic]] = bag.words[best].tolist()
    figure.supxlabel("what the word adds to the score of the topic, mean over its training wires", fontsize=11)
    plots.save(figure, path)
    return words


def show_deciding_words(model, bag, wires, scores, path):
    """deciding_words.png: a wire that is easy, one that was a close decision, and one that went wrong."""
    answers = scores.argmax(axis=1)
    ordered = np.sort(scores, axis=1)
    gap = ordered[:, -1] - ordered[:, -2]
    right = answers == wires.y_test
    lengths = np.diff(wires.x_test.offsets)
    # of readable length and none of the two largest topics, whose wires are mostly tables
    good = (lengths > 60) & (lengths < 160) & ~np.isin(answers, largest_topics(wires, 2))
    rows = []
    for kind, value in ((good & right, -gap), (good & right, gap), (good & ~right, gap)):
        if kind.any():
            rows.append(np.flatnonzero(kind)[np.argmin(value[kind])])
    headings = []
    for row in rows:
        second = scores[row].argsort()[-2]
        headings.append(
            f"answer {TOPICS[answers[row]]} (score {scores[row].max():+.2f}), next {TOPICS[second]} "
            f"(score {scores[row, second]:+.2f}); label {TOPICS[wires.y_test[row]]}"
        )
    added = contributions(model, bag.rows(wires.x_test[np.array(rows, int)])[:], answers[rows])
    texts = [wires.x_test.text(row) for row in rows]
    draw_texts(path, bag, texts, headings, added, "An easy wire, a close decision, a mistake")
