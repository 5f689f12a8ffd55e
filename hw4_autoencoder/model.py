"""The networks of homework 4: encoders, decoders, and the pair of a GAN.

An encoder takes uint8 images of the shape `image_shape`, (28, 28) or (32, 32, 3), and gives a code (latent_dim,); the
one of a VAE gives the mean and the logarithm of the variance of the code. A decoder takes a code and gives the logits
of the pixels: their sigmoid is the image in 0..1. Scaling is part of the networks.
"""

import keras
from keras import layers


def dense_encoder(image_shape, hidden, activation, latent_dim, variational=False):
    """Fully connected layers of the widths `hidden`, and the code (Hinton & Salakhutdinov 2006)."""
    images = keras.Input(image_shape, dtype="uint8", name="image")
    x = layers.Rescaling(1 / 255, name="scale")(images)
    x = layers.Flatten(name="pixels")(x)  # 784 for a digit
    for i, width in enumerate(hidden, start=1):
        x = _dense(x, width, activation, f"encode_{i}")
    return keras.Model(images, _code(x, latent_dim, variational), name="encoder")


def dense_decoder(image_shape, hidden, activation, latent_dim):
    """The mirror image of `dense_encoder`."""
    code = keras.Input((latent_dim,), name="code")
    x = code
    for i, width in enumerate(reversed(hidden), start=1):
        x = _dense(x, width, activation, f"decode_{i}")
    n_pixels = 1
    for size in image_shape:
        n_pixels *= size
    x = layers.Dense(n_pixels, dtype="float32", name="logits")(x)  # 784 for a digit
    return keras.Model(code, layers.Reshape(image_shape, dtype="float32", name="canvas")(x), name="decoder")


def conv_encoder(image_shape, width, activation, latent_dim, variational=False, head=()):
    """Convolutions that halve the image until it is 4 x 4 or odd, and the code.

    width: channels after the first halving, twice as many after the second, at most 256.
    head: widths of fully connected layers between the features, which are the layer "features", and the code.
    """
    images = keras.Input(image_shape, dtype="uint8", name="image")
    x = layers.Rescaling(1 / 255, name="scale")(images)
    if len(image_shape) == 2:
        x = layers.Reshape((*image_shape, 1), name="channel")(x)
    for i, channels in enumerate(_channels(image_shape, width), start=1):
        x = layers.Conv2D(channels, 4, strides=2, padding="same", use_bias=False, name=f"halve_{i}")(x)
        x = _norm(x, activation, f"halve_{i}")  # 14 x 14, 7 x 7; 16, 8, 4 for 32 x 32
    x = layers.Flatten(name="flat")(x)
    x = _dense(x, 256, activation, "features")
    for i, units in enumerate(head, start=1):
        x = _dense(x, units, activation, f"head_{i}")
    return keras.Model(images, _code(x, latent_dim, variational), name="encoder")


def conv_decoder(image_shape, width, activation, latent_dim):
    """The mirror image of `conv_encoder`, with transposed convolutions."""
    code = keras.Input((latent_dim,), name="code")
    *later, first = _channels(image_shape, width)
    side = image_shape[0] >> len(later) + 1
    x = _dense(code, 256, activation, "decode_dense")
    x = _dense(x, side * side * first, activation, "decode_seed")
    x = layers.Reshape((side, side, first), name="seed")(x)  # 7 x 7 for a digit
    for i, channels in enumerate(reversed(later), start=1):
        x = layers.Conv2DTranspose(channels, 4, strides=2, padding="same", use_bias=False, name=f"double_{i}")(x)
        x = _norm(x, activation, f"double_{i}")  # 14 x 14
    x = layers.Conv2DTranspose(_colours(image_shape), 4, strides=2, padding="same", dtype="float32", name="logits")(x)
    return keras.Model(code, layers.Reshape(image_shape, dtype="float32", name="canvas")(x), name="decoder")


