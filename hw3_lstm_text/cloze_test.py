"""A test of the cloze task (機器克漏字): how often does the network find the word that was blanked out?

The test is made of held-out sentences, with five candidates that are about equally frequent in the training text, so
that frequency is no help. It is taken by the network, by the network without what follows the blank, and by counts of
pairs of words.
"""

import itertools
import re
from collections import Counter
from typing import NamedTuple

import numpy as np

from common.data.corpus import CHINESE, encode
from common.figures import plots
from hw3_lstm_text.cloze import costs, framed

QUESTIONS = 300
CANDIDATES = 5
RARE = 10  # occurrences in the training text that a candidate must have
ALIKE = 12  # the other candidates are drawn from so many words that are next to the right one in frequency
LONGEST = 200  # characters of a sentence
METHODS = {  # names in the picture
    "lstm": "LSTM, whole sentence",
    "lstm_left": "LSTM, up to the blank",
    "bigrams": "pairs of words, counted",
}


class Question(NamedTuple):
    before: str
    after: str
    answer: str
    candidates: list  # of str, the answer among them


class Bigrams:
    """Counts of neighbouring tokens: P(word | left) P(right | word), mixed with the tokens' own frequencies.

    P(b | a) = (count(a, b) + m P(b)) / (count(a) + m), Dirichlet smoothing with m = `mass` (Zhai & Lafferty 2004).
    """

    def __init__(self, sequence, mass=20):
        self.singles, self.pairs = Counter(sequence), Counter(itertools.pairwise(sequence))
        self.mass = mass
        self.total = len(sequence) + len(self.singles) + 1

    def log_probability(self, token, left):
        alone = (self.singles[token] + 1) / self.total
        return np.log((self.pairs[left, token] + self.mass * alone) / (self.singles[left] + self.mass))

    def score(self, left, token, right):
        return self.log_probability(token, left) + self.log_probability(right, token)


def tokens(text, kind):
    """The words and marks of an English text in lower case; the characters of a Chinese one."""
    return re.findall(r"[a-z]+(?:'[a-z]+)*|[^\sa-z]", text.lower()) if kind == "english" else list(text)


def sentences(text, kind):
    """The sentences of a text that can be asked about; of poems, those of at most eight clauses."""
    if kind == "poems":
        bodies = [block.partition("\n")[2] for block in text.strip("\n").split("\n\n")]
        return [body for body in bodies if body and len(body) <= 70]
    if kind == "chinese":
        return [s for s in re.findall("[^。！？\n]+[。！？]", text) if 8 <= len(s) <= LONGEST]
    text = re.sub(r"(?:\A|(?<=\n\n))[A-Z][^\n]{0,40}:\n", "", text)  # without the names of the speakers
    found = re.findall(r"[^.!?\s](?:(?!\n\n)[^.!?])*[.!?]", text)
    return [s for s in found if 40 <= len(s) <= LONGEST and s.count(" ") >= 6]


