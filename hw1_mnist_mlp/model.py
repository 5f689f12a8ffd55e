"""The fully connected networks of homework 1, digits."""

import keras
from keras import layers


def build_mlp(hidden, batch_norm=True, dropout=0.0):
    """A multi-layer perceptron: uint8 images (28, 28) in, logits (10,) out; scaling is part of the network.

    hidden: widths of the hidden layers. batch_norm: normalise each before its ReLU (Ioffe & Szegedy 2015,
    arXiv:1502.03167), which allows the high learning rate of train.py. dropout: share of each hidden layer's outputs
    that is dropped in training (Srivastava et al. 2014).
    """
    inputs = keras.Input((28, 28), dtype="uint8", name="image")
    x = layers.Rescaling(1 / 255, name="scale")(inputs)
    x = layers.Flatten(name="pixels")(x)  # 784
    for i, width in enumerate(hidden, start=1):
        x = layers.Dense(width, use_bias=not batch_norm, name=f"dense_{i}")(x)
        if batch_norm:
            x = layers.BatchNormalization(momentum=0.95, name=f"norm_{i}")(x)
        x = layers.Activation("relu", name=f"hidden_{i}")(x)
        if dropout:
            x = layers.Dropout(dropout, name=f"dropout_{i}")(x)
    logits = layers.Dense(10, dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name="mlp")
