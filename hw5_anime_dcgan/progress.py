"""What a run shows and measures on its way: grids of the fixed noise, metrics, curves, a ladder, an animation.

Images are uint8 (n, 64, 64, 3).
"""

import time

import keras
import numpy as np
from matplotlib.ticker import LogFormatter
from PIL import Image, ImageDraw, ImageFont

from common import files
from common.figures import plots
from hw5_anime_dcgan import evaluate
from hw5_anime_dcgan.quality import troubles

GRID = 64  # faces of the fixed noise, 8 x 8
FIXED, FRESH = 1, 2  # seeds of noise: of the grids, of the faces that are measured
MOST_FRAMES = 40  # of the animation
LADDER = (100, 1000, 2000, 5000, 10_000, 20_000, 50_000)  # updates after which the lecture shows samples


def stops(updates, every):
    """The update counts at which faces are shown: those of the lecture, every `every`, and the last."""
    return sorted({n for n in (*LADDER, *range(every, updates, every)) if n < updates} | {updates})


def grid(images, columns=8, gap=2):
    """Images side by side in rows of `columns`, white between them: one image (height, width, 3)."""
    rows, side = -(-len(images) // columns), images.shape[1] + gap
    canvas = np.full((rows * side - gap, columns * side - gap, 3), 255, "uint8")
    for i, image in enumerate(images):
        top, left = i // columns * side, i % columns * side
        canvas[top : top + side - gap, left : left + side - gap] = image
    return canvas


def ungrid(canvas, gap=2, side=64):
    """The images of a grid."""
    rows, columns = ((length + gap) // (side + gap) for length in canvas.shape[:2])
    places = [(i * (side + gap), j * (side + gap)) for i in range(rows) for j in range(columns)]
    return np.stack([canvas[top : top + side, left : left + side] for top, left in places])


def save_png(path, canvas):
    with files.atomic(path) as part:
        Image.fromarray(canvas).save(part)


def save_gif(path, canvases, milliseconds, captions=None):
    """An animated GIF that begins again at its end; captions: one per canvas, written below it."""
    frames = []
    for i, canvas in enumerate(canvases):
        frame = Image.fromarray(canvas)
        if captions:
            captioned = Image.new("RGB", (frame.width, frame.height + 22), "white")
            captioned.paste(frame)
            font = ImageFont.load_default(14)
            ImageDraw.Draw(captioned).text((4, frame.height + 2), captions[i], fill="black", font=font)
            frame = captioned
        frames.append(frame.quantize(256, dither=Image.Dither.NONE))
    with files.atomic(path) as part:
        durations = [milliseconds] * (len(frames) - 1) + [4 * milliseconds]  # time to look at the end
        frames[0].save(part, "GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0)


class Show(keras.callbacks.Callback):
    """After every stretch of updates: a grid in samples/, the metrics on faces held out, the best network so far."""

    def __init__(self, run, generator, discriminator, judge, told):
        super().__init__()
        self.run, self.generator, self.discriminator = run, generator, discriminator
        self.judge, self.wishes = judge, told.wishes(evaluate.JUDGED)

    def on_epoch_begin(self, epoch, logs=None):
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        run, seconds = self.run, time.perf_counter() - self.began
        updates = run.stops[epoch]
        if not np.isfinite(list(logs.values())).all():
            return  # the Recorder stops the run
        faces = evaluate.draw(self.generator, self.inputs(GRID, FIXED))
        save_png(run.folder / "samples" / f"{updates:06d}.png", grid(faces))
        faces = evaluate.draw(self.generator, self.inputs(evaluate.JUDGED, FRESH))
        logs.update(self.judge.metrics(faces))
        obeyed = ""
        if self.wishes is not None:
            found = evaluate.asked_and_found(faces, self.wishes)
            logs.update({name: found[name] for name in ("hair_as_asked", "eyes_as_asked")})
            obeyed = f", hair as asked {logs['hair_as_asked']:.2f}, eyes {logs['eyes_as_asked']:.2f}"
        logs["updates_per_second"] = round((updates - run.progress.epoch) / seconds, 3)
        distance, earlier = logs["frechet_distance"], [row["frechet_distance"] for row in run.progress.history]
        best = distance < min(earlier, default=np.inf)
        if best:
            for name, model in (("best", self.generator), ("discriminator", self.discriminator)):
                with files.atomic(run.folder / f"{name}.keras") as part:
                    model.save(part)
        mark = " (the best so far)" if best else ""
        print(
            f"after {updates:,} updates: Fréchet distance {distance:.1f}{mark}, precision {logs['precision']:.2f}, "
            f"recall {logs['recall']:.2f}{obeyed}; {logs['updates_per_second']:.1f} updates per second",
            flush=True,
        )
        for sentence in troubles({"updates": updates, **logs}):
            print(f"warning: after {updates:,} updates: {sentence}", flush=True)

    def inputs(self, n, seed):
        return evaluate.noise(self.generator, n, seed, self.wishes)


def show_progress(run):
    """ladder.png, a row of the fixed noise for each count of LADDER reached; ladder.gif; samples.png; curves.png."""
    history = run.progress.history
    counts = [row["updates"] for row in history]
    grids = {n: np.asarray(Image.open(run.folder / "samples" / f"{n:06d}.png")) for n in counts}
    shown = [n for n in counts if n in LADDER or n == counts[-1]]
    rows = [(f"{n:,}", ungrid(grids[n])[:10]) for n in shown]
    with run.picture("ladder") as path:
        plots.image_rows(path, rows, "The same noise after more and more updates")
        frames = [counts[i] for i in np.unique(np.linspace(0, len(counts) - 1, MOST_FRAMES).round().astype(int))]
        save_gif(
            path.with_suffix(".gif"),
            [grid(ungrid(grids[n])[:24], 6) for n in frames],
            200,
            [f"{n:,} updates" for n in frames],
        )
    last = counts[-1]
    best = min(history, key=lambda row: row["frechet_distance"])
    with run.picture("samples") as path:
        save_png(path, grids[best["updates"]])
    with run.picture("curves") as path:
        show_curves(history, best, path)
    if best["updates"] != last:
        print(f"the best faces were drawn after {best['updates']:,} updates: these are kept in model.keras")


def show_curves(history, best, path):
    """Losses and metrics over the updates; the dashed line is at the network that was kept."""
    panels = {
        "loss": {
            "real_loss": "discriminator, real faces",
            "fake_loss": "discriminator, drawn faces",
            "generator_loss": "generator",
        },
        "share": {"fooled": "drawn faces that look more real", "copy_share": "copies (by chance 0.05)"},
        "Fréchet distance": {"frechet_distance": ""},
        "precision and recall": {"precision": "precision", "recall": "recall"},
        "spread, real faces = 1": {"diversity_ratio": "of the faces", "colour_ratio": "of their colours"},
        "updates per second": {"updates_per_second": ""},
    }
    updates = [row["updates"] for row in history]
    figure = plots.new_figure(15, 7.5, "The contest, and what comes of it")
    for ax, (label, columns) in zip(figure.subplots(2, 3).ravel(), panels.items(), strict=True):
        for (column, name), colour in zip(columns.items(), plots.COLOURS, strict=False):
            ax.plot(updates, [row[column] for row in history], "o-", color=colour, markersize=3, label=name)
        ax.axvline(best["updates"], color=plots.INK, linestyle="--", linewidth=1)
        ax.set(xlabel="updates", ylabel=label)
        ax.locator_params(axis="x", nbins=5)
        ax.grid(alpha=0.3)
        if len(columns) > 1:
            ax.legend(fontsize=9)
        if label == "Fréchet distance":
            ax.set_yscale("log")
            ax.yaxis.set_major_formatter(LogFormatter())  # 100 for 10², 40 for 4 x 10¹
            ax.yaxis.set_minor_formatter(LogFormatter())
        elif label in ("share", "precision and recall"):
            ax.set_ylim(-0.03, 1.03)
        else:
            ax.set_ylim(bottom=min(0, ax.get_ylim()[0]))
    plots.save(figure, path)
