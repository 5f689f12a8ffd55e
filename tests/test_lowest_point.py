"""The game of the lowest point: its rules, what may be seen, and what is left after a kill."""

import threading

import numpy as np
import pytest

from common.errors import UserError
from hw1_mnist_mlp.lowest_point import answers, functions, views
from hw1_mnist_mlp.lowest_point.answers import Refused
from hw1_mnist_mlp.lowest_point.game import MOST_TEAMS, Game

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


def test_descent_of_the_game():
    """On the smooth function momentum arrives where plain descent does not; the trap holds both."""
    missed = {}
    for kind in functions.KINDS:
        for momentum in (0.0, 0.7):
            missed[kind, momentum] = [
                function.value(functions.descend(function, -8.0, 0.3, momentum, 15)).min()
                - function.value(function.lowest())
                for function in (functions.draw(kind, np.random.default_rng(seed)) for seed in range(100))
            ]
    assert np.mean(missed["smooth", 0.7]) < 0.1 < 1 < np.mean(missed["smooth", 0.0])
    assert np.median(missed["trap", 0.7]) > 1
    function = functions.Function("smooth", 1.0, 0.0, 1.0, 0.0)
    path = functions.descend(function, 2.0, 0.1, 0.5, 3)
    first = -0.1 * function.slope(2.0)
    assert path == pytest.approx([2.0, 2.0 + first, 2.0 + first + 0.5 * first - 0.1 * function.slope(2.0 + first)])
    assert max(map(abs, functions.descend(function, 9.0, 100.0, 0.9, 30))) <= functions.HIGH


# What people type


@pytest.mark.parametrize(
    ("text", "x"),
    [("1.5", 1.5), ("１．５", 1.5), ("－３", -3), ("−2", -2), (" +.5 ", 0.5), ("2e-1", 0.2), ("５。２", 5.2), (3, 3)],
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
