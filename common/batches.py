"""Mini-batches whose order and augmentation depend on (seed, epoch) alone."""

import keras
import numpy as np


class Batches(keras.utils.PyDataset):
    """Shuffled mini-batches of in-memory arrays, for `model.fit(batches, shuffle=False, ...)`.

    x, y: arrays with the examples along the first axis; the batches keep their dtypes.
    augment: function (x of one batch, its row numbers, epoch, numpy Generator) -> x, called in background threads.

    `epoch` counts the finished epochs: a resumed run sets it.

    Keras' own shuffling draws from a state that is lost when the process ends; here every epoch and every batch has
    a generator of its own, so a resumed run sees the batches that it would have seen. The last, smaller batch is
    kept.
    """

    def __init__(self, x, y, batch_size, seed, augment=None):
        super().__init__(workers=_workers())
        self.x, self.y, self.batch_size, self.seed, self.augment = x, y, batch_size, seed, augment
        self.epoch = 0

    def __len__(self):
        return -(-len(self.x) // self.batch_size)

    def __getitem__(self, index):
        rows = self._order[index * self.batch_size : (index + 1) * self.batch_size]
        x = self.x[rows]
        if self.augment:
            x = self.augment(x, rows, self.epoch, np.random.default_rng((self.seed, self.epoch, index)))
        return x, self.y[rows]

    @property
    def epoch(self):
        return self._epoch

    @epoch.setter
    def epoch(self, finished):
        self._epoch = finished
        self._order = np.random.default_rng((self.seed, finished)).permutation(len(self.x))
        self._in_fit = False

    def on_epoch_end(self):
        """Called by Keras after every epoch, and once before the first, when `fit` starts."""
        if self._in_fit:
            self.epoch += 1
        self._in_fit = True


def _workers():
    """Threads of Keras' own on TensorFlow: without them, tf.data makes each epoch wait up to a second.

    None (which Keras calls one) elsewhere, and on several GPUs: there `fit` looks at a batch before it trains, and what
    threads had fetched by then would be trained on in place of the first batches of the next epoch.
    """
    if keras.backend.backend() != "tensorflow":
        return 1
    import tensorflow as tf

    return 2 if all(len(tf.config.list_logical_devices(kind)) < 2 for kind in ("CPU", "GPU")) else 1
