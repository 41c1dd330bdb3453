"""What is known of a sweep, on disk: its points, the attempts at them, and their values, in one SQLite file."""

import json
import sqlite3
import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any, Self

import numpy as np

from layerpeel.numerics import UnusableInput
from layerpeel.pages.stopping import SystemRefused
from layerpeel.sweeps.chunk import Chunk
from layerpeel.sweeps.machines import NETWORK, alive, file_system, sign_of_life

APPLICATION = 0x6C707377
"""`application_id` of a store: "lpsw"."""

VERSION = 1
"""`user_version`: of the tables below."""

TABLES = """
CREATE TABLE IF NOT EXISTS sweep (
    id INTEGER PRIMARY KEY CHECK (id = 1), specification TEXT NOT NULL, quantity TEXT NOT NULL, results_version INTEGER NOT NULL,
    points INTEGER NOT NULL, seconds REAL NOT NULL DEFAULT 0, coordinator TEXT
) STRICT;
CREATE TABLE IF NOT EXISTS environment (id INTEGER PRIMARY KEY, content TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE IF NOT EXISTS attempt (
    id INTEGER PRIMARY KEY, environment INTEGER NOT NULL REFERENCES environment, positions TEXT NOT NULL, started REAL NOT NULL,
    seconds REAL, worker TEXT, state TEXT NOT NULL CHECK (state IN ('running', 'done', 'failed', 'lost', 'abandoned')), message TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS running ON attempt (id) WHERE state = 'running';
CREATE TABLE IF NOT EXISTS point (
    position INTEGER PRIMARY KEY, identity BLOB NOT NULL, parameters TEXT NOT NULL, repeat INTEGER NOT NULL,
    state TEXT NOT NULL, attempts INTEGER NOT NULL,
    attempt INTEGER NOT NULL REFERENCES attempt, message TEXT
) STRICT;
CREATE TABLE IF NOT EXISTS value (
    position INTEGER NOT NULL REFERENCES point, name TEXT NOT NULL, value REAL, lower REAL, upper REAL, PRIMARY KEY (position, name)
) STRICT, WITHOUT ROWID;
"""
"""A point without a row was not tried yet; `attempt.positions` are ranges [first, last]; rows of `value` belong to done points, and what is
undefined has none. That the state of a point is pending, done, failed or lost is not checked here, and failures have no index: both would
double what writing a million points takes."""

PUT_POINT = (
    "INSERT INTO point VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (position) DO UPDATE SET identity = excluded.identity, parameters = "
    "excluded.parameters, state = excluded.state, attempts = excluded.attempts, attempt = excluded.attempt, message = excluded.message"
)

MIGRATIONS: Mapping[int, str] = {}
"""From a version to the next."""

DONE, NOTHING = ("done", 1), (None, False)
"""State and attempts of a point that is done at the first one, and what is wrong with it."""

BEAT = 20.0
"""Seconds between two signs of life of a coordinator."""


@dataclass(frozen=True, kw_only=True)
class Counts:
    """How many points are in which state; pending are all others."""

    done: int = 0
    failed: int = 0
    lost: int = 0
    running: int = 0


