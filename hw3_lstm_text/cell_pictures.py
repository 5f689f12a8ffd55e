"""Pictures of the cells of an LSTM: what the best of them track, and how often gates are open."""

import re

import matplotlib
import numpy as np
from matplotlib.colors import ListedColormap

from common.figures import plots
from common.figures.glyphs import drawable
from hw3_lstm_text.cells import GATES, OPEN, SHUT

TINTS = ListedColormap(matplotlib.colormaps["RdBu_r"](np.linspace(0.2, 0.8, 256)))  # light enough to read on


def show_cells(path, text, seen, tracked, found, wide):
    """cells.png: for each property a piece of the text, coloured by the cell that tracks it best.

    wide: characters in a row; the pieces are those in which the property varies most.
    """
    columns, rows = (2, 9) if wide > 40 else (3, 10)
    panel_rows = -(-len(found) // columns)
    square = 0.105 if wide > 40 else 0.2  # inches per character
    figure = plots.new_figure(
        columns * (wide * square + 0.3), panel_rows * (rows * 0.2 + 0.75) + 1, "Cells that keep track of something"
    )
    axes = figure.subplots(panel_rows, columns, squeeze=False).ravel()
    for ax in axes:
        ax.set_axis_off()
    fonts = ["DejaVu Sans Mono", *matplotlib.rcParams["font.family"]]
    for ax, (name, best) in zip(axes, found.items(), strict=False):
        grid, letters = _piece(text, seen.cells[:, best["cell"]], tracked[name], rows, wide)
        image = ax.imshow(grid, cmap=TINTS, vmin=-1, vmax=1, aspect="auto")
        for row, column, letter in letters:
            ax.text(column, row, letter, ha="center", va="center_baseline", fontsize=8.5, family=fonts)
        layer, unit = seen.names[best["cell"]]
        chance = f"by chance {best['chance']:.2f}, an ordinary cell {best['median']:.2f}"
        heading = f"{name}: cell {unit} of {layer}\nr = {best['r']:+.2f} ({chance})"
        ax.set_title(heading, fontsize=10.5, loc="left")
    bar = figure.colorbar(image, ax=figure.axes, orientation="horizontal", fraction=0.02, aspect=60, shrink=0.6)
    bar.set_label("tanh(c), what the cell holds after it has read the character")
    plots.save(figure, path)


def _piece(text, values, labels, rows, wide):
    """The rows of the second half in which the labels vary most: colours (rows, wide), [(row, column, letter)]."""
    places = []  # of each row of the text, wrapped
    for match in re.finditer(r".*(?:\n|\Z)", text):
        span = range(*match.span())
        places += [span[i : i + wide] for i in range(0, len(span), wide)]
    late = [i for i, row in enumerate(places) if row[0] >= len(text) // 2] or [0]
    candidates = range(late[0], max(late[0] + 1, len(places) - rows))

    def variation(first):
        own = labels[places[first][0] : places[min(first + rows, len(places)) - 1][-1]]
        own = own[np.isfinite(own)]
        return np.std(own) * len(own) ** 0.5 if len(own) else 0

    first = max(candidates, key=variation)
    grid, letters = np.full((rows, wide), np.nan), []
    for row, span in enumerate(places[first : first + rows]):
        for column, place in enumerate(span):
            grid[row, column] = values[place]
            letters.append((row, column, "↵" if text[place] == "\n" else drawable(text[place])))
    return grid, letters


def show_gates(path, seen):
    """gates.png: of every cell, how often each of its gates is open and how often shut; the means as a dict."""
    layers = list(dict.fromkeys(layer for layer, _ in seen.names))
    of_layer = np.array([layer for layer, _ in seen.names])
    figure = plots.new_figure(12, 0.8 + 3.7 * len(layers), "How often the gates of each cell are open, and shut")
    numbers = {}
    for line, layer in zip(figure.subplots(len(layers), 3, squeeze=False), layers, strict=True):
        own = of_layer == layer
        numbers[layer] = {}
        for ax, gate, opened, shut in zip(line, GATES, seen.opened[:, own], seen.shut[:, own], strict=True):
            numbers[layer][gate] = {
                "open": float(opened.mean()),
                "shut": float(shut.mean()),
                "cells_mostly_open": float(np.mean(opened > 0.9)),
                "cells_mostly_shut": float(np.mean(shut > 0.9)),
            }
            ax.plot([0, 100], [100, 0], color="#cccccc", linewidth=1)
            ax.scatter(100 * opened, 100 * shut, s=12, alpha=0.5, linewidths=0, color=plots.COLOURS[0])
            ax.set_title(
                f"{layer}, {gate} gate\nopen {100 * opened.mean():.0f} %, shut {100 * shut.mean():.0f} %", fontsize=11
            )
            ax.set(xlim=(-3, 103), ylim=(-3, 103), xlabel=f"time open (above {OPEN}), %")
        line[0].set_ylabel(f"time shut (below {SHUT}), %")
    plots.save(figure, path)
    return numbers
