"""The review channel: shows each disliked answer once, with buttons to correct, discard or approve it."""

import asyncio
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Self

import discord

from bot.messages.pacing import Pacer
from bot.messages.transient_errors import REQUEST_ERRORS
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


class Review:
    """Shows examples in the review channel, and takes them away; without a `channel` it does nothing.

    Discord's refusals are logged: a vote or a deletion is as good without them.
    """

    def __init__(self, client: discord.Client, examples: ExampleStore, pacer: Pacer, channel: int | None) -> None:
        self._examples = examples
        self._pacer = pacer
        self._channel = client.get_partial_messageable(channel) if channel else None
        self._lock = asyncio.Lock()

    async def show(self, channel: int, message: int) -> None:
        """Show the answer in a message, unless it is shown already or has been reviewed. Raises DatabaseError."""
        if self._channel is None:
            return
        async with self._lock:  # or two votes at once would both show it
            example = await self._examples.find(channel, message)
            if example is None or not example.id or example.review_message or example.reviewed:
                return
            try:
                await self._pacer.slot()
                shown = await self._channel.send(_text(example), view=_view(example), suppress_embeds=True)
            except REQUEST_ERRORS as error:
                log.warning("FEEDBACK_CHANNEL does not take a disliked answer: %s", error)
                return
            if not await self._examples.note_review(example, shown.id):
                await self._delete(shown.id)  # it was forgotten meanwhile

    async def update(self, examples: Iterable[Example]) -> None:
        """Show examples as they are now."""
        for example in examples:
            if self._channel and example.review_message:
                try:
                    await self._pacer.slot()
                    message = self._channel.get_partial_message(example.review_message)
                    await message.edit(content=_text(example), view=None if example.reviewed else _view(example))
                except REQUEST_ERRORS as error:
                    log.warning("The review channel could not be updated: %s", error)

    async def remove(self, examples: Iterable[Example]) -> None:
        """Take away what is shown of examples."""
        for example in examples:
            if example.review_message:
                await self._delete(example.review_message)

    async def _delete(self, message: int) -> None:
        if self._channel is None:
            return
        try:
            await self._pacer.slot()
            await self._channel.get_partial_message(message).delete()
        except discord.NotFound:
            pass
        except REQUEST_ERRORS as error:
            log.warning("Message %d in the review channel shows what was forgotten; delete it: %s", message, error)


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
