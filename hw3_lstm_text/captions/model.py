"""The network that captions clips: a convolution looks at each frame, an LSTM follows them, another one writes.

It is made of two parts, layers of the whole network, so that a sentence can be written word by word:
`watcher` makes of a clip what the writer knows of it, `writer` answers for each word which one comes next.
"""

import keras
from keras import layers, ops

from hw3_lstm_text.captions.clips import FRAMES, SIDE

MAP = 8  # places of a side that attention chooses among


def build_captioner(n_pieces, widths, units, note_size):
    """{clip uint8 (FRAMES, SIDE, SIDE), words int32 (time,)} to logits float32 (time, n_pieces) of the next words.

    widths: channels of the three convolutions. units: of both LSTMs. note_size: numbers of a note about one place in
    one frame, among which attention chooses; 0: no attention, the writer has the watcher's last state and nothing else.
    """
    watcher = build_watcher(widths, units, note_size)
    writer = build_writer(n_pieces, units, note_size)
    clip = keras.Input((FRAMES, SIDE, SIDE), dtype="uint8", name="clip")
    words = keras.Input((None,), dtype="int32", name="words")
    logits, *_ = writer([words, *watcher(clip)])
    return keras.Model({"clip": clip, "words": words}, logits, name="captioner")


def build_watcher(widths, units, note_size):
    """A clip to [h, c], float32 (units,), what the writer begins with; with attention to [notes, labels, h, c].

    notes, labels: (FRAMES x MAP x MAP, note_size), one for each place in time and space: what is there, and by what the
    writer finds it, to which the place itself belongs.
    """
    clip = keras.Input((FRAMES, SIDE, SIDE), dtype="uint8", name="clip")
    x = layers.Rescaling(1 / 255)(ops.reshape(clip, (-1, SIDE, SIDE, 1)))  # every frame for itself
    for width, kernel, stride in zip(widths, (8, 3, 3), (4, 2, 1), strict=True):
        x = layers.Conv2D(width, kernel, stride, "same", use_bias=False)(x)  # 16 x 16, 8 x 8, 8 x 8
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    seen = ops.reshape(x, (-1, FRAMES, MAP * MAP, widths[-1]))
    x = layers.Dense(units // 16, activation="relu")(seen)
    x = ops.reshape(x, (-1, FRAMES, MAP * MAP * (units // 16)))
    x, *state = layers.LSTM(units, return_sequences=True, return_state=True, name="follow")(x)  # (FRAMES, units)
    if not note_size:
        return keras.Model(clip, state, name="watcher")
    notes = layers.Dense(note_size)(seen) + layers.Dense(note_size)(x)[:, :, None]  # what is there, what is going on
    notes = layers.ReLU()(notes)
    labels = layers.Dense(note_size)(notes)
    for places, count, name in zip(where_and_when(seen), (FRAMES, MAP, MAP), ("frame", "row", "column"), strict=True):
        labels += layers.Embedding(count, note_size, name=name)(places)  # starts small: at first it looks everywhere
    notes, labels = (ops.reshape(each, (-1, FRAMES * MAP * MAP, note_size)) for each in (notes, labels))
    return keras.Model(clip, [notes, labels, *state], name="watcher")


def where_and_when(seen):
    """The frame, row and column of each place of seen (n, FRAMES, MAP x MAP, channels): three of int32 (1, ...)."""
    one = ops.ones_like(seen[:1, :, :, 0], dtype="int32")
    number = ops.cumsum(one, axis=2) - 1
    return ops.cumsum(one, axis=1) - 1, number // MAP, number % MAP


def build_writer(n_pieces, units, note_size):
    """[words (time,), with attention notes and labels, h, c] to [logits (time, n_pieces), h, c, its weights if any].

    The weights are float32 (time, places): where it looked for the next word. The state that comes out goes in again
    with the next words.
    """
    words = keras.Input((None,), dtype="int32", name="words")
    state = [keras.Input((units,), name=part) for part in "hc"]
    x = layers.Embedding(n_pieces, units // 4, name="embedding")(words)
    lstm = layers.LSTM(units, return_sequences=True, return_state=True, name="write")
    x, *new_state = lstm(x, initial_state=state)  # (time, units)
    inputs, weights = [words, *state], []
    if note_size:
        notes, labels = (keras.Input((FRAMES * MAP * MAP, note_size), name=name) for name in ("notes", "labels"))
        inputs = [words, notes, labels, *state]
        question = layers.Dense(note_size, dtype="float32", name="question")(x)
        # the product form of Luong et al. 2015, arXiv:1508.04025: far quicker here than the sum of Bahdanau et al.;
        # divided, as in Vaswani et al. 2017: else one place soon has all the weight, and learning stops
        question /= note_size**0.5
        look = layers.Attention(dtype="float32", name="look")  # bfloat16 has no room for 1,024 small weights
        answer, weight = look([question, notes, labels], return_attention_scores=True)
        x, weights = layers.Concatenate()([x, answer]), [weight]
    x = layers.Dense(units, activation="tanh")(x)
    logits = layers.Dense(n_pieces, dtype="float32", name="logits")(x)
    return keras.Model(inputs, [logits, *new_state, *weights], name="writer")
