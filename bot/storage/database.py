"""The SQLite file: opening, migration, connections and transactions."""

import asyncio
import logging
import os
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiosqlite

from bot.errors import UserError
from bot.observer import NO_OBSERVER, Observer
from bot.storage.channel_ref import ChannelRef
from bot.storage.connection import Connection
from bot.texts import DATABASE_UNAVAILABLE

log = logging.getLogger(__name__)

_APPLICATION_ID = 0x5041524C  # "PARL" tells our files from those of other programs
SCHEMA_VERSION = 5
TABLES = ("turns", "channels", "summaries", "clears", "examples")
"""Each has the columns channel, parent and guild."""
_INDICES = "\n".join(
    f"CREATE INDEX IF NOT EXISTS {table}_of_guild ON {table} (guild, channel, parent);"
    f"CREATE INDEX IF NOT EXISTS {table}_of_parent ON {table} (parent) WHERE parent IS NOT NULL;"
    for table in TABLES
)
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS turns (
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never given again
    channel INTEGER NOT NULL,
    asker INTEGER NOT NULL,
    asker_name TEXT NOT NULL,
    question TEXT NOT NULL,
    answer TEXT NOT NULL,        -- empty until it is whole
    at TEXT NOT NULL,            -- UTC, ISO 8601
    question_message INTEGER,    -- NULL: not asked in Discord
    answer_messages TEXT NOT NULL,  -- a JSON list; empty until Discord shows all of the answer
    parent INTEGER,              -- the channel that a thread is in
    guild INTEGER,
    people TEXT,                 -- a JSON list: the others whom the question names; NULL: not known
    beginning TEXT               -- what the engine needs to continue the answer; NULL: the answer is complete
) STRICT;
CREATE INDEX IF NOT EXISTS turns_of_channel ON turns (channel, id);
CREATE INDEX IF NOT EXISTS turns_of_asker ON turns (asker);
CREATE INDEX IF NOT EXISTS turns_unfinished ON turns (id) WHERE answer_messages = '[]';
CREATE TABLE IF NOT EXISTS channels (
    channel INTEGER PRIMARY KEY,
    parent INTEGER,              -- the channel that a thread is in
    guild INTEGER,
    persona TEXT,                -- NULL, here and below: not set
    temperature REAL,
    answer_length INTEGER,       -- in tokens
    turns INTEGER,
    persona_name TEXT            -- the name in PERSONAS_FILE by which the persona was chosen; NULL: by none
) STRICT;
CREATE TABLE IF NOT EXISTS summaries (
    channel INTEGER PRIMARY KEY,
    parent INTEGER,              -- the channel that a thread is in
    guild INTEGER,
    text TEXT NOT NULL,
    askers TEXT NOT NULL         -- a JSON list: the ids of those whose turns it holds
) STRICT;
CREATE INDEX IF NOT EXISTS summaries_askers ON summaries (askers);
CREATE TABLE IF NOT EXISTS clears (
    channel INTEGER PRIMARY KEY,
    parent INTEGER,              -- the channel that a thread is in
    guild INTEGER,
    command INTEGER NOT NULL     -- the id of the newest /clear: what was said before it is not read again
) STRICT;
CREATE TABLE IF NOT EXISTS examples (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    channel INTEGER NOT NULL,
    parent INTEGER,              -- the channel that a thread is in
    guild INTEGER,
    system TEXT NOT NULL,
    turns TEXT NOT NULL,         -- a JSON list: the earlier turns, and last the one that was answered
    model TEXT NOT NULL,
    digest TEXT NOT NULL,        -- of the model's weights; empty: not known
    sampling TEXT NOT NULL,      -- a JSON object
    votes TEXT NOT NULL,         -- a JSON object: for each voter, whether they liked the answer
    correction TEXT,
    corrector INTEGER,           -- who wrote it
    reviewed INTEGER NOT NULL,
    review_message INTEGER,      -- the message that shows it in the review channel
    people TEXT NOT NULL,        -- a JSON list: the ids of all who wrote or voted
    messages TEXT NOT NULL       -- a JSON list: the ids of all messages that any of it stands in
) STRICT;
CREATE INDEX IF NOT EXISTS examples_messages ON examples (channel, messages);
CREATE INDEX IF NOT EXISTS examples_people ON examples (people);
CREATE INDEX IF NOT EXISTS examples_unrated ON examples (id)
    WHERE votes = '{{}}' AND correction IS NULL AND NOT reviewed;
