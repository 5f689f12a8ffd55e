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


class Game:
    """clock: gives the seconds since 1970; tests have their own. Methods raise Refused."""

    def __init__(self, path, clock=time.time):
        self.store, self.clock = Store(path), clock

    def open_round(self, kind, password, minutes, guesses, wait):
        """Open a round and return its number."""
        if kind not in KINDS:
            raise Refused("Choose a function.", "請選擇一個函數。")
        password = answers.password(password)
        minutes = answers.amount(minutes, 0.1, 180, "Minutes", "時間（分鐘）")
        guesses = answers.amount(guesses, 1, 100, "Guesses", "猜測次數", whole=True)
        wait = answers.amount(wait, 0, 120, "Waiting time in seconds", "等待時間（秒）")
        function = json.dumps(dataclasses.asdict(draw(kind, np.random.default_rng(secrets.randbits(128)))))
        with self.store.transaction() as db:
            if db.execute("SELECT 1 FROM rounds WHERE password = ? AND NOT ended", [password]).fetchone():
                raise Refused(
                    "A round with this password is open: end it, or take another password.",
                    "已經有一個使用這個密碼的回合，請先結束它，或換一個密碼。",
                )
            values = (password, function, guesses, wait, self.clock() + 60 * minutes)
            insert = "INSERT INTO rounds (password, function, guesses, wait, closes, ended) VALUES (?, ?, ?, ?, ?, 0)"
            return db.execute(insert, values).lastrowid

    def join(self, password, name):
        """Make a team in the open round that has this password; return its token."""
        password, name = answers.password(password), answers.name(name)
        token = secrets.token_urlsafe(16)
        with self.store.transaction() as db:
            found = db.execute("SELECT * FROM rounds WHERE password = ? AND NOT ended", [password]).fetchone()
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
        """Store the answer for the x that `text` says; views.team tells it when the waiting time is over."""
        x = answers.place(text)
        with self.store.transaction() as db:
            query = "SELECT rounds.* FROM teams JOIN rounds ON rounds.id = round WHERE token = ?"
            found = db.execute(query, [token]).fetchone()
            if not found:
                raise Refused("There is no such team: join the round.", "沒有這個隊伍，請先加入回合。")
            self._refuse_late(found)
            query = "SELECT COUNT(*) AS used, MAX(shown) AS shown FROM guesses WHERE team = ?"
            used, shown = db.execute(query, [token]).fetchone()
            if used and (wait := shown - self.clock()) > 0:
                raise Refused(
                    f"Wait for your last answer: {math.ceil(wait)} s more.",
                    f"請等待上一次的答案，還有 {math.ceil(wait)} 秒。",
                )
            if used >= found["guesses"]:
                raise Refused("You have no guess left.", "你們的猜測次數已經用完。")
            function = Function(**json.loads(found["function"]))
            value, slope = float(function.value(x)), float(function.slope(x))
            values = (token, used + 1, x, value, slope, self.clock() + found["wait"])
            db.execute("INSERT INTO guesses VALUES (?, ?, ?, ?, ?, ?)", values)

    def _refuse_late(self, found):
        """Refuse what comes after the end of a round; found: its row."""
        if found["ended"]:
            raise Refused("The round has ended.", "這一回合已經結束。")
        if self.clock() >= found["closes"]:
            raise Refused("The time of this round is over.", "這一回合的時間已到。")

    def end(self, number):
        """End a round: from now on everybody may see everything of it."""
        with self.store.transaction() as db:
            db.execute("UPDATE rounds SET ended = 1 WHERE id = ?", [number])
