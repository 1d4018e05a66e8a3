"""How long the event loop was kept from turning: while it is, nobody is heard."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_EVERY = 0.1  # seconds
_LATELY = 60.0  # seconds


class LoopLagMonitor:
    """Notes how late a task wakes that has nothing to do but wake."""

    def __init__(self) -> None:
        self._late: deque[tuple[float, float]] = deque(maxlen=round(_LATELY / _EVERY))  # when, by how much

    @property
    def longest(self) -> float:
        """The longest stall of the last minute, in seconds."""
        now = time.monotonic()
        return max((late for at, late in self._late if now - at < _LATELY), default=0.0)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Within the block the running loop is watched."""
        watching = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watching.cancel()

    async def _watch(self) -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(_EVERY)
            now = time.monotonic()
            self._late.append((now, max(0.0, now - before - _EVERY)))
