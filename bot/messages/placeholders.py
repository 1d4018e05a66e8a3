"""What stands for the placeholders of a persona in a channel of Discord."""

from typing import Any

import discord

from bot.conversation.placeholders import Placeholders
from bot.engine.prompt import clean_name
from bot.messages.access import channel_ref

_LONGEST = 100  # characters of a name; Discord's own limit


def placeholders(
    source: discord.Message | discord.Interaction[Any], me: discord.abc.User, thread: discord.Thread | None = None
) -> Placeholders:
    """The names of where a message was written, or a command or button was used, or of the thread opened for it.

    A thread has its channel's topic.
    """
    if channel_ref(source).guild is None:
        return Placeholders("Discord", "a direct message", bot=clean_name(me.display_name))
    guild, channel = source.guild, thread or source.channel
    topic = getattr(getattr(channel, "parent", None) or channel, "topic", None)
    own = (guild and guild.me) or me
    return Placeholders(
        # Discord may not have described them yet.
        server=clean_name(guild.name if guild else "", _LONGEST) or "this server",
        channel=clean_name(getattr(channel, "name", None) or "", _LONGEST) or "this channel",
        topic=" ".join((topic or "").split()) or "none",
        bot=clean_name(own.display_name),
    )
