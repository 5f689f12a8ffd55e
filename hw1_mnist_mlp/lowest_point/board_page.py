"""The board of a round that has ended: who came lowest, everybody's path, and what descent would have done."""

from nicegui import ui

from common.playground.words import say
from hw1_mnist_mlp.lowest_point import answers, charts, views
from hw1_mnist_mlp.lowest_point.functions import descend
from hw1_mnist_mlp.lowest_point.visit import attempt, game, reason

START, RATE, MOMENTUM = -8.0, 0.3, 0.7  # of the descents, until a visitor changes them
WRAPPED = "min-width: 6.5rem; white-space: normal; overflow-wrap: anywhere"


def show(number, own=None):
    """Build the board of a round. own: the name of the visitor's team, which is marked."""
    function, places, guesses = views.board(game(), number)
    lowest = function.lowest()
    ui.label(say(f"Round {number}: the board", f"第 {number} 回合排名")).classes("text-xl font-bold").mark("board")
    ui.label(
        say(
            f"The lowest point is f({lowest:.3f}) = {function.value(lowest):.4f}.",
            f"最低點是 f({lowest:.3f}) = {function.value(lowest):.4f}。",
        )
    )
    with ui.element("div").classes("panels"):
        with ui.element("div").classes("panel"):
            ui.label(say("The teams and their paths", "各隊走過的路"))
            ui.echart(charts.paths(function, places)).style("height: 24rem").mark("paths")
        with ui.element("div").classes("panel"):
            ui.label(say(f"Gradient descent, {guesses} guesses too", f"同樣 {guesses} 次，梯度下降會怎麼走"))
            _descents(function, guesses)
    _table(places, own)


def _table(places, own):
    columns = [
        {"name": name, "label": label, "field": name, "align": align, "style": WRAPPED if name == "team" else ""}
        for name, label, align in (
            ("rank", say("rank", "名次"), "right"),
            ("team", say("team", "隊伍"), "left"),
            ("value", say("lowest", "最低"), "right"),
            ("x", "x", "right"),
            ("guesses", say("guesses", "次數"), "right"),
        )
    ]
    rows = [
        {
            "id": i,
            "rank": place.rank or "-",
            "team": ("★ " if place.name == own else "") + place.name,
            "value": f"{place.lowest.value:.4f}" if place.lowest else "-",
            "x": f"{place.lowest.x:g}" if place.lowest else "-",
            "guesses": len(place.path),
        }
        for i, place in enumerate(places)
    ]
    ui.table(columns=columns, rows=rows, row_key="id").props("dense flat").mark("ranking")


def _descents(function, guesses):
    """The chart of descent with and without momentum, and the fields that change them."""
    chart = ui.echart({}).style("height: 24rem").mark("descents")
    said = ui.label().mark("descended")
    with ui.row().classes("w-full items-center"):
        start = ui.input(say("begins at x", "起點 x"), value=f"{START:g}").classes("w-20")
        rate = ui.input(say("learning rate", "學習率"), value=f"{RATE:g}").classes("w-24")
        momentum = ui.input("momentum", value=f"{MOMENTUM:g}").classes("w-24").mark("momentum")
        button = ui.button(say("Draw", "畫")).mark("draw")
    refused = reason()

    def read():
        return (
            answers.place(start.value),
            answers.amount(rate.value, 0, 100, "Learning rate", "學習率"),
            answers.amount(momentum.value, 0, 1, "Momentum", "momentum"),
        )

    def draw():
        settings = attempt(refused, read)
        if settings is None:
            return
        begin, step, memory = settings
        plain, name = say("plain gradient descent", "單純的梯度下降"), f"momentum {memory:g}"
        ways = {
            plain: descend(function, begin, step, 0.0, guesses),
            name: descend(function, begin, step, memory, guesses),
        }
        lows = {way: min(float(function.value(x)) for x in path) for way, path in ways.items()}
        said.text = say("lowest: ", "最低：") + "; ".join(f"{way} {low:.4f}" for way, low in lows.items())
        chart.options.clear()
        chart.options.update(charts.descents(function, ways))
        chart.update()

    button.on_click(draw)
    draw()
