"""Which of several servers a request goes to."""

import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager

_RETRY_AFTER = 5.0  # seconds until a server that failed is asked again; doubled by each further failure
_MAX_RETRY_AFTER = 300.0
_MAX_BUSY = 3600.0  # the longest time that a server can ask to be left alone
_MAX_FAILURES = 10  # beyond which counting makes no difference


class Server:
    """One server: how many answers it is generating, and whether it has failed lately."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.running = 0
        self.retry_at = 0.0
        """When it may be asked again after a failure, by `time.monotonic`."""
        self._busy_until = 0.0
        self._failures = 0

    @property
    def healthy(self) -> bool:
        """Whether it has not failed lately."""
        return time.monotonic() >= self.retry_at and not self.busy_for

    @property
    def busy_for(self) -> float:
        """The seconds for which it still wants no request."""
        return max(0.0, self._busy_until - time.monotonic())

    @contextmanager
    def generating(self) -> Iterator[None]:
        """Count an answer as running within the block."""
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1

    def mark_failed(self, retry_after: float | None = None) -> None:
        """Leave it alone for a while. Answers that fail together count as one failure.

        If the server says after how many seconds it wants to be asked again, it is not asked before.
        """
        if self.healthy:
            self.retry_at = time.monotonic() + min(_RETRY_AFTER * 2**self._failures, _MAX_RETRY_AFTER)
            self._failures = min(self._failures + 1, _MAX_FAILURES)
        if retry_after:
            self._busy_until = time.monotonic() + min(retry_after, _MAX_BUSY)

    def mark_healthy(self) -> None:
        """Forget its failures."""
        self._failures, self.retry_at = 0, 0.0


class Balancer:
    """Chooses servers, which generate up to `max_batch` answers each, and remembers the last one of each channel.

    It remembers up to `max_channels` channels, those that were answered last.
    """

    def __init__(self, urls: Iterable[str], max_batch: int, *, max_channels: int = 100_000) -> None:
        self.servers = [Server(url) for url in urls]
        self._max_batch = max_batch
        self._max_channels = max_channels
        self._by_channel: dict[int, Server] = {}  # in the order of their last answers

    def choose(self, channel: int | None, tried: Collection[Server] = ()) -> Server | None:
        """A server that was not tried yet: the channel's own if it is healthy and has room, else the least busy one.

        Where none is healthy, the one whose retry is due first. None when all were tried, or want no request.
        """
        untried = [server for server in self.servers if server not in tried and not server.busy_for]
        healthy = [server for server in untried if server.healthy]
        own = self._by_channel.get(channel) if channel is not None else None
        if own in healthy and own.running < self._max_batch:
            return own
        if healthy:
            return min(healthy, key=lambda server: server.running)
        return min(untried, key=lambda server: server.retry_at, default=None)

    def assign(self, channel: int | None, server: Server) -> None:
        """Make a server the channel's own: its prefix cache has the beginning of the channel's next prompt."""
        if channel is not None:
            self._by_channel.pop(channel, None)
            self._by_channel[channel] = server
            if len(self._by_channel) > self._max_channels:
                del self._by_channel[next(iter(self._by_channel))]
