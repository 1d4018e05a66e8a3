"""The database: where it is, whether it can be written, and what is in it."""

import asyncio
import errno
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import aiosqlite

from bot.check.findings import Findings, ok, size, wrong
from bot.storage.database import SCHEMA_VERSION, DatabaseError, check_ours, unusable, unwritable


async def look_at_database(path: str) -> Findings:
    """What is in the file of DATABASE_PATH, which is neither made nor changed."""
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
        f"{place} can be written: {size(contents.size)}, {_counted(contents.turns, 'turn')} of"
        f" {_counted(contents.channels, 'channel')}, {_schema(contents.schema)}",
        path=place,
        bytes=contents.size,
        turns=contents.turns,
        channels=contents.channels,
        schema=contents.schema,
    )


def _absolute(path: str) -> Path:
    return Path(path).expanduser().absolute()


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _schema(version: int) -> str:
    if version == SCHEMA_VERSION:
        return f"schema {version}"
    return f"schema {version}, which becomes {SCHEMA_VERSION} when Parley next starts"


@dataclass(frozen=True)
class _Contents:
    """What a database holds: the version of its schema (0: nothing yet), turns of so many channels, and bytes."""

    schema: int
    turns: int
    channels: int
    size: int


async def _look(name: str) -> _Contents | None:
    """See what a file holds, without changing anything; None where there is no file yet.

    Raises DatabaseError where `open_database` would: the file could not be written or made, is not ours, or is damaged.
    """
    try:
        path = _absolute(name)
        how = await asyncio.to_thread(_see, path)
    except (OSError, RuntimeError, ValueError) as error:
        raise unwritable(Path(name), error) from error
    if not how:
        return None
    try:
        async with aiosqlite.connect(f"{path.as_uri()}?{how}", uri=True) as file:
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
    """How SQLite is to open the file, so that nothing changes; None without a file.

    Raises OSError where it could not be written, or made.
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
    # SQLite would make the files that it keeps beside a database in use; where there are none, nobody is using it.
    return "mode=ro" if _log_of(path).exists() else "immutable=1"


def _refusal(number: int, place: Path) -> OSError:
    """What the system itself would say."""
    return OSError(number, os.strerror(number), str(place))


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in (path, _log_of(path)) if file.exists())


def _log_of(path: Path) -> Path:
    """Where SQLite keeps what it has not yet written to the file itself."""
    return path.with_name(f"{path.name}-wal")
