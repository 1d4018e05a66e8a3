"""A database that is only read, also while the bot uses it: nothing is created, migrated or erased."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiosqlite

from bot.observer import NO_OBSERVER
from bot.storage.connection import Connection
from bot.storage.database import SCHEMA_VERSION, Database, DatabaseError, check_ours, unusable


class _ReadOnly(Database):
    """Lets the bot write meanwhile: what is read in pages may change between them."""

    async def open(self) -> None:
        """Open the file. Raises DatabaseError when it is missing, another program's or of another version."""
        try:
            self._path = self._path.expanduser()
            if not self._path.exists():
                raise DatabaseError(
                    f"There is no database at {self._path}. The bot creates it when it starts; if it uses another file,"
                    " set DATABASE_PATH to that."
                )
            self._connection = await Connection(
                f"{self._path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None
            )
            await check_ours(self._connection, self._path)
            ((version,),) = await self._connection.execute_fetchall("PRAGMA user_version")
        except (OSError, RuntimeError, ValueError, sqlite3.Error) as error:
            raise unusable(self._path, error) from error
        if version < SCHEMA_VERSION:
            raise DatabaseError(
                f"{self._path} is from an older Parley (schema {version}, this one reads {SCHEMA_VERSION}). Start the"
                " bot once, which upgrades it."
            )

    @asynccontextmanager
    async def _usable(self) -> AsyncIterator[aiosqlite.Connection]:
        assert self._connection
        async with self._in_use:
            try:
                yield self._connection
            except sqlite3.Error as error:
                raise unusable(self._path, error) from error


@asynccontextmanager
async def read_database(path: str | Path) -> AsyncIterator[Database]:
    """Open a file that exists, only to read it; closed on leaving.

    Raises DatabaseError when that is not possible, and when something is to be written.
    """
    database = _ReadOnly(Path(path), NO_OBSERVER, erase_interval=0)
    try:
        await database.open()
        yield database
    finally:
        await database.close()
