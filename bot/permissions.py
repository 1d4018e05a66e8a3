"""What the bot may do in a channel, found out before it tries."""

import logging

import discord

from bot.errors import UserError
from bot.wording import lacks_permissions

log = logging.getLogger(__name__)


class MayNotWrite(UserError):
    """The bot cannot answer in a channel; the sentence is for the asker alone."""


def check(message: discord.Message) -> None:
    """See that the bot can answer a message where it was said; logs what it lacks.

    Raises MayNotWrite when it cannot. Without the permission to read the history it can, but not as a reply.
    """
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
