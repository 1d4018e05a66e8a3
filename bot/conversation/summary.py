"""Summaries of what a channel's turns no longer hold, written by the model while nobody waits for an answer."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from bot.background import in_background
from bot.conversation.answer import Answer
from bot.engine import Engine, EngineError, ModelError, OutOfReach, Sampling
from bot.engine.prompt import Prompt
from bot.errors import UserError
from bot.storage.channel_ref import ChannelRef
from bot.storage.channel_settings import ChannelSettingsStore
from bot.storage.database import DatabaseError
from bot.storage.turns import Turn, TurnStore

log = logging.getLogger(__name__)

SPARE = 20
"""How many turns of a channel may wait to be folded."""

_LENGTH = 120  # tokens
_TEXT = 1000  # characters of a question or an answer that are read
_SYSTEM = "You keep a summary of a conversation, as your own memory of it."
_TASK = """\
The summary so far: {summary}

Then {name} said: {question}
You answered: {answer}

Write the summary anew, with what is worth remembering of that: names, facts, wishes. Use five short sentences at
most, and write nothing but the summary."""


class Summaries:
    """Folds the oldest turns, one after the other, into the summaries of their channels.

    After a failure it waits `retry_interval` seconds.
    """

    def __init__(
        self,
        engine: Engine,
        turns: TurnStore,
        channel_settings: ChannelSettingsStore,
        *,
        max_new_tokens: int,
        retry_interval: float,
    ) -> None:
        self._engine = engine
        self._turns = turns
        self._channel_settings = channel_settings
        self._sampling = Sampling(min(_LENGTH, max_new_tokens), temperature=0)
        self._retry_interval = retry_interval
        self._askers = 0  # people who wait or are being answered
        self._idle = asyncio.Event()
        self._idle.set()
        self._pending: dict[int, ChannelRef] = {}  # channels that may have turns to fold
        self._has_pending = asyncio.Event()
        self._answer: Answer | None = None

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Fold nothing until the block ends: somebody waits for an answer."""
        self._askers += 1
        self._idle.clear()
        if self._answer:
            self._answer.stop()
        try:
            yield
        finally:
            self._askers -= 1
            if not self._askers:
                self._idle.set()

    def add(self, channel: ChannelRef) -> None:
        """A channel has a new turn."""
        self._pending[channel.channel] = channel
        self._has_pending.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Fold whenever nobody waits, until the block ends; first what was left the last time."""
        async with in_background(self._run()):
            yield

    async def _run(self) -> None:
        try:
            await self._engine.ready()
            async for channel in self._turns.channels():
                self.add(channel)
            while True:
                await self._has_pending.wait()
                await self._idle.wait()
                await self._fold_one()
        except (EngineError, ModelError):
            pass  # told to whoever asks, and logged
        except DatabaseError:
            log.error("Nothing is summarized, as the database cannot be used.")

    async def _fold_one(self) -> None:
        _, channel = self._pending.popitem()
        try:
            may_have_more = await self._fold(channel)
        except (EngineError, ModelError):
            raise
        except Exception as error:
            log.warning("Channel %d could not be summarized yet: %r", channel.channel, error)
            may_have_more = True
            await asyncio.sleep(self._retry_interval)
        if may_have_more:
            self._pending.setdefault(channel.channel, channel)
        if not self._pending:
            self._has_pending.clear()

    async def _fold(self, channel: ChannelRef) -> bool:
        keep = (await self._channel_settings.effective(channel)).turns
        turns = await self._turns.recent(channel.channel)
        continuable = bool(turns) and turns[-1].beginning is not None
        if not keep or len(turns) <= keep + continuable:  # the prompt stays as it was, until there is a newer turn
            return False
        old = await self._turns.summary(channel.channel)
        if not self._askers:
            new = await self._summarize(old, turns[0])
            if new is not None:
                await self._turns.fold(turns[0], old, new)
        return True

    async def _summarize(self, old: str, turn: Turn) -> str | None:
        """The new summary; the old one if the model can do nothing with the turn, and None if somebody asked."""
        answer = self._answer = Answer()
        try:
            await answer.read(self._engine.submit(_prompt(old, turn), self._sampling))
            return None if answer.stopped else answer.said.strip()
        except (EngineError, ModelError, OutOfReach):
            raise
        except UserError as error:
            log.warning("Turn %d is not part of its channel's summary: %s", turn.id, error)
            return old
        finally:
            self._answer = None
            answer.stop()


def _prompt(summary: str, turn: Turn) -> Prompt:
    return Prompt(
        _SYSTEM,
        (),
        None,
        _TASK.format(
            summary=summary or "nothing yet",
            name=turn.asker_name,
            question=turn.question[:_TEXT],
            answer=turn.answer[:_TEXT],
        ),
    )
