"""Looks into the LSTM: which cells track something in the text, and what their gates do.

An LSTM (Hochreiter & Schmidhuber 1997) hands out its output h, but not its cells c nor its gates: they are computed
here once more, in NumPy. The questions are those of Karpathy, Johnson & Li 2015 (arXiv:1506.02078).
"""

import re
from typing import NamedTuple

import numpy as np
from scipy.special import expit
from tqdm import tqdm

from common.data import poems
from common.data.corpus import is_chinese
from hw3_lstm_text import sound

GATES = ("input", "forget", "output")
OPEN, SHUT = 0.9, 0.1
FEWEST = 50  # characters that must differ from the usual before a property is looked for


class Look(NamedTuple):
    """What an LSTM did while it read n characters; cells and gates of its layers side by side."""

    cells: np.ndarray  # float32 (n, units): tanh(c)
    opened: np.ndarray  # float (3, units): the share of characters at which the gate, one of GATES, is above OPEN
    shut: np.ndarray  # float (3, units): below SHUT
    names: list  # of the cells: (layer, unit)


def lstm_step(x, h, c, kernel, recurrent, bias):
    """One step of Keras' LSTM: (h, c, [input, forget, output gate]), all float32 (n, units).

    x: (n, features). kernel (features, 4 units), recurrent (units, 4 units), bias (4 units,) in Keras' order: input
    gate, forget gate, candidate, output gate.
    """
    inputs, forget, candidate, output = np.split(x @ kernel + h @ recurrent + bias, 4, axis=1)
    gates = [expit(inputs), expit(forget), expit(output)]
    c = gates[1] * c + gates[0] * np.tanh(candidate)
    return gates[2] * np.tanh(c), c, gates


