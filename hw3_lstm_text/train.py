"""Homework 3: an LSTM learns to write English, or Chinese, one character after the other.

Run `python hw3_lstm_text/train.py` (Shakespeare) or `python hw3_lstm_text/train.py --corpus tang` (Tang poems), then
`python hw3_lstm_text/generate.py` and `python hw3_lstm_text/analyze.py`.
"""

import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs from any folder, without installation

from common.run import cli  # first: it keeps the backend of Keras quiet while it loads

# isort: split
import keras

from common import files
from common.data import texts
from common.data.corpus import decode
from common.errors import OptionError, UserError
from common.figures import plots
from common.run.predictor import Local
from common.run.schedules import one_cycle
from hw3_lstm_text import evaluate
from hw3_lstm_text.model import build_reader, build_trainer
from hw3_lstm_text.samples import Samples, copy_weights
from hw3_lstm_text.sound import last_rhymes, sounds
from hw3_lstm_text.windows import Windows

HOMEWORK = "hw3_lstm_text"
SETTINGS = {  # tuned on the last tenth of the training text, but for best
    "fast": {
        "updates": 900,
        "samples": 10,  # in so many equal parts: after each it writes a sample, held-out text is scored, all is saved
        "batch_size": 64,  # places in the text that are read side by side
        "window": 64,  # characters that an error is carried back (truncated back-propagation through time)
        "passage": 16,  # windows that a row reads with its memory carried on, before it begins elsewhere
        "embedding_dim": 64,
        "embedding_std": 1.0,  # at the start
        "sounds": False,  # whether, of poems, the network is told how a character sounds, and to keep the rhyme in mind
        "units": [512],  # of each LSTM layer
        "dropout": 0.1,  # share of the outputs of each layer
        "weight_drop": 0.0,  # share of the recurrent weights: see CarriedLSTM
        "learning_rate": 1e-2,  # the peak of one cycle: up over a twentieth of the updates, then down to 0
        "clip_norm": 1.0,
    },
    "best": {  # Shakespeare, half an hour: it would learn so short a text by heart, hence the dropout
        "updates": 4500,
        "samples": 20,
        "batch_size": 64,
        "window": 64,
        "passage": 16,
        "embedding_dim": 64,
        "embedding_std": 1.0,
        "sounds": False,
        "units": [512, 512],
        "dropout": 0.4,
        "weight_drop": 0.4,
        "learning_rate": 6e-3,
        "clip_norm": 1.0,
    },
    "chinese": {  # thousands of characters: for --corpus tang and hongloumeng
        "updates": 1400,
        "samples": 10,
        "batch_size": 64,
        "window": 64,
        "passage": 16,
        "embedding_dim": 192,
        "embedding_std": 0.3,
        "sounds": True,
        "units": [512],
        "dropout": 0.2,
        "weight_drop": 0.0,
        "learning_rate": 1.2e-2,
        "clip_norm": 1.0,
    },
}


def name_or_path(text):
    """A text that has a name, or an absolute path, so that --resume finds it from any folder."""
    return text if text in texts.TEXTS else str(cli.path(text).absolute())


OPTIONS = {
    "corpus": {
        "default": "shakespeare",
        "type": name_or_path,
        "help": f"{', '.join(texts.TEXTS)}, a UTF-8 file, or a folder of .txt; the last two names take --model chinese",
    }
}


def recipe(options):
    """The settings for a corpus when --model is not given."""
    return "chinese" if options["corpus"] in ("tang", "hongloumeng") else "fast"


def train(config, run):
    """Train on the first 90 % of the text, score the rest, write everything to the folder of the run."""
    if (config.gpus or 1) > 1:
        raise OptionError("this homework trains on one GPU, where the memory of its batch stays: leave --gpus out")
    corpus = texts.load(config.corpus, config)
    if len(corpus.x_train) < config.batch_size + config.window:
        raise UserError(
            f"{len(corpus.x_train):,} characters to train on are too few for {config.batch_size} windows of "
            f"{config.window}: give a longer text, or a smaller --batch-size"
        )
    config.task = f"{HOMEWORK}/{config.corpus}" if config.corpus in texts.TEXTS else None
    run.start(corpus)
    files.write_json(run.folder / "characters.json", {"characters": corpus.characters, "kind": corpus.kind})
    per_update = config.batch_size * config.window  # characters
    if config.epochs:
        parts, steps = config.epochs, math.ceil(len(corpus.x_train) / per_update)
    else:
        parts, steps = run.in_parts(config.samples)
    updates = parts * steps
    heard, rhymes = None, None
    if config.sounds and corpus.kind == "poems":
        heard = sounds(corpus.characters)
        rhymes = last_rhymes(decode(corpus.x_train, corpus.characters))
    windows = Windows(corpus.x_train, config.batch_size, config.window, config.passage, steps, config.seed, rhymes)

    size = len(corpus.characters), config.embedding_dim, config.units
    reader = build_reader(*size, heard)  # the same network, to score and to write with
    with run.device.scope():
        trainer = build_trainer(
            *size, config.embedding_std, config.dropout, config.weight_drop, config.batch_size, heard
        )
        # The error goes back through `window` products with the recurrent matrix, and such a product can explode: with
        # a limit on the gradient one bad window does not undo many good ones (Pascanu et al. 2013).
        rate = one_cycle(config.learning_rate, updates + 1, warm_up=updates // 20 + 1)
        optimizer = keras.optimizers.Adam(rate, beta_2=0.99, global_clipnorm=config.clip_norm)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        if rhymes is not None:  # as many losses as answers
            trainer.compile(optimizer, {"logits": loss, "rhyme": loss}, loss_weights={"logits": 1.0, "rhyme": 0.5})
        else:
            trainer.compile(optimizer, loss)
    finished = run.restore(trainer)
    windows.epoch = finished // steps if run.stops else finished
    trainer.fit(
        windows,
        shuffle=False,  # the rows read on from batch to batch
        epochs=parts,
        initial_epoch=windows.epoch,
        callbacks=[Samples(run, reader, corpus), *run.callbacks()],
        verbose=run.verbose,
    )

    copy_weights(trainer, reader)
    run.save(reader)
    metrics = evaluate.score(Local(reader), run.folder, corpus)
    metrics["epochs"] = round(updates * per_update / len(corpus.x_train), 2)
    metrics["chars_per_second"] = round(updates * per_update / run.progress.seconds)
    run.finish(reader, metrics)
    with run.picture("curves") as path:
        plots.curves(path, run.progress.history, [("loss", "nats per character")], "Learning to write")


def main(argv=None):
    return cli.main(HOMEWORK, SETTINGS, train, __doc__, argv, OPTIONS, recipe)


if __name__ == "__main__":
    sys.exit(main())
