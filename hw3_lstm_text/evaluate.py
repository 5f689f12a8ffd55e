"""What a network that writes is worth: what held-out text costs it, and how sound the text is that it writes.

train.py and the grader both call `score`, so that what a student sees is what is graded.
"""

import math
import re

import numpy as np

from common.data import poems, texts
from common.data.corpus import decode, encode, is_chinese
from hw3_lstm_text.reader import QUATRAINS, Reader, opening, read_characters

FILES = ("characters.json",)  # that a run must hold beside model.keras
PASSAGE, WARM_UP = 2560, 128  # characters: see nats_per_character
WRITTEN, LENGTH = 20, 1000  # texts whose words are counted, and their characters
SCORED = 1_000_000  # characters of a huge held-out text that are scored
LEXICON = 5_000_000  # characters of a huge training text whose words count as known


def load(task, config):
    """The Corpus of a task such as "hw3_lstm_text/tang"; config as for data.load."""
    return texts.load(task.partition("/")[2], config)


def score(predictor, folder, corpus):
    """{metric: value} of a predictor (see common/run/predictor.py) on the held-out text of a Corpus.

    folder: where characters.json lies, with the characters of the network in the order of its codes. Raises UserError
    when it cannot be used, when the corpus has characters that the network lacks, and when it is no such network.
    """
    reader = Reader(predictor, read_characters(folder)[0])
    text = decode(corpus.x_test[:SCORED], corpus.characters)
    nats, counted = nats_per_character(reader, encode(text, reader.characters))
    # the lines that name the form are no part of a poem: they cost, but do not count
    poem = counted & ~poems.is_header(text)[1:] if corpus.kind == "poems" else counted
    text = text[1:]
    per_character = float(nats[counted].sum() / poem.sum())
    metrics = {
        "validation_nats_per_char": per_character,
        "validation_bits_per_char": per_character / math.log(2),
        "validation_perplexity": perplexity(per_character),
    }
    rng = np.random.default_rng(0)
    if corpus.kind == "english":
        written = reader.write_texts([opening(corpus.kind, reader.characters)] * WRITTEN, LENGTH, rng)
        before = corpus.codes[: len(corpus.codes) - len(corpus.x_test)]  # whatever --limit leaves of it
        known = set(words(decode(before[-LEXICON:], corpus.characters)))
        metrics["word_share"] = word_share(written, known)
        metrics["word_share_held_out"] = word_share([text], known)
    else:
        chinese = np.array([is_chinese(character) for character in text]) & poem
        if chinese.any():
            metrics["validation_perplexity_chinese"] = perplexity(nats[chinese].mean())
    if corpus.kind == "poems":
        metrics["form_share"] = form_share(reader, rng)
    return metrics


def nats_per_character(reader, codes, at_once=1):
    """What each character of `codes` (n,) costs given those before it: (nats float (n - 1,), counted bool (n - 1,)).

    Nats are minus log p; the first character has nothing before it and is left out. This is the one protocol by which
    texts are scored, in training, in the analysis and by the grader. What a language model is to tell is p(character |
    all before it), so the memory is carried on from character to character, never emptied every few as in windows. One
    reading of the whole text would be best, but it takes a call per character. So the text is read in passages of
    PASSAGE characters or a little more, side by side, each from an empty memory; the first WARM_UP of each but the
    first passage only fill the memory and do not count. (They would all count if each row read the end of the passage
    before. But a handed-in network may mix the rows of a batch: it would know what the row before is asked for.)

    at_once: characters per call. With 1 a network gets a character only after it has answered for it, so none sees
    what it is to foresee. Results are scored so: the same calls on the same processor give the same digits. A larger
    number is quicker, for networks that read forwards, and differs by rounding.
    """
    nats, place, first = reader.read_passages(codes, PASSAGE, at_once)
    return nats, first | (place >= WARM_UP)


def perplexity(nats):
    """Of so many nats per character; of a network that knows nothing it is bounded, as a float is."""
    return math.exp(min(float(nats), 100))


def words(text):
    """The words of an English text, in lower case."""
    return re.findall(r"[a-z]+(?:'[a-z]+)*", text.lower())


def word_share(texts, known):
    """The share of the words of `texts` that are in the set `known`; the first and last, which may be cut, left out."""
    found = [word in known for text in texts for word in words(text)[1:-1]]
    return float(np.mean(found)) if found else 0.0


def form_share(reader, rng, count=200):
    """The share of `count` quatrains, half of 4 x 5 and half of 4 x 7 characters, that have the form asked for."""
    good = []
    for form in QUATRAINS:
        prompts = [opening("poems", reader.characters, form)] * (count // 2)
        for text in reader.write_texts(prompts, 40, rng):
            good.append(poems.has_form(text.split("\n\n")[0], form))
    return float(np.mean(good))
