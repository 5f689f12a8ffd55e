"""What one can do with a reader (model.build_reader): score texts, and write them."""

import json
import math
import re

import keras
import numpy as np
from scipy.special import log_softmax

from common import files
from common.data import poems
from common.data.corpus import decode, encode, is_chinese
from common.errors import UserError

BLOCK = 64  # characters per call: a fixed length, so that the network is traced once
PASSAGE, WARM_UP = 2560, 128  # characters: see nats_per_character
GLANCE = 40_000  # characters of the held-out text that a report scores; the end of the run scores all of it
SCORED = 1_000_000  # characters of a huge held-out text that are scored at the end
LEXICON = 5_000_000  # characters of a huge training text whose words count as known
QUATRAINS = ("五言四句", "七言四句")


def zero_states(reader, n):
    """The memory of `n` texts that have not begun."""
    return [np.zeros((n, *state.shape[1:]), "float32") for state in reader.inputs[1:]]


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
    nats, place, first = read_passages(reader, codes, PASSAGE, at_once)
    return nats, first | (place >= WARM_UP)


def read_passages(reader, codes, length, at_once=BLOCK):
    """Read `codes` (n,) in passages of `length` characters or a little more, side by side, each from an empty memory.

    Returns of each character after the first, all (n - 1,): what it costs, float; how many of its passage were read
    before the last one, int; and whether it is of the first passage. at_once: as above.
    """
    n = len(codes) - 1
    passages = max(1, n // length)
    length = -(-n // passages)
    starts = np.arange(passages) * length
    states = zero_states(reader, passages)
    costs = np.zeros((passages, -(-length // at_once) * at_once))
    for begin in range(0, length, at_once):
        places = starts[:, None] + np.arange(begin, begin + at_once)
        logits, *states = reader.predict_on_batch([np.asarray(codes[places.clip(0, n - 1)], "int32"), *states])
        following = np.asarray(codes[(places + 1).clip(0, n)], "int32")
        costs[:, begin : begin + at_once] = cost_of(following, logits)
    place = np.arange(n) % length
    return costs[:, :length].ravel()[:n], place, np.arange(n) < length


def cost_of(following, logits):
    """Minus log p of the codes that follow, int32 (n, time), by logits (n, time, characters): float32 (n, time)."""
    nats = keras.losses.sparse_categorical_crossentropy(following, logits, from_logits=True)
    return keras.ops.convert_to_numpy(nats)


def read(reader, codes, states=None):
    """(logits of the character after `codes`, the states after it) for codes (n, time)."""
    states = states or zero_states(reader, len(codes))
    for begin in range(codes.shape[1]):  # one by one, as the writing goes on: the network is traced once
        logits, *states = reader.predict_on_batch([np.asarray(codes[:, begin : begin + 1], "int32"), *states])
    return logits[:, -1], states


def choose(logits, rng, temperature=1.0, top_p=1.0):
    """Draw one character per row of `logits` (n, characters): codes int32 (n,).

    temperature: the logits are divided by it; below 1 the likely becomes likelier, 0 takes the likeliest. top_p: only
    the likeliest characters that together have this probability are drawn from (nucleus sampling, Holtzman et al. 2020,
    arXiv:1904.09751). Gumbel's trick needs no normalising: the largest of logit plus noise is a fair draw.
    """
    if temperature == 0:
        return logits.argmax(axis=1).astype("int32")
    scores = log_softmax(logits.astype("float64") / temperature, axis=1)
    if top_p < 1:
        order = np.argsort(-scores, axis=1, kind="stable")
        chances = np.exp(np.take_along_axis(scores, order, axis=1))
        beyond = np.cumsum(chances, axis=1) - chances >= top_p  # the likeliest always stays
        np.put_along_axis(scores, order, np.where(beyond, -np.inf, np.take_along_axis(scores, order, axis=1)), axis=1)
    return (scores + rng.gumbel(size=scores.shape)).argmax(axis=1).astype("int32")


def write(reader, prompt, rng, temperature=1.0, top_p=1.0):
    """Go on writing after `prompt`, codes (n, time): yields codes (n,), the next character of each text, for ever.

    The memory is carried along, so a character costs the same wherever it stands.
    """
    logits, states = read(reader, prompt)
    while True:
        codes = choose(logits, rng, temperature, top_p)
        yield codes
        logits, states = read(reader, codes[:, None], states)


def write_text(reader, characters, prompts, length, rng, temperature=1.0, top_p=1.0):
    """The text after each of `prompts` (of one length): a list of str of `length` characters."""
    codes = np.stack([encode(prompt, characters) for prompt in prompts])
    writing = write(reader, codes, rng, temperature, top_p)
    written = np.stack([next(writing) for _ in range(length)], axis=1)
    return [decode(row, characters) for row in written]


def load_characters(folder):
    """(characters, kind of the corpus) of the run in `folder`. Raises UserError when its file cannot be read."""
    path = folder / "characters.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return content["characters"], content["kind"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise UserError(f"{path} cannot be read ({error}): train again") from None


def opening(kind, characters, form=QUATRAINS[0]):
    """A prompt from which a text of the kind begins: a new line, or a poem under the line that names its form."""
    return f"\n\n{form}\n" if kind == "poems" else boundary(characters)


def boundary(characters, lines=1):
    """What stands between two pieces of a text: so many line ends, or where it has no lines its usual character."""
    return "\n" * lines if "\n" in characters else characters[0]  # the most frequent; of English, a space


class Report(keras.callbacks.Callback):
    """After every epoch: scores part of the held-out text, and writes a little, to the screen and to samples/."""

    def __init__(self, run, reader, corpus):
        super().__init__()
        self.run, self.reader, self.corpus = run, reader, corpus

    def on_epoch_end(self, epoch, logs=None):
        corpus, updates = self.corpus, (epoch + 1) * self.params["steps"]
        copy_weights(self.model, self.reader)
        nats, counted = nats_per_character(self.reader, corpus.x_test[:GLANCE], BLOCK)
        logs["val_loss"] = float(nats[counted].mean())
        logs["val_bits"] = logs["val_loss"] / math.log(2)
        rng = np.random.default_rng((self.run.config.seed, epoch))
        length = 120 if corpus.kind == "poems" else 400
        prompt = opening(corpus.kind, corpus.characters)
        (text,) = write_text(self.reader, corpus.characters, [prompt], length, rng, temperature=0.8)
        heading = f"after {updates:,} updates: {logs['val_loss']:.3f} nats per character, {logs['val_bits']:.3f} bits"
        print(f"\n--- {heading}\n{(prompt + text).strip()}\n---", flush=True)
        with files.atomic(self.run.folder / "samples" / f"{updates:06d}.txt") as part:
            part.write_text(f"{heading}\n\n{(prompt + text).strip()}\n", encoding="utf-8")


def copy_weights(trainer, reader):
    """Give the reader the weights of the trainer."""
    reader.set_weights([keras.ops.convert_to_numpy(weight) for weight in trainer.trainable_weights])


def scores(reader, characters, corpus):
    """The figures of metrics.json: how well the held-out text is foreseen, and how sound the written text is.

    train.py and the grader both call it, so that what a student sees is what is graded. characters: of the reader, in
    the order of its codes; those of the corpus in another order, for a network that is handed in. Raises UserError when
    the corpus has characters that the reader lacks.
    """
    text = decode(corpus.x_test[:SCORED], corpus.characters)
    nats, counted = nats_per_character(reader, encode(text, characters))
    text = text[1:]
    # the lines that name the form are no part of a poem: they cost, but do not count
    poem = counted & ~poems.is_header(text) if corpus.kind == "poems" else counted
    per_character = float(nats[counted].sum() / poem.sum())
    figures = {
        "validation_nats_per_char": per_character,
        "validation_bits_per_char": per_character / math.log(2),
        "validation_perplexity": perplexity(per_character),
    }
    rng = np.random.default_rng(0)
    if corpus.kind == "english":
        written = write_text(reader, characters, [opening(corpus.kind, characters)] * 20, 1000, rng)
        before = corpus.codes[: len(corpus.codes) - len(corpus.x_test)]  # whatever --limit leaves of it
        known = set(words(decode(before[-LEXICON:], corpus.characters)))
        figures["word_share"] = word_share(written, known)
        figures["word_share_held_out"] = word_share([text], known)
    else:
        chinese = np.array([is_chinese(character) for character in text]) & poem
        figures["validation_perplexity_chinese"] = perplexity(nats[chinese].mean())
    if corpus.kind == "poems":
        figures["form_share"] = form_share(reader, characters, rng)
    return figures


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


def form_share(reader, characters, rng, count=200):
    """The share of `count` quatrains, half of 4 x 5 and half of 4 x 7 characters, that have the form asked for."""
    good = []
    for form in QUATRAINS:
        prompts = [opening("poems", characters, form)] * (count // 2)
        for text in write_text(reader, characters, prompts, 40, rng):
            good.append(poems.has_form(text.split("\n\n")[0], form))
    return float(np.mean(good))