def assemble(encoder, decoder):
    """What is saved: uint8 images in, reconstructions in 0..1 out; `encoder` and `decoder` are two of its layers."""
    images = keras.Input(encoder.input.shape[1:], dtype="uint8", name="image")
    code = encoder(images)
    logits = decoder(code[0] if isinstance(code, (list, tuple)) else code)  # of a VAE: the mean
    return keras.Model(images, layers.Activation("sigmoid", dtype="float32", name="picture")(logits))


def build_generator(image_shape, noise_dim, width, n_classes=0):
    """Noise (noise_dim,), and the class as a one-hot vector if there are classes, to an image in 0..1.

    After DCGAN (Radford et al. 2015, arXiv:1511.06434): transposed convolutions, batch normalisation, ReLU.
    """
    noise = keras.Input((noise_dim,), name="noise")
    label = [keras.Input((n_classes,), name="label")] if n_classes else []
    *later, first = _channels(image_shape, width)
    side = image_shape[0] >> len(later) + 1
    x = layers.Concatenate(name="wish")([noise, *label]) if label else noise
    x = layers.Dense(side * side * first, use_bias=False, name="seed")(x)
    x = layers.Reshape((side, side, first), name="seed_map")(x)  # 7 x 7 for a digit
    x = _norm(x, "relu", "seed")
    for i, channels in enumerate(reversed(later), start=1):
        x = layers.Conv2DTranspose(channels, 4, strides=2, padding="same", use_bias=False, name=f"double_{i}")(x)
        x = _norm(x, "relu", f"double_{i}")  # 14 x 14
    x = layers.Conv2DTranspose(_colours(image_shape), 4, strides=2, padding="same", dtype="float32", name="logits")(x)
    x = layers.Reshape(image_shape, dtype="float32", name="canvas")(x)
    picture = layers.Activation("sigmoid", dtype="float32", name="picture")(x)
    return keras.Model([noise, *label] if label else noise, picture, name="generator")


def build_discriminator(image_shape, width, dropout, n_classes=0):
    """An image in 0..1, and the class if there are classes, to the logit of being real.

    The class is compared with what the network sees by a scalar product (Miyato & Koyama 2018, arXiv:1802.05637).
    """
    images = keras.Input(image_shape, name="image")
    label = [keras.Input((n_classes,), name="label")] if n_classes else []
    x = layers.Rescaling(2, offset=-1, name="centre")(images)
    if len(image_shape) == 2:
        x = layers.Reshape((*image_shape, 1), name="channel")(x)
    for i, channels in enumerate(_channels(image_shape, width), start=1):
        x = layers.Conv2D(channels, 4, strides=2, padding="same", name=f"halve_{i}")(x)  # 14 x 14, 7 x 7
        x = layers.LeakyReLU(0.2, name=f"halve_{i}_active")(x)
        x = layers.Dropout(dropout, name=f"halve_{i}_dropout")(x)
    x = layers.Flatten(name="flat")(x)
    logit = layers.Dense(1, dtype="float32", name="logit")(x)
    if label:
        x = layers.Dense(128, name="seen")(x)
        wished = layers.Dense(128, use_bias=False, name="wished")(label[0])
        logit = layers.Add(dtype="float32", name="sum")(
            [logit, layers.Dot(1, dtype="float32", name="fit")([x, wished])]
        )
    return keras.Model([images, *label] if label else images, logit, name="discriminator")


def _code(x, latent_dim, variational):
    if variational:
        return [layers.Dense(latent_dim, dtype="float32", name=name)(x) for name in ("mean", "log_variance")]
    return layers.Dense(latent_dim, dtype="float32", name="code")(x)


def _dense(x, width, activation, name):
    return _norm(layers.Dense(width, use_bias=False, name=name)(x), activation, name)


def _norm(x, activation, name):
    x = layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(x)
    return layers.Activation(activation, name=f"{name}_active")(x)


def _channels(image_shape, width):
    """The channels after each halving of the image, until it is 4 x 4 or odd: [w, 2 w] for 28 x 28."""
    side, channels = image_shape[0], []
    while side % 2 == 0 and side > 4:
        channels.append(min(width * 2 ** len(channels), 256))
        side //= 2
    return channels


def _colours(image_shape):
    return 1 if len(image_shape) == 2 else image_shape[2]
