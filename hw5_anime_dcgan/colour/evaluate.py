"""What a colourist is worth: how near its colours are to the real ones, how strong they are, how like real pictures.

    psnr              peak signal-to-noise ratio, dB: the mean over the pictures of 10 log10(255^2 / mean squared error)
    ssim              structural similarity (Wang et al. 2004), mean over the pictures
    colourfulness     of Hasler & Süsstrunk 2003, "Measuring colourfulness in natural images", as a share of that of the
                      real pictures: below 1 drab, above 1 gaudy
    frechet_distance  to other real pictures, see quality.py of the homework
    colour_distance   the same with the grey taken out of all pictures: the colours alone

The grey of a coloured picture is given, and is most of what the features of the homework see: the distance of whole
pictures hardly tells good colours from none. `baseline_psnr` and the like are those of painting everything in the mean
colour of the training pictures. train.py calls `score`, on grey pictures, analyze.py `compare`.
"""

from typing import NamedTuple

import numpy as np
from skimage.metrics import structural_similarity

from common import data
from common.run.predictor import predict
from hw5_anime_dcgan.colour.drawings import grey
from hw5_anime_dcgan.quality import Judge

FILES = ()  # that a run must hold beside model.keras
JUDGED = 999  # pictures that are coloured; as many others are what they are compared with


class Pictures(NamedTuple):
    colours: np.ndarray  # real ones, uint8 (n, side, side, 3): their grey is coloured
    mean: np.ndarray  # what a pixel of a training picture has beside its grey, float32 (3,)
    judge: Judge  # knows other real ones
    colour_judge: Judge  # knows the colours alone of the same


def load(task, config):
    """The Pictures of a finished run; config as for data.load, with data_set."""
    return held_out(data.load(config.data_set, config))


def held_out(dataset):
    """The Pictures of the test split of a data.Dataset."""
    return split(dataset.x_train, dataset.x_test)


def split(train, held_out):
    """The Pictures of `held_out`, uint8 (n, side, side, 3); of `train` come the mean colour and the scale."""
    some = train[:5000]
    mean = (some - grey(some).astype("float32")).mean(axis=(0, 1, 2))
    colours, others = held_out[:JUDGED], held_out[JUDGED : 2 * JUDGED]
    if len(others) < len(colours):  # a small sample
        colours, others = np.array_split(held_out[: 2 * JUDGED], 2)
    judges = Judge(in_64(train), in_64(others)), Judge(in_64(colours_alone(train)), in_64(colours_alone(others)))
    return Pictures(colours, mean, *judges)


def colours_alone(images):
    """The pictures with their grey taken out: every pixel is as bright as the others."""
    return (images - grey(images).astype("float32") + 128).clip(0, 255).astype("uint8")


def in_64(images):
    """The same pictures with 64 pixels a side, as features.py wants them: those of CIFAR-10 have 32."""
    times = 64 // images.shape[1]
    return images.repeat(times, axis=1).repeat(times, axis=2) if times > 1 else images


def colour(predictor, drawings):
    """The pictures, uint8 (n, side, side, 3), that a predictor makes of drawings, uint8 (n, side, side, 1)."""
    return to_bytes(predict(predictor, drawings, (*drawings.shape[1:3], 3)))


def to_bytes(pictures):
    return np.round(255 * pictures.clip(0, 1)).astype("uint8")


def score(predictor, folder, pictures):
    """{metric: float} of the colours that a predictor gives to grey pictures."""
    drawings = grey(pictures.colours)
    found = compare(colour(predictor, drawings), pictures)
    painted = compare(to_bytes((drawings + pictures.mean) / 255), pictures)
    of_real = {
        "frechet_distance_of_real": pictures.judge.of_real(len(drawings)),
        "colour_distance_of_real": pictures.colour_judge.of_real(len(drawings)),
    }
    return found | {f"baseline_{name}": value for name, value in painted.items()} | of_real


def compare(images, pictures):
    """The five metrics of `images`, uint8, beside the real colours of the same pictures."""
    error = np.mean((images.astype("float32") - pictures.colours) ** 2, axis=(1, 2, 3))
    similar = [
        structural_similarity(image, real, channel_axis=-1)
        for image, real in zip(images, pictures.colours, strict=True)
    ]
    return {
        "psnr": float(np.mean(10 * np.log10(255**2 / np.maximum(error, 1e-2)))),
        "ssim": float(np.mean(similar)),
        "colourfulness": float(colourfulness(images).mean() / colourfulness(pictures.colours).mean()),
        "frechet_distance": pictures.judge.frechet_distance(in_64(images)),
        "colour_distance": pictures.colour_judge.frechet_distance(in_64(colours_alone(images))),
    }


def colourfulness(images):
    """How colourful each picture is, float (n,), of uint8 (n, side, side, 3); 0 is grey (Hasler & Süsstrunk, eq. 7)."""
    red, green, blue = np.moveaxis(images.astype("float32"), -1, 0)
    opposed = np.stack([red - green, (red + green) / 2 - blue])
    spread, mean = opposed.std(axis=(2, 3)), opposed.mean(axis=(2, 3))
    return np.hypot(*spread) + 0.3 * np.hypot(*mean)