class Store:
    """An open store. Only the coordinating process writes; whoever reads may read meanwhile.

    Args:
        path: of the file; its folder exists.
        create: whether a store is made where there is none.

    Raises:
        UnusableInput: for a file that is no store, or of a later version.
        SystemRefused: when it cannot be written.
    """

    def __init__(self, path: Path, *, create: bool = True) -> None:
        self.path = path
        self._attempts: dict[int, float] = {}
        self._coordinating = False
        self._beat, self._said = 0.0, ""
        new = not path.exists() or not path.stat().st_size
        if new and not create:
            raise UnusableInput(f"{path} does not exist: it must be a sweep's store; run the sweep first, or correct the path.")
        with self._told():
            self._connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode={'rwc' if create else 'rw'}", uri=True, isolation_level=None
            )
            try:
                self._open(new=new)
            except BaseException:
                self._connection.close()
                raise

    def _open(self, *, new: bool) -> None:
        query = self._connection.execute
        query("PRAGMA busy_timeout = 10000")
        try:
            application, version = (query(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            raise UnusableInput(f"{self.path} is no SQLite file: it must be a sweep's store; name another file.") from error
        new = new or (not application and not query("SELECT count(*) FROM sqlite_master").fetchone()[0])  # killed while it was made
        if new:
            query("PRAGMA page_size = 16384")  # a million points are written a tenth faster than in pages of 4096 bytes
            query(f"PRAGMA journal_mode = {'DELETE' if file_system(self.path) in NETWORK else 'WAL'}")
            query("PRAGMA synchronous = NORMAL")
            self._connection.executescript(
                f"BEGIN IMMEDIATE; PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION}; {TABLES} COMMIT;"
            )
            return
        if application != APPLICATION:
            raise UnusableInput(f"{self.path} is an SQLite file of something else: it must be a sweep's store; name another file.")
        if version > VERSION:
            raise UnusableInput(
                f"{self.path} has tables of version {version}, and this layerpeel knows {VERSION}: install a newer one, or name another."
            )
        query("PRAGMA synchronous = NORMAL")
        for step in range(version, VERSION):
            self._connection.executescript(f"BEGIN IMMEDIATE; {MIGRATIONS[step]} PRAGMA user_version = {step + 1}; COMMIT;")

    def close(self) -> None:
        """Let go of the store."""
        if self._coordinating:
            with suppress(sqlite3.Error):
                self._connection.execute("UPDATE sweep SET coordinator = NULL WHERE coordinator = ?", (self._said,))
            self._coordinating = False
        with suppress(sqlite3.Error):
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _told(self) -> Generator[None]:
        """What SQLite refuses, as a sentence."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise SystemRefused(
                f"{self.path} cannot be written or read ({error}): what is done so far stays; make room or give access, and run the same "
                "command again."
            ) from error
        except sqlite3.DatabaseError as error:
            raise UnusableInput(f"{self.path} is damaged ({error}): remove it, and run the sweep again.") from error

    @contextmanager
    def transaction(self) -> Generator[None]:
        """All or nothing."""
        with self._told():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                with suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def _rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._told():
            return self._connection.execute(query, values).fetchall()

    # Whose store it is

    def sweep(self) -> dict[str, Any] | None:
        """What the store holds: specification, quantity, results_version, points, seconds; None before it is begun."""
        rows = self._rows("SELECT specification, quantity, results_version, points, seconds FROM sweep")
        names = ("specification", "quantity", "results_version", "points", "seconds")
        return dict(zip(names, rows[0], strict=True)) if rows else None

    def begin(self, *, specification: str, quantity: str, results_version: int, points: int) -> None:
        """Say what the store holds from now on, unless another process has said it meanwhile."""
        with self.transaction():
            self._connection.execute(
                "INSERT OR IGNORE INTO sweep (id, specification, quantity, results_version, points) VALUES (1, ?, ?, ?, ?)",
                (specification, quantity, results_version, points),
            )

    def coordinate(self) -> None:
        """Take the store; what a dead coordinator left running becomes pending.

        Raises:
            UnusableInput: when another one has it.
        """
        with self.transaction():
            (text,) = self._connection.execute("SELECT coordinator FROM sweep").fetchone()
            if text is not None and alive(held := json.loads(text)):
                raise UnusableInput(
                    f"{self.path} is being written by process {held['pid']} on {held['host']}: a store has one coordinator; wait for "
                    "it, stop it, or name another store."
                )
            self._connection.execute("UPDATE attempt SET state = 'abandoned' WHERE state = 'running'")
            self._coordinating = True
            self._say_alive()

    def _say_alive(self) -> None:
        self._beat = time.time()
        self._said = json.dumps(sign_of_life(self._beat))
        self._connection.execute("UPDATE sweep SET coordinator = ?", (self._said,))

    def _require_own(self) -> None:
        (text,) = self._connection.execute("SELECT coordinator FROM sweep").fetchone()
        if self._coordinating and text != self._said:  # after minutes without a sign of life another machine takes a store over
            held = json.loads(text or '{"pid": "none", "host": "no machine"}')
            raise SystemRefused(
                f"{self.path} was taken over by process {held['pid']} on {held['host']}, as from a dead one: what is done so far stays; "
                "let that one go on."
            )

    # Points

    def counts(self) -> Counts:
        """How many points are in which state."""
        states = dict(self._rows("SELECT state, count(*) FROM point GROUP BY state"))
        running = sum(
            last - first + 1
            for (text,) in self._rows("SELECT positions FROM attempt WHERE state = 'running'")
            for first, last in json.loads(text)
        )
        return Counts(done=states.get("done", 0), failed=states.get("failed", 0), lost=states.get("lost", 0), running=running)

    def settled(self, start: int, stop: int) -> np.ndarray:
        """Numbers from `start` up to `stop` that are not to be computed again."""
        rows = self._rows(
            "SELECT position FROM point WHERE position >= ? AND position < ? AND state != 'pending' ORDER BY position", start, stop
        )
        return np.array([position for (position,) in rows], dtype=np.int64)

    def identities(self, most: int) -> dict[int, tuple[bytes, str]]:
        """Number → identity and parameters of the first points that were tried."""
        rows = self._rows("SELECT position, identity, parameters FROM point ORDER BY position LIMIT ?", most)
        return {position: (identity, text) for position, identity, text in rows}

    def failures(self, most: int) -> list[tuple[str, int, str, str]]:
        """Parameters, repetition, state and message of the first points that are not done."""
        query = "SELECT parameters, repeat, state, message FROM point WHERE state IN ('failed', 'lost') ORDER BY position LIMIT ?"
        return [(text, repeat, state, message or "") for text, repeat, state, message in self._rows(query, most)]

    def reopen(self, *, failed: bool = False, environments_but: int | None = None, results_version: int | None = None) -> None:
        """Make points pending again: those that failed or were lost, those of other environments, or all when a new version counts."""
        with self.transaction():
            query = self._connection.execute
            if failed:
                query("UPDATE point SET state = 'pending', attempts = 0 WHERE state IN ('failed', 'lost')")
            if results_version is not None:
                query("UPDATE sweep SET results_version = ?", (results_version,))
                query("DELETE FROM value")
                query("UPDATE point SET state = 'pending', attempts = 0")
            elif environments_but is not None:
                query(
                    "UPDATE point SET state = 'pending', attempts = 0 WHERE attempt IN (SELECT id FROM attempt WHERE environment != ?)",
                    (environments_but,),
                )
                query("DELETE FROM value WHERE position IN (SELECT position FROM point WHERE state = 'pending')")

    # Attempts

    def environment(self, content: Mapping[str, Any]) -> int:
        """The number of an environment; a new one is noted."""
        text = json.dumps(content, sort_keys=True)
        with self.transaction():
            self._connection.execute("INSERT INTO environment (content) VALUES (?) ON CONFLICT DO NOTHING", (text,))
            return int(self._connection.execute("SELECT id FROM environment WHERE content = ?", (text,)).fetchone()[0])

    def environments_of_done(self) -> dict[int, dict[str, Any]]:
        """The environments that done points come from."""
        rows = self._rows(
            "SELECT DISTINCT environment.id, content FROM environment JOIN attempt ON attempt.environment = environment.id "
            "WHERE EXISTS (SELECT 1 FROM point WHERE point.attempt = attempt.id AND point.state = 'done')"
        )
        return {number: json.loads(content) for number, content in rows}

    def started(self, environment: int, ranges: Sequence[tuple[int, int]]) -> int:
        """Note an attempt at these points, and return its number; it is on disk with the next commit."""
        with self._told():
            self._begun()
            cursor = self._connection.execute(
                "INSERT INTO attempt (environment, positions, started, state) VALUES (?, ?, ?, 'running')",
                (environment, json.dumps([list(each) for each in ranges]), time.time()),
            )
        return int(cursor.lastrowid or 0)

    def ended(self, attempt: int, state: str, *, seconds: float, worker: str, message: str | None = None) -> None:
        """Note how an attempt ended."""
        with self._told():
            self._begun()
            self._connection.execute(
                "UPDATE attempt SET state = ?, seconds = ?, worker = ?, message = ? WHERE id = ?",
                (state, seconds, worker, message, attempt),
            )
            self._connection.execute("UPDATE sweep SET seconds = seconds + ?", (seconds,))

    def put(self, attempt: int, chunk: Chunk, *, settled: Mapping[int, tuple[str, int]], waiting: AbstractSet[int]) -> None:
        """Note what came of points.

        Args:
            attempt: the one that they come from.
            chunk: the points.
            settled: number → state and number of attempts, for those that are not done at the first one.
            waiting: numbers that get another attempt, of which nothing is noted yet.
        """
        with self._told():
            self._begun()
            self._connection.executemany(PUT_POINT, _rows_of(attempt, chunk, settled, waiting))
            for name, (values, lower, upper) in chunk.columns.items():
                rows = zip(chunk.positions, repeat(name), values, lower, upper, strict=False)
                if chunk.failures or None in values:
                    rows = (row for row in rows if not (row[2] is row[3] is row[4] is None or row[0] in chunk.failures))
                self._connection.executemany("INSERT OR REPLACE INTO value VALUES (?, ?, ?, ?, ?)", rows)

    def _begun(self) -> None:
        if not self._connection.in_transaction:
            self._connection.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Put everything noted so far on disk."""
        with self._told():
            if time.time() - self._beat > BEAT:
                self._begun()
                self._require_own()
                self._say_alive()
            if self._connection.in_transaction:
                self._connection.execute("COMMIT")

    # What is read

    def rows(self) -> Generator[tuple[int, str, int, str, str | None]]:
        """Position, parameters, repeat, state and message of all points that were tried, in order; read a thousand at a time."""
        last = -1
        query = "SELECT position, parameters, repeat, state, message FROM point WHERE position > ? ORDER BY position LIMIT 1000"
        while rows := self._rows(query, last):
            yield from rows
            last = rows[-1][0]

    def values(self, start: int, stop: int) -> list[tuple[int, str, float | None, float | None, float | None]]:
        """Position, column, value and bounds of the points of a range, in order."""
        return self._rows("SELECT * FROM value WHERE position >= ? AND position < ? ORDER BY position, name", start, stop)

    def columns(self) -> list[str]:
        """Names of all columns; those of the first points come first."""
        return [name for (name,) in self._rows("SELECT name FROM value GROUP BY name ORDER BY min(position), name")]


def _rows_of(attempt: int, chunk: Chunk, settled: Mapping[int, tuple[str, int]], waiting: AbstractSet[int]) -> Iterable[tuple[Any, ...]]:
    """Rows of the table `point`; a million that are all done should cost no more than writing them."""
    points = zip(chunk.positions, chunk.identities, chunk.texts, chunk.repeats, strict=True)
    if not (settled or waiting or chunk.failures):
        return ((*point, "done", 1, attempt, None) for point in points)
    return (
        (*point, *settled.get(point[0], ("done", 1)), attempt, chunk.failures.get(point[0], (None,))[0])
        for point in points
        if point[0] not in waiting
    )
