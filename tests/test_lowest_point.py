"""The game of the lowest point: its rules, what may be seen, and what is left after a kill."""

import asyncio
import contextlib
import itertools
import json
import os
import socket
import subprocess
import sys
import threading

import httpx
import numpy as np
import pytest
from nicegui import core, ui
from nicegui.testing.user import User
from nicegui.testing.user_simulation import user_simulation

from common.errors import UserError
from common.playground import frame
from common.playground.given import where
from hw1_mnist_mlp.lowest_point import answers, charts, functions, page, teacher_page, views
from hw1_mnist_mlp.lowest_point import visit as visit_page
from hw1_mnist_mlp.lowest_point.answers import Refused
from hw1_mnist_mlp.lowest_point.game import MOST_TEAMS, Game
from tests.helpers import ROOT, wait_for
from tests.players import Player
from tests.playground import quick_collections, until

MINUTES, GUESSES, WAIT = 5, 4, 10


class Clock:
    """A clock that stands until a test moves it."""

    def __init__(self):
        self.now = 1_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def game(tmp_path):
    game = Game(tmp_path / "game.sqlite", Clock())
    yield game
    game.store.close()


@pytest.fixture
def number(game):
    """The number of an open round with the password "river"."""
    return game.open_round("trap", "river", MINUTES, GUESSES, WAIT)


def refused(function, *arguments):
    """The English sentence of the refusal; the Chinese one says something too."""
    with pytest.raises(Refused) as caught:
        function(*arguments)
    assert any("\u4e00" <= c <= "\u9fff" for c in caught.value.chinese)
    return str(caught.value)


def guess(game, token, x):
    """Guess and wait for the answer."""
    game.guess(token, x)
    game.clock.now += WAIT


# The functions


@pytest.mark.parametrize("kind", functions.KINDS)
def test_slopes_are_those_of_the_functions(kind):
    x, step = np.linspace(functions.LOW, functions.HIGH, 101), 1e-6
    for seed in range(4):
        function = functions.draw(kind, np.random.default_rng(seed))
        by_difference = (function.value(x + step) - function.value(x - step)) / (2 * step)
        np.testing.assert_allclose(function.slope(x), by_difference, atol=1e-6)


@pytest.mark.parametrize("kind", functions.KINDS)
def test_every_round_has_its_own_lowest_point_inside(kind):
    lows = [functions.draw(kind, np.random.default_rng(seed)).lowest() for seed in range(50)]
    assert functions.LOW < min(lows) < -2 and 2 < max(lows) < functions.HIGH


def test_what_descent_reaches():
    """The figures of the README: how far above the lowest point, before the function is stretched, 300 of each kind."""
    reached = {}
    for kind in functions.KINDS:
        drawn = [functions.draw(kind, np.random.default_rng(seed)) for seed in range(300)]
        lows = [function.value(function.lowest()) for function in drawn]
        for momentum in (0.0, 0.7):
            paths = [np.array(functions.descend(function, -8.0, 0.3, momentum, 15)) for function in drawn]
            above = [
                (function.value(path).min() - low) / function.stretch
                for function, path, low in zip(drawn, paths, lows, strict=True)
            ]
            reached[kind, momentum] = np.mean(above)
    assert [reached[kind, 0.0] for kind in functions.KINDS] == pytest.approx([2.98, 2.79, 1.72], abs=0.006)
    assert [reached[kind, 0.7] for kind in functions.KINDS] == pytest.approx([0.06, 1.58, 1.33], abs=0.006)


def test_descent_of_the_game():
    function = functions.Function("smooth", 1.0, 0.0, 1.0, 0.0)
    path = functions.descend(function, 2.0, 0.1, 0.5, 3)
    first = -0.1 * function.slope(2.0)
    assert path == pytest.approx([2.0, 2.0 + first, 2.0 + first + 0.5 * first - 0.1 * function.slope(2.0 + first)])
    assert max(map(abs, functions.descend(function, 9.0, 100.0, 0.9, 30))) <= functions.HIGH


# What people type


@pytest.mark.parametrize(
    ("text", "x"),
    [("1.5", 1.5), ("１．５", 1.5), ("－３", -3), ("−2", -2), (" +.5 ", 0.5), ("2e-1", 0.2), ("５。２", 5.2)],
)
def test_numbers(text, x):
    assert answers.place(text) == x


@pytest.mark.parametrize("text", ["abc", "三", "1,5", "1_0", "nan", "inf", "-Infinity", "0x1", "3²", "½", "1 2", "<b>"])
def test_no_numbers(text):
    assert "not a number" in refused(answers.place, text)


