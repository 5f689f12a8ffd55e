"""Writes the sentence about a clip with a trained network, word by word: greedily, or by beam search."""

import numpy as np
from scipy.special import log_softmax

from common.run.predictor import predict_all
from hw3_lstm_text.captions.clips import FRAMES
from hw3_lstm_text.captions.model import MAP
from hw3_lstm_text.captions.sentences import LENGTH, START

CHUNK = 100  # clips at a time: the notes about a clip are 1,024 rows


class Captioner:
    """A trained network for clips. predictor: see common/run/predictor.py, of the network of model.py."""

    def __init__(self, predictor, language):
        self.predictor, self.language = predictor, language
        self.units = predictor.model.get_layer("writer").get_layer("write").units
        *notes, _, _ = predictor.model.get_layer("watcher").outputs
        self.notes = [tuple(each.shape[1:]) for each in notes]  # without attention there are none
        self.end = language.code[language.end]

    def watch(self, frames):
        """What the writer knows of clips uint8 (n, FRAMES, SIDE, SIDE): a list of arrays of n rows."""
        shapes = [*self.notes, *[(self.units,)] * 2]
        return predict_all(self.predictor, [frames], shapes, "watcher")

    def step(self, words, known):
        """(log p of the next words (n, pieces), what is known now, weights (n, FRAMES, MAP, MAP) or None).

        words: int (n,), the last ones.
        """
        shapes = [(1, len(self.language.pieces)), *[(self.units,)] * 2, *[(1, FRAMES * MAP * MAP)] * bool(self.notes)]
        words = np.asarray(words, "int32")[:, None]
        logits, h, c, *weights = predict_all(self.predictor, [words, *known], shapes, "writer")
        logits = logits[:, 0]
        logits[:, START] = -np.inf  # it has learned nothing of what stands behind the end
        weights = weights[0].reshape(-1, FRAMES, MAP, MAP) if weights else None
        return log_softmax(logits, axis=1), [*known[:-2], h, c], weights

    def greedy(self, frames):
        """(codes int (n, LENGTH), log p of the sentences (n,), weights (n, LENGTH, FRAMES, MAP, MAP) or None)."""
        known, words = self.watch(frames), np.full(len(frames), START)
        codes, total, looks = np.full((len(frames), LENGTH), START), np.zeros(len(frames)), []
        going = np.ones(len(frames), bool)
        for place in range(LENGTH):
            log_p, known, weights = self.step(words, known)
            words = log_p.argmax(axis=1)
            codes[going, place] = words[going]
            total += np.where(going, log_p.max(axis=1), 0)
            looks.append(weights)
            going &= words != self.end
        return codes, total, np.stack(looks, axis=1) if self.notes else None

    def describe(self, clip):
        """(the words about one clip as a list, where it looked for each, (words, FRAMES, MAP, MAP), or None)."""
        codes, _, weights = self.greedy(clip[None])
        words = self.language.words(codes[0])
        return words, weights[0][: len(words)] if self.notes else None

    def beam(self, clip, width):
        """[(codes, log p)] of the `width` likeliest sentences that beam search finds for one clip, the best first.

        The `width` likeliest beginnings are kept at each word; what has ended stays among them as it is.
        """
        known = self.watch(clip[None])
        beams, done = [((), 0.0)], []
        for _ in range(LENGTH):
            words = [codes[-1] if codes else START for codes, _ in beams]
            log_p, known, _ = self.step(words, known)
            going = [
                ((*codes, int(word)), total + log_p[i, word], i)
                for i, (codes, total) in enumerate(beams)
                for word in np.argsort(-log_p[i])[:width]
            ]
            best = sorted([*going, *done], key=lambda each: -each[1])[:width]
            done = [each for each in best if each[0][-1] == self.end]
            going = [each for each in best if each[0][-1] != self.end]
            if not going:
                break
            beams, rows = [each[:2] for each in going], [each[2] for each in going]
            known = [part[rows] for part in known]
        return [(codes, float(total)) for codes, total, _ in best]
