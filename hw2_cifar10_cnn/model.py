"""The convolutional networks of homework 2.

All take uint8 images (32, 32, 3) and give logits (10,); scaling is part of the network.
"""

import keras
import numpy as np
from keras import layers


def build_fast(widths, whitening):
    """A small VGG-like network that learns CIFAR-10 in minutes on a CPU; a plain reading of airbench94.

    widths: channels of its blocks. whitening: [kernels, biases] of the first layer, from `whitening_weights`.
    Source of the design: Jordan 2024, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU" (arXiv:2404.00498), after
    Page 2018, "How to Train Your ResNet".
    """
    inputs = keras.Input((32, 32, 3), dtype="uint8", name="image")
    x = layers.Rescaling(1 / 255, name="scale")(inputs)
    whiten = layers.Conv2D(len(whitening[1]), 2, name="whiten", trainable=False)
    x = whiten(x)  # 31 x 31
    x = layers.Activation("relu", name="whiten_relu")(x)
    for block, width in enumerate(widths, start=1):
        x = _conv(x, width, f"block{block}_conv1")
        x = layers.MaxPooling2D(name=f"block{block}_pool")(x)  # 15 x 15, 7 x 7, 3 x 3
        x = _norm_relu(x, f"block{block}_relu1")
        x = _conv(x, width, f"block{block}_conv2")
        x = _norm_relu(x, f"block{block}_relu2")
    x = layers.GlobalMaxPooling2D(name="pool")(x)
    x = layers.Dense(10, use_bias=False, dtype="float32", name="head")(x)
    logits = layers.Rescaling(1 / 9, dtype="float32", name="logits")(x)
    model = keras.Model(inputs, logits, name="fast")
    whiten.set_weights(whitening)
    return model


def _conv(x, width, name):
    """A 3 x 3 convolution that starts as the identity on its first channels (a partial Dirac; airbench94, sec. 3.3)."""
    layer = layers.Conv2D(width, 3, padding="same", use_bias=False, name=name)
    y = layer(x)
    kernel = np.array(layer.get_weights()[0])
    n = min(kernel.shape[2:])
    kernel[:, :, :n, :n] = 0
    kernel[1, 1, range(n), range(n)] = 1
    layer.set_weights([kernel])
    return y


def _norm_relu(x, name):
    x = layers.BatchNormalization(momentum=0.6, epsilon=1e-5, scale=False, name=name.replace("relu", "norm"))(x)
    return layers.Activation("relu", name=name)(x)


def whitening_weights(images):
    """Kernels, float32 (2, 2, 3, 24), and biases (24,) of a layer whose outputs are uncorrelated on `images`.

    images: uint8 (n, height, width, 3). The kernels are the principal components of 2 x 2 patches, scaled to unit
    variance, the biases take their means away. A first layer that is fixed to them hands decorrelated inputs to
    the rest (Page 2018; airbench94, section 3.2). Each comes with its negative, so that the ReLU behind them loses
    neither sign. Without the biases the negative of brightness would never be active, and what is normalised to unit
    variance after that would explode at the first picture that wakes it.
    """
    patches = np.lib.stride_tricks.sliding_window_view(images / np.float32(255), (2, 2), axis=(1, 2))
    patches = patches[:, ::2, ::2].transpose(0, 1, 2, 4, 5, 3).reshape(-1, 12)
    variances, directions = np.linalg.eigh(np.cov(patches, rowvar=False))
    kernels = (directions / np.sqrt(variances + 5e-4))[:, ::-1]
    kernels = np.concatenate([kernels, -kernels], axis=1)
    biases = -patches.mean(axis=0) @ kernels
    return [kernels.reshape(2, 2, 3, -1).astype("float32"), biases.astype("float32")]


def build_classic():
    """The network of Keras' well-known example cifar10_cnn.py: conv 32-32-64-64, dense 512, with dropout."""
    stack = keras.Sequential(
        [
            keras.Input((32, 32, 3), dtype="uint8", name="image"),
            layers.Rescaling(1 / 255, name="scale"),
            layers.Conv2D(32, 3, padding="same", name="conv1"),
            layers.Activation("relu", name="relu1"),
            layers.Conv2D(32, 3, name="conv2"),  # 30 x 30
            layers.Activation("relu", name="relu2"),
            layers.MaxPooling2D(name="pool2"),  # 15 x 15
            layers.Dropout(0.25, name="dropout2"),
            layers.Conv2D(64, 3, padding="same", name="conv3"),
            layers.Activation("relu", name="relu3"),
            layers.Conv2D(64, 3, name="conv4"),  # 13 x 13
            layers.Activation("relu", name="relu4"),
            layers.MaxPooling2D(name="pool4"),  # 6 x 6
            layers.Dropout(0.25, name="dropout4"),
            layers.Flatten(name="flat"),  # 2304
            layers.Dense(512, activation="relu", name="dense"),
            layers.Dropout(0.5, name="dropout5"),
            layers.Dense(10, dtype="float32", name="logits"),
        ]
    )
    return keras.Model(stack.inputs, stack.outputs[0], name="classic")  # analyze.py asks for inner outputs
