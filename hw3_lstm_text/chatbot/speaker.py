"""Answers of the network, piece by piece: drawn, or the likeliest found by a beam; and what given answers cost."""

import numpy as np
from scipy.special import log_softmax, logsumexp

from hw3_lstm_text.chatbot.pairs import before, context_of
from hw3_lstm_text.reader import choose

CHUNK = 256  # answers whose logits are looked at at a time


class Speaker:
    """A network of model.build_chatbot, and the pieces that it knows.

    predictor: see common/run/predictor.py. config: a namespace with the settings of its training.
    """

    def __init__(self, predictor, pieces, config):
        self.predictor, self.pieces, self.config = predictor, pieces, config

    def context(self, said):
        """The context, int32 (1, longest_context), after the utterances `said` (str), as far as it looks back."""
        codes = [self.pieces.encode(each) for each in said[-self.config.turns :]]
        return context_of(codes, self.pieces, self.config.longest_context)[None]

    def predict(self, arrays, shapes, part=None):
        """What the network, or its layer `part`, makes of n rows of each array. shapes: of a row of each answer.

        It is asked for 1, 16, 64 or a multiple of CHUNK rows: for every other number of them a backend traces it anew.
        """
        n = len(arrays[0])
        rows = next((size for size in (1, 16, 64) if n <= size), -(-n // CHUNK) * CHUNK)
        filled = [np.resize(each, (rows, *each.shape[1:])) for each in arrays]
        return [each[:n] for each in self.predictor.predict(filled, [(rows, *shape) for shape in shapes], part)]

    def listen(self, contexts):
        """What the decoder needs of contexts (n, longest_context): [state, memory, contexts]."""
        time, units = self.config.longest_context, self.config.units
        memory, state = self.predict([contexts], [(time, units), (units,)], "encoder")
        return [state, memory, contexts]

    def step(self, codes, heard):
        """(logits (n, pieces) of what follows the codes (n,), heard with the new state, attention (n, time))."""
        shapes = [(1, len(self.pieces)), (self.config.units,), (1, self.config.longest_context)]
        logits, state, weights = self.predict([np.asarray(codes, "int32")[:, None], *heard], shapes, "decoder")
        logits[:, :, self.pieces.never_said] = -1e9
        return logits[:, 0], [state, *heard[1:]], weights[:, 0]

    def answer(self, contexts, rng, temperature=1.0, top_p=1.0):
        """(answers int32 (n, longest_answer + 1), 0 after the mark of the end; attention (n, that, time)).

        temperature, top_p: as for reader.choose of the homework; temperature 0 takes the likeliest piece each time.
        """
        heard, codes = self.listen(contexts), np.full(len(contexts), self.pieces.begin)
        answers = np.zeros((len(contexts), self.config.longest_answer + 1), "int32")
        looks, done = [], np.zeros(len(contexts), bool)
        for place in range(answers.shape[1]):
            logits, heard, weights = self.step(codes, heard)
            looks.append(weights)
            codes = choose(logits, rng, temperature, top_p)
            answers[:, place] = np.where(done, 0, codes)
            done |= codes == self.pieces.end
        answers[~done, -1] = self.pieces.end  # cut where it is too long
        return answers, np.stack(looks, axis=1)

    def beam(self, context, width):
        """The codes of the likeliest answer to one context (1, longest_context) that `width` beginnings lead to.

        Each piece goes on from the `width` likeliest beginnings. Of the whole answers the one with the fewest nats per
        piece wins: by their sum the shortest always would.
        """
        heard = [np.repeat(each, width, axis=0) for each in self.listen(context)]
        begun, scores, whole = [[] for _ in range(width)], np.array([0.0] + [-np.inf] * (width - 1)), []
        for _ in range(self.config.longest_answer + 1):
            codes = [each[-1] if each else self.pieces.begin for each in begun]
            logits, heard, _ = self.step(codes, heard)
            totals = (scores[:, None] + log_softmax(logits.astype("float64"), axis=1)).ravel()
            best = np.argsort(-totals, kind="stable")[:width]
            rows, pieces = np.divmod(best, logits.shape[1])
            begun, scores = [[*begun[row], piece] for row, piece in zip(rows, pieces, strict=True)], totals[best]
            heard = [each[rows] for each in heard]
            for i, answer in enumerate(begun):
                if answer[-1] == self.pieces.end:
                    whole.append((scores[i] / len(answer), answer))
                    scores[i] = -np.inf
        whole += [(score / len(answer), answer) for score, answer in zip(scores, begun, strict=True)]
        return max(whole, key=lambda pair: pair[0])[1]

    def nats(self, contexts, answers):
        """Minus log p of each piece of the answers (n, time), given the contexts: float (n, time), 0 after the end."""
        costs = []
        for i in range(0, len(answers), CHUNK):
            some = answers[i : i + CHUNK]
            inputs = [contexts[i : i + CHUNK], before(some, self.pieces.begin)]
            (logits,) = self.predict(inputs, [(some.shape[1], len(self.pieces))])
            costs.append(cost_of(some, logits))
        return np.concatenate(costs)

    def nats_of_each(self, contexts, answers):
        """Minus log p of each of the answers (m, time) after each of the contexts (n, ...): float (n, m), in nats."""
        time = answers.shape[1]
        at_once, costs = max(1, CHUNK // len(answers)), []
        for i in range(0, len(contexts), at_once):
            heard = [np.repeat(each, len(answers), axis=0) for each in self.listen(contexts[i : i + at_once])]
            said = np.tile(answers, (len(heard[0]) // len(answers), 1))
            shapes = [(time, len(self.pieces)), (self.config.units,), (time, self.config.longest_context)]
            logits, _, _ = self.predict([before(said, self.pieces.begin), *heard], shapes, "decoder")
            costs.append(cost_of(said, logits).sum(axis=1).reshape(-1, len(answers)))
        return np.concatenate(costs)


def cost_of(said, logits):
    """Minus log p of the pieces said (n, time), by logits (n, time, pieces): float (n, time), 0 where nothing is."""
    there = said > 0
    chosen, costs = logits[there], np.zeros(said.shape)
    costs[there] = logsumexp(chosen, axis=1) - chosen[np.arange(len(chosen)), said[there]]
    return costs
