"""What an answer waits for, and about how long."""

from dataclasses import dataclass

from bot.engine import Engine


@dataclass(frozen=True)
class Position:
    """An answer waits for `ahead` others, for about so many `seconds` if that is known, or for a loading model."""

    ahead: int
    seconds: float | None
    loading: bool


class WaitEstimate:
    """Estimates waits from how long the last answers took, the latest counting most."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._average: float | None = None  # seconds

    def record(self, seconds: float) -> None:
        """Note how long an answer took."""
        self._average = seconds if self._average is None else 0.7 * self._average + 0.3 * seconds

    def position(self, ahead: int, ahead_in_engine: int) -> Position | None:
        """The position of an answer with so many ahead of it; None if it waits for nothing.

        Those of its channel come one after the other, those in the engine's queue several at a time.
        """
        status = self._engine.status()
        loading = status.precision is None
        if not (ahead or ahead_in_engine or loading):
            return None
        seconds = None
        if self._average is not None and not loading:
            seconds = self._average * (ahead + ahead_in_engine / max(status.running, 1))
        return Position(ahead + ahead_in_engine, seconds, loading)
