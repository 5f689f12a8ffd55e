"""A team's page: it joins, guesses, waits, and sees its own points. It receives nothing else until the round ends."""

import asyncio
import math

from nicegui import ui

from common.playground.words import say
from hw1_mnist_mlp.lowest_point import board_page, charts, views
from hw1_mnist_mlp.lowest_point.functions import HIGH, LOW
from hw1_mnist_mlp.lowest_point.visit import TEAM, attempt, game, keep, minutes, reason


def join():
    """The form by which a team comes in."""
    with ui.card().style("width: 100%; max-width: 28rem"):
        name = ui.input(say("The name of your team", "隊名")).classes("w-full").mark("name")
        password = ui.input(say("The password of the round", "這一回合的密碼")).classes("w-full").mark("password")
        refused = reason()

        def enter():
            token = attempt(refused, game().join, password.value, name.value)
            if token:
                keep(TEAM, token)

        password.on("keydown.enter", enter)
        ui.button(say("Join", "加入"), on_click=enter).mark("join")


def play(token):
    """The page of the team of this token."""
    Play(token)


class Play:
    """What a team sees; `refresh` brings it up to date, once a second and when an answer is due."""

    def __init__(self, token):
        self.token, self.told = token, None
        team = views.team(game(), token)
        with ui.row().classes("w-full items-baseline gap-x-6"):
            ui.label(team.name).classes("text-xl font-bold").style("overflow-wrap: anywhere").mark("team")
            self.left, self.time = ui.label().mark("left"), ui.label().mark("time")
        self.form = ui.row().classes("w-full items-center")
        with self.form:
            self.x = ui.input(say(f"x, from {LOW:g} to {HIGH:g}", f"x（{LOW:g} 到 {HIGH:g}）")).mark("x")
            self.x.on("keydown.enter", self.guess)
            self.button = ui.button(say("Guess", "猜"), on_click=self.guess).mark("guess")
        self.waiting = ui.label().mark("waiting")
        self.refused = reason()
        with ui.element("div").classes("panels"):
            self.chart = ui.echart({}).classes("panel").style("height: 22rem; flex-grow: 3").mark("chart")
            columns = [
                {"name": name, "label": label, "field": name, "align": "right"}
                for name, label in {
                    "number": say("guess", "次"),
                    "x": "x",
                    "value": "f(x)",
                    "slope": say("slope", "斜率"),
                }.items()
            ]
            self.table = ui.table(columns=columns, rows=[], row_key="number").classes("panel").props("dense flat")
        self.board = ui.column().classes("w-full items-stretch")
        self.leave = ui.button(say("Join another round", "加入另一個回合"), on_click=lambda: keep(TEAM, ""))
        self.leave.props("flat no-caps").mark("leave")
        self.timer = ui.timer(1.0, self.refresh)
        self.refresh()

    async def guess(self):
        attempt(self.refused, game().guess, self.token, self.x.value)
        self.refresh()
        team = views.team(game(), self.token)
        if team.pending is not None:
            await asyncio.sleep(team.wait + 0.01)
            if not self.form.is_deleted:
                self.refresh()

    def refresh(self):
        team = views.team(game(), self.token)
        self.left.text = say(f"guesses left: {team.left}", f"剩餘次數：{team.left}")
        self.time.text = self._time(team)
        self.form.visible = team.left > 0 and team.time > 0
        self.left.visible = team.time > 0
        self.leave.visible = not team.time  # before, a slip of the finger would lose the team
        self.button.enabled = team.pending is None
        self.waiting.visible = team.pending is not None
        if team.pending is not None:
            seconds = math.ceil(team.wait)
            self.waiting.text = say(
                f"The answer for x = {team.pending:g} comes in {seconds} s.",
                f"x = {team.pending:g} 的答案還有 {seconds} 秒。",
            )
        if len(team.points) != self.told:
            self.told = len(team.points)
            self._draw(team.points)
        if team.ended and not self.board.default_slot.children:
            self.timer.cancel()
            with self.board:
                board_page.show(team.round, own=team.name)

    def _time(self, team):
        if team.ended:
            return say("The round has ended.", "這一回合已經結束。")
        if not team.time:
            return say("The time is over. Wait for the board.", "時間到，請等候排名。")
        return say(f"time left: {minutes(team.time)}", f"剩餘時間：{minutes(team.time)}")

    def _draw(self, points):
        self.chart.options.clear()
        self.chart.options.update(charts.points(points, say("Your points will stand here.", "你們的點會出現在這裡。")))
        self.chart.update()
        self.table.visible = bool(points)
        lowest = min((guess.value for guess in points), default=None)
        self.table.rows = [
            {
                "number": guess.number,
                "x": f"{guess.x:g}",
                "value": f"{guess.value:.4f}" + (" ★" if guess.value == lowest else ""),
                "slope": f"{guess.slope:+.3f}",
            }
            for guess in points
        ]
