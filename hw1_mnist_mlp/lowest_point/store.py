"""The state of the game in SQLite: what is written here outlives the server."""

import contextlib
import sqlite3
import threading

from common.errors import UserError

SCHEMA = """
CREATE TABLE IF NOT EXISTS rounds (
    id INTEGER PRIMARY KEY,
    password TEXT NOT NULL,     -- as answers.password gives it
    function TEXT NOT NULL,     -- functions.Function as JSON
    guesses INTEGER NOT NULL,   -- that a team has
    wait REAL NOT NULL,         -- seconds from a guess to its answer
    closes REAL NOT NULL,       -- seconds since 1970: no guess after that
    ended INTEGER NOT NULL      -- 1: the teacher has ended it, and everything is shown
);
CREATE UNIQUE INDEX IF NOT EXISTS open_passwords ON rounds (password) WHERE NOT ended;
CREATE TABLE IF NOT EXISTS teams (
    token TEXT PRIMARY KEY,     -- the secret of the team's browser
    round INTEGER NOT NULL REFERENCES rounds,
    name TEXT NOT NULL,
    alike TEXT NOT NULL,        -- answers.alike of the name
    UNIQUE (round, alike)
);
CREATE TABLE IF NOT EXISTS guesses (
    team TEXT NOT NULL REFERENCES teams,
    number INTEGER NOT NULL,    -- 1, 2, ...
    x REAL NOT NULL,
    value REAL NOT NULL,
    slope REAL NOT NULL,
    shown REAL NOT NULL,        -- seconds since 1970: the answer is secret until then
    PRIMARY KEY (team, number)
) WITHOUT ROWID;
"""


class Store:
    """One connection for all threads of a process; other processes may use the same file.

    What is committed outlives a kill of the process. synchronous = NORMAL: a power cut may take the last moments with
    it, but a commit costs 0.03 ms in place of 6, and 200 players guess at once.
    """

    def __init__(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path, self._lock = path, threading.Lock()
        self._connection = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.executescript(SCHEMA)

    @contextlib.contextmanager
    def transaction(self):
        """Yield the connection; nobody else writes meanwhile. All is written at the end, or nothing on an error."""
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except sqlite3.OperationalError as error:  # a full disk, a file that may not be written
                raise UserError(f"The game could not write {self.path}: {error}.") from error
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    def rows(self, query, *values):
        """The rows that a query finds."""
        with self._lock:
            return self._connection.execute(query, values).fetchall()

    def close(self):
        with self._lock:
            self._connection.close()
