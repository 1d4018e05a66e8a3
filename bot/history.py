"""The newest turns of each channel, in SQLite. Knows no model and no Discord.

A turn is written in three steps, so that a program that is killed at any moment leaves nothing in doubt: the question
when it is asked, the answer when it is whole, and the messages that show it when all of them do.
"""

import asyncio
import errno
import json
import logging
import os
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiosqlite

from bot.errors import UserError
from bot.wording import NO_MEMORY

log = logging.getLogger(__name__)

_APPLICATION_ID = 0x5041524C  # "PARL": tells our files from those of other programs
SCHEMA_VERSION = 2
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS turns (
    id INTEGER PRIMARY KEY,
    channel INTEGER NOT NULL,
    asker INTEGER NOT NULL,
    asker_name TEXT NOT NULL,
    question TEXT NOT NULL,
    answer TEXT NOT NULL,        -- empty until it is whole
    at TEXT NOT NULL,            -- UTC, ISO 8601
    question_message INTEGER,    -- NULL: not said in Discord
    answer_messages TEXT NOT NULL,  -- a JSON list: a long answer takes several messages; empty until all is shown
    parent INTEGER,              -- the channel that a thread is in
    guild INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS turns_of_channel ON turns (channel, id);
PRAGMA application_id = {_APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};
"""
_FROM_VERSION_1 = "ALTER TABLE turns ADD COLUMN parent INTEGER; ALTER TABLE turns ADD COLUMN guild INTEGER;"
_COLUMNS = "id, asker, asker_name, question, answer, at, question_message, answer_messages"
_RECENT = f"SELECT {_COLUMNS} FROM turns WHERE channel = ? AND answer <> '' ORDER BY id DESC LIMIT ?"  # noqa: S608
_INSERT = """
INSERT INTO turns (channel, asker, asker_name, question, answer, at, question_message, answer_messages, parent, guild)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_PRUNE = """
DELETE FROM turns WHERE channel = ?1
AND id <= (SELECT id FROM turns WHERE channel = ?1 AND answer <> '' ORDER BY id DESC LIMIT 1 OFFSET ?2)
"""
_SHOWN_IN = "channel = ?1 AND (question_message = ?2 OR ?2 IN (SELECT value FROM json_each(answer_messages)))"


class HistoryError(UserError):
    """The database file cannot be used; the sentence says why and what to do."""


@dataclass(frozen=True)
class Turn:
    """One exchange: who asked, the question, the answer, when it was asked, and the Discord messages of both.

    The answer is empty until it is whole, and `answer_messages` are until Discord shows all of it. The question is
    empty for a command, of which nothing is to be remembered, and `question_message` its id. `id` is the history's.
    """

    asker: int
    asker_name: str
    question: str
    answer: str
    at: datetime
    question_message: int | None = None
    answer_messages: tuple[int, ...] = ()
    parent: int | None = None
    guild: int | None = None
    id: int = field(default=0, compare=False)


class History:
    """Turns by channel, of which the newest `limit` are kept; made by `open_history`.

    When a method that writes has returned, its change survives the process being killed. All methods raise
    HistoryError when the file cannot be used.
    """

    def __init__(self, path: Path, limit: int) -> None:
        self._path = path
        self._connection: aiosqlite.Connection | None = None
        self._opened: tuple[int, int] | None = None
        self._closed = False
        self.limit = limit
        self._writing = asyncio.Lock()

    async def recent(self, channel: int) -> list[Turn]:
        """The channel's answered turns, oldest first, after whatever is being written now."""
        async with self._file() as file:
            return await _read(file, _RECENT, channel, self.limit)

    async def find(self, channel: int, message: int) -> Turn | None:
        """The turn that a message is a part of."""
        async with self._file() as file:
            statement = f"SELECT {_COLUMNS} FROM turns WHERE {_SHOWN_IN}"  # noqa: S608 - ours, but for the parameters
            return next(iter(await _read(file, statement, channel, message)), None)

    async def places(self) -> list[tuple[int, int, int | None]]:
        """The servers and channels in them that there are turns of, and the channel that each is a thread of."""
        async with self._file() as file:
            rows = await file.execute_fetchall("SELECT DISTINCT guild, channel, parent FROM turns WHERE guild > 0")
            return [(guild, channel, parent) for guild, channel, parent in rows]

    async def unfinished(self) -> list[tuple[int, Turn]]:
        """The turns asked in Discord that it does not show whole, with their channels, oldest first."""
        statement = f"SELECT {_COLUMNS}, channel FROM turns WHERE question_message > 0 AND answer_messages = '[]'"  # noqa: S608
        async with self._file() as file:
            rows = await file.execute_fetchall(f"{statement} ORDER BY id")
            return [(row[-1], _turn(row[:-1])) for row in rows]

    async def begin(self, channel: int, turn: Turn) -> int:
        """Note a question when it is asked; returns the turn's id."""
        values = (
            channel,
            turn.asker,
            turn.asker_name,
            turn.question,
            turn.answer,
            turn.at.astimezone(UTC).isoformat(timespec="seconds"),
            turn.question_message,
            json.dumps(turn.answer_messages),
            turn.parent,
            turn.guild,
        )
        async with self._transaction() as file:
            turn_id = (await file.execute(_INSERT, values)).lastrowid
            assert turn_id is not None
            return turn_id

    async def answer(self, turn_id: int, answer: str) -> None:
        """Note the whole answer of a turn, unless the turn was forgotten meanwhile."""
        async with self._transaction() as file:
            await file.execute("UPDATE turns SET answer = ? WHERE id = ?", (answer, turn_id))

    async def show(self, turn_id: int, messages: Sequence[int]) -> None:
        """Note that these messages show all that there is of a turn, or none any more, and drop turns now too old."""
        async with self._transaction() as file:
            shown = "UPDATE turns SET answer_messages = ? WHERE id = ? RETURNING channel"
            for (channel,) in await file.execute_fetchall(shown, (json.dumps([*messages]), turn_id)):
                await file.execute(_PRUNE, (channel, self.limit))

    async def drop(self, turn_id: int) -> None:
        """Forget a turn that came to nothing."""
        await self._delete("id = ?", turn_id)

    async def edit(self, channel: int, message: int, question: str) -> None:
        """Put another text in the place of the question that a message asks, if it is there."""
        async with self._transaction() as file:
            await file.execute(
                "UPDATE turns SET question = ? WHERE channel = ? AND question_message = ?", (question, channel, message)
            )

    async def forget_message(self, channel: int, message: int) -> None:
        """Forget the turn that a message is a part of."""
        await self._delete(_SHOWN_IN, channel, message)

    async def forget_person(self, asker: int) -> int:
        """Forget all that somebody asked, in all channels; returns how many turns it was."""
        return await self._delete("asker = ?", asker)

    async def forget_channel(self, channel: int) -> None:
        """Forget the turns of a channel and of its threads."""
        await self._delete("channel = ?1 OR parent = ?1", channel)

    async def forget_guild(self, guild: int) -> None:
        """Forget the turns of all channels of a server."""
        await self._delete("guild = ?", guild)

    async def _delete(self, which: str, *values: int) -> int:
        async with self._transaction() as file:
            statement = f"DELETE FROM turns WHERE {which}"  # noqa: S608 - all of it is ours, the values are parameters
            return (await file.execute(statement, values)).rowcount

    async def clear(self, channel: int) -> list[Turn]:
        """Forget the channel's turns; returns them, oldest first."""
        async with self._transaction() as file:
            forgotten = await _read(file, _RECENT, channel, self.limit)
            await file.execute("DELETE FROM turns WHERE channel = ?", (channel,))
            return forgotten

    @asynccontextmanager
    async def _file(self) -> AsyncIterator[aiosqlite.Connection]:
        """The file, for one task at a time: all of them share the connection."""
        async with self._writing:
            if self._closed:
                raise HistoryError(NO_MEMORY)
            try:
                if self._connection and await asyncio.to_thread(_identity, self._path) != self._opened:
                    log.warning("The database %s was taken away, and what was remembered with it.", self._path)
                    await self._disconnect()
                if not self._connection:
                    await self.open()
                assert self._connection
                yield self._connection
            except (sqlite3.Error, HistoryError) as error:
                log.error("The database %s cannot be used: %s", self._path, error)
                raise HistoryError(NO_MEMORY) from error

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[aiosqlite.Connection]:
        async with self._file() as file:
            try:
                await file.execute("BEGIN IMMEDIATE")
                yield file
                await file.commit()
            except BaseException:
                await file.rollback()
                raise
            # What was deleted is to be gone from the disk: not in the file, where zeros take its place, nor beside it.
            try:
                await file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            except sqlite3.Error as error:  # what was to be done is done; the next change takes this along
                log.warning("What was forgotten is still beside the database %s: %s", self._path, error)

    async def open(self) -> None:
        """Open the file, or create it. Raises HistoryError, with the reason for the operator, when that can't be."""
        self._path = _create(self._path)
        self._connection = await _open(self._path)
        self._opened = _identity(self._path)

    async def close(self) -> None:
        """Close the file for good, after whatever is being written now."""
        async with self._writing:
            self._closed = True
            await self._disconnect()

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection:
            await connection.close()


async def _read(file: aiosqlite.Connection, statement: str, *values: int) -> list[Turn]:
    return [_turn(row) for row in reversed(list(await file.execute_fetchall(statement, values)))]


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells the file at `path` from one that takes its place."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _turn(row: Sequence[Any]) -> Turn:
    turn_id, asker, name, question, answer, at, message, messages = row
    return Turn(
        asker, name, question, answer, datetime.fromisoformat(at), message, tuple(json.loads(messages)), id=turn_id
    )


@asynccontextmanager
async def open_history(path: str | Path, limit: int) -> AsyncIterator[History]:
    """Open the file, or create it with its folder, readable by its owner alone; closed on leaving.

    Raises HistoryError when the file is no database of ours, is from a newer Parley, or cannot be written. Such
    a file is left as it is.
    """
    history = History(Path(path), limit)
    await history.open()
    try:
        yield history
    finally:
        await history.close()


async def _open(path: Path) -> aiosqlite.Connection:
    # Autocommit: transactions begin and end where we say so.
    connection = await aiosqlite.connect(path, isolation_level=None)
    try:
        await _check(connection, path)
        _protect(path)
        await _prepare(connection)
    except BaseException as error:
        await connection.close()
        if not isinstance(error, OSError | sqlite3.Error):
            raise
        raise _unusable(path, error) from error
    return connection


def _unusable(path: Path, error: Exception) -> HistoryError:
    return HistoryError(
        f"The database {path} cannot be used: {error}. Repair it, end what else uses it, or set DATABASE_PATH to"
        " another file."
    )


def _create(path: Path) -> Path:
    """Make the file if it is missing; a check that it can be written if not."""
    try:
        path = path.expanduser()
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except (OSError, RuntimeError, ValueError) as error:
        raise _unwritable(path, error) from error
    return path


def _unwritable(path: Path, error: Exception) -> HistoryError:
    return HistoryError(
        f"The database {path} cannot be opened: {error}. Set DATABASE_PATH to a file in a folder that Parley may"
        " write to."
    )


async def _check(connection: aiosqlite.Connection, path: Path) -> None:
    """See that the file is new or ours."""
    rows = await connection.execute_fetchall(
        "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)"
        " FROM pragma_application_id, pragma_user_version"
    )
    ((application, version, tables),) = rows
    if application != _APPLICATION_ID and (application or version or tables):
        raise HistoryError(
            f"{path} is the database of another program. Set DATABASE_PATH to another file; Parley creates it."
        )
    if version > SCHEMA_VERSION:
        raise HistoryError(
            f"{path} was written by a newer Parley (schema {version}, this one knows {SCHEMA_VERSION}). Install the"
            " newer one, or set DATABASE_PATH to another file."
        )


def _protect(path: Path) -> None:
    """A file that came from elsewhere may be readable by others; SQLite gives its side files the same mode."""
    path.chmod(0o600)


async def _prepare(connection: aiosqlite.Connection) -> None:
    await connection.execute("PRAGMA journal_mode = WAL")
    await connection.execute("PRAGMA synchronous = FULL")
    await connection.execute("PRAGMA secure_delete = ON")
    ((version,),) = await connection.execute_fetchall("PRAGMA user_version")
    await connection.executescript(f"BEGIN IMMEDIATE; {_FROM_VERSION_1 if version == 1 else ''} {_SCHEMA} COMMIT;")
    # What a killed terminal chat did not answer. In Discord, the asker is told.
    await connection.execute("DELETE FROM turns WHERE answer = '' AND question_message IS NULL")


@dataclass(frozen=True)
class Contents:
    """What a database holds: the version of its schema (0: nothing yet), turns of so many channels, and bytes."""

    schema: int
    turns: int
    channels: int
    size: int


async def look(path: str | Path) -> Contents | None:
    """See what a file holds, without changing anything; None where there is no file yet.

    Raises HistoryError where `open_history` would: the file could not be written or made, is not ours, or is damaged.
    """
    path = Path(path)
    try:
        path = path.expanduser()
        how = await asyncio.to_thread(_see, path)
    except (OSError, RuntimeError, ValueError) as error:
        raise _unwritable(path, error) from error
    if not how:
        return None
    try:
        async with aiosqlite.connect(f"{path.absolute().as_uri()}?{how}", uri=True) as file:
            await _check(file, path)
            ((verdict,),) = await file.execute_fetchall("PRAGMA quick_check(1)")
            if verdict != "ok":
                raise sqlite3.DatabaseError(verdict)
            ((version,),) = await file.execute_fetchall("PRAGMA user_version")
            turns = "SELECT count(*), count(DISTINCT channel) FROM turns"
            ((count, channels),) = await file.execute_fetchall(turns) if version else [(0, 0)]
        return Contents(version, count, channels, await asyncio.to_thread(_size, path))
    except (OSError, sqlite3.Error) as error:
        raise _unusable(path, error) from error


def _see(path: Path) -> str | None:
    """How SQLite is to open the file, so that nothing changes; None without a file.

    Raises OSError where it could not be written, or made.
    """
    if path.is_dir():
        raise _refusal(errno.EISDIR, path)
    folder = next(folder for folder in path.absolute().parents if folder.exists())
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
