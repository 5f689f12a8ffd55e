"""Homework 3, captions: the machine says what happens in a video (影片敘述自動生成).

    python hw3_lstm_text/captions/train.py                                   clips of moving digits, English
    python hw3_lstm_text/captions/train.py --language zh --out outputs/zh    Chinese
    python hw3_lstm_text/captions/train.py --model plain --out outputs/plain    the same without attention

Then `python hw3_lstm_text/captions/generate.py` and `python hw3_lstm_text/captions/analyze.py`.
"""

import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # runs from any folder, without installation

from common.run import cli  # first: it keeps the backend of Keras quiet while it loads

# isort: split
import keras
from keras import ops

from common import data
from common.errors import OptionError
from common.figures import plots
from common.run.predictor import Local
from common.run.schedules import one_cycle
from hw3_lstm_text.captions import evaluate
from hw3_lstm_text.captions.clips import Batches
from hw3_lstm_text.captions.model import build_captioner
from hw3_lstm_text.captions.sentences import MOTIONS, Language

HOMEWORK = "hw3_captions"  # the name of its folder in outputs/
RECIPE = {
    "layers": "convolution",  # what --precision auto measures
    "updates": 4000,
    "looks": 10,  # in so many equal parts: after each, clips that were held out are captioned, and all is saved
    "batch_size": 32,
    "widths": [16, 32, 64],  # channels of the convolutions
    "units": 128,  # of both LSTMs
    "note_size": 64,  # numbers of a note about one place in one frame; 0: no attention
    "learning_rate": 3e-3,  # the peak of one cycle: up over a tenth of the updates, then down to 0
    "clip_norm": 1.0,
    "own_words": 0.0,  # scheduled sampling: in the end so many of the words that it reads are its own
}
SETTINGS = {  # tuned on digits held out of the training split
    "attention": RECIPE,
    "plain": RECIPE | {"note_size": 0, "updates": 5300},  # which take as long
}
OPTIONS = {"language": {"choices": tuple(MOTIONS), "default": "en", "help": "of the sentences: en, zh (en)"}}


class Trainer(keras.Model):
    """Teaches a captioner to foresee the next word; some of the words that it reads are those that it would write.

    With the true words alone (teacher forcing) it never sees a mistake of its own, and does not know how to go on after
    one. Here a share `own_words` of them is replaced by its own answers, as in scheduled sampling (Bengio et al. 2015,
    arXiv:1506.03099), all places at once: one reading gives the answers, a second one is what is learned from
    (Mihaylova & Martins 2019, arXiv:1906.07651).
    """

    def __init__(self, captioner, seed, sampling):
        super().__init__()
        self.sampling = sampling  # False: teacher forcing alone, which needs one reading
        self.watcher, self.writer = captioner.get_layer("watcher"), captioner.get_layer("writer")
        self.own_words = self.add_weight((), "zeros", trainable=False, autocast=False, name="own_words")
        self.seeds = keras.random.SeedGenerator(seed)

    def call(self, x):
        known, words = self.watcher(x["clip"]), x["words"]
        if not self.sampling:
            return self.writer([words, *known])[0]
        answers = ops.cast(ops.argmax(self.writer([words, *known])[0], axis=-1), "int32")
        own = ops.concatenate([words[:, :1], answers[:, :-1]], axis=1)
        words = ops.where(keras.random.uniform(ops.shape(words), seed=self.seeds) < self.own_words, own, words)
        return self.writer([words, *known])[0]


def train(config, run):
    """Train on clips of training digits, look at those of test digits once, write everything to the run's folder."""
    if (config.gpus or 1) > 1:
        raise OptionError("this training takes one GPU: leave --gpus out")
    if len(config.widths) != 3 or config.units < 16:
        raise OptionError("widths are three numbers, such as [16, 32, 64], and units at least 16")
    config.task = None  # the course has set no bar for it
    digits = data.load("mnist", config)
    run.start(digits)
    (images, labels), held_out = digits.validation_split()
    if config.epochs:
        parts, steps = config.epochs, math.ceil(len(images) / config.batch_size)
    else:
        parts, steps = run.in_parts(config.looks)
    batches = Batches(images, labels, config.language, config.batch_size, steps, config.seed)

    language = Language(config.language)
    captioner = build_captioner(len(language.pieces), config.widths, config.units, config.note_size)
    trainer = Trainer(captioner, config.seed, config.own_words > 0)
    rate = one_cycle(config.learning_rate, parts * steps + 1, warm_up=parts * steps // 10 + 1)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=0)  # nothing behind the end counts
    trainer.compile(keras.optimizers.Adam(rate, global_clipnorm=config.clip_norm), loss)
    clips = evaluate.held_out(*held_out, config.language, evaluate.GLANCE)

    def set_own_words(part, logs=None):
        trainer.own_words.assign(config.own_words * (part / (parts - 1) if parts > 1 else 1))

    def look(part, logs):
        found = evaluate.compare(evaluate.caption(Local(captioner), clips), clips)
        logs.update({f"val_{name}": value for name, value in found.items()})

    finished = run.restore(trainer)
    batches.epoch = finished // steps if run.stops else finished
    trainer.fit(
        batches,
        shuffle=False,  # each batch is made for its place
        epochs=parts,
        initial_epoch=batches.epoch,
        callbacks=[keras.callbacks.LambdaCallback(set_own_words, look), *run.callbacks()],
        verbose=run.verbose,
    )

    run.save(captioner)
    metrics = evaluate.score(Local(captioner), run.folder, evaluate.load_of(digits, config.language))
    run.finish(captioner, metrics)
    panels = [("loss", "nats per word"), ("exact_one", "exact, one digit"), ("exact_two", "exact, two digits")]
    with run.picture("curves") as path:
        plots.curves(path, run.progress.history, panels, "Learning to say what happens")


def main(argv=None):
    return cli.main(HOMEWORK, SETTINGS, train, __doc__, argv, OPTIONS)


if __name__ == "__main__":
    sys.exit(main())
