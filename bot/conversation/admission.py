"""Who may ask now, and in which order the answers come."""

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from weakref import WeakValueDictionary

from bot.conversation.answer import Answer
from bot.conversation.wait_estimate import WaitEstimate
from bot.engine import Engine
from bot.errors import UserError
from bot.texts import ONE_AT_A_TIME, hour_used_up, queue_full, too_soon

_HOUR = 3600.0  # seconds
_PER_PERSON = 2  # answers under way: one that is written and one that waits


class Busy(UserError):
    """Somebody asks more than one person may, or than can wait; the message says which."""


class Line(list[Answer]):
    """The answers under way in one channel, in the order asked. Only the first may start."""

    def join(self, answer: Answer) -> None:
        """Add an answer at the end."""
        self.append(answer)
        self[0].allow_start()

    def leave(self, answer: Answer) -> None:
        """Remove an answer, and let the next one start if it was the first."""
        self.remove(answer)
        if self:
            self[0].allow_start()


class Admission:
    """The answers under way in all channels, and the limits on them.

    A person has one answer under way and one that waits, may ask again after `cooldown` seconds, and may have an hourly
    limit. At most `queue_limit` questions wait, half of them in one channel, so that none shuts out the others.
    """

    def __init__(self, engine: Engine, *, queue_limit: int, cooldown: float, show_thinking: bool = False) -> None:
        self._queue_limit = queue_limit
        self._cooldown = cooldown
        self._show_thinking = show_thinking
        self._estimate = WaitEstimate(engine)
        self._lines: WeakValueDictionary[int, Line] = WeakValueDictionary()
        self._asked_at: dict[int, float] = {}  # by person, during their cooldown
        self._answered: dict[int, list[float]] = {}  # by person: when they asked for the answers that a limit counts
        self.answers: set[Answer] = set()

    @property
    def running(self) -> int:
        """How many answers the engine has begun."""
        return len(self.answers) - self.waiting

    @property
    def waiting(self) -> int:
        """How many it has not."""
        return _waiting(self.answers)

    def line(self, channel: int | None) -> Line:
        """The line of a channel; a new one for what belongs to no channel's conversation."""
        return Line() if channel is None else self._lines.setdefault(channel, Line())

    @contextmanager
    def admitted(self, asker: int, line: Line, hourly_limit: int | None = None) -> Iterator[Answer]:
        """A new answer at the end of the line, under way until the block ends. Raises Busy.

        The limit is of answers that the asker gets in an hour; those that failed do not count.
        """
        self.check(asker, line, hourly_limit)
        self._asked_at[asker] = time.monotonic()
        answer = Answer(asker, line, self._estimate, show_thinking=self._show_thinking)
        self.answers.add(answer)
        line.join(answer)
        try:
            yield answer
            if answer.started_at is not None:
                self._estimate.record(time.monotonic() - answer.started_at)
                if hourly_limit is not None:
                    self._answered.setdefault(asker, []).append(answer.asked_at)
        finally:
            self.answers.discard(answer)
            line.leave(answer)

    def check(self, asker: int, line: Line, hourly_limit: int | None) -> None:
        """Raise Busy if `admitted` would."""
        now = time.monotonic()
        self._asked_at = {person: at for person, at in self._asked_at.items() if now < at + self._cooldown}
        if asker in self._asked_at:
            raise Busy(too_soon(self._asked_at[asker] + self._cooldown - now))
        under_way = [answer.asked_at for answer in self.answers if answer.asker == asker]
        if len(under_way) >= _PER_PERSON:
            raise Busy(ONE_AT_A_TIME)
        if hourly_limit is not None:
            self._check_hour(asker, under_way, hourly_limit, now)
        if self.waiting >= self._queue_limit or _waiting(line) > self._queue_limit // 2:
            raise Busy(queue_full(self.waiting))

    def _check_hour(self, asker: int, under_way: list[float], limit: int, now: float) -> None:
        recent = {person: [at for at in times if now < at + _HOUR] for person, times in self._answered.items()}
        self._answered = {person: times for person, times in recent.items() if times}
        counted = sorted([*self._answered.get(asker, []), *under_way])
        if len(counted) >= limit:
            raise Busy(hour_used_up(limit, counted[-limit] + _HOUR - now))


def _waiting(answers: Collection[Answer]) -> int:
    """How many of the answers the engine has not begun."""
    return sum(answer.started_at is None for answer in answers)
