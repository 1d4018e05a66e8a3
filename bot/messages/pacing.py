"""How often Discord is written to: at a pace per channel that it accepts, and within its limit for the whole bot."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_SLOW = 1.0  # seconds; a request that took longer was held back


class Lane:
    """One channel's pace: `interval` seconds from one request to the next, `longest` at most.

    A request that was held back, or failed, doubles the interval; others shorten it. discord.py itself waits when
    Discord's headers say that the channel's allowance is used up, and after a 429, so the duration of a request tells
    of both, and of a Discord that is just slow. (Multiplicative increase and decrease of the waiting time, in the
    manner of TCP's congestion control.)
    """

    def __init__(self, interval: float, longest: float) -> None:
        self.writing = asyncio.Lock()
        self.next_at = 0.0
        self.interval = interval
        self._shortest, self._longest = interval, longest

    def record(self, started: float, seconds: float) -> None:
        """Note a request: when it began, by the event loop's clock, and how long it took."""
        slower = seconds > _SLOW
        self.interval = min(self.interval * 2, self._longest) if slower else max(self.interval * 0.8, self._shortest)
        self.next_at = started + self.interval


class Pacer:
    """Lets each channel's requests through one at a time, at the channel's pace; a slow channel holds up no other.

    `per_second` is how many requests there may be in all channels together; Discord allows a bot 50. Two edits in a
    channel are at least `interval` seconds apart, and at most `longest` if Discord holds them back.
    """

    def __init__(self, per_second: float, interval: float, longest: float) -> None:
        self._gap = 1 / per_second
        self._interval, self._longest = interval, longest
        self._lanes: dict[int, Lane] = {}
        self._next_at = 0.0

    def limit(self, per_second: float) -> None:
        """From now on send at most so many requests, as other processes of the bot send the rest."""
        self._gap = 1 / per_second

    @property
    def backlog(self) -> float:
        """For how many seconds a request would have to wait for others."""
        return max(0.0, self._next_at - asyncio.get_running_loop().time())

    @property
    def busy(self) -> bool:
        """Whether a request would have to wait for others: what is dispensable should be left out."""
        return self.backlog > 0

    @asynccontextmanager
    async def turn(self, channel: int) -> AsyncIterator[None]:
        """Wait for the channel's next turn to write; the block does the writing."""
        loop = asyncio.get_running_loop()
        lane = self._lane(channel)
        async with lane.writing:
            await asyncio.sleep(lane.next_at - loop.time())
            await self.slot()
            started = loop.time()
            try:
                yield
            except Exception:
                lane.record(started, math.inf)
                raise
            lane.record(started, loop.time() - started)

    async def slot(self) -> None:
        """Wait until the bot as a whole may send another request."""
        now = asyncio.get_running_loop().time()
        at = max(self._next_at, now)
        self._next_at = at + self._gap
        await asyncio.sleep(at - now)

    def _lane(self, channel: int) -> Lane:
        if channel not in self._lanes:
            now = asyncio.get_running_loop().time()
            # Lanes at rest have nothing to remember.
            at_rest = [key for key, lane in self._lanes.items() if lane.next_at < now and not lane.writing.locked()]
            for key in at_rest:
                del self._lanes[key]
            self._lanes[channel] = Lane(self._interval, self._longest)
        return self._lanes[channel]
