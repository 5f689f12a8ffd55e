"""The networks of homework 5: the generator and the discriminator of DCGAN (Radford et al. 2015, arXiv:1511.06434).

Images are 64 x 64 in colour, float32 in 0..1. `width` is the number of channels next to the image; the paper has 128
there in the generator, the usual scripts have 64. Kernels are 4 x 4, which the stride of 2 divides: with the 5 x 5 of
the paper neighbouring pixels get unlike numbers of terms, and the pictures a checkerboard (Odena et al. 2016).
"""

import keras
from keras import layers, ops

from hw5_anime_dcgan.sentences import LENGTH

SIDE = 64


def _normal():
    """Weights start from a normal distribution with a standard deviation of 0.02 (section 4 of the paper)."""
    return keras.initializers.RandomNormal(0.0, 0.02)


def _norm(x, name):
    # Remembers some 10 batches, not 100: a generator that changes fast is asked for samples after 100 updates.
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_norm")(x)


def build_generator(latent_dim, width, n_attributes=0):
    """Noise (latent_dim,), and the attributes (n_attributes,) if there are any, to an image in 0..1."""
    noise = keras.Input((latent_dim,), name="noise")
    attributes = [keras.Input((n_attributes,), name="attributes")] if n_attributes else []
    x = layers.Concatenate(name="wish")([noise, *attributes]) if attributes else noise
    x = layers.Dense(4 * 4 * 8 * width, use_bias=False, kernel_initializer=_normal(), name="seed")(x)
    x = layers.Reshape((4, 4, 8 * width), name="seed_map")(x)
    x = layers.ReLU(name="stage_4")(_norm(x, "stage_4"))  # 4 x 4
    for side, channels in ((8, 4 * width), (16, 2 * width), (32, width)):
        x = layers.Conv2DTranspose(channels, 4, 2, "same", use_bias=False, name=f"double_{side}")(x)
        x = layers.ReLU(name=f"stage_{side}")(_norm(x, f"stage_{side}"))  # 8 x 8, 16 x 16, 32 x 32
    x = layers.Conv2DTranspose(3, 4, 2, "same", name="double_64")(x)
    # the paper's tanh, in another scale: (tanh(x) + 1) / 2 is the sigmoid of 2 x
    picture = layers.Activation("sigmoid", dtype="float32", name="picture")(x)  # 64 x 64
    model = keras.Model([noise, *attributes] if attributes else noise, picture, name="generator")
    for layer in model.layers:
        if isinstance(layer, layers.Conv2DTranspose):
            layer.kernel.assign(_smooth(layer.kernel.shape))
    return model


def _smooth(shape):
    """Random 4 x 4 kernels that double an image as bilinear interpolation does.

    Independent weights begin with a checkerboard, which the training must first unlearn (Aitken et al. 2017,
    arXiv:1707.02937).
    """
    tent = ops.convert_to_tensor([0.25, 0.75, 0.75, 0.25], "float32")
    channels = keras.random.normal((1, 1, *shape[2:]), stddev=0.06)
    return tent[:, None, None, None] * tent[:, None, None] * channels


def build_discriminator(width, batch_norm=True, n_attributes=0):
    """An image in 0..1 to the logit of being real.

    With attributes the answers are the logit and two points (64,): of what is seen, and of what was asked for. The
    scalar product of the two says how well they fit (see matching.py).

    batch_norm: as in the paper; without it the weights start larger (He et al. 2015), as nothing else sets the scale.
    """
    images = keras.Input((SIDE, SIDE, 3), name="image")
    start = _normal if batch_norm else keras.initializers.HeNormal
    x = layers.Rescaling(2, offset=-1, name="centre")(images)
    for side, channels in ((32, width), (16, 2 * width), (8, 4 * width), (4, 8 * width)):
        normalised = batch_norm and side != 32  # not next to the image (section 3 of the paper)
        x = layers.Conv2D(
            channels, 4, 2, "same", use_bias=not normalised, kernel_initializer=start(), name=f"halve_{side}"
        )(x)
        if normalised:
            x = _norm(x, f"stage_{side}")
        x = layers.LeakyReLU(0.2, name=f"stage_{side}")(x)  # 32 x 32, 16 x 16, 8 x 8, 4 x 4
    logit = layers.Conv2D(1, 4, kernel_initializer=start(), dtype="float32", name="logit_map")(x)
    logit = layers.Reshape((1,), dtype="float32", name="logit")(logit)
    if not n_attributes:
        return keras.Model(images, logit, name="discriminator")
    attributes = keras.Input((n_attributes,), name="attributes")
    seen = layers.Dense(64, dtype="float32", name="seen")(layers.Flatten(name="flat")(x))
    wished = layers.Dense(64, dtype="float32", name="wished")(attributes)
    return keras.Model([images, attributes], [logit, seen, wished], name="discriminator")


def build_reader(n_words, n_colours):
    """A sentence, the numbers of its words int32 (LENGTH,), to logits (n,) of `n_colours`: of hair, of eyes."""
    words = keras.Input((LENGTH,), dtype="int32", name="sentence")
    x = layers.Embedding(n_words, 32, mask_zero=True, name="words")(words)
    x = layers.GRU(64, name="meaning")(x)
    answers = [layers.Dense(n, dtype="float32", name=name)(x) for name, n in n_colours.items()]
    return keras.Model(words, answers, name="reader")
