"""A GAN whose faces are to fit what was asked for: colours, or a sentence about them.

The discriminator of Reed et al. 2016 (arXiv:1605.05396, section 4.2) is "matching-aware": it is also shown real faces
with wrong sentences. Here each face of a batch is compared with what was asked for all of them, so its own wish is
beside 63 others, at the price of one matrix product (Zhang et al. 2021, arXiv:2101.04702, section 4). One or two of
them are by chance the same wish, and count as wrong nevertheless. From real faces the discriminator learns which wish
belongs to which; the generator learns to draw what it finds for its wish.
"""

import keras
from keras import ops

from common.gan import GAN


class MatchingGAN(GAN):
    """A GAN with a discriminator that answers [logit, seen (n, d), wished (n, d)], see model.py.

    matching: the weight of the loss of the match, which both networks add to their own.
    """

    def __init__(self, *networks_and_losses, matching, **settings):
        super().__init__(*networks_and_losses, **settings)
        self.matching = matching

    def other_loss(self, seen, wished):
        """The cross-entropy of finding the wish of each face among those of the batch, in nats."""
        fit = ops.matmul(seen, ops.transpose(wished))  # (n, n): face i, wish j
        rows = ops.arange(ops.shape(fit)[0])
        return self.matching * ops.mean(keras.losses.sparse_categorical_crossentropy(rows, fit, from_logits=True))
