"""The rules of the game: who may do what and when. They stand in transactions on the database, not in the page.

A teacher opens a round; teams join it by its password and guess x. The answer, f(x) and the slope there, is computed
and stored at once, and told when the waiting time is over; until then the team has no other guess. When the teacher
ends the round, the board tells everything.
"""

import dataclasses
import json
import math
import secrets
import time

import numpy as np

from hw1_mnist_mlp.lowest_point import answers
from hw1_mnist_mlp.lowest_point.answers import Refused
from hw1_mnist_mlp.lowest_point.functions import KINDS, Function, draw
from hw1_mnist_mlp.lowest_point.store import Store

MOST_TEAMS = 500  # of a round: a script that joins without end stops here


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
    """A line of the board; rank, x and value are None for a team that never guessed."""

    rank: int | None
    name: str
    lowest: Guess | None
    path: list  # of Guess


class Game:
    """clock: gives the seconds since 1970; tests have their own. Methods raise Refused."""

    def __init__(self, path, clock=time.time):
        self._store, self._clock = Store(path), clock
        self.close = self._store.close

    def open_round(self, kind, password, minutes, guesses, wait):
        """Open a round and return its number."""
        if kind not in KINDS:
            raise Refused("Choose a function.", "請選擇一個函數。")
        password = answers.password(password)
        minutes = answers.amount(minutes, 0.1, 180, "Minutes", "時間（分鐘）")
        guesses = answers.amount(guesses, 1, 100, "Guesses", "猜測次數", whole=True)
        wait = answers.amount(wait, 0, 120, "Waiting time in seconds", "等待時間（秒）")
        function = json.dumps(dataclasses.asdict(draw(kind, np.random.default_rng(secrets.randbits(128)))))
        with self._store.transaction() as db:
            if db.execute("SELECT 1 FROM rounds WHERE password = ? AND NOT ended", [password]).fetchone():
                raise Refused(
                    "A round with this password is open: end it, or take another password.",
                    "已經有一個使用這個密碼的回合，請先結束它，或換一個密碼。",
                )
            values = (password, function, guesses, wait, self._clock() + 60 * minutes)
            insert = "INSERT INTO rounds (password, function, guesses, wait, closes, ended) VALUES (?, ?, ?, ?, ?, 0)"
            return db.execute(insert, values).lastrowid

    def join(self, password, name):
        """Make a team in the open round that has this password; return its token."""
        password, name = answers.password(password), answers.name(name)
        token = secrets.token_urlsafe(16)
        with self._store.transaction() as db:
            found = db.execute("SELECT id, closes FROM rounds WHERE password = ? AND NOT ended", [password]).fetchone()
            if not found:
                raise Refused(
                    "No round that is open has this password: ask the teacher for it.",
                    "沒有使用這個密碼的回合，請向老師詢問密碼。",
                )
            self._refuse_late(found)
            names = [row["alike"] for row in db.execute("SELECT alike FROM teams WHERE round = ?", [found["id"]])]
            if answers.alike(name) in names:
                raise Refused(
                    "A team of this name is in the round already: take another name.",
                    "這一回合已經有同名的隊伍，請換一個名字。",
                )
            if len(names) >= MOST_TEAMS:
                raise Refused(f"The round is full: it has {MOST_TEAMS} teams.", f"這一回合已滿，最多 {MOST_TEAMS} 隊。")
            db.execute("INSERT INTO teams VALUES (?, ?, ?, ?)", [token, found["id"], name, answers.alike(name)])
        return token

    def guess(self, token, text):
        """Store the answer for the x that `text` says; `team` tells it when the waiting time is over."""
        x = answers.place(text)
        with self._store.transaction() as db:
            query = "SELECT rounds.* FROM teams JOIN rounds ON rounds.id = round WHERE token = ?"
            found = db.execute(query, [token]).fetchone()
            if not found:
                raise Refused("There is no such team: join the round.", "沒有這個隊伍，請先加入回合。")
            self._refuse_late(found)
            query = "SELECT COUNT(*) AS used, MAX(shown) AS shown FROM guesses WHERE team = ?"
            used, shown = db.execute(query, [token]).fetchone()
            if used and (wait := shown - self._clock()) > 0:
                raise Refused(
                    f"Wait for your last answer: {math.ceil(wait)} s more.",
                    f"請等待上一次的答案，還有 {math.ceil(wait)} 秒。",
                )
            if used >= found["guesses"]:
                raise Refused("You have no guess left.", "你們的猜測次數已經用完。")
            function = Function(**json.loads(found["function"]))
            value, slope = float(function.value(x)), float(function.slope(x))
            values = (token, used + 1, x, value, slope, self._clock() + found["wait"])
            db.execute("INSERT INTO guesses VALUES (?, ?, ?, ?, ?, ?)", values)

    def _refuse_late(self, found):
        """Refuse what comes after the end of a round; found: its row."""
        if "ended" in found.keys() and found["ended"]:
            raise Refused("The round has ended.", "這一回合已經結束。")
        if self._clock() >= found["closes"]:
            raise Refused("The time of this round is over.", "這一回合的時間已到。")

    def team(self, token):
        """The Team of this token; None if there is none."""
        query = "SELECT teams.name, rounds.* FROM teams JOIN rounds ON rounds.id = round WHERE token = ?"
        found = self._store.rows(query, token)
        if not found:
            return None
        row, now = found[0], self._clock()
        guesses = self._store.rows("SELECT * FROM guesses WHERE team = ? ORDER BY number", token)
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

    def rounds(self):
        """All rounds as Round, the newest first."""
        query = """SELECT teams.round, teams.name, COUNT(number) AS used FROM teams
                   LEFT JOIN guesses ON team = token GROUP BY token ORDER BY teams.rowid"""
        teams = {}
        for row in self._store.rows(query):
            teams.setdefault(row["round"], []).append((row["name"], row["used"]))
        return [
            Round(
                id=row["id"],
                password=row["password"],
                guesses=row["guesses"],
                wait=row["wait"],
                time=0.0 if row["ended"] else max(0.0, row["closes"] - self._clock()),
                ended=bool(row["ended"]),
                teams=teams.get(row["id"], []),
            )
            for row in self._store.rows("SELECT * FROM rounds ORDER BY id DESC")
        ]

    def end(self, number):
        """End a round: from now on everybody may see everything of it."""
        with self._store.transaction() as db:
            db.execute("UPDATE rounds SET ended = 1 WHERE id = ?", [number])

    def board(self, number):
        """(the Function, the list of Place by lowest f(x), the guesses that a team had) of a round that has ended."""
        found = self._store.rows("SELECT * FROM rounds WHERE id = ?", number)
        if not found or not found[0]["ended"]:
            raise Refused("The board is shown when the teacher ends the round.", "老師結束這一回合之後，才會顯示排名。")
        query = """SELECT teams.name, guesses.* FROM teams LEFT JOIN guesses ON team = token
                   WHERE round = ? ORDER BY teams.rowid, number"""
        paths = {}
        for row in self._store.rows(query, number):
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