CREATE TABLE IF NOT EXISTS consents (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    person INTEGER NOT NULL UNIQUE,
    agreed INTEGER               -- whether their words may be kept as examples; NULL: asked, but not decided
) STRICT;
{_INDICES}
PRAGMA application_id = {_APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};
"""
_TO_VERSION_2 = "ALTER TABLE turns ADD COLUMN parent INTEGER; ALTER TABLE turns ADD COLUMN guild INTEGER;"
_TURNS_TO_VERSION_5 = "ALTER TABLE turns ADD COLUMN people TEXT; ALTER TABLE turns ADD COLUMN beginning TEXT;"
_CHANNELS_TO_VERSION_5 = "ALTER TABLE channels ADD COLUMN persona_name TEXT;"
# AUTOINCREMENT cannot be added to a table. The columns have the same order in all versions. The index must go first, as
# it would stay with the old table and keep its name from the new one.
_TO_VERSION_4 = f"""
DROP INDEX IF EXISTS turns_of_channel;
ALTER TABLE turns RENAME TO old_turns;
{_SCHEMA}
INSERT INTO turns SELECT * FROM old_turns;
DROP TABLE old_turns;
"""  # noqa: S608 - no values
_GUILDS = " UNION ".join(f"SELECT guild FROM {table} WHERE guild > ?1" for table in TABLES) + " ORDER BY guild"  # noqa: S608
_CHANNELS_OF_GUILD = " UNION ".join(f"SELECT channel, parent, guild FROM {table} WHERE guild = ?1" for table in TABLES)  # noqa: S608
_PAGE = 500  # rows
_BUSY_TIMEOUT = 5000  # milliseconds that a transaction waits for another program


class DatabaseError(UserError):
    """The database file cannot be used; the message says why and what to do."""


class Database:
    """One connection to the file, used by one task at a time. Made by `open_database`.

    A file that was removed is created again; one that was put in its place is used from then on.
    """

    def __init__(self, path: Path, observer: Observer, *, erase_interval: float) -> None:
        self._path = path
        self._observer = observer
        self._erase_interval = erase_interval
        self.unusable_since: float | None = None
        """When the file became unusable, by `time.monotonic`; None once it has been written again."""
        self._connection: aiosqlite.Connection | None = None
        self._opened: dict[Path, tuple[int, int] | None] = {}
        self._unerased = False  # whether deleted text may still be on the disk
        self._warned = False  # and whether the operator knows
        self._erasing: asyncio.Task[None] | None = None
        self._closed = False
        self._in_use = asyncio.Lock()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[aiosqlite.Connection]:
        """A connection to read from, once earlier users are done. Raises DatabaseError when the file is unusable."""
        async with self._timed("read"), self._usable() as connection:
            yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[aiosqlite.Connection]:
        """A connection to write to: all that the block does, or nothing, survives the process being killed.

        Raises DatabaseError when the file is unusable.
        """
        async with self._timed("write"), self._usable() as connection:
            try:
                await connection.execute("BEGIN IMMEDIATE")
                yield connection
                await connection.commit()
            except BaseException:
                await connection.rollback()
                raise
            if self.unusable_since is not None:
                log.info("The database %s can be used again.", self._path)
                self.unusable_since = None
            await self._erase(connection)

    async def _erase(self, connection: aiosqlite.Connection) -> None:
        """Have deleted text leave the disk: secure_delete zeroes it in the file, this empties the log beside it.

        While another program reads the file, that is not possible. It is tried again until it is, without waiting.
        """
        reason = ""
        self._unerased = True  # until it is known to be erased; a task that is cancelled does not learn it
        try:
            await connection.execute("PRAGMA busy_timeout = 0")
            ((busy, *_),) = await connection.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
            reason = "another program is reading it" if busy else ""
            self._unerased = bool(busy)
        except sqlite3.Error as error:  # the transaction itself is committed
            reason = str(error)
        finally:
            await connection.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT}")
            if reason and not self._warned:
                log.warning("Deleted text may still be in the database %s: %s.", self._path, reason)
                self._warned = True
            elif self._warned and not self._unerased:
                log.info("Deleted text has been erased from the database %s.", self._path)
                self._warned = False
            if self._unerased and (self._erasing is None or self._erasing.done()):
                self._erasing = asyncio.create_task(self._erase_later())

    async def _erase_later(self) -> None:
        while self._unerased:
            await asyncio.sleep(self._erase_interval)
            with suppress(DatabaseError):
                async with self._usable() as connection:
                    await self._erase(connection)

    @asynccontextmanager
    async def _timed(self, kind: str) -> AsyncIterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self._observer.used_database(kind, time.perf_counter() - began)

    @asynccontextmanager
    async def _usable(self) -> AsyncIterator[aiosqlite.Connection]:
        async with self._in_use:
            if self._closed:
                raise DatabaseError(DATABASE_UNAVAILABLE)
            try:
                if self._connection and await asyncio.to_thread(_identity, self._path) != self._opened[self._path]:
                    log.warning("The database %s was removed, and what was remembered with it.", self._path)
                    await self._disconnect()
                    self._remove_side_files()
                if not self._connection:
                    await self.open()
                assert self._connection
                yield self._connection
            except (sqlite3.Error, DatabaseError) as error:
                if self.unusable_since is None:
                    log.error("The database %s cannot be used: %s", self._path, error)
                    self.unusable_since = time.monotonic()
                raise DatabaseError(DATABASE_UNAVAILABLE) from error

    async def probe(self) -> None:
        """Read from the file, or write to it if it was unusable. Raises DatabaseError when that fails."""
        async with self.transaction() if self.unusable_since else self.connection() as connection:
            write = f" = {SCHEMA_VERSION}" if self.unusable_since else ""
            await connection.execute_fetchall(f"PRAGMA user_version{write}")

    async def pages(self, select: str) -> AsyncIterator[tuple[Any, ...]]:
        """The rows of a SELECT, a few at a time, so that nobody waits until all are read.

        Its parameter is the first column of the row before, and it is ordered by that column.
        """
        last = -1
        while True:
            async with self.connection() as connection:
                rows = list(await connection.execute_fetchall(f"{select} LIMIT {_PAGE}", (last,)))
            for row in rows:
                yield tuple(row)
            if len(rows) < _PAGE:
                return
            last = rows[-1][0]

    async def guilds(self) -> AsyncIterator[int]:
        """The guilds that anything is stored of."""
        async for (guild,) in self.pages(_GUILDS):
            yield guild

    async def channels_of_guild(self, guild: int) -> set[ChannelRef]:
        """The channels of a guild that anything is stored of."""
        async with self.connection() as connection:
            return {ChannelRef(*row) for row in await connection.execute_fetchall(_CHANNELS_OF_GUILD, (guild,))}

    async def forget_channel(self, channel: int) -> None:
        """Forget everything of a channel and of its threads."""
        await self._forget("channel = ?1 OR parent = ?1", channel)

    async def forget_guild(self, guild: int) -> None:
        """Forget everything of a guild's channels."""
        await self._forget("guild = ?1", guild)

    async def _forget(self, condition: str, number: int) -> None:
        async with self.transaction() as connection:
            for table in TABLES:
                await connection.execute(f"DELETE FROM {table} WHERE {condition}", (number,))  # noqa: S608 - constants

    async def open(self) -> None:
        """Open the file, or create it. Raises DatabaseError, with the reason for the operator, when that fails."""
        self._path = _create(self._path)
        self._connection = await _open(self._path)
        self._opened = {file: _identity(file) for file in (self._path, *_side_files(self._path))}
        await self._erase(self._connection)  # what a killed process could not

    async def close(self) -> None:
        """Close the file for good, once earlier users are done."""
        async with self._in_use:
            self._closed = True
            if self._connection and self._unerased:
                await self._erase(self._connection)
            if self._erasing:
                self._erasing.cancel()
            await self._disconnect()

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection:
            await connection.close()

    def _remove_side_files(self) -> None:
        """Remove the side files of a file that was removed, or SQLite would take them for those of the next one."""
        for file in _side_files(self._path):
            if _identity(file) == self._opened[file]:
                file.unlink(missing_ok=True)


