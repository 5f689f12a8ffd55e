"""What a chatbot is worth: how well it foresees what people answer, and what its own answers and talks are like.

    perplexity            per piece of the answers, mark of the end included; ngram_perplexity: of counted pieces
    first_ten             how often the true answer is among the first ten of RANKED, ranked by its likelihood; ..._by_
                          information: less what it is by itself; ..._by_tfidf: by the words that question and answer
                          share
    distinct_1, _2        different words and pairs of words as a share of all, in its answers to real questions
    dull_share            of these answers, see talk.py
    talk_length           answers of a talk with itself until one is dull or repeats, at most talk.MOST
    ..._of_people         the same of the true answers, cut as those that it learned from

The answers are the likeliest piece by piece (temperature 0); `..._drawn` are the same measures of drawn ones. train.py
and reinforce.py both call `score`.
"""

import numpy as np

from common.data import conversations
from hw3_lstm_text.chatbot import others, talk
from hw3_lstm_text.chatbot.pairs import context_of, prepare
from hw3_lstm_text.chatbot.pieces import read
from hw3_lstm_text.chatbot.speaker import Speaker

FILES = ("pieces.model",)  # that a run must hold beside model.keras
GLANCE = 2000  # answers that are scored after every epoch
ASKED = 250  # questions that are answered, and starts of talks
RANKED = 200  # answers, of as many questions, that are ranked for half of these questions
DRAWN = 0.7  # temperature of the drawn answers


def load(config, folder):
    """The Talks of the finished run in `folder`; config as for conversations.load, with the settings of the run."""
    return prepare(conversations.load(config.corpus, config), config, read(folder))


def score(predictor, folder, talks):
    """{metric: float} of a predictor on the pairs of Talks that were held out for the test."""
    speaker, test = Speaker(predictor, talks.pieces, talks.config), talks.test
    nats = nats_per_piece(speaker, test)
    counted = others.ngram_perplexity(talks.train.answers, test.answers, talks.pieces)
    metrics = {"nats_per_piece": nats, "perplexity": others.perplexity(nats), "ngram_perplexity": counted}
    return metrics | ranking(speaker, talks) | own_answers(speaker, test, talks.pieces)


def nats_per_piece(speaker, pairs, n=None):
    """What a piece of the first n answers costs, with the mark of the end."""
    answers = pairs.answers[:n]
    return float(speaker.nats(pairs.contexts[:n], answers).sum() / (answers > 0).sum())


def some(pairs, n):
    """n of the places of the pairs, evenly from all conversations; all where there are fewer."""
    return np.linspace(0, len(pairs.answers) - 1, min(n, len(pairs.answers))).astype(int)


def ranking(speaker, talks):
    """{metric: share}: how often the true answer to a question is among the ten that a ranking puts first."""
    test, pieces = talks.test, talks.pieces
    places = some(test, RANKED)
    answers, right = test.answers[places], np.arange(0, len(places), 2)
    nothing = context_of([], pieces, talks.config.longest_context)
    given, information = others.likelihoods(speaker, test.contexts[places[right]], answers, nothing)
    said = [pieces.decode(row) for row in answers]
    known = [*talks.train.asked, *(pieces.decode(row) for row in talks.train.answers)]
    alike = others.tfidf_scores([test.asked[place] for place in places[right]], said, known)
    scores = {"first_ten": given, "first_ten_by_information": information, "first_ten_by_tfidf": alike}
    return {name: others.among_first(each, right) for name, each in scores.items()} | {"ranked": len(places)}


def own_answers(speaker, pairs, pieces):
    """The measures of the network's own answers and talks, and those of people's answers."""
    places = some(pairs, ASKED)
    found = of_answers([pieces.decode(row) for row in pairs.answers[places]], "_of_people")
    for temperature, name in ((0, ""), (DRAWN, "_drawn")):
        texts = self_talks(speaker, pairs.contexts[places], temperature, talk.MOST)
        found |= of_answers([answers[0] for answers in texts], name)
        found[f"talk_length{name}"] = float(np.mean([talk.length(answers) for answers in texts]))
    return found


def self_talks(speaker, contexts, temperature, n, seed=0):
    """n answers each (str) of talks with itself that begin with the contexts: a list of lists."""
    rng = np.random.default_rng(seed)

    def answer(contexts):
        return speaker.answer(contexts, rng, temperature)[0]

    _, said = talk.play(answer, contexts, speaker.pieces, speaker.config.turns, n)
    return [[speaker.pieces.decode(row) for row in rows] for rows in zip(*said, strict=True)]


def of_answers(texts, name=""):
    """distinct_1, distinct_2 and dull_share of answers (str)."""
    dull = float(np.mean([talk.is_dull(text) for text in texts]))
    return {f"distinct_{n}{name}": talk.distinct(texts, n) for n in (1, 2)} | {f"dull_share{name}": dull}


def glance(speaker, pairs):
    """A quick look at held-out pairs in the course of a training: val_loss, distinct_2 and talk_length."""
    texts = self_talks(speaker, pairs.contexts[some(pairs, 64)], 0, talk.MOST // 2)
    return {
        "val_loss": nats_per_piece(speaker, pairs, GLANCE),
        "distinct_2": talk.distinct([answers[0] for answers in texts], 2),
        "talk_length": float(np.mean([talk.length(answers) for answers in texts])),
    }
