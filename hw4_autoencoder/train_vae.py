"""Homework 4: a variational autoencoder (VAE), whose codes leave no holes to write from.

    python hw4_autoencoder/train_vae.py                      2 numbers per digit
    python hw4_autoencoder/train_vae.py --model vae_binary   32 numbers, and a likelihood that can be compared
    python hw4_autoencoder/train_vae.py --data-set faces     other images; cifar10

Then `python hw4_autoencoder/analyze.py`.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs from any folder, without installation

from common.run import cli  # first: it keeps the backend of Keras quiet while it loads

# isort: split
import keras
import numpy as np
from keras import ops

from common.errors import OptionError
from hw4_autoencoder import inputs
from hw4_autoencoder import model as models
from hw4_autoencoder.autoencoder import Autoencoder, learn, task_of

HOMEWORK = "hw4_autoencoder"
SETTINGS = {  # tuned on 5,000 or 6,000 training digits that were held out
    "vae": {
        "latent_dim": 2,  # numbers in the code
        "updates": 4300,  # 40 epochs of the training digits
        "batch_size": 512,
        "hidden": [1024, 512, 256],  # of the encoder; the decoder mirrors it
        "activation": "gelu",
        "learning_rate": 2e-3,  # the peak of one cycle: up over a tenth of the updates, then down to 0
        "pixels": "grey",  # binary: each drawn as black or white, with its grey value for the chance of white
        "final_draws": 1,  # codes drawn for each image in the last quarter; more: the tighter bound of Burda et al.
        "distorted_share": [0.0, 0.0],  # of the digits, a little, in the first epoch and in the last
    },
    "vae_binary": {  # as is usual for comparing likelihoods
        "latent_dim": 32,
        "updates": 10800,
        "batch_size": 512,
        "hidden": [1024, 512, 256],
        "activation": "gelu",
        "learning_rate": 4e-3,
        "pixels": "binary",
        "final_draws": 1,
        "distorted_share": [1.0, 0.1],
    },
    "vae_colour": {
        "layers": "convolution",  # what --precision auto measures
        "latent_dim": 32,
        "updates": 1000,
        "batch_size": 512,
        "width": 32,  # channels after the first halving of the image, twice as many after the second
        "activation": "relu",
        "learning_rate": 2e-3,
        "pixels": "grey",
        "final_draws": 1,
        "distorted_share": [0.0, 0.0],
    },
}
OPTIONS = {
    "latent_dim": {"type": cli.positive, "metavar": "N", "help": "numbers in the code"},
    "data_set": {"choices": ("mnist", "cifar10", "faces"), "default": "mnist", "help": "the images (mnist)"},
}


class VAE(Autoencoder):
    """A variational autoencoder (Kingma & Welling 2013, arXiv:1312.6114): its loss is the negative ELBO in nats.

    It gives back what it sees. With several draws the loss is the negative importance-weighted bound, which lies
    nearer to the likelihood (Burda et al. 2016, arXiv:1509.00519, section 3).
    """

    def __init__(self, encoder, decoder, seed, draws=1):
        super().__init__(encoder, decoder)
        self.draws = draws
        self.noise = keras.random.SeedGenerator(seed)
        self.kl = keras.metrics.Mean("kl")

    def call(self, images, training=None):
        mean, log_variance = (ops.repeat(each, self.draws, axis=0) for each in self.encoder(images, training=training))
        noise = keras.random.normal(ops.shape(mean), seed=self.noise)
        code = mean + ops.exp(log_variance / 2) * noise
        return self.decoder(code, training=training), code, mean, log_variance

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        logits, code, mean, log_variance = y_pred
        # the distance of the code's distribution from the standard normal one (section 3 and appendix B)
        kl = ops.sum(ops.square(mean) + ops.exp(log_variance) - 1 - log_variance, axis=1) / 2
        self.kl.update_state(kl)
        if self.draws == 1:
            return self.reconstruction_loss(x, logits) + ops.mean(kl)
        nats = self.reconstruction_nats(ops.repeat(x, self.draws, axis=0), logits)
        # log p(x | z) + log p(z) - log q(z | x) of each draw; what the normal distributions have in common is gone
        surprise = ops.square((code - mean) / ops.exp(log_variance / 2)) + log_variance
        weights = -nats + ops.sum(surprise - ops.square(code), axis=1) / 2
        return ops.mean(np.log(self.draws) - ops.logsumexp(ops.reshape(weights, (-1, self.draws)), axis=1))


def train(config, run):
    """Train on the training split, look at the test split once, write everything to the folder of the run."""
    if config.data_set != "mnist" and config.model != "vae_colour":
        raise OptionError(f"--model {config.model} is for digits: take --model vae_colour for {config.data_set}")
    if len(config.distorted_share) != 2:
        raise OptionError("distorted_share takes two numbers, of the first epoch and of the last: such as [1.0,0.1]")
    if config.data_set != "mnist" and (any(config.distorted_share) or config.pixels == "binary"):
        raise OptionError("only grey digits are distorted, or drawn as black and white: leave --set or --data-set out")
    config.task = task_of(config)
    dataset = inputs.load(config)
    run.start(dataset)

    def build():
        shape = dataset.x_train.shape[1:]
        if hasattr(config, "hidden"):
            size = shape, config.hidden, config.activation, config.latent_dim
            return VAE(models.dense_encoder(*size, variational=True), models.dense_decoder(*size), config.seed)
        size = shape, config.width, config.activation, config.latent_dim
        return VAE(models.conv_encoder(*size, variational=True), models.conv_decoder(*size), config.seed)

    def callbacks(model, epochs):
        def draw_more(epoch, logs):
            """Cheap updates by the ELBO first, then by the tighter bound what only that can teach."""
            if epoch >= 3 * epochs // 4 and model.draws != config.final_draws:
                model.draws = config.final_draws
                model.make_train_function(force=True)
                model.make_test_function(force=True)

        return [keras.callbacks.LambdaCallback(on_epoch_begin=draw_more)]

    views = inputs.redrawn(config, dataset, run.epochs)
    learn(config, run, dataset, views, build, callbacks, panels=[("kl", "nats in the code")])


def choose_model(options):
    """The recipe where none was asked for."""
    return "vae" if options["data_set"] == "mnist" else "vae_colour"


def main(argv=None):
    return cli.main(HOMEWORK, SETTINGS, train, __doc__, argv, OPTIONS, choose_model)


if __name__ == "__main__":
    sys.exit(main())
