"""Reading and writing with the network: one character after the other, the memory carried along."""

import json

import numpy as np
from scipy.special import log_softmax
from tqdm import tqdm

from common.data.corpus import decode, encode
from common.errors import UserError

BLOCK = 64  # characters per call where many are read at once: a fixed length, so that the network is traced once
MOST_INPUTS = 17  # codes and the two states of eight layers
QUATRAINS = ("五言四句", "七言四句")


class Reader:
    """A network of model.build_reader that is open here or elsewhere, and the characters that it knows.

    predictor: see common/run/predictor.py. characters: str, in the order of their codes. Raises UserError when the
    network has other inputs than codes and states.
    """

    def __init__(self, predictor, characters):
        shapes = predictor.inputs or []
        unlike = any(len(shape) != 2 for shape in shapes) or any(not 0 < (s[1] or 0) < 1e5 for s in shapes[1:])
        if not shapes or unlike or len(shapes) > MOST_INPUTS:
            raise UserError(
                "the network does not take characters and the states of its memory, as model.py's reader does"
            )
        self.predictor, self.characters = predictor, characters
        self.units = [shape[1] for shape in shapes[1:]]

    def begin(self, n):
        """The states of `n` texts that have not begun: a list of float32 (n, units)."""
        return [np.zeros((n, units), "float32") for units in self.units]

    def step(self, codes, states):
        """(logits float32 (n, time, characters) of what follows each of the codes (n, time), the states after them)."""
        codes = np.asarray(codes, "int32")
        shapes = [(*codes.shape, len(self.characters)), *(state.shape for state in states)]
        logits, *states = self.predictor.predict([codes, *states], shapes)
        return logits, states

    def read(self, codes, states=None):
        """(logits (n, characters) of the character after `codes` (n, time), the states after it)."""
        states = states or self.begin(len(codes))
        for begin in range(codes.shape[1]):  # one by one, as the writing goes on: the network is traced once
            logits, states = self.step(codes[:, begin : begin + 1], states)
        return logits[:, -1], states

    def write(self, prompt, rng, temperature=1.0, top_p=1.0, limit=None):
        """Go on writing after `prompt`, codes (n, time): yields codes (n,), the next character of each text, for ever.

        temperature: of all texts, or an array (n, 1). See `choose`. limit: None, or a function that is called before
        each choice with the logits (n, characters), which it may change.
        """
        logits, states = self.read(prompt)
        while True:
            if limit:
                limit(logits)
            codes = choose(logits, rng, temperature, top_p)
            yield codes
            logits, states = self.read(codes[:, None], states)

    def write_texts(self, prompts, length, rng, temperature=1.0, top_p=1.0):
        """The text after each of `prompts` (of one length): a list of str of `length` characters."""
        codes = np.stack([encode(prompt, self.characters) for prompt in prompts])
        writing = self.write(codes, rng, temperature, top_p)
        steps = tqdm(range(length), desc="writing", disable=None, leave=False)
        written = np.stack([next(writing) for _ in steps], axis=1)
        return [decode(row, self.characters) for row in written]

    def read_passages(self, codes, length, at_once=BLOCK):
        """Read `codes` (n,) in passages of `length` characters or a little more, each from an empty memory.

        The passages are read side by side, `at_once` characters per call. Returns of each character after the first,
        all (n - 1,): what it costs, float; how many of its passage were read before the last one, int; and whether it
        is of the first passage.
        """
        n = len(codes) - 1
        passages = max(1, n // length)
        length = -(-n // passages)
        starts = np.arange(passages) * length
        states = self.begin(passages)
        costs = np.zeros((passages, -(-length // at_once) * at_once))
        for begin in range(0, length, at_once):
            places = starts[:, None] + np.arange(begin, begin + at_once)
            logits, states = self.step(codes[places.clip(0, n - 1)], states)
            costs[:, begin : begin + at_once] = cost_of(codes[(places + 1).clip(0, n)], logits)
        place = np.arange(n) % length
        return costs[:, :length].ravel()[:n], place, np.arange(n) < length


def cost_of(following, logits):
    """Minus log p of the codes that follow (n, time), by logits (n, time, characters): float32 (n, time)."""
    following = np.asarray(following, int)[..., None]
    return -np.take_along_axis(log_softmax(logits, axis=-1), following, axis=-1)[..., 0]


def choose(logits, rng, temperature=1.0, top_p=1.0):
    """Draw one character per row of `logits` (n, characters): codes int32 (n,).

    temperature: the logits are divided by it; below 1 the likely becomes likelier, 0 takes the likeliest. top_p: only
    the likeliest characters that together have this probability are drawn from (nucleus sampling, Holtzman et al. 2020,
    arXiv:1904.09751). Gumbel's trick needs no normalising: the largest of logit plus noise is a fair draw.
    """
    if np.ndim(temperature) == 0 and temperature == 0:
        return logits.argmax(axis=1).astype("int32")
    scores = log_softmax(logits.astype("float64") / temperature, axis=1)
    if top_p < 1:
        order = np.argsort(-scores, axis=1, kind="stable")
        chances = np.exp(np.take_along_axis(scores, order, axis=1))
        beyond = np.cumsum(chances, axis=1) - chances >= top_p  # the likeliest always stays
        np.put_along_axis(scores, order, np.where(beyond, -np.inf, np.take_along_axis(scores, order, axis=1)), axis=1)
    return (scores + rng.gumbel(size=scores.shape)).argmax(axis=1).astype("int32")


def read_characters(folder):
    """(characters, kind of the text) that the run in `folder` has learned. Raises UserError when they are not there."""
    path = folder / "characters.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        characters = content["characters"]
        if not (isinstance(characters, str) and 0 < len(characters) == len(set(characters)) < 65_536):
            raise ValueError("it does not hold different characters")
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise UserError(f"characters.json is not what training writes: {str(error)[:200]}") from None
    return characters, content.get("kind")


def opening(kind, characters, form=QUATRAINS[0]):
    """A prompt from which a text of the kind begins: a new line, or a poem under the line that names its form."""
    return f"\n\n{form}\n" if kind == "poems" else boundary(characters)


def boundary(characters, lines=1):
    """What stands between two pieces of a text: so many line ends, or where it has no lines its usual character."""
    return "\n" * lines if "\n" in characters else characters[0]  # the most frequent; of English, a space
