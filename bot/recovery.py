"""After the program was killed: what it left unfinished in Discord is finished, or marked as interrupted."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import discord

from bot.buttons import Action, Button
from bot.history import History, HistoryError, Turn
from bot.paging import LIMIT, pages
from bot.reply import PASSING
from bot.wording import INTERRUPTED

log = logging.getLogger(__name__)

_SECONDS = 60.0  # that it may take; what is left then is done at the next start
_FAR = 300  # messages after a question among which its answer is looked for


async def recover(client: discord.Client, history: History, *, link_previews: bool) -> None:
    """Finish or mark all that was unfinished when the program ended. To be called before anything is asked anew."""
    with suppress(TimeoutError, HistoryError):
        async with asyncio.timeout(_SECONDS):
            for channel, turn in await history.unfinished():
                try:
                    place = client.get_partial_messageable(channel)
                    if turn.answer:
                        await _retire(place, await history.recent(channel), turn)
                    await history.show(turn.id, await _mend(place, client, turn, link_previews))
                    log.info("The answer to message %s was unfinished; now it is told.", turn.question_message)
                except PASSING as error:
                    log.warning("The answer to message %s stays unfinished: %s", turn.question_message, error)
                except discord.HTTPException as refused:
                    log.warning("The answer to message %s cannot be finished: %s", turn.question_message, refused)
                    await history.drop(turn.id)


async def _mend(
    channel: discord.PartialMessageable, client: discord.Client, turn: Turn, link_previews: bool
) -> list[int]:
    """Have Discord show what there is of a turn; returns the messages."""
    assert turn.question_message is not None
    shown = await _messages(channel, client, turn.question_message)
    if turn.answer:
        texts = [page.content.strip() for page in pages(turn.answer)]
    else:
        texts = interrupted([message.content for message in shown])
    for message in shown[len(texts) :]:
        await message.delete()
    reference = discord.MessageReference(
        message_id=turn.question_message, channel_id=channel.id, fail_if_not_exists=False
    )
    messages = []
    for number, text in enumerate(texts):
        last = number == len(texts) - 1
        button = Button(Action.REGENERATE, turn.asker).view() if last else None
        if number < len(shown):
            messages.append((await shown[number].edit(content=text, view=button)).id)
        else:
            options: dict[str, Any] = {"view": button} if button else {}
            if number == 0:
                options["reference"] = reference
            messages.append((await channel.send(text, suppress_embeds=not link_previews, **options)).id)
    return messages


async def _retire(channel: discord.PartialMessageable, turns: Sequence[Turn], newest: Turn) -> None:
    """Take the button from under the answer before the newest."""
    before = [turn for turn in turns if turn.answer_messages and turn.id < newest.id]
    if before:
        with suppress(discord.HTTPException):  # the message may be gone, and so is the button
            await channel.get_partial_message(before[-1].answer_messages[-1]).edit(view=None)


async def _messages(
    channel: discord.PartialMessageable, client: discord.Client, question: int
) -> list[discord.Message]:
    """The messages of the answer to a question: our reply to it, and what we said after that in reply to nothing."""
    found: list[discord.Message] = []
    async for message in channel.history(after=discord.Object(question), limit=_FAR):
        if message.author != client.user or message.interaction_metadata:
            continue
        replies_to = message.reference and message.reference.message_id
        if replies_to == question or (found and replies_to is None):
            found.append(message)
    return found


def interrupted(contents: Sequence[str]) -> list[str]:
    """What stood there, and that it was interrupted."""
    if not contents:
        return [INTERRUPTED]
    *before, last = contents
    closing = "\n```" if last.count("```") % 2 else ""
    marked = f"{last}{closing}\n\n{INTERRUPTED}"
    return [*before, marked] if len(marked) <= LIMIT else [*contents, INTERRUPTED]
