"""A connection to a SQLite file, whose thread never outlives a failure to open it."""

import asyncio
import sqlite3
from collections.abc import Generator
from functools import partial
from pathlib import Path
from typing import Any

import aiosqlite


class Connection(aiosqlite.Connection):
    """Opened by `await` or `async with`, with the arguments of `sqlite3.connect`.

    aiosqlite ends its thread in the background when opening fails or is cancelled. A thread that reports its end to an
    event loop that is closed by then dies with a traceback, so this one's end is waited for.
    """

    def __init__(self, database: str | Path, **options: Any) -> None:
        super().__init__(partial(sqlite3.connect, database, **options), iter_chunk_size=64)
        self._stopped: asyncio.Future[Any] | None = None

    def stop(self) -> asyncio.Future[Any] | None:
        """End the thread, once it has done what it was asked before; the future is done then."""
        self._stopped = super().stop()
        return self._stopped

    def __await__(self) -> Generator[Any, None, "Connection"]:
        try:
            yield from super().__await__()
        except BaseException:
            if self._stopped:
                yield from self._stopped
            raise
        return self
