"""Draws texts with the words marked that decided what a network says of them."""

import matplotlib
import numpy as np
from matplotlib.patches import Rectangle

from common.figures import plots
from common.figures.glyphs import drawable

FOR, AGAINST = plots.COLOURS[0], plots.COLOURS[1]  # words that speak for the answer, and against it


def draw_texts(path, bag, texts, headings, added, title, columns=118):
    """Texts (lists of words), each under its heading, the words marked by what they `added` (n, words) to the answer.

    Words that the network does not know are grey.
    """
    number = {word: i for i, word in enumerate(bag.words.tolist())}
    lines = []  # of every text: [(column, word)]
    for text in texts:
        lines.append([[]])
        column = 0
        for word in text:
            if column + len(word) > columns and column:
                lines[-1].append([])
                column = 0
            lines[-1][-1].append((column, word))
            column += len(word) + 1
    height = sum(len(block) + 2.6 for block in lines)
    figure = plots.new_figure(11.5, 0.215 * height + 1.0, title)
    ax = figure.subplots()
    ax.set(xlim=(0, columns), ylim=(height, 0))
    ax.set_axis_off()
    y, fonts = 0, ["DejaVu Sans Mono", *matplotlib.rcParams["font.family"]]
    for block, heading, values in zip(lines, headings, added, strict=True):
        ax.text(0, y + 0.8, heading, fontweight="bold", fontsize=11, va="center")
        y += 1.7
        limit = np.abs(values).max() or 1
        for line in block:
            for column, word in line:
                value = values[number[word]] / limit if word in number else 0
                if abs(value) > 0.04:
                    style = {"color": FOR if value > 0 else AGAINST, "alpha": 0.15 + 0.6 * abs(value), "linewidth": 0}
                    ax.add_patch(Rectangle((column - 0.2, y), len(word) + 0.4, 1, **style))
                ink = plots.INK if word in number else "#aaaaaa"
                ax.text(column, y + 0.53, drawable(word), family=fonts, fontsize=9.3, va="center", color=ink)
            y += 1
        y += 0.9
    patches = [Rectangle((0, 0), 1, 1, color=colour, alpha=0.6) for colour in (FOR, AGAINST)]
    figure.legend(patches, ["speaks for the answer", "speaks against it"], loc="outside lower center", ncols=2)
    plots.save(figure, path)
