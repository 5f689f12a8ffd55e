"""Homework 4: a map of digits by what belongs together: an encoder is told nothing but which images are alike.

    python hw4_autoencoder/train_neighbours.py --out outputs/neighbours

Then `python hw4_autoencoder/analyze.py --run outputs/neighbours`.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs from any folder, without installation

from common.run import cli  # first: it keeps the backend of Keras quiet while it loads

# isort: split
import keras
from keras import ops

from hw4_autoencoder import inputs
from hw4_autoencoder import model as models
from hw4_autoencoder.autoencoder import Autoencoder, learn, task_of

HOMEWORK = "hw4_autoencoder"
SETTINGS = {  # tuned on 5,000 training digits that were held out, not on the 6,000 of the other scripts
    "neighbours": {
        "layers": "convolution",  # what --precision auto measures
        "latent_dim": 2,  # numbers in the code
        "updates": 1720,  # 16 epochs of the training digits
        "batch_size": 512,
        "width": 32,  # channels of the encoder after the first halving of the image, twice as many after the second
        "head": [512, 256],  # between the features and the code: without it, the map is but a plane cut through them
        "hidden": [512, 256],  # of the decoder
        "activation": "relu",
        "learning_rate": 2e-3,  # the peak of one cycle: up over a tenth of the updates, then down to 0
        "graph": 15,  # an image and one of its so many nearest belong together
    },
}
OPTIONS = {
    "latent_dim": {"type": cli.positive, "metavar": "N", "help": "numbers in the code"},
    "data_set": {"choices": ("mnist", "cifar10", "faces"), "default": "mnist", "help": "the images (mnist)"},
}


class Neighbours(Autoencoder):
    """Puts images that belong together side by side, and all others apart; a decoder learns to draw from the codes.

    `fit` on (pairs of images that belong together, (n, 2, *image_shape), images to draw). The loss of the encoder is
    InfoNCE with the Cauchy kernel of t-SNE: each image must find its partner among all others of the batch (Damrich
    et al. 2023, arXiv:2206.01816, "InfoNC-t-SNE"; Böhm et al. 2023, arXiv:2210.09879, "t-SimCNE"). It knows no
    labels. The decoder learns from the codes as they are: it has no say in where they go.

    graph: integers (images, neighbours), which images belong together. The loss does not need it, but a run changes it
    half-way, and a checkpoint holds what stands among the variables.
    """

    def __init__(self, encoder, decoder, graph):
        super().__init__(encoder, decoder)
        self.contrast = keras.metrics.Mean("contrast")
        self.graph = self.add_weight(graph.shape, dtype="int32", trainable=False, name="graph")
        self.graph.assign(graph)

    def features(self, images):
        """What the layer "features" makes of uint8 images, float32 (n, 256)."""
        network = keras.Model(self.encoder.input, self.encoder.get_layer("features_active").output)
        return network.predict(images, batch_size=500, verbose=0).astype("float32")

    def call(self, pairs, training=None):
        codes = self.encoder(ops.concatenate([pairs[:, 0], pairs[:, 1]], axis=0), training=training)
        n = ops.shape(pairs)[0]
        return codes, self.decoder(ops.stop_gradient(codes[:n]), training=training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        codes, logits = y_pred
        n = ops.shape(codes)[0]
        norms = ops.sum(ops.square(codes), axis=1)
        distances = ops.maximum(norms[:, None] + norms[None] - 2 * codes @ ops.transpose(codes), 0)
        similarity = -ops.log1p(distances) - 1e9 * ops.eye(n)  # the logarithm of the kernel; none with itself
        partner = ops.roll(ops.arange(n), n // 2)
        contrast = ops.sparse_categorical_crossentropy(partner, similarity, from_logits=True)
        self.contrast.update_state(contrast)
        return ops.mean(contrast) + self.reconstruction_loss(y, logits)


def train(config, run):
    """Train on the training split, look at the test split once, write everything to the folder of the run."""
    config.task = task_of(config)
    dataset = inputs.load(config)
    run.start(dataset)
    x, pairs, x_val, shown = inputs.in_pairs(config, dataset)

    def build():
        shape = x.shape[1:]
        encoder = models.conv_encoder(shape, config.width, config.activation, config.latent_dim, head=config.head)
        decoder = models.dense_decoder(shape, config.hidden, config.activation, config.latent_dim)
        return Neighbours(encoder, decoder, pairs.graph)

    def callbacks(model, epochs):
        pairs.graph = model.graph.numpy()  # of a resumed run: the one that it had come to

        def join_by_features(epoch, logs):
            """Half-way: from the nearest pixels to the nearest features."""
            if epoch + 1 == max(1, epochs // 2):
                pairs.join(model.features(x))
                model.graph.assign(pairs.graph)

        return [keras.callbacks.LambdaCallback(on_epoch_end=join_by_features)]

    panels = [("contrast", "finding the partner, nats")]
    learn(config, run, dataset, (x, pairs, x_val, shown), build, callbacks, panels)


def main(argv=None):
    return cli.main(HOMEWORK, SETTINGS, train, __doc__, argv, OPTIONS)


if __name__ == "__main__":
    sys.exit(main())
