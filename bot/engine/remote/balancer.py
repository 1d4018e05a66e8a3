"""Which of several servers an answer is asked of."""

import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager

_REST = 5.0  # seconds for which a server that failed is left alone; twice as long each further time
_LONGEST_REST = 300.0
_MOST_FAILURES = 10  # that still make a difference
_HOMES = 100_000  # channels whose server is remembered


class Server:
    """One server: how many answers it is giving, and whether it is left alone for having failed."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.running = 0
        self.rests_until = 0.0
        """By `time.monotonic`."""
        self._failures = 0

    @property
    def well(self) -> bool:
        """Whether it has not failed lately."""
        return time.monotonic() >= self.rests_until

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Within the block it is giving an answer."""
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1

    def failed(self) -> None:
        """Leave it alone for a while. Answers that fail together count as one failure."""
        if self.well:
            self.rests_until = time.monotonic() + min(_REST * 2**self._failures, _LONGEST_REST)
            self._failures = min(self._failures + 1, _MOST_FAILURES)

    def succeeded(self) -> None:
        """It is well again."""
        self._failures, self.rests_until = 0, 0.0


class Servers:
    """All servers, which are to give `at_once` answers each, and which channel is at home where."""

    def __init__(self, urls: Iterable[str], at_once: int) -> None:
        self.all = [Server(url) for url in urls]
        self._at_once = at_once
        self._homes: dict[int, Server] = {}

    def choose(self, channel: int | None, tried: Collection[Server] = ()) -> Server | None:
        """A server that was not tried yet: the channel's own while it is well and has room, else the least busy one.

        Where none is well, the one whose rest ends first: it may have come back. None when all were tried.
        """
        left = [server for server in self.all if server not in tried]
        well = [server for server in left if server.well]
        home = self._homes.get(channel) if channel is not None else None
        if home in well and home.running < self._at_once:
            return home
        if well:
            return min(well, key=lambda server: server.running)
        return min(left, key=lambda server: server.rests_until, default=None)

    def settle(self, channel: int | None, server: Server) -> None:
        """A server has begun to answer a channel: the channel's next prompt begins as the one that it has read."""
        if channel is not None:
            self._homes.pop(channel, None)
            self._homes[channel] = server
            if len(self._homes) > _HOMES:
                del self._homes[next(iter(self._homes))]
