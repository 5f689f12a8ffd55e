"""The teacher's page: it opens rounds, shows who plays, and ends them. It hangs on the wall: it tells no point."""

import asyncio
import hashlib
import hmac
import secrets

from nicegui import ui

from common.playground.given import where
from common.playground.words import say
from hw1_mnist_mlp.lowest_point import board_page, views
from hw1_mnist_mlp.lowest_point.visit import TEACHER, attempt, game, keep, minutes, reason

LETTERS = "abcdefghkmnpqrstuvwxyz"  # without those that look like others on a wall


def key():
    """What the browser of a teacher who knows the password keeps."""
    return hmac.new(where.password.encode(), b"lowest point", hashlib.sha256).hexdigest()


def build(given):
    """The page; given: the cookie of this browser."""
    if hmac.compare_digest(given.encode(), key().encode()):
        _new_round()
        Rounds()
    else:
        _ask()


def _ask():
    """Ask for the teacher's password."""
    with ui.card().style("width: 100%; max-width: 28rem"):
        label = say("The teacher's password (the server printed it)", "老師的密碼（伺服器啟動時會顯示）")
        password = ui.input(label, password=True).classes("w-full").mark("teacher-password")
        refused = reason()

        async def enter():
            if hmac.compare_digest((password.value or "").strip().encode(), where.password.encode()):
                keep(TEACHER, key())
            else:
                await asyncio.sleep(1)  # who tries many waits long
                refused.text = say("This is not the teacher's password.", "這不是老師的密碼。")

        password.on("keydown.enter", enter)
        ui.button(say("Enter", "進入"), on_click=enter).mark("enter")


def _new_round():
    """The form that opens a round."""
    kinds = {
        "smooth": say("smooth", "平滑"),
        "trap": say("with a trap", "有陷阱"),
        "rough": say("rough", "崎嶇"),
    }
    with ui.expansion(say("Open a round", "開始新的一回合"), value=not views.rounds(game())) as form:
        with ui.row().classes("w-full items-center"):
            kind = ui.select(kinds, value="smooth", label=say("function", "函數")).classes("w-36").mark("kind")
            drawn = "".join(secrets.choice(LETTERS) for _ in range(4))
            password = ui.input(say("password", "密碼"), value=drawn).classes("w-28").mark("round-password")
            time = ui.input(say("minutes", "時間（分鐘）"), value="5").classes("w-24").mark("minutes")
            guesses = ui.input(say("guesses", "猜測次數"), value="10").classes("w-24").mark("guesses")
            wait = ui.input(say("waiting time (s)", "等待時間（秒）"), value="10").classes("w-32").mark("wait")

            def begin():
                settings = (kind.value, password.value, time.value, guesses.value, wait.value)
                if attempt(refused, game().open_round, *settings):
                    ui.navigate.reload()

            ui.button(say("Open", "開始"), on_click=begin).mark("open")
        refused = reason()
    form.classes("w-full")


class Rounds:
    """All rounds; `refresh` brings those up to date that have not ended, once a second."""

    def __init__(self):
        self.running = {}  # number: (label of the time, table of the teams)
        for each in views.rounds(game()):
            if each.ended:
                self._ended(each)
            else:
                self._running(each)
        ui.timer(1.0, self.refresh)
        self.refresh()

    def _running(self, each):
        with ui.card().classes("w-full").mark(f"round-{each.id}"):
            with ui.row().classes("w-full items-baseline gap-x-6"):
                ui.label(say(f"Round {each.id}", f"第 {each.id} 回合")).classes("text-xl font-bold")
                ui.label(say(f"password: {each.password}", f"密碼：{each.password}")).classes("text-xl")
                time = ui.label().classes("text-xl").mark("time")
            ui.label(
                say(
                    f"{each.guesses} guesses a team; an answer takes {each.wait:g} s",
                    f"每隊猜 {each.guesses} 次，每次等 {each.wait:g} 秒",
                )
            )
            teams = ui.row().classes("w-full gap-x-6 gap-y-1").mark("teams")
            ending = ui.dialog()
            with ending, ui.card():
                ui.label(say("End the round? Everybody sees the function then.", "要結束嗎？結束後大家都會看到函數。"))
                with ui.row():
                    ui.button(say("End it", "結束"), on_click=lambda: self._end(each.id)).mark("end-now")
                    ui.button(say("Go on", "繼續"), on_click=ending.close).props("flat")
            ui.button(say("End the round and show the board", "結束並公布排名"), on_click=ending.open).mark("end")
        self.running[each.id] = [time, teams, None]

    def _ended(self, each):
        """The board; of all rounds but the last one, behind a line that opens it."""
        if each.id == views.rounds(game())[0].id:
            board_page.show(each.id)
            return
        with ui.expansion(say(f"Round {each.id}", f"第 {each.id} 回合")).classes("w-full") as older:
            shown = ui.column().classes("w-full items-stretch")

        def show():
            if not shown.default_slot.children:  # a board of a long list is built when it is asked for
                with shown:
                    board_page.show(each.id)

        older.on_value_change(show)

    def _end(self, number):
        game().end(number)
        ui.navigate.reload()

    def refresh(self):
        for each in views.rounds(game()):
            if each.id not in self.running or each.ended:
                continue
            time, row, shown = self.running[each.id]
            time.text = minutes(each.time) if each.time else say("The time is over.", "時間到。")
            if shown != each.teams:
                self.running[each.id][2] = each.teams
                row.clear()
                with row:
                    for name, used in each.teams:
                        ui.label(f"{name}: {used} / {each.guesses}").style("overflow-wrap: anywhere")
