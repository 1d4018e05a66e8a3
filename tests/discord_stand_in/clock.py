"""Time, ids, and waiting for something to happen."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

DISCORD_EPOCH_MS = 1_420_070_400_000
PATIENCE = 30.0
"""Seconds that tests wait for what they expect, by default: long, as a busy machine is slow."""

T = TypeVar("T")


class Changes:
    """Wakes those who wait for a state whenever what they watch has changed.

    Waits are per subject (a channel, an interaction), so that not every message wakes a thousand waits in a hundred
    channels.
    """

    def __init__(self) -> None:
        self._waiting: dict[object, set[asyncio.Future[None]]] = {}

    def notify(self, *subjects: object) -> None:
        """Wake those who wait for these subjects, or for anything (subject None)."""
        for subject in (*subjects, None):
            for waiter in self._waiting.pop(subject, ()):
                _wake(waiter)

    def notify_everyone(self) -> None:
        self.notify(*list(self._waiting))

    async def until(
        self,
        subject: object,
        read: Callable[[], T],
        within: float,
        failure: Callable[[], str],
        every: float = math.inf,
    ) -> T:
        """Wait for `read` to return something true, and return that. It is called now and after changes of `subject`.

        State outside the stand-in changes without an event: for that, it is called `every` so many seconds, too.
        Raises AssertionError with the text of `failure` after `within` seconds of real time.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within
        while not (value := read()):
            if loop.time() >= deadline:
                raise AssertionError(failure())
            waiter: asyncio.Future[None] = loop.create_future()
            self._waiting.setdefault(subject, set()).add(waiter)
            timer = loop.call_at(min(deadline, loop.time() + every), _wake, waiter)
            try:
                await waiter
            finally:
                timer.cancel()
                self._waiting.get(subject, set()).discard(waiter)
        return value


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


class Clock:
    """Seconds since 1970, in real time, which a test may advance instead of waiting."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._offset = time.time() - time.monotonic()
        self._last_id = 0

    def now(self) -> float:
        return time.monotonic() + self._offset

    def advance(self, seconds: float) -> None:
        self._offset += seconds
        self._changes.notify_everyone()

    def snowflake(self) -> int:
        """A new id, greater than all before it, that contains its time as Discord's do."""
        self._last_id = max(self._last_id + 1, (int(self.now() * 1000) - DISCORD_EPOCH_MS) << 22)
        return self._last_id


def iso(seconds: float) -> str:
    """A time as Discord writes it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")
