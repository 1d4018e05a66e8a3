"""Databases in trouble: locked by another program, on a full disk, or gone."""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path

from bot.storage.database import Database


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Lock the database as another program would, so that nothing can be written."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield


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
