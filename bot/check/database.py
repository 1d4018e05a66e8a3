"""Checks the database: where it is, whether it can be written, and what is in it."""

import asyncio
import errno
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from bot.check.findings import Findings, counted, ok, size, wrong
from bot.storage.connection import Connection
from bot.storage.database import SCHEMA_VERSION, DatabaseError, check_ours, unusable, unwritable


async def look_at_database(path: str) -> Findings:
    """Check the file of DATABASE_PATH, without creating or changing it."""
    try:
        contents = await _look(path)
    except DatabaseError as error:
        yield wrong(f"{path} cannot be used", str(error), path=path)
        return
    place = str(_absolute(path))
    if contents is None:
        yield ok(f"{place} is not there yet; Parley creates it, and may write to its folder", path=place)
        return
    yield ok(
        f"{place} can be written: {size(contents.size)}, {counted(contents.turns, 'turn')} of"
        f" {counted(contents.channels, 'channel')}, {_schema(contents.schema)}",
        path=place,
        bytes=contents.size,
        turns=contents.turns,
        channels=contents.channels,
        schema=contents.schema,
    )


def _absolute(path: str) -> Path:
    return Path(path).expanduser().absolute()


def _schema(version: int) -> str:
    if version == SCHEMA_VERSION:
        return f"schema {version}"
    return f"schema {version}, which becomes {SCHEMA_VERSION} when Parley next starts"


@dataclass(frozen=True)
class _Contents:
    """A database's schema version (0: empty), number of turns and of their channels, and size in bytes."""

    schema: int
    turns: int
    channels: int
    size: int


async def _look(name: str) -> _Contents | None:
    """What a file holds; None if there is no file yet. Nothing is changed.

    Raises DatabaseError where `open_database` would: the file cannot be written or created, is another program's, or is
    damaged.
    """
    try:
        path = _absolute(name)
        how = await asyncio.to_thread(_see, path)
    except (OSError, RuntimeError, ValueError) as error:
        raise unwritable(Path(name), error) from error
    if not how:
        return None
    try:
        async with Connection(f"{path.as_uri()}?{how}", uri=True) as file:
            await check_ours(file, path)
            ((verdict,),) = await file.execute_fetchall("PRAGMA quick_check(1)")
            if verdict != "ok":
                raise sqlite3.DatabaseError(verdict)
            ((version,),) = await file.execute_fetchall("PRAGMA user_version")
            turns = "SELECT count(*), count(DISTINCT channel) FROM turns"
            ((count, channels),) = await file.execute_fetchall(turns) if version else [(0, 0)]
        return _Contents(version, count, channels, await asyncio.to_thread(_size, path))
    except (OSError, sqlite3.Error) as error:
        raise unusable(path, error) from error


def _see(path: Path) -> str | None:
    """The URI parameter with which SQLite opens the file without changing anything; None without a file.

    Raises OSError if it could not be written or created.
    """
    if path.is_dir():
        raise _refusal(errno.EISDIR, path)
    folder = next(folder for folder in path.parents if folder.exists())
    if not folder.is_dir():
        raise _refusal(errno.ENOTDIR, folder)
    there = path.exists()
    for place in (folder, path) if there else (folder,):
        if not os.access(place, os.W_OK):
            raise _refusal(errno.EACCES, place)
    if not there:
        return None
    # SQLite creates files beside a database that it opens; where there are none, nobody else has it open.
    return "mode=ro" if _log_of(path).exists() else "immutable=1"


def _refusal(number: int, place: Path) -> OSError:
    """The error that the system itself would raise."""
    return OSError(number, os.strerror(number), str(place))


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in (path, _log_of(path)) if file.exists())


def _log_of(path: Path) -> Path:
    """The write-ahead log beside the file."""
    return path.with_name(f"{path.name}-wal")
