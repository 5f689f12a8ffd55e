"""The networks that colour: a U-Net (Ronneberger et al. 2015, arXiv:1505.04597), and a discriminator of pairs.

As in pix2pix (Isola et al. 2017, arXiv:1611.07004), but small: `width` channels at half of the side. The sizes in
comments are those of a picture of 64 x 64; the U-Net takes any sides that 16 divides.
"""

import keras
from keras import layers


def _norm(x, name):
    return layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(x)


def build_colourist(width, latent_dim=0):
    """A drawing, uint8 (side, side, 1), to a picture in colour, float32 (side, side, 3): about 0..1, to be clipped.

    With `latent_dim` it takes noise (latent_dim,) before the drawing: other noise, other colours. All places get the
    same, where the U-Net is narrowest, so that it can choose a colour for the whole of the hair.
    """
    drawing = keras.Input((None, None, 1), name="drawing")
    noise = [keras.Input((latent_dim,), name="noise")] if latent_dim else []
    shade = layers.Rescaling(1 / 255, dtype="float32", name="shade")(drawing)
    x, skips = shade, []
    for side, channels in ((32, width), (16, 2 * width), (8, 4 * width), (4, 8 * width)):
        x = layers.Conv2D(channels, 4, 2, "same", use_bias=False, name=f"halve_{side}")(x)
        x = _norm(x, f"halve_{side}")
        if side == 4 and noise:
            # at first as strong as the normalised features: weak noise would be ignored
            choice = layers.Dense(channels, use_bias=False, kernel_initializer="lecun_normal", name="choice")(noise[0])
            x = layers.Add(name="chosen")([x, layers.Reshape((1, 1, channels), name="everywhere")(choice)])
        x = layers.LeakyReLU(0.2, name=f"side_{side}")(x)  # 32 x 32 to 4 x 4
        skips.append(x)
    skips.pop()
    for side, channels in ((8, 4 * width), (16, 2 * width), (32, width)):
        x = layers.Conv2DTranspose(channels, 4, 2, "same", use_bias=False, name=f"double_{side}")(x)
        x = layers.ReLU(name=f"back_{side}")(_norm(x, f"double_{side}"))  # 8 x 8 to 32 x 32
        x = layers.Concatenate(name=f"skip_{side}")([x, skips.pop()])  # where things are, which the code has lost
    x = layers.Conv2D(width, 3, padding="same", activation="relu", name="mix")(x)
    x = layers.Conv2DTranspose(3, 4, 2, "same", kernel_initializer="zeros", dtype="float32", name="double_64")(x)
    # A picture is light times paint: where the drawing is dark, all paint is. At first the paint is white.
    change = layers.Multiply(dtype="float32", name="change")([shade, x])
    picture = layers.Add(dtype="float32", name="picture")([shade, change])
    return keras.Model([*noise, drawing] if noise else drawing, picture, name="colourist")


def build_discriminator(side, width):
    """A picture (side, side, 3) in 0..1 and its drawing, 0..255, to the logit of being real."""
    picture = keras.Input((side, side, 3), name="picture")
    drawing = keras.Input((side, side, 1), name="drawing")
    x = layers.Concatenate(name="pair")([picture, layers.Rescaling(1 / 255, name="shade")(drawing)])
    x = layers.Rescaling(2, offset=-1, name="centre")(x)
    for channels in (width, 2 * width, 4 * width, 8 * width):
        x = layers.Conv2D(channels, 4, 2, "same", kernel_initializer="he_normal")(x)
        x = layers.LeakyReLU(0.2)(x)  # 32 x 32, 16 x 16, 8 x 8, 4 x 4
    logit = layers.Dense(1, dtype="float32", name="logit")(layers.Flatten(name="flat")(x))
    return keras.Model([picture, drawing], logit, name="discriminator")
