"""What the two networks of a GAN want, three ways: losses of the discriminator's logits (n, 1) of faces.

Each gives (loss of the real faces, loss of the drawn ones, loss of the generator); the discriminator learns by the
sum of the first two.
"""

from keras import ops


def hinge(real, fake):
    """(real loss, fake loss, generator's loss) of the logits (n, 1) of the discriminator (Lim & Ye 2017)."""
    return ops.mean(ops.relu(1 - real)), ops.mean(ops.relu(1 + fake)), -ops.mean(fake)


def logistic(real, fake):
    """The same with cross-entropy, in nats; the generator's is the non-saturating one (Goodfellow 2014, section 3)."""
    return ops.mean(ops.softplus(-real)), ops.mean(ops.softplus(fake)), ops.mean(ops.softplus(-fake))


def relativistic(real, fake):
    """The same for pairs: each real face is to look more real than a drawn one, or less (Jolicoeur-Martineau 2018).

    A pair has one loss; here half of it is called real, half fake.
    """
    of_pairs = ops.mean(ops.softplus(fake - real))
    return of_pairs / 2, of_pairs / 2, ops.mean(ops.softplus(real - fake))


LOSSES = {"hinge": hinge, "logistic": logistic, "relativistic": relativistic}
