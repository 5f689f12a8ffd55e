"""The learning rate of a training, update by update."""

import keras


def one_cycle(peak, updates, warm_up, last=0.0):
    """From 0 in a straight line to `peak` in `warm_up` updates, then along a cosine to `last` x `peak` at the end.

    The high rate in the middle makes the training short (Smith & Topin 2017, arXiv:1708.07120, there with two lines).
    """
    return keras.optimizers.schedules.CosineDecay(
        0.0, updates - warm_up, last, warmup_target=peak, warmup_steps=warm_up
    )
