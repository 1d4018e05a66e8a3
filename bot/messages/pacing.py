"""How often Discord is written to: at a pace per channel that it likes, and within its limit for the whole bot."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_PACE = 1.2  # seconds between two edits in a channel, which Discord allows about five of in five seconds
_SLOWEST = 60.0  # seconds
_SLUGGISH = 1.0  # a request that took so many seconds was held back
PER_SECOND = 30
"""Requests of the whole bot, by default. Discord allows 50, and a busy machine sends them in bursts."""


class Lane:
    """One channel's pace. A request that was held back, or failed, doubles the time to the next; others shorten it.

    discord.py itself waits when Discord's headers say that the channel's allowance is used up, or after a 429; so
    how long a request took tells of both, and of a Discord that is just slow. (Multiplicative increase and decrease
    of the waiting time, in the manner of TCP's congestion control.)
    """

    def __init__(self) -> None:
        self.writing = asyncio.Lock()
        self.interval = _PACE
        self.next_at = 0.0

    def took(self, started: float, seconds: float) -> None:
        """Note a request: when it was begun, by the event loop's clock, and how long it took."""
        slower = seconds > _SLUGGISH
        self.interval = min(self.interval * 2, _SLOWEST) if slower else max(self.interval * 0.8, _PACE)
        self.next_at = started + self.interval


class Pacer:
    """Lets each channel's requests through one at a time, at the channel's pace; a slow channel holds up no other.

    `per_second` is how many requests may come from here, in all channels together.
    """

    def __init__(self, per_second: float = PER_SECOND) -> None:
        self._apart = 1 / per_second
        self._lanes: dict[int, Lane] = {}
        self._next_at = 0.0

    @property
    def busy(self) -> bool:
        """Whether a request would have to wait for others of the bot: what is dispensable should be left out."""
        return self._next_at > asyncio.get_running_loop().time()

    @asynccontextmanager
    async def turn(self, channel: int) -> AsyncIterator[None]:
        """Wait for the channel's next turn to write; the block is the writing."""
        loop = asyncio.get_running_loop()
        lane = self._lane(channel)
        async with lane.writing:
            await asyncio.sleep(lane.next_at - loop.time())
            await self.slot()
            started = loop.time()
            try:
                yield
            except Exception:
                lane.took(started, _SLOWEST)
                raise
            lane.took(started, loop.time() - started)

    async def slot(self) -> None:
        """Wait until the bot as a whole may send another request."""
        now = asyncio.get_running_loop().time()
        at = max(self._next_at, now)
        self._next_at = at + self._apart
        await asyncio.sleep(at - now)

    def _lane(self, channel: int) -> Lane:
        if channel not in self._lanes:
            now = asyncio.get_running_loop().time()
            # Those at rest have nothing to remember.
            at_rest = [key for key, lane in self._lanes.items() if lane.next_at < now and not lane.writing.locked()]
            for key in at_rest:
                del self._lanes[key]
            self._lanes[channel] = Lane()
        return self._lanes[channel]
