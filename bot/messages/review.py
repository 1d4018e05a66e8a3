"""The review channel: shows each disliked answer once, with buttons to correct, discard or approve it."""

import asyncio
import logging
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Self

import discord

from bot.messages.pacing import Pacer
from bot.messages.transient_errors import REQUEST_ERRORS
from bot.storage.database import DatabaseError
from bot.storage.example import Example
from bot.storage.examples import ExampleStore
from bot.texts import APPROVE, APPROVED, CORRECT, DISCARD, WAS_CORRECTED, in_review

log = logging.getLogger(__name__)


class Verdict(Enum):
    """What a reviewer may do with an answer; the value is part of the button's custom id."""

    CORRECT = "correct"
    DISCARD = "discard"
    APPROVE = "approve"


_LABELS = {Verdict.CORRECT: CORRECT, Verdict.DISCARD: DISCARD, Verdict.APPROVE: APPROVE}


@dataclass(frozen=True)
class ReviewButton:
    """A button in the review channel. The answer is known by its channel and one of its messages."""

    TEMPLATE = re.compile(
        rf"parley:review:(?P<verdict>{'|'.join(verdict.value for verdict in Verdict)})"
        r":(?P<channel>[0-9]{1,20}):(?P<message>[0-9]{1,20})"
    )
    """The custom ids of these buttons."""

    verdict: Verdict
    channel: int
    message: int

    @classmethod
    def parse(cls, match: re.Match[str]) -> Self:
        """The button whose custom id matched TEMPLATE."""
        return cls(Verdict(match["verdict"]), int(match["channel"]), int(match["message"]))

    def item(self) -> discord.ui.Button[Any]:
        """The button to send."""
        custom_id = f"parley:review:{self.verdict.value}:{self.channel}:{self.message}"
        return discord.ui.Button(label=_LABELS[self.verdict], custom_id=custom_id)


class _Task(Enum):
    SHOW = auto()
    UPDATE = auto()
    REMOVE = auto()


class Review:
    """Shows examples in the review channel, and takes them away; without a `channel` it does nothing.

    All of it is done in order by `run`, so that neither a vote nor what is forgotten waits for Discord.
    """

    def __init__(self, examples: ExampleStore, pacer: Pacer, channel: int | None) -> None:
        self._examples = examples
        self._pacer = pacer
        self._channel = channel
        self._tasks: asyncio.Queue[tuple[_Task, Example]] = asyncio.Queue()

    def show(self, example: Example) -> None:
        """Have an example shown, unless it is shown already or has been reviewed."""
        self._add(_Task.SHOW, [example])

    def update(self, examples: Iterable[Example]) -> None:
        """Have examples shown as they are now, where they are shown."""
        self._add(_Task.UPDATE, examples)

    def remove(self, examples: Iterable[Example]) -> None:
        """Have what is shown of examples taken away."""
        self._add(_Task.REMOVE, examples)

    def _add(self, task: _Task, examples: Iterable[Example]) -> None:
        if self._channel:
            for example in examples:
                self._tasks.put_nowait((task, example))

    async def run(self, client: discord.Client) -> None:
        """Do what there is to do, without end."""
        if self._channel is None:
            return
        channel = client.get_partial_messageable(self._channel)
        while True:
            task, example = await self._tasks.get()
            try:
                await self._do(task, example, channel)
            except DatabaseError as error:
                log.warning("A disliked answer is not shown in FEEDBACK_CHANNEL: %s", error)
            except REQUEST_ERRORS as error:
                log.warning(
                    "FEEDBACK_CHANNEL does not show what it should (message %s): %s", example.review_message, error
                )
            finally:
                self._tasks.task_done()

    async def close(self, *, patience: float) -> None:
        """Wait until everything is done, but not for longer than `patience` seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._tasks.join()

    async def _do(self, task: _Task, example: Example, channel: discord.PartialMessageable) -> None:
        if task is _Task.SHOW:
            await self._show(example, channel)
        elif example.review_message:
            await self._pacer.slot()
            message = channel.get_partial_message(example.review_message)
            with suppress(discord.NotFound):
                if task is _Task.REMOVE:
                    await message.delete()
                else:
                    await message.edit(content=_text(example), view=None if example.reviewed else _view(example))

    async def _show(self, example: Example, channel: discord.PartialMessageable) -> None:
        turn = example.turn
        current = await self._examples.find(turn.channel.channel, turn.answer_messages[-1])
        if current is None or not current.id or current.review_message or current.reviewed:
            return
        await self._pacer.slot()
        shown = await channel.send(_text(current), view=_view(current), suppress_embeds=True)
        if not await self._examples.note_review(current, shown.id):  # it was forgotten meanwhile
            await shown.delete()


def _text(example: Example) -> str:
    turn = example.turn
    link = (
        f"https://discord.com/channels/{turn.channel.guild or '@me'}/{turn.channel.channel}/{turn.answer_messages[-1]}"
    )
    verdict = "" if not example.reviewed else APPROVED if example.correction is None else WAS_CORRECTED
    return in_review(link, turn.question, example.correction or turn.answer, verdict)


def _view(example: Example) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    for verdict in Verdict:
        turn = example.turn
        view.add_item(ReviewButton(verdict, turn.channel.channel, turn.answer_messages[-1]).item())
    view.stop()  # as those of `buttons`, these are dispatched by their custom ids
    return view
