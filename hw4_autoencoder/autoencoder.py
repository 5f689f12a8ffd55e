"""What the autoencoders of homework 4 share: the loss of giving the image back, and the training."""

import keras
import numpy as np
from keras import ops

from common.data.batches import Batches
from common.figures import plots
from common.run import analysis
from common.run.predictor import Local
from common.run.schedules import one_cycle
from hw4_autoencoder import evaluate
from hw4_autoencoder.model import assemble


class Autoencoder(keras.Model):
    """Trains an encoder and a decoder to give the image back: `fit` on (images to look at, images to give back).

    The loss is the binary cross-entropy summed over the pixels, in nats per image; `bce` is that of one pixel.
    """

    def __init__(self, encoder, decoder):
        super().__init__(name="autoencoder")
        self.encoder, self.decoder = encoder, decoder
        self.bce = keras.metrics.Mean("bce")

    def call(self, images, training=None):
        return self.decoder(self.encoder(images, training=training), training=training)

    def reconstruction_nats(self, images, logits):
        """The nats of each image (n,)."""
        bce = ops.binary_crossentropy(ops.cast(images, "float32") / 255, logits, from_logits=True)
        self.bce.update_state(bce)
        return ops.sum(ops.reshape(bce, (ops.shape(bce)[0], -1)), axis=1)

    def reconstruction_loss(self, images, logits):
        return ops.mean(self.reconstruction_nats(images, logits))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return self.reconstruction_loss(y, y_pred)


def learn(config, run, dataset, views, build, callbacks=lambda model, epochs: [], panels=()):
    """Train an autoencoder, save it, judge it on the test images, draw its curves.

    views: (x, augmentation for Batches or None, x_val, what is shown of x_val), see inputs.py; uint8 images. build: a
    function that returns the Autoencoder to train. callbacks(model, epochs): further ones of Keras, made after a
    stopped run is restored. panels: further curves, (column of history.csv, label).
    """
    x, augmentation, x_val, shown = views
    batches = Batches(x, x, config.batch_size, config.seed, augmentation)
    epochs = run.epochs(len(x))
    updates = epochs * len(batches)
    with run.device.scope():
        model = build()
        rate = one_cycle(config.learning_rate, updates, warm_up=updates // 10)
        model.compile(keras.optimizers.Adam(rate))
    model(np.asarray(shown[:2]))  # creates what it lacks
    batches.epoch = run.restore(model)
    model.fit(
        batches,
        shuffle=False,  # Batches shuffles, in an order that a resumed run repeats
        epochs=epochs,
        initial_epoch=batches.epoch,
        validation_data=(shown, x_val),
        validation_batch_size=config.batch_size,
        callbacks=[*callbacks(model, epochs), *run.callbacks()],  # the checkpoint comes last
        verbose=run.verbose,
    )

    # bfloat16 rounds places on a map, by which some change their neighbours
    trained = analysis.in_float32(assemble(model.encoder, model.decoder))
    run.save(trained)
    held_out = evaluate.HeldOut(dataset, config.latent_dim, variational=isinstance(model.encoder.output, list))
    run.finish(trained, evaluate.score(Local(trained), run.folder, held_out))
    panels = [("loss", "loss, nats per image"), ("bce", "binary cross-entropy per pixel"), *panels]
    with run.picture("curves") as path:
        plots.curves(path, run.progress.history, panels, "Learning to give the image back")


def task_of(config):
    """The task that the run is judged by: the digits as they are, with as many numbers in the code as are graded."""
    plain = config.data_set == "mnist" and not getattr(config, "noise", 0)
    usual_pixels = "binary" if config.model == "vae_binary" else "grey"  # their likelihoods cannot be compared
    if (
        plain
        and getattr(config, "pixels", usual_pixels) == usual_pixels
        and config.latent_dim == evaluate.CODES.get(config.model)
    ):
        return f"{config.homework}/{config.model}"
    return None
