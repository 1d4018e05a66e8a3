"""How fast an engine is, lately."""


class Speed:
    """Tokens per second, of which the last few dozen passes count most."""

    def __init__(self) -> None:
        self._tokens = self._seconds = 0.0

    def note(self, tokens: int, seconds: float) -> None:
        """A pass has made so many tokens in so many seconds."""
        self._tokens = 0.97 * self._tokens + tokens
        self._seconds = 0.97 * self._seconds + seconds

    @property
    def tokens_per_second(self) -> float | None:
        """None before the first token."""
        return self._tokens / self._seconds if self._tokens else None
