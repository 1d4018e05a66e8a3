"""What is known of the connection to Discord: its shards, and the outcome of requests."""

import asyncio
import time
from collections.abc import Callable, Iterable


class GatewayStatus:
    """Kept up to date by the client; it outlives a client that is replaced."""

    def __init__(self) -> None:
        self.away: dict[int, float] = {}
        """The shards that are not connected, and since when, by `time.monotonic`."""
        self.reconnects: dict[int, int] = {}
        """How often each shard came back; those that were never connected are missing."""
        self.latencies: Callable[[], Iterable[tuple[int, float]]] = tuple
        """Each shard's heartbeat latency, in seconds; not a number before the first heartbeat."""
        self.online = asyncio.Event()
        """Set once all shards have been connected."""
        self.edits = 0
        """Edits of messages that were sent to Discord."""
        self.rate_limited = 0
        """Requests that Discord refused with 429."""

    def expect(self, shards: Iterable[int]) -> None:
        """These shards are to connect; the time that they take counts from now on."""
        for shard in shards:
            if shard not in self.reconnects:
                self.away.setdefault(shard, time.monotonic())

    def connected(self, shard: int) -> None:
        """A shard is connected, or connected again."""
        was_away = self.away.pop(shard, None) is not None
        self.reconnects[shard] = self.reconnects[shard] + was_away if shard in self.reconnects else 0
        if not self.away:
            self.online.set()

    def lost(self, shard: int) -> None:
        """A shard is not connected; reported again at each attempt that fails."""
        self.away.setdefault(shard, time.monotonic())

    def requested(self, method: str, path: str, status: int) -> None:
        """Discord has responded to a request."""
        self.edits += method == "PATCH" and "/messages/" in path
        self.rate_limited += status == 429
