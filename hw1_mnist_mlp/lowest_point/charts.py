"""What the charts of the game show, as options of ECharts, which NiceGUI brings along."""

import numpy as np

from common.figures.plots import COLOURS, INK
from hw1_mnist_mlp.lowest_point.functions import HIGH, LOW

GREY = "#bbbbbb"  # of the others
BEST = [COLOURS[i] for i in (0, 1, 2, 4, 5, 6, 7, 9)]  # of the best teams of the board; those that are no grey
SYMBOLS = ("circle", "rect", "triangle", "diamond")  # beside the colours, for those who cannot tell them apart
TANGENT = 1.2  # half of the widest tangent, in x


def points(guesses, empty):
    """A team's points (Guess), each with its number and its tangent; `empty` is said where there is none yet."""
    height = max(np.ptp([guess.value for guess in guesses] or [0.0]), 4.0)
    lines = []
    for guess in guesses:
        half = min(TANGENT, 0.2 * float(height) / max(abs(guess.slope), 1e-9))  # a steep tangent is a short one
        lines += [[guess.x + side * half, guess.value + side * half * guess.slope] for side in (-1, 1)] + [["-", "-"]]
    tangents = {"type": "line", "data": lines, "symbol": "none", "silent": True}
    tangents["lineStyle"] = {"color": COLOURS[1], "width": 2}
    marks = {"type": "scatter", "data": [[guess.x, guess.value, guess.number] for guess in guesses], "symbolSize": 9}
    marks |= {"itemStyle": {"color": COLOURS[0]}, "z": 3, "labelLayout": {"hideOverlap": True}}
    marks["label"] = {"show": True, "formatter": "{@[2]}", "position": "top", "color": INK}
    if guesses:
        return _axes() | {"series": [tangents, marks]}
    # with another number of series NiceGUI replaces a chart; else it merges, and the title would stay
    options = _axes() | {"series": []}
    options["yAxis"] |= {"min": 0, "max": 1}
    options["title"] = {"text": empty, "left": "center", "top": "middle", "textStyle": {"fontSize": 14}}
    return options


def paths(function, places):
    """The function and the path of each Place that has one, the best in colours, over the others in grey."""
    moved = [place for place in places if place.path]
    series = []
    for i, place in reversed(list(enumerate(moved))):
        colour = BEST[i] if i < len(BEST) else GREY
        series.append(_path(place.name, [[guess.x, guess.value] for guess in place.path], colour, SYMBOLS[i % 4]))
    return _with_curve(function, series, [place.name for place in moved[: len(BEST)]])


def descents(function, ways):
    """The function and what each way of descent made of it; ways: {name: x of its guesses}."""
    series = [
        _path(name, [[x, float(function.value(x))] for x in path], colour, symbol)
        for (name, path), colour, symbol in zip(ways.items(), COLOURS, SYMBOLS, strict=False)
    ]
    return _with_curve(function, series, list(ways))


def _path(name, data, colour, symbol):
    return {
        "type": "line",
        "name": name,
        "data": data,
        "symbol": symbol,
        "symbolSize": 8,
        "lineStyle": {"width": 1, "color": colour},
        "itemStyle": {"color": colour},
        "emphasis": {"focus": "series", "lineStyle": {"width": 3}},
    }


def _with_curve(function, series, legend):
    """A chart of the function with `series` over it; legend: the names that it tells."""
    x = np.linspace(LOW, HIGH, 401)
    y = function.value(x)
    curve = {"type": "line", "data": np.stack([x, y], axis=1).round(4).tolist(), "symbol": "none", "silent": True}
    curve |= {"lineStyle": {"color": INK, "width": 2}, "z": 1}
    options = _axes() | {"series": [curve, *series]}
    options["legend"] = {
        "data": legend,
        "type": "scroll",
        "top": 0,
        "textStyle": {"width": 140, "overflow": "truncate"},
    }
    # drawn on the canvas: names of teams are never read as markup
    options["tooltip"] = {"trigger": "item", "renderMode": "richText", "confine": True}
    return options


def _axes():
    axis = {"type": "value", "nameTextStyle": {"color": INK}, "axisLabel": {"color": INK}, "nameLocation": "middle"}
    axis["axisLine"] = {"onZero": False}
    return {
        "animation": False,
        "grid": {"left": 34, "right": 16, "top": 34, "bottom": 30, "containLabel": True},
        "xAxis": axis | {"min": LOW, "max": HIGH, "name": "x", "nameGap": 28},
        "yAxis": axis | {"scale": True, "boundaryGap": ["5%", "5%"], "name": "f(x)", "nameGap": 38},
    }
