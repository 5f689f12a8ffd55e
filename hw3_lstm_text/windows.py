"""What the network learns from: windows of a long text, each row of a batch going on where it ended before."""

import numpy as np

from common.data.batches import CountedEpochs
from common.data.corpus import release


class Windows(CountedEpochs):
    """Windows of a long text, for a network that carries its state from batch to batch.

    codes: (n,), the text, which may be memory-mapped. A row of the batches reads on through a passage of `passage`
    windows; then it begins another one elsewhere, each row at another time. Batches are (x, y): x["codes"] int32
    (batch_size, window), x["keep"] float32 (batch_size, 1), 0 for a row that begins a passage and else 1; y is the
    codes, one character later. steps: batches that `fit` counts as one epoch. rhymes: None or int32 (n,), what is to be
    known at each character beside the next one: then y is {"logits": as before, "rhyme": those of the same characters}.
    """

    def __init__(self, codes, batch_size, window, passage, steps, seed, rhymes=None):
        self.codes, self.batch_size, self.window, self.passage, self.steps = codes, batch_size, window, passage, steps
        self.rhymes = rhymes
        self.first = np.random.default_rng(seed).random()
        super().__init__()

    def __len__(self):
        return self.steps

    def __getitem__(self, index):
        rows = np.arange(self.batch_size)
        update = self.epoch * self.steps + index + rows * self.passage // self.batch_size
        passage, place = update // self.passage, update % self.passage
        # steps of the golden ratio cover the text evenly, however many passages are read
        starts = (self.first + (passage * self.batch_size + rows) * 0.6180339887498949) % 1 * len(self.codes)
        places = (starts.astype(int) + place * self.window)[:, None] + np.arange(self.window + 1)
        places %= len(self.codes)
        codes = np.asarray(self.codes[places], "int32")
        if index % 10 == 0:  # often enough that a text of gigabytes stays on disk
            release(self.codes)
        x = {"codes": codes[:, :-1], "keep": (place > 0).astype("float32")[:, None]}
        y = codes[:, 1:]
        return x, y if self.rhymes is None else {"logits": y, "rhyme": self.rhymes[places[:, 1:]]}
