"""What an image costs under a VAE, -ln p(image) in nats, of which its training sees only a bound."""

import sys

from common.errors import UserError
from hw4_autoencoder.train_vae import VAE

TOGETHER = 40_000  # codes that are decoded at a time


def negative_log_likelihood(encoder, decoder, images, draws):
    """An estimate of -ln p, in nats, of each of the images on average, by importance sampling.

    Each image has `draws` codes, of which the encoder says where to look (Burda et al. 2016, arXiv:1509.00519, section
    5, takes 5,000): it is the bound of a VAE with so many draws, which falls to the true value as they are added.
    """
    vae = VAE(encoder, decoder, seed=0, draws=draws)
    vae.compile()
    verbose = int(sys.stdout.isatty())
    return vae.evaluate(images, images, max(1, TOGETHER // draws), verbose=verbose, return_dict=True)["loss"]


def show_likelihood(model, dataset, settings, options):
    """--likelihood: print the estimate for the test digits."""
    if getattr(settings, "pixels", None) != "binary":
        raise UserError(
            f"--likelihood is for a VAE of black and white pixels, and {options.run} holds none: train with "
            "train_vae.py --model vae_binary"
        )
    networks = model.get_layer("encoder"), model.get_layer("decoder")
    nats = negative_log_likelihood(*networks, dataset.x_test, options.likelihood)
    draws = f"{options.likelihood:,} draws for each"
    print(f"-ln p of {len(dataset.x_test):,} test digits: {nats:.2f} nats on average, by {draws}")
