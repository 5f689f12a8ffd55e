"""The LSTM language model of homework 3: which character comes next?

Characters come in as codes (0, 1, ...), one row per text, and logits over all characters come out at every place.
"""

import keras
from keras import layers


def build_trainer(n_characters, embedding_dim, units, embedding_std, dropout, batch_size):
    """The network that learns: {codes, keep} to logits float32 (batch_size, time, n_characters).

    codes: int32 (batch_size, time). keep: float32 (batch_size, 1): with 1 a row goes on where it ended in the batch
    before, with 0 it begins with an empty memory. units: the sizes of the LSTM layers. embedding_std: see _embedding.
    """
    codes = keras.Input(batch_shape=(batch_size, None), dtype="int32", name="codes")
    keep = keras.Input(batch_shape=(batch_size, 1), name="keep")
    embedding = _embedding(n_characters, embedding_dim, embedding_std)
    x = embedding(codes)  # (batch_size, time, embedding_dim)
    for number, n in enumerate(units, start=1):
        memory = Memory((batch_size, n), name=f"memory{number}")
        lstm = layers.LSTM(n, return_sequences=True, return_state=True, name=f"lstm{number}")
        x, *state = lstm(x, initial_state=memory(keep))
        x = memory.store(x, state)
        x = layers.Dropout(dropout, name=f"dropout{number}")(x)
    return keras.Model({"codes": codes, "keep": keep}, _logits(x, embedding, embedding_dim), name="trainer")


def build_reader(n_characters, embedding_dim, units):
    """The same network with its memory in the open, for texts of any length and number.

    [codes int32 (n, time), h1, c1, h2, c2, ...] to [logits float32 (n, time, n_characters), h1, c1, h2, c2, ...]: the
    state, float32 (n, units), that comes out goes in again with the next characters. Takes the trainable weights of
    the trainer in their order. Computes in float32.
    """
    codes = keras.Input((None,), dtype="int32", name="codes")
    embedding = _embedding(n_characters, embedding_dim, dtype="float32")
    x = embedding(codes)
    states, new_states = [], []
    for number, n in enumerate(units, start=1):
        state = [keras.Input((n,), name=f"{part}{number}") for part in "hc"]
        lstm = layers.LSTM(n, return_sequences=True, return_state=True, dtype="float32", name=f"lstm{number}")
        x, *new_state = lstm(x, initial_state=state)
        states += state
        new_states += new_state
    logits = _logits(x, embedding, embedding_dim, dtype="float32")
    return keras.Model([codes, *states], [logits, *new_states], name="reader")


def _embedding(n_characters, embedding_dim, std=1.0, dtype=None):
    """One table for reading and for writing (Press & Wolf 2017, arXiv:1608.05859): characters used alike lie close.

    std: of its entries at the start, where Keras' own 0.03 makes characters so alike to the LSTM that it takes many
    updates to tell them apart.
    """
    start = keras.initializers.RandomNormal(stddev=std)
    return layers.ReversibleEmbedding(
        n_characters, embedding_dim, embeddings_initializer=start, dtype=dtype, name="characters"
    )


def _logits(x, embedding, embedding_dim, dtype=None):
    """What the last LSTM layer says, as a point among the characters' embeddings; the nearest are the likeliest."""
    x = layers.Dense(embedding_dim, dtype=dtype, name="point")(x)
    x = embedding(x, reverse=True)
    return layers.Activation("linear", dtype="float32", name="logits")(x)


class Memory(layers.Layer):
    """The state (h, c) of an LSTM layer between two batches, which `fit` has no place for.

    Keras' own `stateful=True` keeps it too, but empties it for all rows or none. A network whose memory is hardly ever
    empty in training may not find its way out of an empty one when it is to write.
    """

    def __init__(self, shape, **options):
        super().__init__(**options)
        self.state = [self.add_weight(shape, "zeros", trainable=False, name=part) for part in "hc"]

    def call(self, keep):
        """The state to begin with, [h, c], emptied in rows where `keep` is 0."""
        return [keras.ops.cast(part, self.compute_dtype) * keep for part in self.state]

    def store(self, x, state):
        """Keep the state for the next batch; hands x through, so that it is part of the network."""
        return Store(self, name=f"{self.name}_store")([x, *state])


class Store(layers.Layer):
    """The end of a batch: puts the state into its Memory, where no gradient follows (truncated back-propagation)."""

    def __init__(self, memory, **options):
        super().__init__(**options)
        self.memory = memory

    def call(self, inputs):
        x, *state = inputs
        for kept, part in zip(self.memory.state, state, strict=True):
            kept.assign(keras.ops.stop_gradient(keras.ops.cast(part, kept.dtype)))
        return x
