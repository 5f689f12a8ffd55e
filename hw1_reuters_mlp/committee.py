"""The committee of `--model best`: several perceptrons that are trained side by side, and answer by their mean.

What it teaches: networks that have seen the same data still make different mistakes, because they began differently
and dropped other units, and the mean of their answers makes fewer. On these wires a single linear SVM does as well
(README.md): where words are counted and their order is lost, there is little left for a network to find.
"""

import keras
from keras import layers


def build_committee(n_words, n_topics, units, dropout, l2, members):
    """Two models that share all layers: the one to train gives the margins of every member (members, n_topics), the
    other their mean (n_topics,).

    units: width of the hidden layer of each member. l2: weight of the squared kernels in the loss, which is a mean over
    members and topics.
    """
    decay = keras.regularizers.L2(l2 / members)
    inputs = keras.Input((n_words,), name="words")
    x = layers.Dense(members * units, activation="relu", kernel_regularizer=decay, name="hidden")(inputs)
    x = layers.Dropout(dropout, name="dropout")(x)
    x = layers.Reshape((members, units), name="members")(x)
    each = layers.EinsumDense(  # every member reads its own hidden units
        "bmu,mut->bmt", (members, n_topics), bias_axes="mt", kernel_regularizer=decay, dtype="float32", name="topics"
    )(x)
    mean = layers.GlobalAveragePooling1D(dtype="float32", name="margins")(each)  # over the members
    return keras.Model(inputs, each, name="committee"), keras.Model(inputs, mean, name="committee_mean")
