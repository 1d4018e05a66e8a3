"""An engine's throughput and progress."""

import time


class Throughput:
    """Counts generated tokens, their rate, and when the last progress was.

    The rate weights the last few dozen forward passes most. One thread records; any may read.
    """

    def __init__(self) -> None:
        self._recent_tokens = self._recent_seconds = 0.0
        self.tokens = 0
        self.progressed_at: float | None = None
        """By `time.monotonic`."""

    def record(self, tokens: int, seconds: float | None) -> None:
        """Record a forward pass that generated so many tokens; without `seconds` the rate stays as it is."""
        if seconds is not None:
            self._recent_tokens = 0.97 * self._recent_tokens + tokens
            self._recent_seconds = 0.97 * self._recent_seconds + seconds
        self.tokens += tokens
        self.touch()

    def touch(self) -> None:
        """Record progress other than tokens: a model loaded, a first request after a time without any."""
        self.progressed_at = time.monotonic()

    @property
    def tokens_per_second(self) -> float | None:
        """None before the first token."""
        return self._recent_tokens / self._recent_seconds if self._recent_tokens else None