def _side_files(path: Path) -> tuple[Path, Path]:
    """SQLite's write-ahead log of a database, and the log's index."""
    return path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")


def _identity(path: Path) -> tuple[int, int] | None:
    """Device and inode, which tell the file at `path` from one that takes its place."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


@asynccontextmanager
async def open_database(
    path: str | Path, observer: Observer = NO_OBSERVER, *, erase_interval: float = 10.0
) -> AsyncIterator[Database]:
    """Open the file, or create it with its folder, readable by its owner only; closed on leaving.

    While another program keeps deleted text from being erased, that is tried again every `erase_interval` seconds.
    Raises DatabaseError when the file is another program's, is from a newer Parley, or cannot be written. Such a file
    is not changed.
    """
    database = Database(Path(path), observer, erase_interval=erase_interval)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


async def _open(path: Path) -> aiosqlite.Connection:
    # Autocommit, so that transactions begin and end only where we say so.
    connection = await Connection(path, isolation_level=None)
    try:
        await check_ours(connection, path)
        _protect(path)
        await _prepare(connection)
    except BaseException as error:
        await connection.close()
        if not isinstance(error, OSError | sqlite3.Error):
            raise
        raise unusable(path, error) from error
    return connection


def unusable(path: Path, error: Exception) -> DatabaseError:
    """The error for a file that exists."""
    return DatabaseError(
        f"The database {path} cannot be used: {error}. Repair it, end what else uses it, or set DATABASE_PATH to"
        " another file."
    )


def unwritable(path: Path, error: Exception) -> DatabaseError:
    """The error for a file that cannot be written or created."""
    return DatabaseError(
        f"The database {path} cannot be opened: {error}. Set DATABASE_PATH to a file in a folder that Parley may"
        " write to."
    )


def _create(path: Path) -> Path:
    """Create the file if it is missing, or see that it can be written."""
    try:
        path = path.expanduser()
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except (OSError, RuntimeError, ValueError) as error:
        raise unwritable(path, error) from error
    return path


async def check_ours(connection: aiosqlite.Connection, path: Path) -> None:
    """Raise DatabaseError if the file is another program's, or from a newer Parley."""
    rows = await connection.execute_fetchall(
        "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)"
        " FROM pragma_application_id, pragma_user_version"
    )
    ((application, version, tables),) = rows
    if application != _APPLICATION_ID and (application or version or tables):
        raise DatabaseError(
            f"{path} is the database of another program. Set DATABASE_PATH to another file; Parley creates it."
        )
    if version > SCHEMA_VERSION:
        raise DatabaseError(
            f"{path} was written by a newer Parley (schema {version}, this one knows {SCHEMA_VERSION}). Install the"
            " newer one, or set DATABASE_PATH to another file."
        )


