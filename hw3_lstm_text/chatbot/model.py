"""The network that answers: sequence to sequence (Sutskever et al. 2014, arXiv:1409.3215) with attention.

The encoder reads what was said last, the decoder writes the answer piece by piece, and before each piece the attention
looks back into what was read (Luong et al. 2015, arXiv:1508.04025, section 3.1, "general"). n: talks side by side.
"""

import keras
from keras import layers, ops

# of the embeddings: with Keras' own 0.03 the pieces are so alike to the networks that they hardly learn at all
START = keras.initializers.RandomNormal(stddev=0.3)


def build_chatbot(n_pieces, embedding_dim, units, dropout, longest_context):
    """[contexts int32 (n, longest_context), before int32 (n, time)] to logits float32 (n, time, n_pieces).

    before: the pieces of the answer up to the one that is asked for. Its layers "encoder" and "decoder" are models
    of their own: one that writes calls the first once and the second for every piece.
    """
    context = keras.Input((longest_context,), dtype="int32", name="context")
    before = keras.Input((None,), dtype="int32", name="before")
    encoder = build_encoder(n_pieces, embedding_dim, units, dropout, longest_context)
    decoder = build_decoder(n_pieces, embedding_dim, units, dropout, longest_context)
    memory, state = encoder(context)
    logits, _, _ = decoder([before, state, memory, context])
    return keras.Model([context, before], logits, name="chatbot")


def build_encoder(n_pieces, embedding_dim, units, dropout, longest_context):
    """Contexts to (memory (n, longest_context, units), what was read at each place; state (n, units) to begin with)."""
    context = keras.Input((longest_context,), dtype="int32", name="context")
    x = layers.Embedding(n_pieces, embedding_dim, START, name="read")(context)
    x = layers.Dropout(dropout, name="read_dropout")(x)
    # forwards and backwards: every place knows what stands on both sides of it
    gru = layers.Bidirectional(layers.GRU(units // 2, return_sequences=True), name="both_ways")
    memory = gru(x)  # (n, longest_context, units)
    ends = layers.Concatenate(name="ends")([memory[:, -1, : units // 2], memory[:, 0, units // 2 :]])
    state = layers.Dense(units, activation="tanh", name="state")(ends)
    return keras.Model(context, [memory, state], name="encoder")


def build_decoder(n_pieces, embedding_dim, units, dropout, longest_context):
    """[before (n, time), state (n, units), memory, context] to [logits (n, time, n_pieces), the state after, weights].

    weights: float (n, time, longest_context), where the attention looks before each piece; they sum to 1.
    """
    before = keras.Input((None,), dtype="int32", name="before")
    state = keras.Input((units,), name="state")
    memory = keras.Input((longest_context, units), name="memory")
    context = keras.Input((longest_context,), dtype="int32", name="context")
    embedding = layers.ReversibleEmbedding(
        n_pieces, embedding_dim, embeddings_initializer=START, name="pieces"
    )  # one table to read and to write
    x = layers.Dropout(dropout, name="said_dropout")(embedding(before))
    gru = layers.GRU(units, return_sequences=True, return_state=True, name="gru")
    x, new_state = gru(x, initial_state=state)  # (n, time, units)
    question = layers.Dense(units, use_bias=False, name="question")(x)  # what it looks for
    there = ops.not_equal(context, 0)
    seen, weights = layers.Attention(name="attention")(
        [question, memory], mask=[None, there], return_attention_scores=True
    )
    x = layers.Concatenate(name="both")([x, seen])
    x = layers.Dense(embedding_dim, activation="tanh", name="point")(x)
    x = layers.Dropout(dropout, name="point_dropout")(x)
    logits = layers.Activation("linear", dtype="float32", name="logits")(embedding(x, reverse=True))
    return keras.Model([before, state, memory, context], [logits, new_state, weights], name="decoder")


class Player(keras.Model):
    """Draws whole answers of a chatbot in one call, which Keras compiles: for many talks side by side.

    [contexts int32 (n, longest_context), chances float32 (n, longest_answer + 1)] to answers int32 of the shape of
    chances, 0 after the mark of the end. chances: a random number in 0..1 for each piece, so that who gives the same
    gets the same. never: float32 (n_pieces,), 0, or -1e9 for what no answer holds.
    """

    def __init__(self, chatbot, never, begin, end):
        super().__init__(name="player", dtype="float32")  # the layers inside have their own; chances stay exact
        self.encoder, self.decoder = chatbot.get_layer("encoder"), chatbot.get_layer("decoder")
        self.never, self.begin, self.end = never, begin, end

    def call(self, inputs):
        context, chances = inputs
        memory, state = self.encoder(context)
        piece = ops.full_like(context[:, :1], self.begin)
        done, answer = ops.zeros_like(piece), []
        for place in range(chances.shape[1]):
            logits, state, _ = self.decoder([piece, state, memory, context])
            reached = ops.cumsum(ops.softmax(logits[:, 0] + self.never), axis=1)  # (n, n_pieces), up to 1
            # a random number falls on a piece as often as the piece is likely
            piece = ops.sum(ops.cast(reached < chances[:, place : place + 1] * reached[:, -1:], "int32"), 1, True)
            answer.append(piece * (1 - done))
            done = ops.maximum(done, ops.cast(piece == self.end, "int32"))
        answer[-1] = ops.where(done > 0, answer[-1], self.end)  # cut where it is too long
        return ops.concatenate(answer, axis=1)
