"""The fully connected networks of homework 1, news topics."""

import keras
from keras import layers


def build_mlp(n_words, n_topics, units, dropout, l2=0.0, members=1):
    """A committee of perceptrons with one hidden layer each: word weights (n_words,) in, margins (n_topics,) out.

    units: width of the hidden layer of each member. dropout: share of its outputs that is dropped in training.
    l2: weight of the squared kernels in the loss, which is a mean over members and topics. The members see the same
    data; they differ by their initial weights and by what is dropped.

    Returns two models that share all layers: the one to train gives the margins of every member
    (members, n_topics), the other their mean (n_topics,).
    """
    decay = keras.regularizers.L2(l2 / members) if l2 else None
    inputs = keras.Input((n_words,), name="words")
    x = layers.Dense(members * units, activation="relu", kernel_regularizer=decay, name="hidden")(inputs)
    x = layers.Dropout(dropout, name="dropout")(x)
    x = layers.Reshape((members, units), name="members")(x)
    each = layers.EinsumDense(  # every member reads its own hidden units
        "bmu,mut->bmt", (members, n_topics), bias_axes="mt", kernel_regularizer=decay, dtype="float32", name="topics"
    )(x)
    mean = layers.GlobalAveragePooling1D(dtype="float32", name="margins")(each)  # over the members
    return keras.Model(inputs, each, name="mlp"), keras.Model(inputs, mean, name="mlp_mean")
