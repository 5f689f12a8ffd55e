"""Pictures written straight to PNG files, on machines without a display too.

`Figure` objects are used without pyplot: they draw with Agg and leave no state behind. The colours of lines and bars
are Matplotlib's petroff10, made to be told apart by colour-blind readers too (Petroff, arXiv:2107.02270).
"""

import functools
import logging
from pathlib import Path

import matplotlib.colors
import matplotlib.style
import numpy as np
import pylopdf_fonts_zh_tw
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import LogLocator, MaxNLocator

from common import files
from common.figures.glyphs import drawable

matplotlib.rcdefaults()  # a user's matplotlibrc changes nothing: with image.origin lower digits stand on their heads

COLOURS = [entry["color"] for entry in matplotlib.style.library["petroff10"]["axes.prop_cycle"]]
INK = "#333333"
# Of the classes on maps, where petroff10 is too pale for small points and thin strokes (contrast with white 1.6). Found
# by a search: contrast of at least 3, and no two nearer than 25 in CIELAB (there 17), whichever cones a reader lacks
# (simulated as by Machado et al. 2009).
CLASS_COLOURS = (
    *("#3215fb", "#f06922", "#b10812", "#de5fd7", "#a63de4"),
    *("#661a25", "#6d8e5f", "#4d037b", "#3a4063", "#3fa29a"),
)


@functools.cache
def _fonts():
    """The fonts for text: DejaVu Sans, and Noto Sans TC for what it lacks, which is Chinese."""
    chinese = Path(pylopdf_fonts_zh_tw.__file__).with_name("NotoSansTC-Regular.otf")
    font_manager.fontManager.addfont(chinese)
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # it misses a bold cut of Noto Sans TC
    return ["DejaVu Sans", font_manager.FontProperties(fname=chinese).get_name()]


def new_figure(width, height, title=None):
    """An empty Figure of the given size in inches, with a bold title, which may hold the name of a user's file."""
    matplotlib.rcParams.update({"font.family": _fonts(), "font.size": 11, "axes.spines.top": False})
    matplotlib.rcParams.update({"axes.spines.right": False, "text.color": INK, "axes.labelcolor": INK})
    # "cost$^$.png" and the dollars of a text are words of users and no formulas: there are none in these pictures.
    matplotlib.rcParams["text.parse_math"] = False
    figure = Figure(figsize=(width, height), layout="constrained", dpi=110)
    if title:
        figure.suptitle(drawable(title), fontsize=14, fontweight="bold")
    return figure


def save(figure, path, **options):
    """Write `figure` to the PNG file `path`; options: those of savefig."""
    for text in figure.findobj(Text):  # the name of a file may hold bytes that are no text, and nothing draws them
        text.set_text(drawable(text.get_text()))
    with files.atomic(path) as part:
        figure.savefig(part, **options)


def plain_ticks(ax):
    """Label the logarithmic axes with plain numbers at 1, 2, 5, 10 ..., in place of powers, which are formulas."""
    for axis in (ax.xaxis, ax.yaxis):
        if axis.get_scale() == "log":
            low, high = axis.get_view_interval()
            axis.set_minor_locator(LogLocator(subs=(2, 5) if high < 1000 * low else ()))
            axis.set_major_formatter("{x:,.10g}")
            axis.set_minor_formatter("{x:,.10g}")


def curves(path, history, pairs, title, bar=None):
    """Training curves, a panel per pair of (column of history, label), with the validation curve beside it.

    history: one dict per epoch, or with a count of updates (`run.progress.history`). bar: a dashed line in the last
    panel.
    """
    figure = new_figure(5.5 * len(pairs), 4, title)
    unit = "updates" if "updates" in history[-1] else "epoch"
    places = [row[unit] for row in history]
    for ax, (column, label) in zip(np.atleast_1d(figure.subplots(1, len(pairs))), pairs, strict=True):
        for key, name, colour in ((column, "training", COLOURS[0]), (f"val_{column}", "validation", COLOURS[1])):
            if key in history[-1]:
                ax.plot(places, [row[key] for row in history], "o-", color=colour, label=name, markersize=4)
        ax.set(xlabel=unit, ylabel=label)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.grid(alpha=0.3)
    if bar is not None:
        ax.axhline(bar, color=INK, linestyle="--", linewidth=1.2, label=f"bar of the assignment, {bar:.3f}")
    ax.legend()
    save(figure, path)


