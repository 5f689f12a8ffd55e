"""A network that reads: sentences about hair and eyes, in English and Chinese, to the colours that a generator takes.

It is trained beside the generator, by cross-entropy, on sentences that the grammar of sentences.py writes: half a
minute. Its answers are one of HAIR or EYES, or that the sentence does not say. A reader inside of the two networks,
which learns by their losses alone (Reed et al. 2016, arXiv:1605.05396), needs more updates than the faces do: see
README.md.
"""

import keras
import numpy as np

from hw5_anime_dcgan import attributes, sentences
from hw5_anime_dcgan.model import build_reader

UPDATES, BATCH_SIZE, LEARNING_RATE = 1500, 64, 5e-3
JUDGED = 2000  # sentences


def train_reader(seed, updates=UPDATES):
    """A network: sentences, int32 (n, LENGTH), to logits of hair (n, 11) and of eyes (n, 8)."""
    keras.utils.set_random_seed(seed)
    hair, eyes = sentences.UNSAID
    reader = build_reader(sentences.N_WORDS, {"hair": hair + 1, "eyes": eyes + 1})
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    rate = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, updates)
    reader.compile(keras.optimizers.Adam(rate), [loss, loss])
    x, *spoken = written(updates * BATCH_SIZE, np.random.default_rng(seed), dropped=sentences.DROPPED)
    reader.fit(x, spoken, batch_size=BATCH_SIZE, shuffle=False, verbose=0)
    return reader


def written(n, rng, patterns=sentences.PATTERNS, dropped=0.0):
    """n sentences about colours drawn evenly, and the hair and eyes that they speak of."""
    hair, eyes = rng.integers(0, len(attributes.HAIR), n), rng.integers(0, len(attributes.EYES), n)
    return sentences.batch(hair, eyes, rng, patterns, dropped)


def understand(reader, rows):
    """(hair, eyes), numbers (n,): what sentences, int32 (n, LENGTH), speak of; UNSAID where they do not."""
    return tuple(each.argmax(axis=1) for each in reader.predict(rows, batch_size=500, verbose=0))


def understood(reader):
    """{"english_understood": share, "chinese_understood": share} of sentences of patterns that are new to it."""
    shares = {}
    for language, is_english in (("english", True), ("chinese", False)):
        patterns = [each for each in sentences.NEW_PATTERNS if each.isascii() == is_english]
        rows, *spoken = written(JUDGED, np.random.default_rng(1), patterns)
        right = [found == said for found, said in zip(understand(reader, rows), spoken, strict=True)]
        shares[f"{language}_understood"] = float(np.mean(np.logical_and(*right)))
    return shares