def questions(train, held_out, kind, rng, count):
    """At most `count` Questions from the sentences of the held-out text, one of each; also the vocabulary's counts."""
    word = re.compile(r"(?<![\w'])[a-z]{2,}(?![\w'])" if kind == "english" else CHINESE)
    counts = Counter(word.findall(train))
    vocabulary = [w for w, n in counts.most_common() if n >= RARE]
    place = {w: i for i, w in enumerate(vocabulary)}
    asked = []
    for sentence in rng.permutation(sentences(held_out, kind)):
        # with a neighbour on either side
        blanks = [m for m in word.finditer(sentence) if m[0] in place and m.start() > 0 and m.end() < len(sentence)]
        if len(asked) == count or len(vocabulary) < CANDIDATES:
            break
        if not blanks:
            continue
        blank = blanks[rng.integers(len(blanks))]
        i = place[blank[0]]
        first = min(max(0, i - ALIKE // 2), max(0, len(vocabulary) - ALIKE - 1))
        alike = [w for w in vocabulary[first : first + ALIKE + 1] if w != blank[0]]
        candidates = rng.permutation([blank[0], *rng.choice(alike, CANDIDATES - 1, replace=False)]).tolist()
        asked.append(Question(sentence[: blank.start()], sentence[blank.end() :], blank[0], candidates))
    return asked, counts


def answers(reader, kind, asked, bigrams):
    """{method: [the candidate that it takes for each question]} for the METHODS."""
    texts, ends = [], []
    closing = kind == "english"  # a word is none until a character that follows says that it has ended
    for question in asked:
        for candidate in question.candidates:
            text = framed(question.before + candidate + question.after, kind, reader.characters)
            texts.append(encode(text, reader.characters))
            ends.append(len(text) - len(question.after) - 2 + closing)  # costs up to here: before and in the blank
    spent = costs(reader, texts)
    nats = {"lstm": [c.sum() for c in spent], "lstm_left": [c[:end].sum() for c, end in zip(spent, ends, strict=True)]}
    nats["bigrams"] = [
        -bigrams.score(tokens(q.before, kind)[-1], candidate, tokens(q.after, kind)[0])
        for q in asked
        for candidate in q.candidates
    ]
    chosen = {name: np.reshape(values, (len(asked), -1)).argmin(axis=1) for name, values in nats.items()}
    return {name: [q.candidates[i] for q, i in zip(asked, taken, strict=True)] for name, taken in chosen.items()}


def cloze_test(reader, corpus, train, held_out, rng, path):
    """Take the test and draw cloze.png; the numbers as a dict, or None when the text gives too few questions.

    train, held_out: str, the parts of the corpus to count in and to ask about.
    """
    asked, counts = questions(train, held_out, corpus.kind, rng, QUESTIONS)
    if len(asked) < 20:
        return None
    bigrams = Bigrams(tokens(train, corpus.kind))
    taken = answers(reader, corpus.kind, asked, bigrams)
    right = {name: np.array([a == q.answer for a, q in zip(taken[name], asked, strict=True)]) for name in METHODS}
    frequency = np.array([counts[question.answer] for question in asked])
    thirds = np.digitize(frequency, np.quantile(frequency, (1 / 3, 2 / 3)), right=True)
    groups = [np.flatnonzero(thirds == third) for third in np.unique(thirds)]
    numbers = {"questions": len(asked), "chance": 1 / CANDIDATES}
    for name, values in right.items():
        numbers[name] = float(values.mean())
        numbers[f"{name}_standard_error"] = standard_error(values)
    numbers["examples"] = [
        {"sentence": f"{q.before}____{q.after}", "answer": q.answer} | {name: taken[name][i] for name in METHODS}
        for i, q in enumerate(asked)
        if not right["lstm"][i] or not right["bigrams"][i]
    ][:12]
    _draw(path, right, frequency, groups, corpus.kind)
    return numbers


def standard_error(values):
    """Of the mean of the values (n,)."""
    return float(np.std(values) / np.sqrt(len(values)))


def _draw(path, right, frequency, groups, kind):
    word = "word" if kind == "english" else "character"
    title = f"Which {word} was blanked out? {len(frequency)} held-out questions of {CANDIDATES} candidates"
    figure = plots.new_figure(11.5, 4.6, title)
    left, ax = figure.subplots(1, 2, width_ratios=(1, 1.5))
    labels = [label.replace("words", "characters") if kind != "english" else label for label in METHODS.values()]
    for i, name in enumerate(METHODS):
        value, error = 100 * right[name].mean(), 100 * standard_error(right[name])
        left.bar(i, value, yerr=error, color=plots.COLOURS[i], capsize=4, width=0.65)
        left.text(i, value + error + 1.5, f"{value:.0f} %", ha="center")
        values = [100 * right[name][group].mean() for group in groups]
        errors = [100 * standard_error(right[name][group]) for group in groups]
        places = np.arange(len(groups)) + 0.27 * (i - 1)
        ax.bar(places, values, 0.25, yerr=errors, color=plots.COLOURS[i], capsize=3, label=labels[i])
    left.set_xticks(range(len(METHODS)), [label.replace(", ", ",\n") for label in labels], fontsize=9.5)
    spans = [f"{frequency[group].min():,} to {frequency[group].max():,}" for group in groups]
    ax.set_xticks(range(len(groups)), spans)
    ax.set_xlabel(f"occurrences of the right {word} in the training text")
    for axes in (left, ax):
        axes.axhline(100 / CANDIDATES, color=plots.INK, linestyle="--", linewidth=1.2, label="chance")
        axes.set(ylim=(0, 120), yticks=range(0, 101, 20), ylabel="right answers, %")
    ax.legend(loc="upper center", ncols=2, fontsize=9)
    plots.save(figure, path)