def test_other_numbers():
    for text in ("10.01", "-11", "1e9", "1e999"):
        assert "between -10 and 10" in refused(answers.place, text)
    assert "at most 40" in refused(answers.place, "1" * 10_000)
    assert "Type a number" in refused(answers.place, "  ")
    assert "Type a number" in refused(answers.place, None)
    assert str(answers.place("-0")) == "0.0"
    assert "a whole number from 1" in refused(answers.amount, "2.5", 1, 9, "Guesses", "次數", True)
    assert refused(answers.amount, "", 1, 9, "Guesses", "次數") == "Guesses: a number from 1 to 9."


def test_names():
    assert answers.name("  第三\u3000組 \n ") == "第三 組"
    assert answers.name("<b>bold</b>") == "<b>bold</b>"  # shown as it is
    assert answers.name("a\u202eb\u200bc\x00") == "abc"  # nothing that turns a line around or cannot be seen
    assert answers.name("👩\u200d💻") == "👩\u200d💻"
    assert "at most 30 characters; yours has 10,000" in refused(answers.name, "x" * 10_000)
    for empty in ("", None, " \u200b\u200d "):
        assert "Give your team a name" in refused(answers.name, empty)


# The rules


def test_a_guess_is_told_when_the_wait_is_over(game, number):
    token = game.join(" River", "A")
    game.guess(token, "2")
    team = views.team(game, token)
    assert (team.points, team.pending, team.wait, team.left) == ([], 2, WAIT, GUESSES - 1)
    game.clock.now += WAIT - 0.1
    assert views.team(game, token).points == []
    game.clock.now += 0.1
    team = views.team(game, token)
    game.end(number)
    function, _, guesses = views.board(game, number)
    assert team.points == [views.Guess(1, 2, function.value(2.0), function.slope(2.0))]
    assert team.pending is None and guesses == GUESSES


def test_no_second_guess_while_waiting(game, number):
    token, other = game.join("river", "A"), game.join("river", "B")
    game.guess(token, "1")
    game.clock.now += 3.5
    assert "7 s more" in refused(game.guess, token, "2")
    game.guess(other, "2")  # teams do not wait for each other
    assert [team[1] for team in views.rounds(game)[0].teams] == [1, 1]


def test_a_thousand_guesses_by_a_script(game, number):
    token = game.join("river", "A")
    said = set()
    for i in range(1000):
        try:
            game.guess(token, i / 500)
        except Refused as refusal:
            said.add(str(refusal).partition(":")[0])
        game.clock.now += 0.1
    assert said == {"Wait for your last answer", "You have no guess left."}
    assert views.team(game, token).left == 0 and len(views.team(game, token).points) == GUESSES


