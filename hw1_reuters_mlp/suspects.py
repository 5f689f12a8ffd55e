"""Which labels are likely wrong, and how many wires have a twin: no classifier can be better than the labels."""

from collections import defaultdict

import numpy as np

from common.data.wires import TOPICS
from hw1_reuters_mlp.deciding_words import contributions
from hw1_reuters_mlp.marked_text import draw_texts


def show_suspects(model, bag, wires, scores, path, shown=7, words_shown=60):
    """suspects.png: the test wires whose label is most likely wrong; and how many wires have a twin.

    A label is suspect when the network gives another topic a score that is higher by more than 1, half of the
    distance that it was taught to put between yes and no. Twins are wires with the same words.
    """
    n_train = len(wires.x_train)
    labels = np.concatenate([wires.y_train, wires.y_test])
    twins = defaultdict(list)
    for x, first in ((wires.x_train, 0), (wires.x_test, n_train)):
        for row in range(len(x)):
            twins[x.tokens[x.offsets[row] : x.offsets[row + 1]].tobytes()].append(first + row)
    groups = [np.array(rows) for rows in twins.values() if len(rows) > 1]
    kind = np.full(len(labels), "no twin", dtype=object)
    lost = 0  # of several identical wires a classifier gets right at most those with the most frequent label
    twin_of = {}
    for rows in groups:
        counts = np.bincount(labels[rows])
        kind[rows] = "agreeing twin" if counts.max() == len(rows) else "conflicting twin"
        lost += len(rows) - counts.max()
        twin_of |= {row: rows[rows != row] for row in rows}

    answers = scores.argmax(axis=1)
    gap = scores.max(axis=1) - scores[np.arange(len(scores)), wires.y_test]
    right = answers == wires.y_test
    numbers = {
        "suspect_test_labels": int((gap > 1).sum()),
        "groups_of_twins": len(groups),
        "groups_with_conflicting_labels": sum(len(set(labels[rows])) > 1 for rows in groups),
        "share_of_wires_with_a_conflicting_twin": float((kind == "conflicting twin").mean()),
        "upper_bound_of_accuracy": 1 - lost / len(labels),
    }
    for name in ("conflicting twin", "agreeing twin", "no twin"):
        of_kind = kind[n_train:] == name
        accuracy = float(right[of_kind].mean()) if of_kind.any() else None
        numbers[f"test wires with {name}"] = {"n": int(of_kind.sum()), "accuracy": accuracy}

    suspects = np.argsort(-gap)[:shown]
    headings = []
    for row in suspects:
        heading = f"label {TOPICS[wires.y_test[row]]}, answer {TOPICS[answers[row]]} (score higher by {gap[row]:.1f})"
        named = sorted({TOPICS[labels[twin]] for twin in twin_of.get(n_train + row, [])})
        headings.append(heading + (f"; a wire with the same words has the label {', '.join(named)}" if named else ""))
    added = contributions(model, bag.rows(wires.x_test[suspects])[:], answers[suspects])
    texts = [wires.x_test.text(row)[:words_shown] for row in suspects]
    draw_texts(path, bag, texts, headings, added, "Test wires whose label is most likely wrong")
    return numbers
