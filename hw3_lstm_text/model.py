"""The LSTM language model of homework 3: which character comes next?

Characters come in as codes (0, 1, ...), one row per text, and logits over all characters come out at every place.
"""

import keras
from keras import layers

from hw3_lstm_text.recurrence import walk
from hw3_lstm_text.sound import N_RHYMES


def build_trainer(n_characters, embedding_dim, units, embedding_std, dropout, weight_drop, batch_size, sounds=None):
    """The network that learns: {codes, keep} to logits float32 (batch_size, time, n_characters).

    codes: int32 (batch_size, time). keep: float32 (batch_size, 1): with 1 a row goes on where it ended in the batch
    before, with 0 it begins with an empty memory. units: the sizes of the LSTM layers. embedding_std and sounds: see
    _tables. weight_drop: see CarriedLSTM.

    With sounds it has a second task and gives {"logits", "rhyme"}: logits (batch_size, time, N_RHYMES) of the rhyme on
    which the last couplet ended. To answer it must keep the rhyme in its memory, where the next couplet finds it;
    nothing else would tell it to for a dozen characters (a hint in the sense of Abu-Mostafa 1990).
    """
    codes = keras.Input(batch_shape=(batch_size, None), dtype="int32", name="codes")
    keep = keras.Input(batch_shape=(batch_size, 1), name="keep")
    tables = _tables(n_characters, embedding_dim, embedding_std, sounds)
    x = _read(codes, tables)  # (batch_size, time, embedding_dim), and what is heard
    for number, n in enumerate(units, start=1):
        x = CarriedLSTM(n, batch_size, weight_drop, name=f"lstm{number}")(x, keep)  # (batch_size, time, n)
        x = layers.Dropout(dropout, name=f"dropout{number}")(x)
    answers = _logits(x, tables)
    if sounds is not None:
        answers = {"logits": answers, "rhyme": layers.Dense(N_RHYMES, dtype="float32", name="rhyme")(x)}
    return keras.Model({"codes": codes, "keep": keep}, answers, name="trainer")


def build_reader(n_characters, embedding_dim, units, sounds=None):
    """The same network with its memory in the open, for texts of any length and number.

    [codes int32 (n, time), h1, c1, h2, c2, ...] to [logits float32 (n, time, n_characters), h1, c1, h2, c2, ...]: the
    state, float32 (n, units), that comes out goes in again with the next characters. Takes the trainable weights of
    the trainer in their order. Computes in float32.
    """
    codes = keras.Input((None,), dtype="int32", name="codes")
    tables = _tables(n_characters, embedding_dim, sounds=sounds, dtype="float32")
    x = _read(codes, tables)
    states, new_states = [], []
    for number, n in enumerate(units, start=1):
        state = [keras.Input((n,), name=f"{part}{number}") for part in "hc"]
        lstm = layers.LSTM(n, return_sequences=True, return_state=True, dtype="float32", name=f"lstm{number}")
        x, *new_state = lstm(x, initial_state=state)
        states += state
        new_states += new_state
    logits = _logits(x, tables, dtype="float32")
    return keras.Model([codes, *states], [logits, *new_states], name="reader")


def _tables(n_characters, embedding_dim, std=1.0, sounds=None, dtype=None):
    """What is known of each character: a vector that is learned and, where given, how it sounds.

    A table serves for reading and for writing (Press & Wolf 2017, arXiv:1608.05859): characters used alike lie close.

    std: of the learned entries at the start, where Keras' own 0.03 makes characters so alike to the LSTM that it takes
    many updates to tell them apart. sounds: None or float32 (n_characters, features), which stay as they are: to a
    network a character is a number, and which characters rhyme it could only learn by heart, pair by pair.
    """
    start = keras.initializers.RandomNormal(stddev=std)
    tables = [
        layers.ReversibleEmbedding(
            n_characters, embedding_dim, embeddings_initializer=start, dtype=dtype, name="characters"
        )
    ]
    if sounds is not None:
        heard = layers.ReversibleEmbedding(*sounds.shape, trainable=False, dtype=dtype, name="sounds")
        heard.build()
        heard.set_weights([sounds])
        tables.append(heard)
    return tables


def _read(codes, tables):
    """The entries of the characters in all tables, side by side."""
    entries = [table(codes) for table in tables]
    return layers.Concatenate(dtype=tables[0].dtype_policy, name="entries")(entries) if len(entries) > 1 else entries[0]


def _logits(x, tables, dtype=None):
    """The logit of a character is the product of its entry with a vector made of what the last LSTM layer says.

    The larger the product, the likelier the character: the vector points where the entry does. With two tables there
    are two such vectors, which point at a character and at a sound, and the logits are summed.
    """
    logits = []
    for table in tables:
        point = layers.Dense(table.output_dim, dtype=dtype, name=f"point_at_{table.name}")(x)  # (n, time, output_dim)
        logits.append(table(point, reverse=True))  # (n, time, n_characters)
    x = layers.Add(dtype=dtype, name="both")(logits) if len(logits) > 1 else logits[0]
    return layers.Activation("linear", dtype="float32", name="logits")(x)


class CarriedLSTM(layers.Layer):
    """An LSTM layer that goes on where it ended in the batch before, or begins anew, row by row.

    Its state (h, c) is kept between batches, for which `fit` has no place. Keras' own `stateful=True` keeps it too, but
    empties it for all rows or none, and a network whose memory is hardly ever empty in training may not find its way
    out of an empty one when it is to write.

    weight_drop: share of the recurrent weights that is left out in training, drawn anew for each batch, the same at all
    its steps (Merity et al. 2017, arXiv:1708.02182). What goes from step to step no dropout of outputs reaches.
    """

    def __init__(self, units, batch_size, weight_drop=0.0, **options):
        super().__init__(**options)
        # XLA would compile each of the steps that recurrence.py writes out for TensorFlow, which takes long
        self.supports_jit = keras.backend.backend() != "tensorflow"
        self.cell = layers.LSTMCell(units)  # the weights, and how they start
        self.drop = layers.Dropout(weight_drop)
        self.state = [self.add_weight((batch_size, units), "zeros", trainable=False, name=part) for part in "hc"]

    def build(self, x_shape, keep_shape):
        self.cell.build((x_shape[0], x_shape[2]))

    def compute_output_shape(self, x_shape, keep_shape):
        return (*x_shape[:2], self.cell.units)

    def call(self, x, keep):
        """(batch_size, time, units) of x (batch_size, time, features); the state is emptied in rows whose keep is 0."""
        state = [keras.ops.cast(part, self.compute_dtype) * keep for part in self.state]
        recurrent_kernel = self.drop(keras.ops.cast(self.cell.recurrent_kernel, self.compute_dtype))
        by_time = keras.ops.transpose(x, (1, 0, 2))
        outputs, cells = walk(keras.ops.matmul(by_time, self.cell.kernel) + self.cell.bias, recurrent_kernel, *state)
        for kept, part in zip(self.state, (outputs[-1], cells), strict=True):
            kept.assign(keras.ops.stop_gradient(keras.ops.cast(part, kept.dtype)))  # truncated back-propagation
        return keras.ops.transpose(outputs, (1, 0, 2))
