"""Measures event-loop lag: for how long other tasks had to wait."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.background import in_background

_INTERVAL = 0.1  # seconds
_WINDOW = 60.0  # seconds


class LoopLagMonitor:
    """Notes how late a task wakes that does nothing but sleep."""

    def __init__(self) -> None:
        self._lags: deque[tuple[float, float]] = deque(maxlen=round(_WINDOW / _INTERVAL))  # when, how much

    @property
    def longest(self) -> float:
        """The longest lag of the last minute, in seconds."""
        now = time.monotonic()
        return max((lag for at, lag in self._lags if now - at < _WINDOW), default=0.0)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Measure the running loop until the block ends."""
        async with in_background(self._measure()):
            yield

    async def _measure(self) -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(_INTERVAL)
            now = time.monotonic()
            self._lags.append((now, max(0.0, now - before - _INTERVAL)))
