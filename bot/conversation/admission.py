"""Who may ask now, in which order their answers come, and how long they will wait."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakValueDictionary

from bot.conversation.answer import Answer, Position
from bot.engine import Engine
from bot.errors import UserError
from bot.texts import ONE_AT_A_TIME, queue_full, too_soon

_PER_PERSON = 2  # answers under way: one that is written and one that waits


class Busy(UserError):
    """Somebody asks more than one person may, or than can wait; the message says which."""


class Line:
    """The answers under way in one channel, in the order asked. Only the first may start."""

    def __init__(self, admission: "Admission") -> None:
        self._admission = admission
        self._answers: list[Answer] = []

    @property
    def waiting(self) -> int:
        """How many of them the engine has not begun."""
        return sum(answer.started_at is None for answer in self._answers)

    def join(self, answer: Answer) -> None:
        """Add an answer at the end."""
        self._answers.append(answer)
        self._answers[0].call()

    def leave(self, answer: Answer) -> None:
        """Remove an answer, and let the next one start if it was the first."""
        self._answers.remove(answer)
        if self._answers:
            self._answers[0].call()

    def position(self, answer: Answer) -> Position | None:
        """What an answer waits for: the earlier ones in turn, and the engine's queue, several at a time."""
        return self._admission.estimate(self._answers.index(answer), answer.ahead_in_engine)


class Admission:
    """The answers under way in all channels, and the limits on them.

    A person has one answer under way and one that waits, and may ask again after `cooldown` seconds. At most
    `queue_limit` questions wait, half of them in one channel, so that none shuts out the others.
    """

    def __init__(self, engine: Engine, *, queue_limit: int, cooldown: float, show_thinking: bool = False) -> None:
        self._engine = engine
        self._queue_limit = queue_limit
        self._cooldown = cooldown
        self._show_thinking = show_thinking
        self._lines: WeakValueDictionary[int, Line] = WeakValueDictionary()
        self._asked_at: dict[int, float] = {}  # by person, during their cooldown
        self._average: float | None = None  # seconds that an answer takes, of late
        self.answers: set[Answer] = set()

    @property
    def running(self) -> int:
        """How many answers the engine has begun."""
        return sum(answer.started_at is not None for answer in self.answers)

    @property
    def waiting(self) -> int:
        """How many it has not."""
        return len(self.answers) - self.running

    def line(self, channel: int | None) -> Line:
        """The line of a channel; a new one for what belongs to no channel's conversation."""
        return Line(self) if channel is None else self._lines.setdefault(channel, Line(self))

    @contextmanager
    def admitted(self, asker: int, line: Line) -> Iterator[Answer]:
        """A new answer at the end of the line, under way until the block ends. Raises Busy."""
        self._check(asker, line)
        answer = Answer(asker, line, show_thinking=self._show_thinking)
        self.answers.add(answer)
        line.join(answer)
        try:
            yield answer
            if answer.started_at is not None:
                seconds = time.monotonic() - answer.started_at
                self._average = seconds if self._average is None else 0.7 * self._average + 0.3 * seconds
        finally:
            self.answers.discard(answer)
            line.leave(answer)

    def estimate(self, ahead: int, ahead_in_engine: int) -> Position | None:
        """The position of an answer with so many others ahead of it in its channel and in the engine."""
        loading = self._engine.status().precision is None
        if not (ahead or ahead_in_engine or loading):
            return None
        seconds = None
        if self._average is not None and not loading:
            seconds = self._average * (ahead + ahead_in_engine / max(self.running, 1))
        return Position(ahead + ahead_in_engine, seconds, loading)

    def _check(self, asker: int, line: Line) -> None:
        now = time.monotonic()
        self._asked_at = {person: at for person, at in self._asked_at.items() if now < at + self._cooldown}
        if asker in self._asked_at:
            raise Busy(too_soon(self._asked_at[asker] + self._cooldown - now))
        if sum(answer.asker == asker for answer in self.answers) >= _PER_PERSON:
            raise Busy(ONE_AT_A_TIME)
        if self.waiting >= self._queue_limit or line.waiting > self._queue_limit // 2:
            raise Busy(queue_full(self.waiting))
        self._asked_at[asker] = now
