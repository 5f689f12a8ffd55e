"""The cloze task (機器克漏字): which of some words fills the blank? The one that makes the whole sentence likeliest."""

import re

import numpy as np
from scipy.special import softmax
from tqdm import tqdm

from common.data import poems
from common.data.corpus import encode
from common.errors import UserError
from hw3_lstm_text.reader import BLOCK, boundary, cost_of

BLANK = re.compile("_+")


def costs(reader, texts, rows=64):
    """What each character of the texts costs after the first, minus log p: a list of float32 (len(text) - 1,).

    reader: a reader.Reader. texts: arrays of codes, which are read side by side, `rows` at a time, those of like
    length together.
    """
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    result = [None] * len(texts)
    for first in tqdm(range(0, len(texts), rows), desc="sentences", disable=None, leave=False):
        chosen = order[first : first + rows]
        longest = max(len(texts[i]) for i in chosen)
        codes = np.zeros((rows, -(-longest // BLOCK) * BLOCK + 1), "int32")
        for row, i in enumerate(chosen):
            codes[row, : len(texts[i])] = texts[i]
        states, parts = reader.begin(rows), []
        for begin in range(0, codes.shape[1] - 1, BLOCK):
            logits, states = reader.step(codes[:, begin : begin + BLOCK], states)
            parts.append(cost_of(codes[:, begin + 1 : begin + BLOCK + 1], logits))
        whole = np.concatenate(parts, axis=1)
        for row, i in enumerate(chosen):
            result[i] = whole[row, : len(texts[i]) - 1]
    return result


def rank(reader, kind, sentence, candidates):
    """[(candidate, nats of the whole sentence with it, its probability among the candidates)], the likeliest first.

    Raises UserError when the sentence has not exactly one blank, there are less than two candidates, or a character
    is unknown to the network.
    """
    blanks = BLANK.findall(sentence)
    if len(blanks) != 1:
        found = f"has {len(blanks)} blanks" if blanks else "has no blank"
        raise UserError(f"the sentence {found}: write ____ in the one place where the word is missing")
    if len(candidates) < 2:
        raise UserError("give at least two candidates after the sentence, as in --cloze 'To be, or not to ____' be see")
    if not all(candidates):
        raise UserError("a candidate is empty: give the words themselves")
    before, after = BLANK.split(sentence)
    before, after = before.replace("\\n", "\n"), after.replace("\\n", "\n")
    texts = [framed(before + candidate + after, kind, reader.characters) for candidate in candidates]
    nats = np.array(
        [cost.sum() for cost in costs(reader, [encode(text, reader.characters) for text in texts], len(texts))]
    )
    chances = softmax(-nats)
    order = np.argsort(nats, kind="stable")
    return [(candidates[i], float(nats[i]), float(chances[i])) for i in order]


def framed(sentence, kind, characters):
    """The sentence as it would stand in the text: after a blank line, a poem under the line that names its form.

    One character follows it, which ends it.
    """
    form = poems.form_of(sentence) if kind == "poems" else poems.IRREGULAR
    header = "" if form == poems.IRREGULAR else form + "\n"
    return boundary(characters, 2) + header + sentence + boundary(characters)
