"""Mini-batches whose order and augmentation depend on (seed, epoch) alone."""

import keras
import numpy as np


class CountedEpochs(keras.utils.PyDataset):
    """A PyDataset that knows which epoch it is in, so that its batches can depend on (seed, epoch, index) alone.

    `epoch` counts the finished epochs: a resumed run sets it. Batches are made in background threads.
    """

    def __init__(self):
        super().__init__(workers=threads())
        self.epoch = 0

    @property
    def epoch(self):
        return self._epoch

    @epoch.setter
    def epoch(self, finished):
        self._epoch = finished
        self._in_fit = False

    def on_epoch_end(self):
        """Called by Keras after every epoch, and once before the first, when `fit` starts."""
        if self._in_fit:
            self.epoch += 1
        self._in_fit = True


class Batches(CountedEpochs):
    """Shuffled mini-batches of in-memory arrays, for `model.fit(batches, shuffle=False, ...)`.

    x, y: arrays with the examples along the first axis; the batches keep their dtypes.
    augment: function (x of one batch, its row numbers, epoch, numpy Generator) -> x, called in background threads.

    Keras' own shuffling draws from a state that is lost when the process ends; here every epoch and every batch has
    a generator of its own, so a resumed run sees the batches that it would have seen. The last, smaller batch is
    kept.
    """

    def __init__(self, x, y, batch_size, seed, augment=None):
        self.x, self.y, self.batch_size, self.seed, self.augment = x, y, batch_size, seed, augment
        self.distribution = keras.distribution.distribution()  # on JAX; the threads that make batches do not see it
        super().__init__()

    def __len__(self):
        return -(-len(self.x) // self.batch_size)

    def __getitem__(self, index):
        rows = self._order[index * self.batch_size : (index + 1) * self.batch_size]
        if self.distribution:  # each device takes an equal part: the last batch has some rows twice
            n_devices = self.distribution.device_mesh.devices.size
            rows = np.resize(rows, -(-len(rows) // n_devices) * n_devices)
        x = self.x[rows]
        if self.augment:
            x = self.augment(x, rows, self.epoch, np.random.default_rng((self.seed, self.epoch, index)))
        y = self.y[rows]
        if self.distribution and self.distribution.num_processes > 1:  # of several hosts each brings its part
            n, i = len(rows) // self.distribution.num_processes, self.distribution.data_shard_id
            return x[i * n : (i + 1) * n], y[i * n : (i + 1) * n]
        return x, y

    @CountedEpochs.epoch.setter
    def epoch(self, finished):
        CountedEpochs.epoch.fset(self, finished)
        self._order = np.random.default_rng((self.seed, finished)).permutation(len(self.x))


def threads():
    """Threads of Keras' own on TensorFlow: without them, tf.data makes each epoch wait up to a second.

    One elsewhere, and on several GPUs: there `fit` looks at a batch before it trains, and what threads had fetched by
    then would be trained on in place of the first batches of the next epoch.
    """
    if keras.backend.backend() != "tensorflow":
        return 1
    import tensorflow as tf

    return 2 if all(len(tf.config.list_logical_devices(kind)) < 2 for kind in ("CPU", "GPU")) else 1
