"""The usual alternatives: an n-gram model of the same pieces, and the likeness of question and answer by tf-idf."""

import itertools
import math

import numpy as np
from nltk.lm import WittenBellInterpolated
from nltk.util import everygrams
from sklearn.feature_extraction.text import TfidfVectorizer

from hw3_lstm_text.chatbot.talk import words

ORDER = 3  # pieces that the n-gram model looks at: two, to foresee the third


def ngram_perplexity(train, test, pieces):
    """Per piece, of the answers `test` by a model that has counted the answers `train`; both int32 (n, time), 0 ends.

    It sees nothing of the question. Interpolated after Witten and Bell: counts of three, of two and of one piece.
    """
    model = WittenBellInterpolated(ORDER)
    every = [str(code) for code in range(len(pieces))]
    texts = (everygrams(_padded(row, pieces), max_len=ORDER) for row in train)
    # each piece once more, alone: what it has never seen has a chance too
    model.fit(itertools.chain(texts, [[(code,) for code in every]]), vocabulary_text=every)
    costs = []
    for row in test:
        text = _padded(row, pieces)
        costs += [-model.logscore(text[i], text[i - ORDER + 1 : i]) for i in range(ORDER - 1, len(text))]
    return 2 ** float(np.mean(costs))


def _padded(row, pieces):
    return [str(pieces.begin)] * (ORDER - 1) + [str(code) for code in row if code]


def tfidf_scores(asked, answers, known):
    """How alike each question and each answer are: float (questions, answers), cosines of their words by tf-idf.

    known: the texts that the weights of the words are learned from.
    """
    rare = min(2, 1 + len(known) // 100)  # of few texts every word may be the only one of its kind
    vectors = TfidfVectorizer(analyzer=words, sublinear_tf=True, min_df=rare).fit(known)
    return (vectors.transform(asked) @ vectors.transform(answers).T).toarray()


def among_first(scores, right, n=10):
    """How often the answer `right` (questions,) is among the n with the highest scores (questions, answers).

    Equal scores are drawn by lot, on average: who says the same of all answers finds n of so many.
    """
    own = scores[np.arange(len(right)), right][:, None]
    better, equal = (scores > own).sum(axis=1), (scores == own).sum(axis=1)
    return float(np.mean(np.clip((n - better) / equal, 0, 1)))


def likelihoods(speaker, contexts, answers, nothing):
    """(log p(answer | context), the same less log p(answer)): both float (contexts, answers), nats of the whole answer.

    The second is the mutual information of the two: an answer that fits everywhere says nothing of what was asked (Li
    et al. 2016a, arXiv:1510.03055). nothing: the empty context (longest context,).
    """
    given = -speaker.nats_of_each(contexts, answers)
    alone = -speaker.nats_of_each(nothing[None], answers)
    return given, given - alone


def perplexity(nats):
    """Of so many nats per piece; of a network that knows nothing it is bounded, as a float is."""
    return math.exp(min(float(nats), 100))
