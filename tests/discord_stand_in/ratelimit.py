"""Discord's rate limits: one bucket per route and channel (or server, or token)."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Any

from .clock import Clock


@dataclass(frozen=True)
class Rate:
    """`count` requests per `seconds`; routes with the same name share a bucket."""

    name: str
    count: int
    seconds: float


ORDINARY = Rate("ordinary", 50, 1.0)
MESSAGES = Rate("messages", 5, 5.0)
"""Sending and editing share it."""
DELETIONS = Rate("deletions", 5, 1.0)
TYPING = Rate("typing", 5, 5.0)
WEBHOOK = Rate("webhook", 5, 2.0)
"""Follow-ups and edits of one interaction."""


@dataclass
class _Window:
    ends: float
    used: int


@dataclass(frozen=True)
class TooMany:
    """A request that was answered with 429."""

    method: str
    path: str
    retry_after: float
    scope: str


class Limits:
    """Counts requests; tests may change its numbers."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._windows: dict[tuple[str, str], _Window] = {}
        self.acknowledge = 3.0
        """Seconds in which an interaction must be acknowledged."""
        self.interaction = 900.0
        """Seconds that its token lives."""
        self.global_requests: int | None = 50
        """Requests of a bot in a second, over all routes but those of interactions."""
        self.too_many: list[TooMany] = []
        """Every 429 that was given, for a test to assert that there was none."""

    def take(self, rate: Rate, major: str) -> tuple[dict[str, str], float | None]:
        """Count a request; returns the headers of its response, and the seconds to wait if it was one too many."""
        window = self._window((rate.name, major), rate.seconds)
        window.used += 1
        left = max(0.0, window.ends - self._clock.now())
        headers = {
            "X-RateLimit-Limit": str(rate.count),
            "X-RateLimit-Remaining": str(max(0, rate.count - window.used)),
            "X-RateLimit-Reset": f"{window.ends:.3f}",
            "X-RateLimit-Reset-After": f"{left:.3f}",
            "X-RateLimit-Bucket": hashlib.md5(rate.name.encode()).hexdigest(),
        }
        return headers, left if window.used > rate.count else None

    def take_global(self) -> float | None:
        """Count a request against the global limit; returns the seconds to wait if it was one too many."""
        if self.global_requests is None:
            return None
        window = self._window(("global", ""), 1.0)
        window.used += 1
        return window.ends - self._clock.now() if window.used > self.global_requests else None

    def _window(self, key: tuple[str, str], seconds: float) -> _Window:
        now = self._clock.now()
        window = self._windows.get(key)
        if window is None or window.ends <= now:
            window = self._windows[key] = _Window(now + seconds, 0)
        return window

    def refuse(
        self, method: str, path: str, retry_after: float, scope: str
    ) -> tuple[int, dict[str, Any], dict[str, str]]:
        """Status, body and headers of a 429. Without the Via header discord.py mistakes it for a ban and gives up."""
        self.too_many.append(TooMany(method, path, retry_after, scope))
        headers = {"Via": "1.1 google", "Retry-After": str(math.ceil(retry_after)), "X-RateLimit-Scope": scope}
        if scope == "global":
            headers["X-RateLimit-Global"] = "true"
        body = {
            "message": "You are being rate limited.",
            "retry_after": round(retry_after, 3),
            "global": scope == "global",
            "code": 0,
        }
        return 429, body, headers
