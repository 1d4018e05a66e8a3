"""What a channel's turns do not hold any more, folded by the model into a short summary while nobody waits."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from bot.engine import Engine, EngineError, ModelError, OutOfReach, Sampling, Stream, Thought
from bot.engine.prompt import Prompt
from bot.errors import UserError
from bot.storage.channel_settings import ChannelSettingsStore
from bot.storage.database import DatabaseError
from bot.storage.turns import Turn, TurnStore

log = logging.getLogger(__name__)

SPARE = 20
"""How many turns of a channel may wait to be folded."""

_LENGTH = 120  # tokens
_TEXT = 1000  # characters of a question or an answer that are read
_AGAIN = 60.0  # seconds after which it is tried again when the database cannot be used
_SYSTEM = "You keep a summary of a conversation, as your own memory of it."
_TASK = """\
The summary so far: {summary}

Then {name} said: {question}
You answered: {answer}

Write the summary anew, with what is worth remembering of that: names, facts, wishes. Use five short sentences at
most, and write nothing but the summary."""


class Summaries:
    """Folds turn after turn, the oldest first, into the summaries of their channels."""

    def __init__(
        self, engine: Engine, history: TurnStore, channels: ChannelSettingsStore, *, max_new_tokens: int = _LENGTH
    ) -> None:
        self._engine = engine
        self._history = history
        self._channels = channels
        self._sampling = Sampling(min(_LENGTH, max_new_tokens), temperature=0)
        self._asking = 0  # people who wait or are being answered
        self._calm = asyncio.Event()
        self._calm.set()
        self._left: dict[int, int | None] = {}  # channels with turns to fold, it may be, and what each is a thread of
        self._something = asyncio.Event()
        self._stream: Stream | None = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Within the block somebody waits for an answer, so nothing is folded."""
        self._asking += 1
        self._calm.clear()
        if self._stream:
            self._stream.stop()
        try:
            yield
        finally:
            self._asking -= 1
            if not self._asking:
                self._calm.set()

    def note(self, channel: int, parent: int | None = None) -> None:
        """A channel has got a turn."""
        self._left[channel] = parent
        self._something.set()

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Within the block it is folded whenever nobody waits, at first what was left the last time."""
        work = asyncio.create_task(self._work())
        try:
            yield
        finally:
            work.cancel()
            await asyncio.wait([work])

    async def _work(self) -> None:
        try:
            await self._engine.ready()
            for channel, parent in await self._history.channels():
                self.note(channel, parent)
            while True:
                await self._something.wait()
                await self._calm.wait()
                await self._fold_one()
        except (EngineError, ModelError):
            pass  # whoever asks is told, and the log tells why
        except DatabaseError:
            log.error("Nothing is put into summaries, as the database cannot be used.")

    async def _fold_one(self) -> None:
        channel, parent = self._left.popitem()
        try:
            there_may_be_more = await self._fold(channel, parent)
        except (EngineError, ModelError):
            raise
        except Exception as error:
            log.warning("What channel %d said before could not be put into its summary yet: %r", channel, error)
            there_may_be_more = True
            await asyncio.sleep(_AGAIN)
        if there_may_be_more:
            self._left.setdefault(channel, parent)
        if not self._left:
            self._something.clear()

    async def _fold(self, channel: int, parent: int | None) -> bool:
        keep = (await self._channels.manner(channel, parent)).turns
        turns = await self._history.recent(channel)
        if not keep or len(turns) <= keep:
            return False
        old = await self._history.summary(channel)
        if not self._asking:
            new = await self._summarize(old, turns[0])
            if new is not None:
                await self._history.fold(channel, turns[0], old, new)
        return True

    async def _summarize(self, old: str, turn: Turn) -> str | None:
        """The new summary; the old one if the model can do nothing with the turn, and None if somebody came."""
        stream = self._stream = self._engine.submit(_prompt(old, turn), self._sampling)
        try:
            new = "".join([piece async for piece in stream if not isinstance(piece, Thought)]).strip()
            return None if stream.stopped else new
        except (EngineError, ModelError, OutOfReach):
            raise
        except UserError as error:
            log.warning("Turn %d is not a part of its channel's summary: %s", turn.id, error)
            return old
        finally:
            self._stream = None
            stream.stop()


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