def _protect(path: Path) -> None:
    """Hide a file that came from elsewhere from other users, and the side files that it came with or already has.

    SQLite gives later ones the file's mode.
    """
    for file in (path, *_side_files(path)):
        with suppress(FileNotFoundError):
            file.chmod(0o600)


async def _prepare(connection: aiosqlite.Connection) -> None:
    await connection.execute("PRAGMA journal_mode = WAL")
    await connection.execute("PRAGMA synchronous = FULL")
    await connection.execute("PRAGMA secure_delete = ON")
    ((version,),) = await connection.execute_fetchall("PRAGMA user_version")
    migration = _TO_VERSION_2 if version == 1 else ""
    migration += _TURNS_TO_VERSION_5 if 1 <= version <= 4 else ""
    migration += _CHANNELS_TO_VERSION_5 if 3 <= version <= 4 else ""  # older ones have no such table
    migration += _TO_VERSION_4 if 1 <= version <= 3 else ""
    await connection.executescript(f"BEGIN IMMEDIATE; {migration} {_SCHEMA} COMMIT;")
    # Questions that a killed terminal chat left unanswered. In Discord, recovery tells the asker.
    await connection.execute(
        "DELETE FROM turns"
        " WHERE answer = '' AND answer_messages = '[]' AND question_message IS NULL AND beginning IS NULL"
    )
