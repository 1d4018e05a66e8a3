"""After the program was killed: what it left unfinished in Discord is finished, or marked as interrupted."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, TypeAlias

import discord

from bot.messages.buttons import Action, Button
from bot.messages.pages import LIMIT, pages
from bot.messages.transient_errors import TRANSIENT_ERRORS, is_transient
from bot.shards import Shards
from bot.storage.channel_settings import ChannelSettingsStore
from bot.storage.database import DatabaseError
from bot.storage.turns import Turn, TurnStore
from bot.texts import COMMAND_INTERRUPTED, INTERRUPTED

log = logging.getLogger(__name__)

Unfinished: TypeAlias = tuple[int, Turn]
"""A channel and a turn of it that Discord does not show whole; without a question, the answer to a command."""

_SECONDS = 60.0  # that a start may wait for it
_AGAIN = 60.0  # seconds after which what failed is tried again
_FAR = 300  # messages after a question among which its answer is looked for


class Recovery:
    """Finishes or marks what was unfinished when the program ended: all that the history says is, at the start.

    But for other shards' servers, which a copy of another process's file may have.
    """

    def __init__(
        self,
        client: discord.Client,
        history: TurnStore,
        channels: ChannelSettingsStore,
        shards: Shards,
        *,
        link_previews: bool,
    ) -> None:
        self._client = client
        self._history = history
        self._channels = channels
        self._shards = shards
        self._link_previews = link_previews

    async def attempt(self, left: Sequence[Unfinished] | None = None) -> list[Unfinished]:
        """Once for each, or for those that are `left`; returns those that Discord's troubles or a lack of time left."""
        done: list[Unfinished] = []
        with suppress(DatabaseError):
            if left is None:
                left = [each for each in await self._history.unfinished() if each[1].guild in self._shards]
            with suppress(TimeoutError):
                async with asyncio.timeout(_SECONDS):
                    for unfinished in left:
                        if await self._is_over(*unfinished):
                            done.append(unfinished)
        return [unfinished for unfinished in left or () if unfinished not in done]

    async def try_again(self, left: list[Unfinished]) -> None:
        """Until nothing is left."""
        while left:
            await asyncio.sleep(_AGAIN)
            left = await self.attempt(left)

    async def _is_over(self, channel: int, turn: Turn) -> bool:
        try:
            place = self._client.get_partial_messageable(channel)
            if turn.answer:
                await self._retire(place, await self._history.recent(channel), turn)
            messages = await self._mend(place, turn)
            if turn.question:
                manner = await self._channels.manner(channel, turn.parent)
                await self._history.show(turn.id, messages, manner.turns)
            else:
                await self._history.drop(turn.id)
        except (discord.HTTPException, *TRANSIENT_ERRORS) as error:
            if is_transient(error):
                log.warning("The answer to message %s is still unfinished: %s", turn.question_message, error)
                return False
            log.warning("The answer to message %s cannot be finished: %s", turn.question_message, error)
            if not turn.answer:  # else it may have been seen whole, and stays
                await self._history.drop(turn.id)
        else:
            log.info("The answer to message %s was unfinished; now it is told.", turn.question_message)
        return True

    async def _mend(self, channel: discord.PartialMessageable, turn: Turn) -> list[int]:
        """Have Discord show what there is of a turn; returns the messages."""
        assert turn.question_message is not None
        shown = await self._messages(channel, turn.question_message)
        if turn.answer:
            texts = [page.content.strip() for page in pages(turn.answer)]
        else:
            sentence = INTERRUPTED if turn.question else COMMAND_INTERRUPTED
            texts = interrupted([message.content for message in shown], sentence)
        if not (shown or turn.question):
            return []  # somebody has deleted what the command showed
        for message in shown[len(texts) :]:
            await message.delete()
        messages = []
        for number, text in enumerate(texts):
            last = number == len(texts) - 1
            button = Button(Action.REGENERATE, turn.asker).view() if last and turn.question else None
            if number < len(shown):
                messages.append((await shown[number].edit(content=text, view=button)).id)
                continue
            options: dict[str, Any] = {"view": button} if button else {}
            if number == 0:
                options["reference"] = discord.MessageReference(
                    message_id=turn.question_message, channel_id=channel.id, fail_if_not_exists=False
                )
            sent = await channel.send(text, suppress_embeds=not self._link_previews, **options)
            messages.append(sent.id)
        return messages

    async def _retire(self, channel: discord.PartialMessageable, turns: Sequence[Turn], newest: Turn) -> None:
        """Take the button from under the answer before the newest."""
        before = [turn for turn in turns if turn.answer_messages and turn.id < newest.id]
        if before:
            with suppress(discord.HTTPException):  # the message may be gone, and so is the button
                await channel.get_partial_message(before[-1].answer_messages[-1]).edit(view=None)

    async def _messages(self, channel: discord.PartialMessageable, question: int) -> list[discord.Message]:
        """The messages of the answer to a question: our reply to it, and what follows it that replies to nothing.

        Of the answer to a command, what Discord says is its, and our replies to that.
        """
        found: list[discord.Message] = []
        goes_on = False
        async for message in channel.history(after=discord.Object(question), limit=_FAR):
            if message.author != self._client.user:
                continue
            if command := message.interaction_metadata:
                if command.id == question:
                    found.append(message)
                continue
            replies_to = message.reference and message.reference.message_id
            ours = replies_to is not None and replies_to in (question, *(message.id for message in found))
            goes_on = ours or (goes_on and replies_to is None)
            if goes_on:
                found.append(message)
        return found


def interrupted(contents: Sequence[str], sentence: str = INTERRUPTED) -> list[str]:
    """What stood there, and the sentence that it was interrupted, if that does not stand there yet."""
    if not any(contents):
        return [sentence]
    *before, last = contents
    if last.endswith(sentence):
        return [*contents]
    closing = "\n```" if last.count("```") % 2 else ""
    marked = f"{last}{closing}\n\n{sentence}"
    return [*before, marked] if len(marked) <= LIMIT else [*contents, sentence]
