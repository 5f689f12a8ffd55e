"""The fully connected network of homework 1, news topics."""

import keras
from keras import layers


def build_mlp(n_words, n_topics, units, dropout, l2=0.0):
    """Word weights (n_words,) in, a number for each topic out: margins or logits, as the loss wants them.

    dropout: share of the hidden units that is dropped in training. l2: weight of the squared kernels in the loss.
    """
    decay = keras.regularizers.L2(l2) if l2 else None
    inputs = keras.Input((n_words,), name="words")
    x = layers.Dense(units, activation="relu", kernel_regularizer=decay, name="hidden")(inputs)
    x = layers.Dropout(dropout, name="dropout")(x)
    margins = layers.Dense(n_topics, kernel_regularizer=decay, dtype="float32", name="margins")(x)
    return keras.Model(inputs, margins, name="mlp")