def draw_map(ax, points, labels, names, marker_size=8, star=None):
    """A 2-D map: points (n, 2) coloured by class, the name of each class with a white rim at its median; or above its
    points, if it would cover most of them.

    star: (2,), the place of one more point, drawn as a star; the names give way to it.
    """
    import matplotlib.patheffects as effects

    for label in range(len(names)):
        own = points[labels == label]
        if len(own):
            colour = CLASS_COLOURS[label % len(CLASS_COLOURS)]
            ax.scatter(*own.T, s=marker_size, color=colour, linewidths=0)
    present = [label for label in range(len(names)) if (labels == label).any()]
    centres = np.array([np.median(points[labels == label], axis=0) for label in present])
    lengths = np.array([len(names[label]) for label in present])
    width = np.ptp(points[:, 0]) * (0.02 + 0.023 * lengths)  # of the drawn names
    height = 0.055 * np.ptp(points[:, 1])
    for i, label in enumerate(present):
        low, high = np.quantile(points[labels == label], (0.1, 0.9), axis=0)
        if high[0] - low[0] < width[i] and high[1] - low[1] < height:
            centres[i, 1] = high[1] + 0.7 * height
    if star is None:
        places = _apart(centres, width, height)
    else:
        ax.scatter(*star, marker="*", s=420, color="white", edgecolors="black", linewidths=1.8)
        places = _apart(np.vstack([centres, star]), np.append(width, width.max()), 1.3 * height, fixed=1)[:-1]
    for label, centre in zip(present, places, strict=True):
        text = ax.text(*centre, names[label], ha="center", va="center", fontsize=12, fontweight="bold")
        text.set_path_effects([effects.withStroke(linewidth=4, foreground="white")])
    ax.set(xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set_visible(False)


def _apart(places, width, height, fixed=0):
    """`places` (n, 2) of names, those that would overlap moved up and down until all can be read.

    width (n,), height: of the drawn names. fixed: so many of the last places stay where they are.
    """
    places = np.array(places)
    movable = len(places) - fixed
    beside = np.abs(places[:, None, 0] - places[None, :, 0]) >= (width[:, None] + width[None]) / 2
    for _ in range(200):
        for i in range(len(places)):
            for j in range(i):
                step = places[i, 1] - places[j, 1]
                overlap = height - abs(step)
                if overlap > 0 and not beside[i, j]:
                    move = (1 if step >= 0 else -1) * overlap
                    places[i, 1] += move / 2 if i < movable else 0
                    places[j, 1] -= move / 2 if i < movable else move
    return places


def confusion_matrix(path, matrix, names, title):
    """A confusion matrix, counts (true, predicted), each row coloured by its share; the diagonal is left pale."""
    n = len(names)
    figure = new_figure(2.5 + 0.62 * n, 2 + 0.58 * n, title)
    ax = figure.subplots()
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    errors = shares * (1 - np.eye(n))
    image = ax.imshow(100 * errors, cmap="Oranges", vmin=0)
    for row in range(n):
        for column in range(n):
            if matrix[row, column]:
                dark = errors[row, column] > 0.6 * errors.max() > 0
                weight = "bold" if row == column else "normal"
                style = {"color": "white" if dark else INK, "fontsize": 9, "fontweight": weight}
                ax.text(column, row, f"{matrix[row, column]:,}", ha="center", va="center", **style)
    ax.set_xticks(range(n), names, rotation=45 if max(map(len, names)) > 3 else 0)
    ax.set_yticks(range(n), names)
    ax.set(xlabel="predicted", ylabel="true")
    figure.colorbar(image, ax=ax, shrink=0.8, label="share of the row that goes wrong here, %")
    save(figure, path)


def heat_map(path, values, row_names, column_names, title, label):
    """Values (rows, columns) around 0 as colours, red for negative, with the number in each cell that stands out."""
    figure = new_figure(3.5 + 0.6 * len(column_names), 2.2 + 0.27 * len(row_names), title)
    ax = figure.subplots()
    limit = max(np.abs(values).max(), 1e-9)
    image = ax.imshow(values, cmap="RdBu", vmin=-limit, vmax=limit, aspect="auto")
    for row, column in np.argwhere(np.abs(values) >= max(0.25 * limit, 0.5)):
        value = values[row, column]
        colour = "white" if abs(value) > 0.6 * limit else INK
        ax.text(column, row, f"{value:+.0f}", ha="center", va="center", fontsize=8, color=colour)
    ax.set_xticks(range(len(column_names)), column_names, rotation=45)
    ax.set_yticks(range(len(row_names)), row_names, fontsize=8)
    figure.colorbar(image, ax=ax, shrink=0.8, label=label)
    save(figure, path)


def image_grid(path, images, captions, title, columns=8, width=1.5, colours="gray_r"):
    """Images (n, height, width) or (n, height, width, 3), uint8 or float in 0..1, in rows with a caption each.

    width: of a column in inches. colours: the colour map of images without colour; "RdBu_r" is for values in -1..1.
    """
    rows = -(-len(images) // columns)
    columns = min(columns, len(images))
    height = width * images[0].shape[0] / images[0].shape[1] + 0.16 * max(text.count("\n") + 1 for text in captions)
    figure = new_figure(max(width * columns, 5), (height + 0.1) * rows + 0.6, title)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes:
        ax.set_axis_off()
    for ax, image, caption in zip(axes, images, captions, strict=False):
        ax.imshow(image, cmap=colours, vmin=-1 if colours == "RdBu_r" else 0, vmax=255 if image.dtype == "uint8" else 1)
        ax.set_title(caption, fontsize=9.5)
    save(figure, path)


def image_rows(path, rows, title, captions=None, height=0.9):
    """Rows of images of one size under each other: a list of (label of the row, images (n, height, width[, 3]) uint8).

    captions: of the columns. height: of a row in inches. Quicker than `image_grid` for many images.
    """
    labels, images = zip(*rows, strict=True)
    n, side_y, side_x = max(map(len, images)), *images[0].shape[1:3]
    gap = max(1, side_y // 14)
    canvas = np.full((len(rows) * (side_y + gap) - gap, n * (side_x + gap) - gap, *images[0].shape[3:]), 255, "uint8")
    if images[0].ndim == 3:
        canvas[:] = 0  # white in gray_r
    for i, row in enumerate(images):
        for j, image in enumerate(row):
            top, left = i * (side_y + gap), j * (side_x + gap)
            canvas[top : top + side_y, left : left + side_x] = image
    width = 0.1 * max(len(label) for text in labels for label in text.split("\n")) + 0.4
    title_lines = title.count("\n") + 1
    figure = new_figure(width + height * n * side_x / side_y, height * len(rows) + 0.3 * title_lines + 0.3, title)
    ax = figure.subplots()
    ax.imshow(canvas, cmap="gray_r", vmin=0, vmax=255, interpolation="nearest")
    ax.set_yticks([i * (side_y + gap) + side_y / 2 for i in range(len(rows))], labels)
    ax.set_xticks([j * (side_x + gap) + side_x / 2 for j in range(len(captions or ()))], captions or ())
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
    save(figure, path, bbox_inches="tight")  # room for long labels


def scatter_images(ax, points, images, labels, cells=36):
    """Images over a map: of each cell of a grid over `points` (n, 2), the image nearest its centre, in its colour.

    images: uint8 (n, height, width), light on black, drawn in the colour of their class, or (n, height, width, 3).
    """
    low, high = np.quantile(points, (0.002, 0.998), axis=0)
    places = (points - low) / (high - low) * cells
    side = images.shape[1]
    canvas = np.ones((cells * side, cells * side, 3))
    cell = np.floor(places).astype(int)
    distance = np.abs(places - cell - 0.5).max(axis=1)
    inside = np.flatnonzero(((cell >= 0) & (cell < cells)).all(axis=1))
    for i in inside[np.argsort(-distance[inside])]:  # the nearest to the centre comes last and stays
        column, row = cell[i]
        image = images[i] / 255
        if images.ndim == 3:
            colour = np.array(matplotlib.colors.to_rgb(CLASS_COLOURS[labels[i] % len(CLASS_COLOURS)]))
            image = 1 - image[..., None] * (1 - colour)
        top = (cells - 1 - row) * side
        canvas[top : top + side, column * side : (column + 1) * side] = image
    ax.imshow(canvas, extent=(low[0], high[0], low[1], high[1]), aspect="auto", interpolation="nearest")
