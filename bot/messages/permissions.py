"""What the bot may do in a channel, found out before it tries."""

import logging
from typing import Any

import discord

from bot.errors import UserError
from bot.messages.access import Access
from bot.texts import lacks_permissions

log = logging.getLogger(__name__)

NEEDED = {
    "view_channel": "View Channels",
    "send_messages": "Send Messages",
    "send_messages_in_threads": "Send Messages in Threads",
    "read_message_history": "Read Message History",
}
"""What the bot is invited with, by discord.py's names: Discord's own."""


def lacking(may: discord.Permissions, *needed: str) -> list[str]:
    """Which of those needed are not granted, as Discord calls them."""
    return [NEEDED[name] for name in needed if not getattr(may, name)]


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
    if isinstance(channel, discord.Thread):
        lacks = lacking(may, "send_messages_in_threads")
        if channel.locked and not may.manage_threads:
            lacks.append("Manage Threads")  # only with it does a locked thread take messages
    else:
        lacks = lacking(may, "send_messages")
    if lacking(may, "read_message_history"):
        log.warning("In channel %d the bot lacks the permission Read Message History, to reply.", channel.id)
    if lacks:
        log.warning(
            "In channel %d the bot lacks: %s. It cannot answer there; python -m bot check finds all such channels.",
            channel.id,
            ", ".join(lacks),
        )
        raise MayNotWrite(lacks_permissions(f"#{channel.name}", lacks))
