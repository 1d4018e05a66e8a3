"""After a restart: what a killed process left unfinished in Discord is completed, or marked as interrupted."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import discord

from bot.messages.active_replies import ActiveReplies
from bot.messages.buttons import view, with_view
from bot.messages.destinations import ChannelDestination
from bot.messages.pages import LIMIT, pages
from bot.messages.transient_errors import REQUEST_ERRORS, is_refused_text, is_transient
from bot.shards import Shards
from bot.storage.channel_settings import ChannelSettingsStore
from bot.storage.database import DatabaseError
from bot.storage.turns import Turn, TurnStore
from bot.texts import COMMAND_INTERRUPTED, INTERRUPTED

log = logging.getLogger(__name__)

_START_DELAY = 60.0  # seconds for which a start may wait for it
_RETRY_INTERVAL = 60.0  # seconds
_SEARCHED = 300  # messages after a question, among which its answer is looked for


class Recovery:
    """Completes or marks the turns that the store lists as unfinished at the start.

    Turns of guilds on other shards, which a copy of another process's file may hold, are left alone.
    """

    def __init__(
        self,
        client: discord.Client,
        active_replies: ActiveReplies,
        turns: TurnStore,
        channel_settings: ChannelSettingsStore,
        shards: Shards,
        *,
        link_previews: bool,
    ) -> None:
        self._client = client
        self._active_replies = active_replies
        self._turns = turns
        self._channel_settings = channel_settings
        self._shards = shards
        self._link_previews = link_previews

    async def attempt(self, unfinished: Sequence[Turn] | None = None) -> list[Turn]:
        """Recover each of the turns, or all; returns those left by Discord's troubles or for lack of time."""
        recovered: list[Turn] = []
        with suppress(DatabaseError):
            if unfinished is None:
                unfinished = [turn for turn in await self._turns.unfinished() if turn.channel.guild in self._shards]
            with suppress(TimeoutError):
                async with asyncio.timeout(_START_DELAY):
                    for turn in unfinished:
                        if await self._recover(turn):
                            recovered.append(turn)
        return [turn for turn in unfinished or () if turn not in recovered]

    async def retry(self, unfinished: list[Turn]) -> None:
        """Try again until none is left."""
        while unfinished:
            await asyncio.sleep(_RETRY_INTERVAL)
            unfinished = await self.attempt(unfinished)

    async def _recover(self, turn: Turn) -> bool:
        """Returns whether there is nothing more to be done about a turn."""
        try:
            channel = self._client.get_partial_messageable(turn.channel.channel)
            if turn.answer:
                await self._remove_button_before(channel, turn)
            settings = await self._channel_settings.effective(turn.channel)
            messages = await self._complete(channel, turn, regenerable=settings.turns > 0 or not turn.answer)
            if turn.question:
                await self._turns.save_messages(turn, messages, settings.turns)
            else:
                await self._turns.drop(turn)
        except REQUEST_ERRORS as error:
            if is_transient(error):
                log.warning("The answer to message %s is still unfinished: %s", turn.question_message, error)
                return False
            log.warning("The answer to message %s cannot be finished: %s", turn.question_message, error)
            if turn.answer and is_refused_text(error):
                await self._turns.save_answer(turn, "")
                return await self._recover(replace(turn, answer="", beginning=None))
            if not turn.answer:  # else it may have been seen whole, and stays
                await self._turns.drop(turn)
        else:
            log.info("The answer to message %s, which was unfinished, is shown.", turn.question_message)
        return True

    async def _complete(self, channel: discord.PartialMessageable, turn: Turn, *, regenerable: bool) -> list[int]:
        """Have Discord show what there is of a turn; returns the ids of the messages."""
        assert turn.question_message is not None
        shown = await self._messages(channel, turn.question_message)
        if turn.answer:
            texts = [page.content.strip() for page in pages(turn.answer)]
        else:
            sentence = INTERRUPTED if turn.question else COMMAND_INTERRUPTED
            texts = interrupted([message.content for message in shown], sentence)
        if not (shown or turn.question):
            return []  # somebody has deleted the response to the command
        for message in shown[len(texts) :]:
            await message.delete()
        reference = discord.MessageReference(
            message_id=turn.question_message, channel_id=channel.id, fail_if_not_exists=False
        )
        destination = ChannelDestination(
            channel,
            nonce=f"r{turn.question_message}",
            link_previews=self._link_previews,
            reference=reference,
        )
        final = self._active_replies.buttons
        offered = final.newest(turn.asker, cut=turn.beginning is not None) if regenerable else final.older(turn.asker)
        messages = []
        for number, text in enumerate(texts):
            last = number == len(texts) - 1
            buttons = offered if last and turn.question else ()
            if number < len(shown):
                message = await shown[number].edit(content=text, view=view(*buttons))
            else:
                message = await destination.send(text, begins=number == 0, **with_view(*buttons))
            messages.append(message.id)
        return messages

    async def _remove_button_before(self, channel: discord.PartialMessageable, turn: Turn) -> None:
        """Remove the button from the answer before a turn's."""
        recent = await self._turns.recent(turn.channel.channel)
        if before := [other for other in recent if other.answer_messages and other.id < turn.id]:
            await self._active_replies.remove_button(channel, before[-1])

    async def _messages(self, channel: discord.PartialMessageable, question: int) -> list[discord.Message]:
        """The messages of the answer to a question: our reply to it, and those after it that reply to nothing.

        In a thread that was opened for the question, they are the first.
        Of the answer to a command, those that Discord says are its response, and our replies to them.
        """
        found: list[discord.Message] = []
        continues = channel.id == question
        async for message in channel.history(after=discord.Object(question), limit=_SEARCHED):
            if message.author != self._client.user:
                continue
            if command := message.interaction_metadata:
                if command.id == question:
                    found.append(message)
                continue
            reference = message.reference and message.reference.message_id
            is_reply = reference is not None and reference in (question, *(message.id for message in found))
            continues = is_reply or (continues and reference is None)
            if continues:
                found.append(message)
        return found


def interrupted(contents: Sequence[str], sentence: str = INTERRUPTED) -> list[str]:
    """The contents of an answer's messages, ending in the sentence that it was interrupted."""
    if not any(contents):
        return [sentence]
    *before, last = contents
    if last.endswith(sentence):
        return [*contents]
    closing = "\n```" if last.count("```") % 2 else ""
    marked = f"{last}{closing}\n\n{sentence}"
    return [*before, marked] if len(marked) <= LIMIT else [*contents, sentence]