def look(model, codes, streams=32, warm_up=256):
    """Read `codes` (n,) with the LSTM layers of a model of build_reader and watch: a Look.

    The text is read in parts side by side, each after `warm_up` characters of the part before.
    """
    tables = [layer.embeddings for layer in model.layers if layer.name in ("characters", "sounds")]
    table = np.concatenate([_array(entries) for entries in tables], axis=1)
    layers = [layer for layer in model.layers if re.fullmatch(r"lstm\d+", layer.name)]
    weights = [[_array(weight) for weight in layer.get_weights()] for layer in layers]
    n, sizes = len(codes), [layer.units for layer in layers]
    length = -(-n // streams)
    starts = np.arange(0, n, length)
    states = [np.zeros((2, len(starts), size), "float32") for size in sizes]
    cells = np.zeros((len(starts), length, sum(sizes)), "float32")
    opened, shut = np.zeros((2, len(GATES), sum(sizes)))
    counted = 0
    for place in tqdm(range(-warm_up, length), desc="reading", disable=None, leave=False):
        places = starts + place
        x = table[codes[places.clip(0, n - 1)]]
        before, read = (places < 0)[:, None], (place >= 0) & (places < n)
        gates_of_layers = []
        for i, layer_weights in enumerate(weights):
            x, c, gates = lstm_step(x, *states[i], *layer_weights)
            states[i] = np.where(before, 0, [x, c])  # before the text there is nothing
            gates_of_layers.append(gates)
        if place >= 0:
            cells[:, place] = np.tanh(np.concatenate([c for _, c in states], axis=1))
            gates = np.concatenate(gates_of_layers, axis=2)[:, read]  # (3, rows, units)
            opened += (gates > OPEN).sum(axis=1)
            shut += (gates < SHUT).sum(axis=1)
            counted += int(read.sum())
    names = [(layer.name, unit) for layer in layers for unit in range(layer.units)]
    return Look(cells.reshape(-1, sum(sizes))[:n], opened / counted, shut / counted, names)


def _array(weight):
    return np.asarray(weight, "float32")


def properties(text, kind):
    """{name: float (n,)} of things worth tracking at the n characters of a text; NaN where it has no meaning."""
    characters = np.array(list(text))
    line_end = characters == "\n"
    if kind == "english":
        letter = np.array([character.isalpha() for character in text])
        return {
            "place in the line": _since(line_end),
            "place in the word": _since(~letter),
            "inside a speaker's name": _inside(text, r"^[A-Z][A-Za-z'\- ]{0,30}:$"),
            "capital letter": np.array([character.isupper() for character in text], float),
            "a sentence has ended": _inside(text, r"[.!?][^A-Za-z]*"),
            "line of the paragraph": _count(line_end, _inside(text, "\n\n+") > 0),
            "inside quotes": _inside(text, r'"(?:(?!\n\n)[^"])*"|“[^”]*'),
            "inside brackets": _inside(text, r"\([^()]{1,500}(?=\))"),
        }
    chinese = np.array([is_chinese(character) for character in text])
    if kind == "poems":
        return _poem_properties(text, chinese, line_end)
    return {
        "place in the clause": _since(~chinese),
        "place in the sentence": _since(np.isin(characters, list("。！？\n"))),
        "inside quotes": _inside(text, "「[^」]*|“[^”]*"),
        "place in the paragraph": _since(line_end),
    }


def _poem_properties(text, chinese, line_end):
    header = poems.is_header(text)
    mark = ~chinese & ~line_end & ~header  # each clause ends with one
    clause = 1 + _count(mark, header) - mark  # a mark belongs to its clause
    regular = np.zeros(len(text), bool)
    length, clauses = np.full((2, len(text)), np.nan)
    for match in poems.REGULAR.finditer(text):
        regular[slice(*match.span(2))] = True
        length[slice(*match.span(2))] = 7 if match[1] == "七" else 5
        clauses[slice(*match.span(2))] = sum(not is_chinese(c) and c != "\n" for c in match[2])
    place = _since(~chinese | header)
    rhyme = sound.last_rhymes(text)
    known = rhyme < sound.NO_RHYME
    frequent = np.argsort(-np.bincount(rhyme[known], minlength=1), kind="stable")[:2]
    return {
        "the line that names the form": header.astype(float),
        "place in the clause": np.where(header, np.nan, place),
        "number of the clause": np.where(header | line_end, np.nan, clause),
        "clauses still to come": np.where(regular & ~line_end, clauses - clause, np.nan),
        "second clause of the couplet": np.where(regular & ~line_end, (clause % 2 == 0).astype(float), np.nan),
        "clauses of seven, not five": np.where(regular, length == 7, np.nan),
    } | {
        f"the last couplet ends on -{sound.FINALS[group][0]}": np.where(known, rhyme == group, np.nan)
        for group in frequent
    }


def _since(mask):
    """Characters since the last one in the mask (0 there), or since the beginning."""
    places = np.arange(len(mask))
    return (places - np.maximum.accumulate(np.where(mask, places, 0))).astype(float)


def _count(mask, reset):
    """How many are in the mask up to here since the last of `reset`."""
    total = np.cumsum(mask)
    return (total - np.maximum.accumulate(np.where(reset, total, 0))).astype(float)


def _inside(text, pattern):
    """1 at the characters that a regular expression matches, else 0."""
    inside = np.zeros(len(text))
    for match in re.finditer(pattern, text, re.MULTILINE):
        inside[slice(*match.span())] = 1
    return inside


def correlations(cells, values):
    """Pearson's r of each cell (n, units) with `values` (n,) where they are not NaN: float (units,)."""
    known = np.isfinite(values)
    cells, values = cells[known], values[known]
    cells, values = cells - cells.mean(axis=0), values - values.mean()
    scale = np.sqrt((cells**2).sum(axis=0) * (values**2).sum())
    return values @ cells / np.maximum(scale, 1e-9)


def best_cells(cells, tracked, rng, trials=5):
    """Of each property the cell that tracks it best: {name: dict}; properties that hardly vary are left out.

    The cell is chosen on the first half of the text, its correlation `r` is that on the second. `chance`: the same
    search for the labels of another place of the text, which have the rhythm of a text and nothing to do with this
    one; mean of |r|. `median`: |r| that half of the cells reach.
    """
    half = len(cells) // 2
    first, second = slice(half), slice(half, None)
    found = {}
    for name, values in tracked.items():
        if not (_varies(values[first]) and _varies(values[second])):
            continue
        r = correlations(cells[first], values[first])
        best = int(np.abs(r).argmax())
        of_second = correlations(cells[second], values[second])
        chances = []
        for shift in rng.integers(half // 4, 3 * half // 4, trials):
            other = np.concatenate([np.roll(values[first], shift), np.roll(values[second], shift)])
            luckiest = np.abs(correlations(cells[first], other[first])).argmax()
            chances.append(abs(correlations(cells[second][:, [luckiest]], other[second])[0]))
        found[name] = {
            "cell": best,
            "r": float(of_second[best]),
            "chance": float(np.mean(chances)),
            "median": float(np.median(np.abs(of_second))),
        }
    return found


def _varies(values):
    """Whether at least FEWEST of the values, NaN left out, differ from the median."""
    values = values[np.isfinite(values)]
    return len(values) > 0 and np.sum(values != np.median(values)) >= FEWEST
