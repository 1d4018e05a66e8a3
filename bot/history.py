"""The newest turns of each channel, in SQLite. Knows no model and no Discord."""

import asyncio
import json
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import aiosqlite

from bot.errors import UserError

_APPLICATION_ID = 0x5041524C  # "PARL": tells our files from those of other programs
_VERSION = 2
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS turns (
    id INTEGER PRIMARY KEY,
    channel INTEGER NOT NULL,
    asker INTEGER NOT NULL,
    asker_name TEXT NOT NULL,
    question TEXT NOT NULL,
    answer TEXT NOT NULL,
    at TEXT NOT NULL,            -- UTC, ISO 8601
    question_message INTEGER,    -- NULL: not said in Discord
    answer_messages TEXT NOT NULL,  -- a JSON list: a long answer takes several messages
    parent INTEGER,              -- the channel that a thread is in
    guild INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS turns_of_channel ON turns (channel, id);
PRAGMA application_id = {_APPLICATION_ID};
PRAGMA user_version = {_VERSION};
"""
_FROM_VERSION_1 = "ALTER TABLE turns ADD COLUMN parent INTEGER; ALTER TABLE turns ADD COLUMN guild INTEGER;"
_RECENT = """
SELECT asker, asker_name, question, answer, at, question_message, answer_messages
FROM turns WHERE channel = ? ORDER BY id DESC LIMIT ?
"""
_INSERT = """
INSERT INTO turns (channel, asker, asker_name, question, answer, at, question_message, answer_messages, parent, guild)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_REPLACE = """
UPDATE turns SET answer = ?, at = ?, answer_messages = ?
WHERE id = (SELECT id FROM turns WHERE channel = ? ORDER BY id DESC LIMIT 1) AND question_message IS ?
"""
_PRUNE = """
DELETE FROM turns WHERE channel = ?1
AND id <= (SELECT id FROM turns WHERE channel = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)
"""


_SHOWN_IN = "channel = ?1 AND (question_message = ?2 OR ?2 IN (SELECT value FROM json_each(answer_messages)))"


class HistoryError(UserError):
    """The database file cannot be used; the sentence says why and what to do."""


@dataclass(frozen=True)
class Turn:
    """One exchange: who asked, the question, the answer, when, and the Discord messages of both."""

    asker: int
    asker_name: str
    question: str
    answer: str
    at: datetime
    question_message: int | None = None
    answer_messages: tuple[int, ...] = ()
    parent: int | None = None
    guild: int | None = None


class History:
    """Turns by channel, of which the newest `limit` are kept; made by `open_history`.

    When a method that writes has returned, its change survives the process being killed.
    """

    def __init__(self, connection: aiosqlite.Connection, limit: int) -> None:
        self._connection = connection
        self.limit = limit
        self._writing = asyncio.Lock()

    async def recent(self, channel: int) -> list[Turn]:
        """The channel's turns, oldest first, after whatever is being written now."""
        async with self._writing:
            return await self._read(channel)

    async def _read(self, channel: int) -> list[Turn]:
        rows = await self._connection.execute_fetchall(_RECENT, (channel, self.limit))
        return [
            Turn(asker, name, question, answer, datetime.fromisoformat(at), message, tuple(json.loads(messages)))
            for asker, name, question, answer, at, message, messages in reversed(list(rows))
        ]

    async def append(self, channel: int, turn: Turn) -> None:
        """Add a turn and drop those that are now too old, both or neither."""
        async with self._transaction():
            await self._connection.execute(
                _INSERT,
                (
                    channel,
                    turn.asker,
                    turn.asker_name,
                    turn.question,
                    turn.answer,
                    _timestamp(turn),
                    turn.question_message,
                    json.dumps(turn.answer_messages),
                    turn.parent,
                    turn.guild,
                ),
            )
            await self._connection.execute(_PRUNE, (channel, self.limit))

    async def replace(self, channel: int, turn: Turn) -> None:
        """Put a new answer in place of the channel's newest, if the question is still there."""
        async with self._transaction():
            await self._connection.execute(
                _REPLACE,
                (turn.answer, _timestamp(turn), json.dumps(turn.answer_messages), channel, turn.question_message),
            )

    async def edit(self, channel: int, message: int, question: str) -> None:
        """Put another text in the place of the question that a message asks, if it is there."""
        async with self._transaction():
            await self._connection.execute(
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
        async with self._transaction():
            statement = f"DELETE FROM turns WHERE {which}"  # noqa: S608 - all of it is ours, the values are parameters
            return (await self._connection.execute(statement, values)).rowcount

    async def clear(self, channel: int) -> list[Turn]:
        """Forget the channel's turns; returns them, oldest first."""
        async with self._transaction():
            forgotten = await self._read(channel)
            await self._connection.execute("DELETE FROM turns WHERE channel = ?", (channel,))
            return forgotten

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[None]:
        # The lock keeps the statements of two tasks, which share the connection, out of each other's transaction.
        async with self._writing:
            try:
                await self._connection.execute("BEGIN IMMEDIATE")
                yield
                await self._connection.commit()
            except BaseException:
                await self._connection.rollback()
                raise
            # What was deleted is to be gone from the disk: not in the file, where zeros take its place, nor beside it.
            await self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@asynccontextmanager
async def open_history(path: str | Path, limit: int) -> AsyncIterator[History]:
    """Open the file, or create it with its folder, readable by its owner alone; closed on leaving.

    Raises HistoryError when the file is no database of ours, is from a newer Parley, or cannot be written. Such
    a file is left as it is.
    """
    path = _create(path)
    # Autocommit: transactions begin and end where we say so.
    async with aiosqlite.connect(path, isolation_level=None) as connection:
        try:
            await _check(connection, path)
            _protect(path)
            await _prepare(connection)
        except (OSError, sqlite3.Error) as error:
            raise HistoryError(
                f"The database {path} cannot be used: {error}. Repair it, end what else uses it, or set DATABASE_PATH"
                " to another file."
            ) from error
        yield History(connection, limit)


def _timestamp(turn: Turn) -> str:
    return turn.at.astimezone(UTC).isoformat(timespec="seconds")


def _create(path: str | Path) -> Path:
    """Make the file if it is missing; a check that it can be written if not."""
    try:
        path = Path(path).expanduser()
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except (OSError, RuntimeError, ValueError) as error:
        raise HistoryError(
            f"The database {path} cannot be opened: {error}. Set DATABASE_PATH to a file in a folder that"
            " Parley may write to."
        ) from error
    return path


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
    if version > _VERSION:
        raise HistoryError(
            f"{path} was written by a newer Parley (schema {version}, this one knows {_VERSION}). Install the newer"
            " one, or set DATABASE_PATH to another file."
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
