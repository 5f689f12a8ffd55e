"""What the network writes in the course of its training, and what held-out text costs it there."""

import math
import textwrap

import keras
import numpy as np

from common import files
from common.figures import plots
from common.figures.glyphs import drawable
from common.run.predictor import Local
from hw3_lstm_text.evaluate import nats_per_character
from hw3_lstm_text.reader import BLOCK, Reader, opening

GLANCE = 40_000  # characters of the held-out text that are scored here; the end of the run scores all of it
LENGTH = 400  # characters of a sample that is no poem


class Samples(keras.callbacks.Callback):
    """At the end of each epoch of `fit`: scores part of the held-out text, and writes a little, to the screen and to
    samples/ of the run. model: of build_reader, which is given the weights of the trainer.
    """

    def __init__(self, run, model, corpus):
        super().__init__()
        self.run, self.untrained, self.corpus = run, model, corpus

    def on_epoch_end(self, epoch, logs=None):
        corpus, run = self.corpus, self.run
        finished = run.stops[epoch] if run.stops else epoch + 1
        logs["loss"] = logs.pop("logits_loss", logs["loss"])  # of the characters alone, where there is another task
        copy_weights(self.model, self.untrained)
        reader = Reader(Local(self.untrained), corpus.characters)
        nats, counted = nats_per_character(reader, corpus.x_test[:GLANCE], BLOCK)
        logs["val_loss"] = float(nats[counted].mean())
        logs["val_bits"] = logs["val_loss"] / math.log(2)
        rng = np.random.default_rng((run.config.seed, epoch))
        length = 120 if corpus.kind == "poems" else LENGTH
        prompt = opening(corpus.kind, corpus.characters)
        (text,) = reader.write_texts([prompt], length, rng, temperature=0.8)
        heading = f"after {run.unit} {finished:,}: {logs['val_loss']:.3f} nats per character"
        text = f"{heading}, {logs['val_bits']:.3f} bits\n\n{(prompt + text).strip()}\n"
        print(f"\n--- {text}---", flush=True)
        with files.atomic(run.folder / "samples" / f"{finished:06d}.txt") as part:
            part.write_text(text, encoding="utf-8")


def copy_weights(trainer, reader):
    """Give the reader what the trainer has learned; both are models of model.py."""
    for layer in reader.layers:
        if layer.trainable_weights:
            learned = trainer.get_layer(layer.name).trainable_weights
            for own, new in zip(layer.trainable_weights, learned, strict=True):
                own.assign(keras.ops.convert_to_numpy(new))  # a copy: JAX deletes what the trainer replaces


def show_samples(path, folder, kind, shown=6, lines=9):
    """samples.png: the beginnings of what the network wrote in the course of its training, as Samples left it."""
    samples = sorted(folder.glob("*.txt"))
    if not samples:
        return
    chosen = [samples[i] for i in np.unique(np.linspace(0, len(samples) - 1, shown).astype(int))]
    columns = 2 if kind == "english" else 3
    rows = -(-len(chosen) // columns)
    figure = plots.new_figure(12, rows * (0.185 * lines + 0.5) + 0.5, "Learning to write")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes:
        ax.set_axis_off()
    for ax, file in zip(axes, chosen, strict=False):
        heading, _, text = file.read_text(encoding="utf-8").partition("\n\n")
        ax.set_title(heading.rpartition(",")[0] or heading, fontsize=10.5, loc="left")
        width = 70 if kind == "english" else 24
        wrapped = [part for line in text.split("\n") for part in textwrap.wrap(line, width) or [""]]
        shown_text = drawable("\n".join(wrapped[:lines]))
        ax.text(0, 1, shown_text, va="top", fontsize=9.5, transform=ax.transAxes, linespacing=1.35)
    plots.save(figure, path)
