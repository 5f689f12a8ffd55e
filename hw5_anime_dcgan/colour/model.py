"""The networks that colour: a U-Net (Ronneberger et al. 2015, arXiv:1505.04597), and a discriminator of patches.

As in pix2pix (Isola et al. 2017, arXiv:1611.07004, section 3.2), but small: `width` channels at half of the side. The
sizes in comments are those of a picture of 64 x 64; the networks take any sides that 16 divides.
"""

import keras
from keras import layers


def _norm(x, name):
    return layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(x)


def build_colourist(width):
    """A drawing, uint8 (side, side, 1), to a picture in colour, float32 (side, side, 3): about 0..1, to be clipped."""
    drawing, half = keras.Input((None, None, 1), name="drawing"), max(1, width // 2)
    shade = layers.Rescaling(1 / 255, name="shade")(drawing)
    x = layers.Conv2D(half, 3, padding="same", activation="relu", name="side_64")(shade)  # 64 x 64
    skips = [x]
    for side, channels in ((32, width), (16, 2 * width), (8, 4 * width), (4, 8 * width)):
        x = layers.Conv2D(channels, 4, 2, "same", use_bias=False, name=f"halve_{side}")(x)
        x = layers.LeakyReLU(0.2, name=f"side_{side}")(_norm(x, f"halve_{side}"))  # 32 x 32 to 4 x 4
        skips.append(x)
    skips.pop()
    for side, channels in ((8, 4 * width), (16, 2 * width), (32, width), (64, half)):
        x = layers.Conv2DTranspose(channels, 4, 2, "same", use_bias=False, name=f"double_{side}")(x)
        x = layers.ReLU(name=f"back_{side}")(_norm(x, f"double_{side}"))  # 8 x 8 to 64 x 64
        x = layers.Concatenate(name=f"skip_{side}")([x, skips.pop()])  # where things are, which the code has lost
    change = layers.Conv2D(3, 3, padding="same", kernel_initializer="zeros", dtype="float32", name="change")(x)
    # it begins with the drawing as it is, and learns what is to be added
    return keras.Model(drawing, layers.Add(dtype="float32", name="picture")([shade, change]), name="colourist")


def build_discriminator(width):
    """A picture (side, side, 3) in 0..1 and its drawing, 0..255, to logits of being real, one per patch of 38 x 38."""
    picture = keras.Input((None, None, 3), name="picture")
    drawing = keras.Input((None, None, 1), name="drawing")
    x = layers.Concatenate(name="pair")([picture, layers.Rescaling(1 / 255, name="shade")(drawing)])
    x = layers.Rescaling(2, offset=-1, name="centre")(x)
    for side, channels in ((32, width), (16, 2 * width), (8, 4 * width)):
        x = layers.Conv2D(channels, 4, 2, "same", kernel_initializer="he_normal", name=f"halve_{side}")(x)
        x = layers.LeakyReLU(0.2, name=f"side_{side}")(x)  # 32 x 32, 16 x 16, 8 x 8
    logits = layers.Conv2D(1, 3, padding="same", dtype="float32", name="logits")(x)  # 8 x 8
    return keras.Model([picture, drawing], logits, name="discriminator")
