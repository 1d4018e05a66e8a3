"""The text that the model reads of a Discord message: mentions as names, and the message that it refers to."""

import asyncio
import logging
from collections.abc import Awaitable
from typing import TypeVar

import discord

from bot.errors import UserError
from bot.messages.mentions import MENTION, resolve_mentions

log = logging.getLogger(__name__)

_Fetched = TypeVar("_Fetched")
_PATIENCE = 5.0  # seconds for what an answer can do without
_QUOTE_LENGTH = 600  # characters of another message that are quoted
_MOST_LOOKUPS = 5  # people whose names are fetched


class Unreadable(UserError):
    """There is nothing in a message that the bot can read; the message says why."""


def content(message: discord.Message, me: discord.abc.User) -> str:
    """A message's text with names for mentions, and without the mention of `me`, the bot."""
    names = {user.id: f"@{user.display_name}" for user in message.mentions}
    return resolve_mentions(message.content, message.guild, {**names, me.id: ""}).strip()


async def resolved(text: str, guild: discord.Guild | None) -> str:
    """A command's text with names for all that it mentions; people's are fetched, as Discord does not send them."""
    mentioned = dict.fromkeys(int(mention[2]) for mention in MENTION.finditer(text) if mention[1] in ("@", "@!"))
    lookups = [guild.fetch_member(number) for number in [*mentioned][:_MOST_LOOKUPS]] if guild else []
    members = await asyncio.gather(*map(_optional, lookups))
    names = {member.id: f"@{member.display_name}" for member in members if member}
    return resolve_mentions(text, guild, names)


def quoted(message: discord.Message, me: discord.abc.User, author: discord.abc.User | None = None) -> str:
    """A line that quotes a message for the model, shortened; blank if the message has no text.

    `author` is its author as a member of the server, if known, for the name that the server knows them by.
    """
    text = " ".join(content(message, me).split())
    if len(text) > _QUOTE_LENGTH:
        text = text[:_QUOTE_LENGTH].rstrip() + "…"
    return f"{(author or message.author).display_name} wrote: {text}\n" if text else ""


def replied_to(message: discord.Message, me: discord.abc.User) -> str:
    """The message of another person that this one replies to, quoted; blank if there is none."""
    other = message.reference and message.reference.resolved
    if not isinstance(other, discord.Message) or other.author == me:
        return ""
    return quoted(other, me, next((user for user in message.mentions if user == other.author), None))


async def thread_starter(message: discord.Message, me: discord.abc.User) -> str:
    """The message that the thread or forum post of `message` grew from, quoted; blank if it cannot be seen.

    Discord gives that message the same id as the thread.
    """
    thread = message.channel
    quoted_already = message.reference and message.reference.message_id
    if not isinstance(thread, discord.Thread) or thread.id in (message.id, quoted_already):
        return ""
    where = thread if isinstance(thread.parent, discord.ForumChannel) else thread.parent
    if not isinstance(where, discord.abc.Messageable):
        return ""
    starter = await _optional(where.fetch_message(thread.id))
    # The thread may have been opened without a message, or that is deleted or hidden from the bot.
    return quoted(starter, me) if starter else ""


async def _optional(fetched: Awaitable[_Fetched]) -> _Fetched | None:
    """What Discord returns, if it does so soon: an answer without it is still an answer."""
    try:
        async with asyncio.timeout(_PATIENCE):
            return await fetched
    except discord.HTTPException:
        return None
    except Exception as error:
        log.info("Discord could not be asked for what a question refers to: %r", error)
        return None
