"""The replies that are growing now: what they share, and which messages show them."""

import asyncio
from collections import deque
from contextlib import suppress
from typing import Any

import discord

from bot.conversation.answer import Answer
from bot.messages.buttons import FinalButtons, view
from bot.messages.pacing import Pacer
from bot.messages.refusals import Refusals
from bot.messages.transient_errors import REQUEST_ERRORS
from bot.observer import Observer
from bot.storage.turns import Forgotten, Turn

_REMEMBERED_DELETIONS = 1000
# Those of others until the request that sent the message ends, which may be after its deletion; our own until Discord
# reports them.


class ActiveReplies:
    """Knows answers under way by their messages. Nothing that is known here outlives its answer.

    In seconds, the last edit of an answer is repeated for `delivery_patience`, and people are told `notice_interval`
    apart what their answer waits for.
    """

    def __init__(
        self,
        pacer: Pacer,
        refusals: Refusals,
        observer: Observer,
        buttons: FinalButtons,
        *,
        delivery_patience: float,
        notice_interval: float,
    ) -> None:
        self.pacer = pacer
        self.refusals = refusals
        self.observer = observer
        self.buttons = buttons
        self.delivery_patience = delivery_patience
        self.notice_interval = notice_interval
        self._messages: dict[Answer, list[int]] = {}
        self._over: dict[Answer, asyncio.Event] = {}
        self._deleted: deque[int] = deque(maxlen=_REMEMBERED_DELETIONS)
        self._deleted_by_us: deque[int] = deque(maxlen=_REMEMBERED_DELETIONS)
        self._forgotten: asyncio.Queue[Turn] = asyncio.Queue()

    def add(self, answer: Answer, *messages: int) -> None:
        """An answer is under way, and these messages show it. A message that is deleted already discards it."""
        self._messages.setdefault(answer, []).extend(messages)
        self._over.setdefault(answer, asyncio.Event())
        if not set(messages).isdisjoint(self._deleted):
            answer.discard()

    def remove(self, answer: Answer) -> None:
        """An answer is no longer under way: it has been stored, or dropped."""
        self._messages.pop(answer, None)
        if over := self._over.pop(answer, None):
            over.set()

    async def settled(self, message: int) -> None:
        """Wait until no answer that a message shows is under way."""
        while answer := self._find(message):
            await self._over[answer].wait()

    def stop(self, message: int) -> bool:
        """Stop the answer that a message shows; returns whether it was under way."""
        answer = self._find(message)
        if answer:
            answer.stop()
        return answer is not None

    def discard(self, message: int) -> Answer | None:
        """Discard the answer that a message shows, if it is under way, and return it: the message has been deleted."""
        self._deleted.append(message)
        answer = self._find(message)
        if answer:
            answer.discard()
        return answer

    def is_under_way(self, message: int) -> bool:
        """Whether a message shows an answer that is under way, or is to be replaced by one."""
        return self._find(message) is not None

    def _find(self, message: int) -> Answer | None:
        """The answer that a message shows, or that takes the place of what it shows."""
        for answer, messages in self._messages.items():
            if message in messages or (answer.replaces and message in answer.replaces.answer_messages):
                return answer
        return None

    async def delete(self, message: Any) -> None:
        """Delete a message of an old answer; one that stays, or is gone already, does no harm."""
        self._deleted_by_us.append(message.id)
        with suppress(*REQUEST_ERRORS):
            await message.delete()

    def was_deleted_by_us(self, message: int) -> bool:
        """Whether a deleted message was deleted by `delete`."""
        return message in self._deleted_by_us

    async def remove_button(self, channel: Any, turn: Turn) -> None:
        """Remove Regenerate from a turn that is no longer the newest."""
        if turn.answer_messages:
            with suppress(*REQUEST_ERRORS):  # the message may be gone, and so is the button
                await self.pacer.slot()
                message = channel.get_partial_message(turn.answer_messages[-1])
                await message.edit(view=view(*self.buttons.older(turn.asker)))

    def forget(self, forgotten: Forgotten) -> None:
        """Have the buttons of forgotten turns removed soon: a press could do nothing."""
        for turn in forgotten.regenerable:
            self._forgotten.put_nowait(turn)

    async def remove_forgotten_buttons(self, client: discord.Client) -> None:
        """Remove the buttons of forgotten turns, without end: Discord may be slow, and nobody should wait for it."""
        while True:
            turn = await self._forgotten.get()
            await self.remove_button(client.get_partial_messageable(turn.channel.channel), turn)
            self._forgotten.task_done()

    async def close(self, *, patience: float) -> None:
        """Wait until the buttons of forgotten turns are removed, but not for longer than `patience` seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._forgotten.join()
