"""Databases of older versions, and in trouble: locked by another program, on a full disk, or gone."""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path

from bot.storage.database import Database

_VERSION_1 = """
CREATE TABLE turns (
    id INTEGER PRIMARY KEY,
    channel INTEGER NOT NULL,
    asker INTEGER NOT NULL,
    asker_name TEXT NOT NULL,
    question TEXT NOT NULL,
    answer TEXT NOT NULL,
    at TEXT NOT NULL,
    question_message INTEGER,
    answer_messages TEXT NOT NULL
) STRICT;
CREATE INDEX turns_of_channel ON turns (channel, id);
PRAGMA application_id = 0x5041524C;
"""
_TO_VERSION_2 = "ALTER TABLE turns ADD COLUMN parent INTEGER; ALTER TABLE turns ADD COLUMN guild INTEGER;"
_TO_VERSION_3 = """
CREATE TABLE channels (
    channel INTEGER PRIMARY KEY,
    parent INTEGER,
    guild INTEGER,
    persona TEXT,
    temperature REAL,
    answer_length INTEGER,
    turns INTEGER
) STRICT;
CREATE TABLE summaries (
    channel INTEGER PRIMARY KEY,
    parent INTEGER,
    guild INTEGER,
    text TEXT NOT NULL,
    askers TEXT NOT NULL
) STRICT;
"""

_TO_VERSION_4 = """
DROP INDEX turns_of_channel;
ALTER TABLE turns RENAME TO old_turns;
CREATE TABLE turns (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    channel INTEGER NOT NULL,
    asker INTEGER NOT NULL,
    asker_name TEXT NOT NULL,
    question TEXT NOT NULL,
    answer TEXT NOT NULL,
    at TEXT NOT NULL,
    question_message INTEGER,
    answer_messages TEXT NOT NULL,
    parent INTEGER,
    guild INTEGER
) STRICT;
DROP TABLE old_turns;
CREATE INDEX turns_of_channel ON turns (channel, id);
"""
_MIGRATIONS = (_VERSION_1, _TO_VERSION_2, _TO_VERSION_3, _TO_VERSION_4)


def create_old(path: Path, version: int, *questions: str) -> None:
    """Create a database as a Parley of this schema version did, with turns of channel 7, answered "x".

    Those that have channels' settings know that channel's persona.
    """
    path.parent.mkdir(exist_ok=True)
    with closing(sqlite3.connect(path)) as file, file:
        for script in _MIGRATIONS[:version]:
            file.executescript(script)
        file.execute(f"PRAGMA user_version = {version}")
        file.executemany(
            "INSERT INTO turns (channel, asker, asker_name, question, answer, at, question_message, answer_messages)"
            " VALUES (7, 1, 'Alice', ?, 'x', '2026-01-01T00:00:00+00:00', 9, '[10]')",
            [(question,) for question in questions],
        )
        if version >= 3:
            file.execute("INSERT INTO channels (channel, persona) VALUES (7, 'Be a pirate.')")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Lock the database as another program would, so that nothing can be written."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield


@contextmanager
def read(path: Path) -> Iterator[None]:
    """Read the database for long, as a backup does."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM turns").fetchall()
        yield


def on_disk(path: Path) -> bytes:
    """The contents of the database's files."""
    return b"".join(file.read_bytes() for file in path.parent.iterdir() if file.name.startswith(path.name))


@asynccontextmanager
async def full_disk(database: Database) -> AsyncIterator[None]:
    """Keep the database from growing."""
    assert database._connection
    await database._connection.execute("PRAGMA max_page_count = 1")  # SQLite takes the present size instead
    yield
    if database._connection:  # another one has no limit
        await database._connection.execute("PRAGMA max_page_count = 100000")


@contextmanager
def gone(path: Path) -> Iterator[None]:
    """Delete the database, and have a folder in its place."""
    path.unlink()
    path.mkdir()
    yield
    path.rmdir()