def test_many_guesses_at_once_from_one_team(game, number):
    """32 threads on two servers of one database: one guess is taken."""
    token = game.join("river", "A")
    second = Game(game.store.path, game.clock)
    start, said = threading.Barrier(32), []

    def play(i):
        start.wait()
        try:
            (game, second)[i % 2].guess(token, i / 10)
            said.append("taken")
        except Refused as refusal:
            said.append(str(refusal))

    threads = [threading.Thread(target=play, args=[i]) for i in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    second.store.close()
    assert sorted(said) == ["Wait for your last answer: 10 s more."] * 31 + ["taken"]
    assert views.team(game, token).left == GUESSES - 1


def test_time_and_end(game, number):
    token = game.join("river", "A")
    game.clock.now += 60 * MINUTES - 0.5
    assert views.team(game, token).time == pytest.approx(0.5)
    game.guess(token, 1)  # in time: its answer may come after it
    game.clock.now += 0.5
    assert "time of this round is over" in refused(game.guess, token, 2)
    assert "time of this round is over" in refused(game.join, "river", "B")
    game.clock.now += WAIT
    team = views.team(game, token)
    assert len(team.points) == 1 and team.time == 0 and not team.ended
    assert "when the teacher ends" in refused(views.board, game, number)
    game.end(number)
    assert "has ended" in refused(game.guess, token, 2)
    assert "No round" in refused(game.join, "river", "B")
    assert views.team(game, token).ended


def test_passwords(game, number):
    for wrong in ("lake", "rive", "' OR 1=1 --", "%"):
        assert "No round that is open has this password" in refused(game.join, wrong, "A")
    assert "Type the password" in refused(game.join, "  ", "A")
    assert "at most 40" in refused(game.join, "x" * 10_000, "A")
    assert "is open" in refused(game.open_round, "smooth", "ＲＩＶＥＲ", 1, 1, 1)
    other = game.open_round("rough", "lake", 1, 1, 1)
    assert views.team(game, game.join("lake", "A")).round == other
    game.end(number)
    assert game.open_round("smooth", "river", 1, 1, 1) > other


def test_settings_of_a_round(game):
    for settings, said in {
        ("parabola", "p", 1, 1, 1): "Choose a function",
        ("smooth", "p", "0", 1, 1): "Minutes",
        ("smooth", "p", 1, 101, 1): "Guesses",
        ("smooth", "p", 1, 1.5, 1): "whole",
        ("smooth", "p", 1, 1, "long"): "not a number",
        ("smooth", "p", 1, 1, -1): "Waiting time",
    }.items():
        assert said in refused(game.open_round, *settings)
    assert views.rounds(game) == []


def test_teams_of_one_name(game, number):
    game.join("river", "Team １")
    assert "of this name" in refused(game.join, "river", "TEAM 1")
    for i in range(MOST_TEAMS - 1):
        game.join("river", f"team of {i}")
    assert "full" in refused(game.join, "river", "one more")


def test_nobody_else_guesses_for_a_team(game, number):
    for token in ("", None, "x" * 10_000, "' OR 1=1 --"):
        assert views.team(game, token) is None
        assert "no such team" in refused(game.guess, token, 1)


def test_the_board(game, number):
    names = ["low", "lower", "same", "none"]
    tokens = {name: game.join("river", name) for name in names}
    for name, places in {"low": (9, 8), "lower": (9, 7, 9), "same": (7,)}.items():
        for x in places:
            guess(game, tokens[name], x)
    game.end(number)
    function, places, _ = views.board(game, number)
    best = min((7, 8, 9), key=function.value)
    assert {place.name: len(place.path) for place in places} == {"low": 2, "lower": 3, "same": 1, "none": 0}
    ranks = {place.name: place.rank for place in places}
    assert places[-1].name == "none" and ranks["none"] is None
    assert ranks["lower"] <= ranks["same"] or best == 9
    values = [place.lowest.value for place in places[:-1]]
    assert values == sorted(values)
    assert [place.rank for place in places[:-1]] == [values.index(value) + 1 for value in values]


def test_a_full_disk_is_a_sentence(game, number):
    token = game.join("river", "A")
    game.store._connection.execute("PRAGMA query_only = ON")  # stands for a disk that takes nothing
    with pytest.raises(UserError, match=r"could not write .*game\.sqlite"):
        game.guess(token, 1)
    game.store._connection.execute("PRAGMA query_only = OFF")
    game.guess(token, 1)
    assert views.team(game, token).left == GUESSES - 1


def test_the_chart_of_a_team():
    """Tangents have the slope of their points. The first points replace the empty chart: see charts.points."""
    guesses = [views.Guess(1, -2.0, 5.0, 0.5), views.Guess(2, 3.0, 1.0, -40.0)]
    tangents, marks = charts.points(guesses, "nothing yet")["series"]
    assert [point[:2] for point in marks["data"]] == [[-2, 5], [3, 1]]
    for guess, start, end in zip(guesses, tangents["data"][0::3], tangents["data"][1::3], strict=True):
        assert (end[1] - start[1]) / (end[0] - start[0]) == pytest.approx(guess.slope)
        assert abs(end[1] - start[1]) < 4  # a steep tangent is a short one
    empty = charts.points([], "nothing yet")
    assert len(empty["series"]) != 2 and empty["title"]["text"] == "nothing yet"


# The pages, by simulated visitors


@pytest.fixture
def visit(tmp_path, monkeypatch):
    """Run an async test(user, other) with two visitors of the page; the teacher's password is "teach"."""
    monkeypatch.setattr(where, "outputs", tmp_path)
    monkeypatch.setattr(where, "password", "teach")

    async def both(test):
        async with (
            user_simulation(frame.root({page.NAME: page})) as user,
            httpx.AsyncClient(transport=httpx.ASGITransport(core.app), base_url="http://test") as client,
        ):
            await test(user, User(client))

    with quick_collections():
        yield lambda test: asyncio.run(both(test))
    visit_page.game().store.close()
    visit_page._opened.cache_clear()


def token_of(name):
    """The token of a team, which its browser keeps in a cookie."""
    rows = visit_page.game().store.rows("SELECT token FROM teams WHERE name = ?", name)
    return rows[0]["token"] if rows else None


async def enter(user, name, password="river"):
    """Join by the form, and open the page as the browser does then."""
    await user.open("/lowest-point")
    user.find(marker="name").type(name)
    user.find(marker="password").type(password)
    user.find(marker="join").click()
    await until(lambda: token_of(name))
    user.http_client.cookies.set(visit_page.TEAM, token_of(name))
    await user.open("/lowest-point")


def ask(user, x):
    user.find(marker="x").clear().type(x)
    user.find(marker="guess").click()


def fill(user, **values):
    for marker, value in values.items():
        user.find(marker=marker.replace("_", "-")).clear().type(value)


def said(user):
    """All texts on the visitor's page, and the rows of its tables."""
    shown = [element.text for element in user.client.elements.values() if hasattr(element, "text") and element.visible]
    rows = [str(element.rows) for element in user.client.elements.values() if isinstance(element, ui.table)]
    return "\n".join(map(str, shown + rows))


async def until_said(user, *parts):
    await until(lambda: all(part in said(user) for part in parts))


def names(user, chart):
    """The names of the curves of a chart."""
    (found,) = user.find(marker=chart).elements
    return [series["name"] for series in found.options["series"] if "name" in series]


def test_a_round_from_its_opening_to_its_board(visit):
    async def play(teacher, team):
        await teacher.open("/lowest-point?teacher")
        fill(teacher, teacher_password="guess")
        teacher.find(marker="enter").click()
        await until_said(teacher, "not the teacher's password")
        teacher.http_client.cookies.set(visit_page.TEACHER, "wrong")
        await teacher.open("/lowest-point?teacher")
        await teacher.should_see(marker="teacher-password")
        assert "Open" not in said(teacher)
        teacher.http_client.cookies.set(visit_page.TEACHER, teacher_page.key())
        await teacher.open("/lowest-point?teacher")
        fill(teacher, round_password="river", guesses="three", wait="0")
        teacher.find(marker="open").click()
        await until_said(teacher, "not a number")
        fill(teacher, guesses="3")
        teacher.find(marker="open").click()
        await until(lambda: views.rounds(visit_page.game()))
        await teacher.open("/lowest-point?teacher")
        assert "password: river" in said(teacher)

        await enter(team, "<b>Team</b>")
        assert "<b>Team</b>" in said(team) and "guesses left: 3" in said(team)
        ask(team, "one")
        await until_said(team, "not a number", "guesses left: 3")
        ask(team, "３")
        await until_said(team, "guesses left: 2", "'x': '3'")
        assert "not a number" not in said(team)
        await until_said(teacher, "<b>Team</b>: 1 / 3")
        assert "Round 1: the board" not in said(team) + said(teacher)

        teacher.find(marker="end").click()
        await until_said(teacher, "End the round?")
        teacher.find(marker="end-now").click()
        await until_said(team, "Round 1: the board")
        await teacher.open("/lowest-point?teacher")
        for user in (team, teacher):
            assert "Round 1: the board" in said(user) and "The lowest point is f(" in said(user)
            assert names(user, "descents") == ["plain gradient descent", "momentum 0.7"]
            assert names(user, "paths") == ["<b>Team</b>"]
        fill(team, momentum="2")
        team.find(marker="draw").click()
        await until_said(team, "Momentum: a number from 0 to 1.")
        fill(team, momentum="0.2")
        team.find(marker="draw").click()
        await until_said(team, "momentum 0.2")
        assert names(team, "descents")[1] == "momentum 0.2" and names(teacher, "descents")[1] == "momentum 0.7"

    visit(play)


def test_what_is_refused_at_the_door(visit):
    async def play(user, other):
        await user.open("/lowest-point")
        visit_page.game().open_round("smooth", "river", 5, 5, 0)
        for name, password, sentence in (
            ("x" * 10_000, "river", "at most 30 characters"),
            ("A", "lake", "No round that is open has this password"),
            ("", "river", "Give your team a name"),
        ):
            fill(user, name=name, password=password)
            user.find(marker="join").click()
            await until_said(user, sentence)
        other.http_client.cookies.set("language", "zh-TW")
        other.http_client.cookies.set(visit_page.TEAM, "' OR 1=1 --")
        await other.open("/lowest-point")
        fill(other, name="A", password="lake")
        other.find(marker="join").click()
        await until_said(other, "請向老師詢問密碼")
        assert "No round" not in said(other)

    visit(play)


def test_visitors_do_not_see_each_other(visit):
    async def play(user, other):
        await user.open("/lowest-point")
        visit_page.game().open_round("smooth", "river", 5, 5, 100)
        await enter(user, "mine")
        await enter(other, "theirs")
        ask(user, "4.25")
        await until_said(user, "The answer for x = 4.25 comes in", "guesses left: 4")
        user.find(marker="x").clear().type("5").trigger("keydown.enter")  # the button is off, the key is not
        await until_said(user, "Wait for your last answer")
        assert "guesses left: 4" in said(user)
        assert "4.25" not in said(other) and "mine" not in said(other) and "guesses left: 5" in said(other)

    visit(play)


# A real server, and real clients of its websocket


class Served:
    """The process of a server of the game (game_server.py); the game's file may be opened beside it."""

    def __init__(self, folder):
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.start()
        self.game = Game(folder / "lowest_point" / "game.sqlite")

    def start(self):
        command = [sys.executable, str(ROOT / "tests" / "game_server.py"), str(self.port), str(self.folder), "teach"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        with (self.folder / "server.log").open("a") as log:  # by that name NiceGUI would take itself for a test
            self.process = subprocess.Popen(command, cwd=self.folder, env=environment, stdout=log, stderr=log)
        wait_for(self._answers)

    def _answers(self):
        assert self.process.poll() is None, (self.folder / "server.log").read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
            return True
        return False

    def kill(self):
        self.process.kill()  # SIGKILL
        self.process.wait()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    served = Served(tmp_path_factory.mktemp("served"))
    yield served
    served.kill()
    served.game.store.close()


def test_what_a_browser_receives(served):
    number = served.game.open_round("trap", "secret", 5, 9, 1)

    async def play():
        async with Player(served.address) as mine, Player(served.address) as other:
            await mine.join("secret", "my team")
            await other.join("secret", "another team")
            await other.guess("0.5")
            for x in ("3.0625", "-4.1875"):
                await mine.guess(x)
                await mine.until(lambda: mine.says("comes in"))
                early = "".join(mine.received)
                await mine.until(lambda x=x: any(row["x"] == f"{float(x):g}" for row in mine.rows()))
                rows = {row["x"]: row["value"].split()[0] for row in mine.rows()}
                assert rows[f"{float(x):g}"] not in early  # the answer was not there before the wait was over
            await other.until(other.rows)
            return "".join(mine.received), "".join(other.received)

    mine, other = asyncio.run(play())
    token = served.game.store.rows("SELECT token FROM teams WHERE name = ?", "my team")[0]["token"]
    (row,) = served.game.store.rows("SELECT function FROM rounds WHERE id = ?", number)
    function = json.loads(row["function"])
    for guess in views.team(served.game, token).points:
        for secret in (f"{guess.x:g}", f"{guess.value:.4f}", f"{guess.slope:+.3f}"):
            assert secret in mine
            assert secret not in other
    assert "my team" in mine and "my team" not in other and token not in other
    for secret in (function["kind"], *(f"{function[name]:.5f}"[:-1] for name in ("shift", "stretch", "lift"))):
        assert secret not in mine + other
    lowest = functions.Function(**function).lowest()
    assert f"{lowest:.2f}" not in mine + other


def test_a_kill_in_the_middle_of_a_round(served):
    """Every team goes on with all that it saw; what it had asked when the server died counts once, or not at all."""
    served.game.open_round("rough", "kill", 5, 100, 0.1)
    teams = 6

    async def play_until_killed(players):
        async def play(player, i):
            for x in itertools.count():
                told = len(player.rows())
                await player.guess(str((x + i) % 10))
                await player.until(lambda told=told: len(player.rows()) > told)

        playing = [asyncio.create_task(play(player, i)) for i, player in enumerate(players)]
        await until(lambda: min(len(player.rows()) for player in players) >= 4)
        await asyncio.to_thread(served.kill)
        for task in playing:
            task.cancel()
        await asyncio.gather(*playing, return_exceptions=True)

    async def go_on(player):
        before = player.rows()
        await player.reopen()
        after = player.rows()
        assert [row["x"] for row in after[: len(before)]] == [row["x"] for row in before]
        assert len(before) <= len(after) <= len(before) + 1
        assert [row["number"] for row in after] == list(range(1, len(after) + 1))
        assert player.says(f"guesses left: {100 - len(after)}")
        await player.guess("9.5")
        await player.until(lambda: len(player.rows()) == len(after) + 1)
        assert player.rows()[-1]["x"] == "9.5"

    async def test():
        async with contextlib.AsyncExitStack() as stack:
            players = [await stack.enter_async_context(Player(served.address)) for _ in range(teams)]
            await asyncio.gather(*(player.join("kill", f"team {i}") for i, player in enumerate(players)))
            await play_until_killed(players)
            await asyncio.to_thread(served.start)
            for player in players:
                await go_on(player)

    asyncio.run(test())
    (number,) = (each.id for each in views.rounds(served.game) if each.password == "kill")
    served.game.end(number)
    assert len(views.board(served.game, number)[1]) == teams
