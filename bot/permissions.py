"""What the bot may do in a channel, found out before it tries."""

import logging
from typing import Any

import discord

from bot.access import Access
from bot.errors import UserError
from bot.wording import lacks_permissions

log = logging.getLogger(__name__)


def refusal(access: Access, where: discord.Message | discord.Interaction[Any]) -> str | None:
    """Why the one who wrote a message, or used a command or a button, is not answered there, if so."""
    user = where.author if isinstance(where, discord.Message) else where.user
    parent = getattr(where.channel, "parent_id", None)
    places = [place for place in (where.channel and where.channel.id, parent) if place]
    return access.refusal(user.id, where.guild.id if where.guild else None, places)


class MayNotWrite(UserError):
    """The bot cannot or is not to answer in a channel; the sentence is for the asker alone."""


def check(message: discord.Message, access: Access) -> None:
    """See that the bot can answer a message where it was said, and is allowed to; logs what it lacks.

    Raises MayNotWrite when not. Without the permission to read the history it can, but not as a reply.
    """
    if sentence := refusal(access, message):
        raise MayNotWrite(sentence)
    channel = message.channel
    if not isinstance(channel, discord.abc.GuildChannel | discord.Thread) or not message.guild:
        return
    may = channel.permissions_for(message.guild.me)
    needed = {"Send Messages": may.send_messages}
    if isinstance(channel, discord.Thread):
        needed = {"Send Messages in Threads": may.send_messages_in_threads}
        if channel.locked:
            needed["Manage Threads"] = may.manage_threads  # only with it does a locked thread take messages
    lacking = [name for name, granted in needed.items() if not granted]
    if not may.read_message_history:
        log.warning("In channel %d the bot lacks the permission Read Message History, to reply.", channel.id)
    if lacking:
        log.warning("In channel %d the bot lacks: %s. It cannot answer there.", channel.id, ", ".join(lacking))
        raise MayNotWrite(lacks_permissions(f"#{channel.name}", lacking))
