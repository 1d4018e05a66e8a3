"""Who may talk to the bot, where, and whether it may write there."""

import logging
from dataclasses import dataclass
from typing import Any, Self

import discord

from bot.errors import UserError
from bot.settings import Settings
from bot.storage.channel_ref import ChannelRef
from bot.texts import BLOCKED, NOT_HERE, lacks_permissions

log = logging.getLogger(__name__)

NEEDED = {
    "view_channel": "View Channels",
    "send_messages": "Send Messages",
    "send_messages_in_threads": "Send Messages in Threads",
    "read_message_history": "Read Message History",
}
"""The permissions that the bot is invited with: discord.py's names, and Discord's own."""


class MayNotWrite(UserError):
    """The bot may not answer in a channel; the message is for the asker alone."""


@dataclass(frozen=True)
class Access:
    """What the operator allows, as Discord ids; no guilds or channels at all means all of them."""

    guilds: frozenset[int] = frozenset()
    channels: frozenset[int] = frozenset()
    blocked: frozenset[int] = frozenset()
    direct_messages: bool = True

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """What the settings allow."""
        return cls(settings.allowed_guilds, settings.allowed_channels, settings.blocked_users, settings.direct_messages)

    def refusal(self, user: int, where: ChannelRef) -> str | None:
        """Why a user is not answered in a channel, or None."""
        if user in self.blocked:
            return BLOCKED
        if where.guild is None:
            return None if self.direct_messages else NOT_HERE
        if self.guilds and where.guild not in self.guilds:
            return NOT_HERE
        return NOT_HERE if self.channels and self.channels.isdisjoint((where.channel, where.parent)) else None


def channel_ref(source: discord.Message | discord.Interaction[Any]) -> ChannelRef:
    """The channel that a message was written in, or a command or button was used in."""
    parent = getattr(source.channel, "parent_id", None)
    if isinstance(source, discord.Message):
        # A server that Discord has not described yet is known by its id alone, to the channel.
        known = source.guild.id if source.guild else getattr(source.channel, "guild_id", None)
        return ChannelRef(source.channel.id, parent, known)
    assert source.channel_id is not None
    return ChannelRef(source.channel_id, parent, source.guild_id)


def refusal(access: Access, interaction: discord.Interaction[Any]) -> str | None:
    """Why the user of a command or a button is not answered there, or None."""
    return access.refusal(interaction.user.id, channel_ref(interaction))


def lacking(permissions: discord.Permissions, *needed: str) -> list[str]:
    """Which of the needed permissions are not granted, as Discord calls them."""
    return [NEEDED[name] for name in needed if not getattr(permissions, name)]


def check(message: discord.Message, access: Access) -> None:
    """Raise MayNotWrite unless the bot may answer a message where it was written; logs missing permissions.

    Without the permission to read the history it may, but not as a reply.
    """
    if sentence := access.refusal(message.author.id, channel_ref(message)):
        raise MayNotWrite(sentence)
    channel = message.channel
    if not isinstance(channel, discord.abc.GuildChannel | discord.Thread) or not message.guild:
        return
    permissions = channel.permissions_for(message.guild.me)
    if isinstance(channel, discord.Thread):
        lacks = lacking(permissions, "send_messages_in_threads")
        if channel.locked and not permissions.manage_threads:
            lacks.append("Manage Threads")  # a locked thread takes messages only from those who have it
    else:
        lacks = lacking(permissions, "send_messages")
    if lacking(permissions, "read_message_history"):
        log.warning("In channel %d the bot lacks the permission Read Message History, to reply.", channel.id)
    if lacks:
        log.warning(
            "In channel %d the bot lacks: %s. It cannot answer there; python -m bot check finds all such channels.",
            channel.id,
            ", ".join(lacks),
        )
        raise MayNotWrite(lacks_permissions(f"#{channel.name}", lacks))
