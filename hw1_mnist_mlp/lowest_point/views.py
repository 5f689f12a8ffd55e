"""What may be seen: by a team its own points, by the teacher counts, by everybody all of a round that has ended."""

import dataclasses
import json

from hw1_mnist_mlp.lowest_point.answers import Refused
from hw1_mnist_mlp.lowest_point.functions import Function


@dataclasses.dataclass(frozen=True)
class Guess:
    number: int
    x: float
    value: float
    slope: float


@dataclasses.dataclass(frozen=True)
class Team:
    """What a team may know. Times are in seconds from now."""

    name: str
    round: int
    points: list  # of Guess: those whose waiting time is over
    pending: float | None  # the x whose answer is not told yet
    wait: float  # until it is told
    left: int  # guesses
    time: float  # until the round closes; 0 when it has
    ended: bool  # the board may be seen


@dataclasses.dataclass(frozen=True)
class Round:
    """What the teacher's page shows while teams play: it hangs on the wall, and has no function and no point."""

    id: int
    password: str
    guesses: int
    wait: float
    time: float
    ended: bool
    teams: list  # of (name, guesses so far)


@dataclasses.dataclass(frozen=True)
class Place:
    """A line of the board; rank and lowest are None for a team that never guessed."""

    rank: int | None
    name: str
    lowest: Guess | None
    path: list  # of Guess


def team(game, token):
    """The Team of this token; None if there is none."""
    query = "SELECT teams.name, rounds.* FROM teams JOIN rounds ON rounds.id = round WHERE token = ?"
    found = game.store.rows(query, token)
    if not found:
        return None
    row, now = found[0], game.clock()
    guesses = game.store.rows("SELECT * FROM guesses WHERE team = ? ORDER BY number", token)
    last = guesses[-1] if guesses and guesses[-1]["shown"] > now and not row["ended"] else None
    return Team(
        name=row["name"],
        round=row["id"],
        points=[_guess(each) for each in (guesses[:-1] if last else guesses)],
        pending=last["x"] if last else None,
        wait=last["shown"] - now if last else 0.0,
        left=row["guesses"] - len(guesses),
        time=0.0 if row["ended"] else max(0.0, row["closes"] - now),
        ended=bool(row["ended"]),
    )


def rounds(game):
    """All rounds as Round, the newest first."""
    query = """SELECT teams.round, teams.name, COUNT(number) AS used FROM teams
               LEFT JOIN guesses ON team = token GROUP BY token ORDER BY teams.rowid"""
    teams = {}
    for row in game.store.rows(query):
        teams.setdefault(row["round"], []).append((row["name"], row["used"]))
    return [
        Round(
            id=row["id"],
            password=row["password"],
            guesses=row["guesses"],
            wait=row["wait"],
            time=0.0 if row["ended"] else max(0.0, row["closes"] - game.clock()),
            ended=bool(row["ended"]),
            teams=teams.get(row["id"], []),
        )
        for row in game.store.rows("SELECT * FROM rounds ORDER BY id DESC")
    ]


def board(game, number):
    """(the Function, the list of Place by lowest f(x), the guesses that a team had) of a round that has ended."""
    found = game.store.rows("SELECT * FROM rounds WHERE id = ?", number)
    if not found or not found[0]["ended"]:
        raise Refused("The board is shown when the teacher ends the round.", "老師結束這一回合之後，才會顯示排名。")
    query = """SELECT teams.name, guesses.* FROM teams LEFT JOIN guesses ON team = token
               WHERE round = ? ORDER BY teams.rowid, number"""
    paths = {}
    for row in game.store.rows(query, number):
        path = paths.setdefault(row["name"], [])
        if row["number"] is not None:
            path.append(_guess(row))
    function = Function(**json.loads(found[0]["function"]))
    return function, _ranked(paths), found[0]["guesses"]


def _guess(row):
    return Guess(row["number"], row["x"], row["value"], row["slope"])


def _ranked(paths):
    """The places of the teams; equal lows share a rank."""
    lowest = {name: min(path, key=lambda guess: guess.value) for name, path in paths.items() if path}
    values = sorted(guess.value for guess in lowest.values())
    ranked = [Place(values.index(low.value) + 1, name, low, paths[name]) for name, low in lowest.items()]
    ranked.sort(key=lambda place: place.rank)
    return ranked + [Place(None, name, None, []) for name, path in paths.items() if not path]
