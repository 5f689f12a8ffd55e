"""Homework 4: an autoencoder learns to give a digit back from a code of a few numbers.

    python hw4_autoencoder/train.py                 32 numbers per digit
    python hw4_autoencoder/train.py --model map     2 numbers, to draw a map of all digits
    python hw4_autoencoder/train.py --model conv    with convolutions

Then `python hw4_autoencoder/analyze.py`. Runs that are to stay side by side need an --out of their own. Others of the
kind: train_vae.py, train_neighbours.py. Digits from noise: train_gan.py.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs from any folder, without installation

from common.run import cli  # first: it keeps the backend of Keras quiet while it loads

# isort: split
from hw4_autoencoder import inputs
from hw4_autoencoder import model as models
from hw4_autoencoder.autoencoder import Autoencoder, learn, task_of

HOMEWORK = "hw4_autoencoder"
SETTINGS = {  # tuned on 6,000 training digits that were held out
    "dense": {
        "latent_dim": 32,  # numbers in the code
        "updates": 4300,  # 40 epochs of the training digits
        "batch_size": 512,
        "hidden": [1024, 512, 256],  # of the encoder; the decoder mirrors it
        "activation": "gelu",
        "learning_rate": 2e-3,  # the peak of one cycle: up over a tenth of the updates, then down to 0
        "distort": False,  # whether to show distorted images; those to give back are never distorted
    },
    "map": {  # the code is a place on a map: it is hard to learn, and is to tell what was written, not how
        "latent_dim": 2,
        "updates": 8000,
        "batch_size": 512,
        "hidden": [1024, 512, 256],
        "activation": "gelu",
        "learning_rate": 2e-3,
        "distort": True,
    },
    "conv": {
        "layers": "convolution",  # what --precision auto measures
        "latent_dim": 32,
        "updates": 3500,
        "batch_size": 256,
        "width": 32,  # channels after the first halving of the image, twice as many after the second
        "activation": "relu",
        "learning_rate": 2e-3,
        "distort": False,
    },
}
OPTIONS = {
    "latent_dim": {"type": cli.positive, "metavar": "N", "help": "numbers in the code"},
    "data_set": {"choices": ("mnist", "cifar10", "faces"), "default": "mnist", "help": "the images (mnist)"},
    "noise": {
        "type": cli.number(0, 1),
        "metavar": "S",
        "default": 0.0,
        "help": "train to remove noise of this standard deviation, as a share of white (0)",
    },
}


def train(config, run):
    """Train on the training split, look at the test split once, write everything to the folder of the run."""
    config.task = task_of(config)
    dataset = inputs.load(config)
    run.start(dataset)

    def build():
        shape = dataset.x_train.shape[1:]
        if hasattr(config, "hidden"):
            size = shape, config.hidden, config.activation, config.latent_dim
            return Autoencoder(models.dense_encoder(*size), models.dense_decoder(*size))
        size = shape, config.width, config.activation, config.latent_dim
        return Autoencoder(models.conv_encoder(*size), models.conv_decoder(*size))

    learn(config, run, dataset, inputs.changed(config, dataset), build)


def main(argv=None):
    return cli.main(HOMEWORK, SETTINGS, train, __doc__, argv, OPTIONS)


if __name__ == "__main__":
    sys.exit(main())
