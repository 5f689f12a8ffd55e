"""News topics: the example of Keras, a linear SVM on tf-idf, and ours, in one run.

Run `python tests/benchmarks/hw1_reuters_mlp.py` (about five minutes on two cores; needs the full Reuters data).

The example is reuters_mlp.py of Keras (1,000 words, one hidden layer of 512, 5 epochs), here as `--model classic`. The
SVM is scikit-learn's LinearSVC with C = 0.5 on sublinear tf-idf of 10,000 words; the second SVM gets the same rows as
our networks. Ours are `fast` and `best` of hw1_reuters_mlp/train.py as a student runs it, with five seeds each.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import runs
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import f1_score
from sklearn.svm import LinearSVC

from common import data
from common.run import cli
from hw1_reuters_mlp.bag_of_words import BagOfWords

SEEDS = range(5)


def networks(model):
    """Train `model` with every seed: [(seconds, accuracy, macro-F1)]."""
    results = []
    for seed in SEEDS:
        found = runs.train("hw1_reuters_mlp", "--model", model, "--seed", seed)
        results.append((found["train_seconds"], found["test_accuracy"], found["macro_f1"]))
    return results


def linear_svm(rows, labels, test_rows, test_labels):
    """[(seconds, accuracy, macro-F1)] of a linear SVM; it has no seed that matters."""
    began = time.perf_counter()
    svm = LinearSVC(C=0.5, random_state=0).fit(rows, labels)
    seconds = time.perf_counter() - began
    answers = svm.predict(test_rows)
    return [(seconds, (answers == test_labels).mean(), f1_score(test_labels, answers, average="macro"))]


def report(name, results):
    seconds, accuracies, f1 = zip(*results, strict=True)
    spread = f" ({min(accuracies):.4f} to {max(accuracies):.4f})" if len(results) > 1 else ""
    print(
        f"{name:32} accuracy {statistics.mean(accuracies):.4f}{spread}, macro-F1 {statistics.mean(f1):.3f}, "
        f"{statistics.median(seconds):.1f} s",
        flush=True,
    )


def main():
    config = argparse.Namespace(data="full", data_dir=cli.default_data_dir(), limit=None, seed=0)
    wires = data.load("reuters", config)
    x, y, x_test, y_test = wires.x_train, wires.y_train, wires.x_test, wires.y_test
    report("Keras example", networks("classic"))
    words = TfidfVectorizer(analyzer=lambda text: text, max_features=10000, sublinear_tf=True)
    rows = words.fit_transform([x.text(row) for row in range(len(x))])
    test_rows = words.transform([x_test.text(row) for row in range(len(x_test))])
    report("linear SVM, tf-idf", linear_svm(rows, y, test_rows, y_test))
    bag = BagOfWords.fit(x, 5000, "tf-idf")
    report("linear SVM, our rows", linear_svm(bag.rows(x).matrix / 10, y, bag.rows(x_test).matrix / 10, y_test))
    report("ours, fast", networks("fast"))
    report("ours, best", networks("best"))


if __name__ == "__main__":
    main()
