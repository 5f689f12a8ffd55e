"""What a captioner is worth: how many sentences are exact, and what is wrong with the others.

    exact_one, exact_two    share of the clips with one digit, with two, whose sentence is right, every word of it
    digits_..., motions_... share with the right digits in the right order, with the right motions
    bleu_1, bleu_4          of all clips (Papineni et al. 2002), by NLTK: words alone, and up to four in a row

`baseline_exact_one` and the like are those of always saying the sentence that is most frequent in other clips of the
same digits, a sentence about one digit. train.py calls `score` on clips of test digits; analyze.py looks at the same
clips.
"""

from collections import Counter
from typing import NamedTuple

import numpy as np
from nltk.translate.bleu_score import SmoothingFunction, corpus_bleu

from common import data
from hw3_lstm_text.captions import clips
from hw3_lstm_text.captions.captioner import CHUNK, Captioner
from hw3_lstm_text.captions.sentences import Language

FILES = ()  # that a run must hold beside model.keras
JUDGED, GLANCE = 2000, 250  # clips with one digit, and as many with two, in the end and on the way there
SEED = 2017  # of the clips that are judged


class HeldOut(NamedTuple):
    scenes: clips.Scenes  # first those with one digit, then as many with two
    frames: np.ndarray  # of their clips, as clips.film gives them
    touching: np.ndarray
    language: Language
    usual: str  # the sentence that is most frequent in 10,000 other clips of these digits


def load(task, config):
    """The HeldOut of a finished run; config as for data.load, with language."""
    return load_of(data.load("mnist", config), config.language)


def load_of(digits, language):
    """The HeldOut of the test split of a data.Dataset of digits."""
    return held_out(digits.x_test, digits.y_test, language, JUDGED)


def held_out(images, labels, language, n):
    """The HeldOut of clips of these digits: `n` with one digit and `n` with two."""
    rng = np.random.default_rng(SEED)
    halves = [clips.draw_scenes(labels, n, rng, two) for two in (0, 1)]
    scenes, language = clips.Scenes(*map(np.concatenate, zip(*halves, strict=True))), Language(language)
    usual = Counter(language.sentences(clips.draw_scenes(labels, 10_000, rng))).most_common(1)[0][0]
    return HeldOut(scenes, *clips.film(scenes, images), language, usual)


def caption(predictor, held_out):
    """The sentences that a predictor writes about the clips, greedily."""
    captioner, frames = Captioner(predictor, held_out.language), held_out.frames
    codes = [captioner.greedy(frames[i : i + CHUNK])[0] for i in range(0, len(frames), CHUNK)]
    return [held_out.language.text(row) for row in np.concatenate(codes)]


def score(predictor, folder, held_out):
    """{metric: float} of the sentences that a predictor writes about clips of test digits."""
    usual = compare([held_out.usual] * len(held_out.frames), held_out)
    return compare(caption(predictor, held_out), held_out) | {f"baseline_{name}": x for name, x in usual.items()}


def compare(written, held_out):
    """{metric: float} of sentences about the clips, in their order."""
    language, two = held_out.language, held_out.scenes.digits[:, 1] >= 0
    true = language.sentences(held_out.scenes)
    said, is_so = ([language.said(sentence) for sentence in each] for each in (written, true))
    right = {
        "exact": [one == other for one, other in zip(written, true, strict=True)],
        "digits": [one[0] == other[0] for one, other in zip(said, is_so, strict=True)],
        "motions": [one[1] == other[1] for one, other in zip(said, is_so, strict=True)],
    }
    found = {}
    for name, values in right.items():
        for number, rows in (("one", ~two), ("two", two)):
            found[f"{name}_{number}"] = float(np.mean(np.array(values)[rows]))
    references, hypotheses = [[language.split(each)] for each in true], [language.split(each) for each in written]
    for n in (1, 4):
        smoothing = SmoothingFunction().method1  # a count of 0 is a little more than 0
        found[f"bleu_{n}"] = float(corpus_bleu(references, hypotheses, (1 / n,) * n, smoothing))
    return found
