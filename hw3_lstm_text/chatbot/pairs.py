"""What the network learns from: what was said last, and what somebody has answered. What is left out, and why."""

import collections
import itertools
import re
from argparse import Namespace
from typing import NamedTuple

import numpy as np

from common.data.batches import Batches
from hw3_lstm_text.chatbot.pieces import Pieces, learn

ABUSE = (
    r"f+u+c*k+\w*|shit\w*|bitch\w*|cunts?|dick(?:s|head)?|assholes?|nigg\w+|fag(?:s|gots?)?|whores?|sluts?|rape[ds]?|"
    r"porn\w*"
)
RULES = {  # what must not stand in an utterance: {why it is left out: pattern}
    "a link or an address": re.compile(r"https?:|www\.|\.(?:com|org|net|edu)\b|@", re.IGNORECASE),
    "a long number": re.compile(r"\d{3}"),  # of a telephone, a house, a student
    "somebody's name": re.compile(r"\bmy name(?: is|'?s)\b|\bname'?s\b|\bcall me [A-Z]|我叫|我的名字", re.IGNORECASE),
    "abuse": re.compile(rf"\b(?:{ABUSE})\b", re.IGNORECASE),
}
RARE_NAME, EMPTY = "a rare name", "no letter"
NAME = re.compile(r"(?<=[\w,;] )[A-Z][a-z]+(?:'s)?\b")  # a capital inside of a sentence
KNOWN = 5  # conversations that have a name: one that fewer have may be that of somebody's friend
SENTENCE = re.compile(r"(?<=[.!?])\s+|\n|(?<=[。！？])")


def rare_names(conversations):
    """The set of the capitalised words that fewer than KNOWN conversations have, and that are hardly ever small."""
    found, small = collections.defaultdict(set), collections.Counter()
    for i, utterances in enumerate(conversations):
        for utterance in utterances:
            for name in NAME.findall(utterance):
                found[name].add(i)
            small.update(re.findall(r"\b[a-z]+(?:'s)?\b", utterance))
    return {name for name, places in found.items() if len(places) < KNOWN and small[name.lower()] < 3 * len(places)}


def why_left_out(utterance, names=frozenset()):
    """The reason why an utterance must not be learned, or None. names: a set of words, see rare_names."""
    if not re.search(r"[^\W\d_]", utterance):
        return EMPTY
    if names and not names.isdisjoint(re.findall(r"\b[A-Z][a-z]+(?:'s)?\b", utterance)):
        return RARE_NAME
    return next((why for why, pattern in RULES.items() if pattern.search(utterance)), None)


def beginning(sentences, longest):
    """The codes of as many whole sentences (lists of codes), from the first, as `longest` pieces hold; [] for none."""
    found = []
    for codes in sentences:
        if len(found) + len(codes) > longest:
            break
        found += codes
    return found


def context_of(said, pieces, longest):
    """What was said last, as the network reads it: int32 (longest,), 0 where there is nothing.

    said: lists of codes, the last one is to be answered; a mark follows each. Those at the end are kept.
    """
    codes = [code for each in said for code in (*each, pieces.turn)][-longest:] or [pieces.turn]
    return np.array([0] * (longest - len(codes)) + codes, "int32")


def clean(conversations, names):
    """(the conversations without what must not be learned, {reason: utterances left out}); names: see rare_names.

    What is left out is not read either: the conversation ends there, and another one begins after it.
    """
    found, left_out = [], collections.Counter()
    for utterances in conversations:
        found.append([])
        for utterance in utterances:
            if why := why_left_out(utterance, names):
                left_out[why] += 1
                found.append([])
            else:
                found[-1].append(utterance)
    return [utterances for utterances in found if utterances], left_out


class Pairs(NamedTuple):
    """contexts: int32 (n, longest context). answers: int32 (n, longest answer + 1), the mark of the end, then 0.

    asked: what each is the answer to (str). too_long: answers that are left out, whose first sentence is too long.
    """

    contexts: np.ndarray
    answers: np.ndarray
    asked: list
    too_long: int


def pairs_of(conversations, pieces, turns, longest_context, longest_answer):
    """The Pairs of clean conversations. turns: utterances that a context goes back."""
    contexts, answers, asked, too_long = [], [], [], 0
    for utterances in conversations:
        sentences = [pieces.encode(SENTENCE.split(utterance)) for utterance in utterances]
        codes = [[*itertools.chain(*each)] for each in sentences]
        for i in range(1, len(utterances)):
            if answer := beginning(sentences[i], longest_answer):
                contexts.append(context_of(codes[max(0, i - turns) : i], pieces, longest_context))
                answers.append([*answer, pieces.end] + [0] * (longest_answer - len(answer)))
                asked.append(utterances[i - 1])
            else:
                too_long += 1
    contexts = np.array(contexts, "int32").reshape(-1, longest_context)
    return Pairs(contexts, np.array(answers, "int32").reshape(-1, longest_answer + 1), asked, too_long)


class Talks(NamedTuple):
    """The pieces, and the Pairs of the conversations to train on, for validation and for the test.

    config: the settings of the training. kind: "english" or "chinese". line: for people, what was left out and why.
    """

    pieces: Pieces
    train: Pairs
    validation: Pairs
    test: Pairs
    config: Namespace
    kind: str
    line: str


def prepare(dataset, config, pieces=None):
    """The Talks of a conversations.Conversations; pieces: those that were learned before, else they are learned."""
    parts = dataset.x_train, dataset.x_validation, dataset.x_test
    names = rare_names([utterances for part in parts for utterances in part])
    cleaned, left_out = zip(*(clean(part, names) for part in parts), strict=True)
    pieces = pieces or learn((each for utterances in cleaned[0] for each in utterances), config.pieces, dataset.kind)
    pairs = [pairs_of(part, pieces, config.turns, config.longest_context, config.longest_answer) for part in cleaned]
    train, validation, test = (f"{len(part.answers):,}" for part in pairs)
    reasons = sum(left_out, collections.Counter()).most_common()
    without = ", ".join(f"{why} {n:,}" for why, n in reasons) or "nothing"
    long = f"{sum(part.too_long for part in pairs):,} answers whose first sentence is too long"
    line = f"{train} pairs to train on, {validation} to validate, {test} to test; left out: {without}; {long}"
    return Talks(pieces, *pairs, config, dataset.kind, line)


def before(answers, begin):
    """What stands before each piece of the answers (n, time): the mark of the beginning, then the pieces themselves."""
    return np.concatenate([np.full((len(answers), 1), begin, "int32"), answers[:, :-1]], axis=1)


class PairBatches(Batches):
    """Batches of (contexts, what stands before each piece), the pieces, and their weights: 1, and 0 after the end.

    A share `alone` of the contexts is emptied: the network also learns how likely an answer is by itself.
    """

    def __init__(self, pairs, pieces, batch_size, seed, alone):
        super().__init__(pairs.contexts, pairs.answers, batch_size, seed, self.forget)
        self.pieces, self.alone = pieces, alone
        self.nothing = context_of([], pieces, pairs.contexts.shape[1])

    def forget(self, contexts, rows, epoch, rng):
        return np.where(rng.random((len(contexts), 1)) < self.alone, self.nothing, contexts)

    def __getitem__(self, index):
        contexts, answers = super().__getitem__(index)
        return (contexts, before(answers, self.pieces.begin)), answers, (answers > 0).astype("float32")
