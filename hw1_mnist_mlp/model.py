"""The fully connected networks of homework 1, digits."""

import keras
from keras import layers


def build_mlp(hidden=(512, 512), dropout=0.2):
    """A plain multi-layer perceptron: uint8 images (28, 28) in, logits (10,) out."""
    inputs = keras.Input((28, 28), dtype="uint8", name="image")
    x = layers.Rescaling(1 / 255, name="scale")(inputs)
    x = layers.Flatten(name="pixels")(x)  # 784
    for index, width in enumerate(hidden, start=1):
        x = layers.Dense(width, activation="relu", name=f"dense_{index}")(x)
        x = layers.Dropout(dropout, name=f"dropout_{index}")(x)
    logits = layers.Dense(10, dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name="mlp")
