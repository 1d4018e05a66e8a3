"""Servers, their roles and their members."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import payloads
from .channels import Channel
from .payloads import CATEGORY, FORUM, TEXT
from .people import User
from .permissions import EVERYTHING, TALK, Permission

if TYPE_CHECKING:
    from .server import Discord

Json = dict[str, Any]


@dataclass(eq=False)
class Role:
    id: int
    name: str
    permissions: Permission
    position: int
    mentionable: bool
    bot: User | None = None
    """Whose managed role it is: Discord gives each bot one that has its name."""

    resolves_as = "roles"

    @property
    def mention(self) -> str:
        return f"<@&{self.id}>"

    def payload(self) -> Json:
        return payloads.role(self)


@dataclass(eq=False)
class Membership:
    user: User
    nick: str | None
    roles: list[Role]
    joined_at: float


class Guild:
    """A server. The bot is a member from the start; tests add everything else."""

    def __init__(self, discord: Discord, guild_id: int, name: str, owner: User) -> None:
        self.discord = discord
        self.id = guild_id
        self.name = name
        self.owner = owner
        self.roles: dict[int, Role] = {self.id: Role(self.id, "@everyone", TALK, 0, False)}
        self.members: dict[int, Membership] = {}
        self.channels: dict[int, Channel] = {}
        self.blocked_words: set[str] = set()
        """AutoMod refuses a message that contains one."""
        for someone in (owner, discord.bot):
            self.members[someone.id] = Membership(someone, None, [], discord.clock.now())
        self.bot_role = Role(
            discord.clock.snowflake(), discord.bot.name, Permission.NONE, len(self.roles), False, discord.bot
        )
        self.roles[self.bot_role.id] = self.bot_role
        self.members[discord.bot.id].roles.append(self.bot_role)

    @property
    def everyone(self) -> Role:
        return self.roles[self.id]

    def role(self, name: str, *, permissions: Permission = Permission.NONE, mentionable: bool = False) -> Role:
        role = Role(self.discord.clock.snowflake(), name, permissions, len(self.roles), mentionable)
        self.roles[role.id] = role
        self.send("GUILD_ROLE_CREATE", {"role": payloads.role(role)})
        return role

    def member(
        self, who: str | User, *, nick: str | None = None, roles: Iterable[Role] = (), bot: bool = False
    ) -> User:
        """Add a person, new with that display name or already known; returns the person."""
        user = who if isinstance(who, User) else self.discord.user(who, bot=bot)
        membership = Membership(user, nick, list(roles), self.discord.clock.now())
        joined = user.id not in self.members
        self.members[user.id] = membership
        self.send("GUILD_MEMBER_ADD" if joined else "GUILD_MEMBER_UPDATE", payloads.full_member(membership))
        return user

    def channel(self, name: str) -> Channel:
        return self._add(Channel(self.discord, name, TEXT, guild=self))

    def forum(self, name: str) -> Channel:
        """Add a forum, which contains only posts, see `User.post`."""
        return self._add(Channel(self.discord, name, FORUM, guild=self))

    def category(self, name: str) -> Channel:
        """Add a category, a heading above channels."""
        return self._add(Channel(self.discord, name, CATEGORY, guild=self))

    def _add(self, channel: Channel) -> Channel:
        self.channels[channel.id] = channel
        self.send("CHANNEL_CREATE", payloads.channel(channel))
        return channel

    def remove(self, channel: Channel) -> None:
        """Delete a channel with its threads."""
        for thread in [c for c in self.channels.values() if c.parent is channel]:
            self.remove(thread)
        del self.channels[channel.id], self.discord.channels[channel.id]
        self.send("THREAD_DELETE" if channel.is_thread else "CHANNEL_DELETE", payloads.channel(channel))

    def expel_bot(self) -> None:
        """Remove the bot from this server."""
        self.discord.gateway.send("GUILD_DELETE", {"id": str(self.id)}, guild=self)
        del self.discord.guilds[self.id]
        for channel in self.channels:
            del self.discord.channels[channel]

    def permissions(self, user: User) -> Permission:
        """What a member may do in the server as a whole."""
        if user is self.owner:
            return EVERYTHING
        if user.id not in self.members:
            return Permission.NONE
        granted = self.everyone.permissions
        for role in self.members[user.id].roles:
            granted |= role.permissions
        return EVERYTHING if Permission.ADMINISTRATOR in granted else granted

    def send(self, event: str, data: Json) -> None:
        self.discord.gateway.send(event, {**data, "guild_id": str(self.id)}, guild=self)
