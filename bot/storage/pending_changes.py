"""Changes that must reach the database, however long it cannot be used."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager, suppress

from bot.background import in_background
from bot.storage.database import DatabaseError

log = logging.getLogger(__name__)

Change = Callable[[], Awaitable[object]]


class PendingChanges:
    """Makes changes one after the other, in the order in which they were added.

    While the database cannot be used, all of them wait, and the first is tried again every `retry_interval` seconds.
    """

    def __init__(self, *, retry_interval: float) -> None:
        self._retry_interval = retry_interval
        self._pending: dict[Hashable, Change] = {}
        self._has_pending = asyncio.Event()

    def add(self, key: Hashable, change: Change) -> None:
        """Have a change made, in place of one with the same key that was not made yet."""
        self._pending.pop(key, None)  # so that it comes last
        self._pending[key] = change
        self._has_pending.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Make changes until the block ends; then try once more what is left."""
        try:
            async with in_background(self._run()):
                yield
        finally:
            await self.flush()
            if self._pending:
                log.error("%d changes in Discord did not reach the database, which cannot be used.", len(self._pending))

    async def flush(self) -> None:
        """Try at once what is left."""
        with suppress(DatabaseError):
            await self._make_all()

    async def _run(self) -> None:
        waiting = False
        while True:
            await self._has_pending.wait()
            try:
                await self._make_all()
            except DatabaseError:
                if not waiting:
                    log.warning(
                        "What is deleted or edited in Discord stays in the database until it can be used again."
                    )
                waiting = True
                await asyncio.sleep(self._retry_interval)
            else:
                if waiting:
                    log.info("What was deleted or edited in Discord meanwhile has reached the database.")
                waiting = False

    async def _make_all(self) -> None:
        while self._pending:
            key, change = next(iter(self._pending.items()))
            try:
                await change()
            except DatabaseError:
                raise
            except Exception:
                log.exception("A change could not be made.")  # and keeps none of the others from being made
            if self._pending.get(key) is change:
                del self._pending[key]
        self._has_pending.clear()
