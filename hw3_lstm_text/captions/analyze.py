"""Where the captioner looks for each word, what it gets wrong, and what it learns first.

    python hw3_lstm_text/captions/analyze.py                          after train.py
    python hw3_lstm_text/captions/analyze.py --beside outputs/plain   and the progress of another run

Writes pictures into figures/ of the run, and the numbers behind them into analysis.json.
"""

import argparse
import csv
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # runs from any folder, without installation

from common.run import cli  # first: it keeps the backend of Keras quiet while it loads

# isort: split
import numpy as np

from common import data
from common.figures import plots
from common.run import analysis
from hw3_lstm_text.captions import evaluate
from hw3_lstm_text.captions.clips import FRAMES
from hw3_lstm_text.captions.generate import HOMEWORK, open_captioner
from hw3_lstm_text.captions.looking import lit, looked_at
from hw3_lstm_text.captions.sentences import LENGTH

WRONG = 10  # clips that are shown
TOUCHING = ((0, 0), (1, 3), (4, 6), (7, 9), (10, FRAMES))  # frames in which two digits touch, from and to


def analyze(options):
    captioner, config = open_captioner(options)
    given = analysis.run_options(options, config)
    digits = analysis.as_seen(data.load("mnist", given), options, config)
    held_out, figures = evaluate.load_of(digits, given.language), options.run / "figures"
    written = evaluate.caption(captioner.predictor, held_out)
    true = held_out.language.sentences(held_out.scenes)
    right = np.array([one == other for one, other in zip(written, true, strict=True)])

    runs = {f"--model {given.model}": options.run}
    if options.beside:
        _, others = analysis.open_model(argparse.Namespace(run=options.beside), HOMEWORK)
        name = f"--model {others['options']['model']}"
        runs[f"{name} ({options.beside.name})" if name in runs else name] = options.beside
    show_progress(runs, figures / "progress.png")
    if captioner.notes:
        first_of_two = evaluate.JUDGED
        show_attention(captioner, held_out.frames[first_of_two], figures / "attention.png")
    show_wrong(held_out.frames, written, true, np.flatnonzero(~right)[-WRONG:], figures / "wrong.png")
    two = held_out.scenes.digits[:, 1] >= 0
    crossing = show_crossing(right[two], held_out.touching[two], figures / "crossing.png")
    analysis.save_numbers(options, {"exact_by_frames_in_which_digits_touch": crossing})
    for frames, (share, n) in crossing.items():
        print(f"digits touch in {frames} frames: {100 * share:.1f} % of {n} sentences exact")


def show_progress(runs, path):
    """The share of exact sentences in the course of training. runs: {label: folder}."""
    figure = plots.new_figure(10, 4, "Exact sentences about clips that were held out")
    for ax, (column, title) in zip(
        figure.subplots(1, 2), (("exact_one", "one digit"), ("exact_two", "two digits")), strict=True
    ):
        for i, (label, folder) in enumerate(runs.items()):
            with (folder / "history.csv").open(newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
            unit = "updates" if "updates" in rows[0] else "epoch"
            values = [100 * float(row[f"val_{column}"]) for row in rows]
            style = {"color": plots.COLOURS[i], "marker": "os"[i], "markersize": 4, "label": label}
            ax.plot([int(row[unit]) for row in rows], values, **style)
        ax.set(xlabel=unit, ylabel="exact, %", ylim=(-3, 103), title=title)
        ax.grid(alpha=0.3)
        ax.legend()
    plots.save(figure, path)


def show_attention(captioner, clip, path):
    """For each word the frame on which most of the attention lies, with light where it looks; below, all frames."""
    words, weights = captioner.describe(clip)
    figure = plots.new_figure(12, 6.6, captioner.language.gap.join(words))
    above, below = figure.subfigures(2, 1, height_ratios=(3.6, 3))
    axes = above.subplots(2, LENGTH // 2).ravel()
    for ax in axes:
        ax.set_axis_off()
    for ax, word, weight in zip(axes, words, weights, strict=False):
        number = looked_at(weight)
        ax.imshow(lit(clip[number], weight[number]))
        ax.set_title(f"{word}\nframe {number + 1}", fontsize=10)
    ax = below.subplots()
    by_frame = 100 * weights.sum(axis=(2, 3)).T  # (FRAMES, words)
    shown = ax.imshow(by_frame, cmap="Oranges", vmin=0, aspect="auto")
    ax.set_xticks(range(len(words)), words)
    ax.set_yticks(range(0, FRAMES, 3), range(1, FRAMES + 1, 3))
    ax.set(ylabel="frame", title="how much of its attention each frame gets")
    below.colorbar(shown, ax=ax, label="%")
    plots.save(figure, path)


def show_wrong(frames, written, true, rows, path):
    """Clips as strips of every second frame, with what was said and what is true."""
    figure = plots.new_figure(10, 1.62 * max(1, len(rows)) + 0.6, "Clips about which it says something wrong")
    for ax, row in zip(np.atleast_1d(figure.subplots(max(1, len(rows)), 1)), rows, strict=False):
        strip = np.concatenate([np.pad(each, 1, constant_values=110) for each in frames[row][::2]], axis=1)
        ax.imshow(strip, cmap="gray", vmin=0, vmax=255)
        ax.set_title(f"says: {written[row]}\ntrue: {true[row]}", fontsize=10, loc="left")
        ax.set_axis_off()
    plots.save(figure, path)


def show_crossing(right, touching, path):
    """The share of exact sentences by the number of frames in which two digits touch: {frames: (share, clips)}."""
    figure = plots.new_figure(7, 4, "Exact sentences, by how long two digits touch")
    ax, found = figure.subplots(), {}
    for i, (least, most) in enumerate(TOUCHING):
        inside = right[(touching >= least) & (touching <= most)]
        label = str(least) if least == most else f"{least} to {most}"
        found[label] = (float(inside.mean()) if len(inside) else 0.0, len(inside))
        share, n = found[label]
        error = 100 * (share * (1 - share) / max(1, n)) ** 0.5
        ax.bar(i, 100 * share, yerr=error, color=plots.COLOURS[0], capsize=4, width=0.65)
        ax.text(i, 100 * share + error + 1.5, f"{100 * share:.0f} %\n{n} clips", ha="center", fontsize=10)
    ax.set_xticks(range(len(found)), found)
    ax.set(xlabel=f"frames of {FRAMES} in which they touch", ylabel="exact, %", ylim=(0, 122), yticks=range(0, 101, 20))
    plots.save(figure, path)
    return found


@cli.guarded
def main(argv=None):
    parser = analysis.options(HOMEWORK, __doc__)
    parser.add_argument("--beside", type=cli.path, metavar="DIR", help="another run, whose progress is shown too")
    analysis.main(parser, analyze, argv)


if __name__ == "__main__":
    sys.exit(main())
