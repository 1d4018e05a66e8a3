"""How often people are told why they are not answered: that must not hold up the answers of others."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from bot.messages.pacing import Pacer

_LONGEST_WAIT = 0.5  # seconds that a request may have to wait while anybody is told


class Refusals:
    """Lets refusals through: one at a time in a channel, one per person there in `interval` seconds.

    While other requests wait for their turn, there is none. A refusal in a channel stands for `lifetime` seconds.
    """

    def __init__(self, pacer: Pacer, *, interval: float, lifetime: float) -> None:
        self._pacer = pacer
        self._interval = interval
        self.lifetime = lifetime
        self._told_at: dict[tuple[int, int], float] = {}  # by channel and person
        self._channels: set[int] = set()  # where somebody is being told

    @contextmanager
    def admitted(self, channel: int, person: int) -> Iterator[bool]:
        """Whether a person may be told now in a channel, where nobody else is until the block ends."""
        now = asyncio.get_running_loop().time()
        self._told_at = {key: at for key, at in self._told_at.items() if now < at + self._interval}
        key = channel, person
        if channel in self._channels or key in self._told_at or self._pacer.backlog > _LONGEST_WAIT:
            yield False
            return
        self._told_at[key] = now
        self._channels.add(channel)
        try:
            yield True
        finally:
            self._channels.remove(channel)
