"""Who may talk to the bot, where, how often, and whether it may write there."""

import asyncio
import logging
from collections.abc import Set
from dataclasses import dataclass
from typing import Any, Self

import discord

from bot.errors import UserError
from bot.messages.lookups import optional
from bot.settings import Settings
from bot.storage.channel_ref import ChannelRef
from bot.texts import BLOCKED, NOT_HERE, ROLE_NEEDED, lacks_permissions

log = logging.getLogger(__name__)

NEEDED = {
    "view_channel": "View Channels",
    "send_messages": "Send Messages",
    "send_messages_in_threads": "Send Messages in Threads",
    "read_message_history": "Read Message History",
}
"""The permissions that the bot is invited with: discord.py's names, and Discord's own."""
FOR_THREADS = {"create_public_threads": "Create Public Threads"}
"""What it takes to open threads, besides."""
_NAMES = NEEDED | FOR_THREADS


class MayNotWrite(UserError):
    """The bot may not answer in a channel; the message is for the asker alone."""


@dataclass(frozen=True)
class Access:
    """What the operator allows, as Discord ids; no guilds, channels or roles at all means all of them."""

    guilds: frozenset[int] = frozenset()
    channels: frozenset[int] = frozenset()
    blocked: frozenset[int] = frozenset()
    direct_messages: bool = True
    roles: frozenset[int] = frozenset()
    blocked_roles: frozenset[int] = frozenset()
    role_limits: tuple[tuple[int, int], ...] = ()
    """Roles, each with how many answers an hour its members get."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """What the settings allow."""
        return cls(
            settings.allowed_guilds,
            settings.allowed_channels,
            settings.blocked_users,
            settings.direct_messages,
            settings.allowed_roles,
            settings.blocked_roles,
            settings.role_limits,
        )

    @property
    def named_roles(self) -> frozenset[int]:
        """The roles that matter."""
        return self.roles | self.blocked_roles | {role for role, _ in self.role_limits}

    def blocks(self, user: int, roles: Set[int]) -> bool:
        """Whether a user with these roles is blocked."""
        return user in self.blocked or not self.blocked_roles.isdisjoint(roles)

    def covers(self, where: ChannelRef) -> bool:
        """Whether anybody is answered in a channel."""
        if where.guild is None:
            return self.direct_messages
        if self.guilds and where.guild not in self.guilds:
            return False
        return not self.channels or not self.channels.isdisjoint((where.channel, where.parent))

    def refusal(self, user: int, roles: Set[int], where: ChannelRef) -> str | None:
        """Why a user with these roles is not answered in a channel, or None."""
        if self.blocks(user, roles):
            return BLOCKED
        if not self.covers(where):
            return NOT_HERE
        return ROLE_NEEDED if self.roles and self.roles.isdisjoint(roles) else None

    def hourly_limit(self, roles: Set[int]) -> int | None:
        """How many answers an hour somebody with these roles gets, by the best of them; None for any number."""
        return max((limit for role, limit in self.role_limits if role in roles), default=None)


def channel_ref(source: discord.Message | discord.Interaction[Any]) -> ChannelRef:
    """The channel that a message was written in, or a command or button was used in."""
    parent = getattr(source.channel, "parent_id", None)
    if isinstance(source, discord.Message):
        # A server that Discord has not described yet is known by its id alone, to the channel.
        known = source.guild.id if source.guild else getattr(source.channel, "guild_id", None)
        return ChannelRef(source.channel.id, parent, known)
    assert source.channel_id is not None
    return ChannelRef(source.channel_id, parent, source.guild_id)


async def roles_of(user: discord.abc.User, client: discord.Client, access: Access) -> frozenset[int]:
    """The ids of the roles that somebody has, as far as they matter. A server's id is that of its @everyone.

    In a direct message, that is where they have them: in all servers that the bot is in. Where Discord does not say
    whether somebody is a member, they may be a blocked one.
    """
    named = access.named_roles
    if not named:
        return frozenset()
    if isinstance(user, discord.Member):
        return named & {role.id for role in user.roles}
    guilds = [guild for guild in client.guilds if not named.isdisjoint(role.id for role in guild.roles)]
    found = await asyncio.gather(*(optional(_roles_in(guild, user.id)) for guild in guilds))
    if None in found:
        return access.blocked_roles
    return named & {role for roles in found if roles for role in roles}


async def _roles_in(guild: discord.Guild, user: int) -> set[int]:
    """The ids of somebody's roles in a server, none for those who are no members."""
    try:
        member = await guild.fetch_member(user)
    except discord.NotFound:
        return set()
    return {role.id for role in member.roles}


async def refusal(access: Access, interaction: discord.Interaction[Any]) -> str | None:
    """Why the user of a command or a button is not answered there, or None."""
    roles = await roles_of(interaction.user, interaction.client, access)
    return access.refusal(interaction.user.id, roles, channel_ref(interaction))


async def hourly_limit(access: Access, interaction: discord.Interaction[Any]) -> int | None:
    """How many answers an hour the user of a command or a button gets; None for any number."""
    return access.hourly_limit(await roles_of(interaction.user, interaction.client, access))


def lacking(permissions: discord.Permissions, *needed: str) -> list[str]:
    """Which of the needed permissions are not granted, as Discord calls them."""
    return [_NAMES[name] for name in needed if not getattr(permissions, name)]


def check(message: discord.Message, access: Access, roles: Set[int]) -> None:
    """Raise MayNotWrite unless the bot may answer a message where it was written; logs missing permissions.

    `roles` are those of its author. Without the permission to read the history it may, but not as a reply.
    """
    if sentence := access.refusal(message.author.id, roles, channel_ref(message)):
        raise MayNotWrite(sentence)
    channel = message.channel
    if not isinstance(channel, discord.abc.GuildChannel | discord.Thread) or not message.guild:
        return
    if lacking(channel.permissions_for(message.guild.me), "read_message_history"):
        log.warning("In channel %d the bot lacks the permission Read Message History, to reply.", channel.id)
    if lacks := _lacking_to_answer(message):
        log.warning(
            "In channel %d the bot lacks: %s. It cannot answer there; python -m bot check finds all such channels.",
            channel.id,
            ", ".join(lacks),
        )
        raise MayNotWrite(lacks_permissions(f"#{channel.name}", lacks))


def may_answer(message: discord.Message, access: Access, roles: Set[int]) -> bool:
    """Whether `check` finds nothing to raise."""
    return not (access.refusal(message.author.id, roles, channel_ref(message)) or _lacking_to_answer(message))


def _lacking_to_answer(message: discord.Message) -> list[str]:
    """The permissions that the bot lacks to answer a message where it was written."""
    channel = message.channel
    if not isinstance(channel, discord.abc.GuildChannel | discord.Thread) or not message.guild:
        return []
    permissions = channel.permissions_for(message.guild.me)
    if not isinstance(channel, discord.Thread):
        return lacking(permissions, "send_messages")
    lacks = lacking(permissions, "send_messages_in_threads")
    if channel.locked and not permissions.manage_threads:
        lacks.append("Manage Threads")  # a locked thread takes messages only from those who have it
    return lacks
