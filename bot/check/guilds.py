"""The servers that the bot is in: where it can answer, where it lacks permissions, and ids that lead nowhere."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TypeAlias

import discord

from bot.check.findings import Finding, Findings, ok, skipped, wrong
from bot.messages.access import FOR_THREADS, NEEDED, Access, lacking
from bot.messages.transient_errors import TRANSIENT_ERRORS
from bot.settings import Settings
from bot.shards import Shards
from bot.storage.channel_ref import ChannelRef

PATIENCE = 30.0
"""Seconds for the login, and for each server."""
TROUBLE = (discord.DiscordException, *TRANSIENT_ERRORS)
"""Errors of Discord's or the network's."""

_LISTED = 8  # channels that a line names
_IN_THREADS = ("view_channel", "send_messages_in_threads", "read_message_history")
_IN_VOICE = ("view_channel", "send_messages", "read_message_history")
_INVITE = "Correct the id; or invite the bot to that server, by the link below."
_CORRECT_ROLE = "Correct the id: right-click a role in the server's settings, or in somebody's profile, and copy it."
_AGAIN = "Try again in some minutes."
_GRANT = (
    "Grant that to the bot in the channel's settings, under Permissions. If it is so in every channel, invite the bot"
    " again, by the link below: that gives its role all it needs."
)

_Channel: TypeAlias = discord.abc.GuildChannel | discord.Thread


@dataclass(frozen=True)
class GuildCheck:
    """A guild as fetched, with the bot's own member and the channels by id."""

    guild: discord.Guild
    me: discord.Member
    channels: Mapping[int, discord.abc.GuildChannel]

    def lacks(self, who: discord.Member | discord.Role, channel: _Channel) -> list[str]:
        """Which needed permissions somebody lacks there; only View Channels if they cannot see it."""
        place = self.channels.get(channel.parent_id) if isinstance(channel, discord.Thread) else channel
        may = place.permissions_for(who) if place else discord.Permissions.none()
        return lacking(may, "view_channel") or lacking(may, *_needed(channel))


def reason(error: BaseException) -> str:
    """An error of Discord's or the network's, in a few words."""
    return str(error) or ("there is no answer" if isinstance(error, TimeoutError) else type(error).__name__)


async def look_at_guilds(
    client: discord.Client, guilds: Sequence[discord.Guild], settings: Settings, access: Access, shards: Shards
) -> Findings:
    """Check that the bot can answer in the places that the settings name, and find where else it can."""
    if not guilds:
        yield wrong("The bot is in no server", "Invite it, by the link below.")
    known = {guild.id for guild in guilds}
    developed_in = {settings.guild_id} if settings.guild_id else set()
    for name, wanted in (("GUILD_ID", developed_in), ("ALLOWED_GUILDS", settings.allowed_guilds)):
        for number in sorted(wanted - known):
            yield wrong(f"{name}: the bot is in no server {number}", _INVITE, id=str(number))
    servers = {}
    for guild in guilds:
        if guild.id not in shards:
            yield skipped(
                f"{guild.name} has shard {shards.of(guild.id)}, which another process connects", **_about(guild)
            )
            continue
        try:
            async with asyncio.timeout(PATIENCE):
                servers[guild.id] = await _fetch(client, guild.id)
        except TROUBLE as error:
            yield wrong(f"{guild.name} cannot be looked at: {reason(error)}", _AGAIN)
    named: dict[int, _Channel] = {}
    reviewed_in = {settings.feedback_channel} if settings.feedback and settings.feedback_channel else set()
    for name, wanted in (
        ("CHAT_CHANNELS", settings.chat_channels),
        ("ALLOWED_CHANNELS", settings.allowed_channels),
        ("FEEDBACK_CHANNEL", reviewed_in),
    ):
        for number in sorted(wanted):
            try:
                found = await _find(client, servers, number)
            except (discord.NotFound, discord.Forbidden):
                yield wrong(f"{name}: the bot sees no channel {number}", _INVITE, id=str(number))
            except TROUBLE as error:
                yield wrong(f"{name}: {number} cannot be looked at: {reason(error)}", _AGAIN, id=str(number))
            else:
                if fault := _fault(name, found, access):
                    yield wrong(*fault, id=str(number))
                elif found:
                    named[number] = found
    if len(servers) == len(guilds):
        known_roles = {role.id for server in servers.values() for role in server.guild.roles}
        for finding in _unknown_roles(settings, known_roles):
            yield finding
    for server in servers.values():
        for finding in _look_at(server, named, access):
            yield finding
        if settings.auto_thread and (closed := _closed_to_threads(server, settings.chat_channels, access)):
            yield wrong(
                f"{server.guild.name}: AUTO_THREAD opens no threads in {_listed(closed)}, as the bot lacks"
                f" {' and '.join(FOR_THREADS.values())}",
                _GRANT,
                **_about(server.guild),
            )


async def _fetch(client: discord.Client, number: int) -> GuildCheck:
    assert client.user
    guild = await client.fetch_guild(number, with_counts=False)
    me = await guild.fetch_member(client.user.id)
    return GuildCheck(guild, me, {channel.id: channel for channel in await guild.fetch_channels()})


async def _find(client: discord.Client, servers: Mapping[int, GuildCheck], number: int) -> _Channel | None:
    """A channel or a thread; None if it is in no server. Raises what `fetch_channel` does."""
    for server in servers.values():
        if number in server.channels:
            return server.channels[number]
    channel = await client.fetch_channel(number)
    return None if isinstance(channel, discord.abc.PrivateChannel) else channel


def _unknown_roles(settings: Settings, known: Set[int]) -> list[Finding]:
    """The roles in the settings that no server has."""
    limited = {role for role, _ in settings.role_limits}
    named = {"ALLOWED_ROLES": settings.allowed_roles, "BLOCKED_ROLES": settings.blocked_roles, "ROLE_LIMITS": limited}
    return [
        wrong(f"{name}: no server of the bot's has a role {number}", _CORRECT_ROLE, id=str(number))
        for name, wanted in named.items()
        for number in sorted(wanted - known)
    ]


def _fault(name: str, channel: _Channel | None, access: Access) -> tuple[str, str] | None:
    """Why a channel does not belong in a setting, whatever its permissions, and what to do."""
    if channel is None:
        return f"{name} has a direct conversation; it is for channels of servers", "Take the id out."
    if isinstance(channel, discord.CategoryChannel):
        return f"{name} has {channel.name}, which is a category", "Put the ids of the channels in it there."
    if name != "ALLOWED_CHANNELS" and isinstance(channel, discord.ForumChannel):
        return f"{name} has #{channel.name}, a forum; it is for single posts", "Put the ids of posts there."
    if name != "FEEDBACK_CHANNEL" and not access.covers(_ref(channel)):
        return (
            f"{name} has #{channel.name}, where nobody is answered",
            "Add its id to ALLOWED_CHANNELS, and that of its server to ALLOWED_GUILDS, where those are set.",
        )
    return None


def _ref(channel: _Channel) -> ChannelRef:
    parent = channel.parent_id if isinstance(channel, discord.Thread) else None
    return ChannelRef(channel.id, parent, channel.guild.id)


def _look_at(server: GuildCheck, named: Mapping[int, _Channel], access: Access) -> list[Finding]:
    """The permissions in a server's channels: those named in the settings, and all others where the bot may answer.

    In the others, a permission that members lack as well is taken for intended, as in a channel of announcements.
    """
    guild = server.guild
    if access.guilds and guild.id not in access.guilds:
        return [skipped(f"{guild.name} is not among ALLOWED_GUILDS", **_about(guild))]
    looked_at: dict[int, _Channel] = {
        number: channel
        for number, channel in server.channels.items()
        if isinstance(channel, discord.TextChannel | discord.ForumChannel) and access.covers(_ref(channel))
    }
    looked_at |= {number: channel for number, channel in named.items() if channel.guild.id == guild.id}
    lacking_in: dict[tuple[str, ...], list[_Channel]] = defaultdict(list)
    closed = []
    for channel in looked_at.values():
        lacks = server.lacks(server.me, channel)
        also = [] if channel.id in named else server.lacks(guild.default_role, channel)
        if lacks and set(lacks) <= set(also):
            closed.append(channel)
        elif lacks:
            lacking_in[tuple(lacks)].append(channel)
    if lacking_in:
        return [
            wrong(
                f"{guild.name}: the bot lacks {' and '.join(lacks)} in {_listed(channels)}",
                _GRANT,
                **_about(guild),
                lacking=list(lacks),
                channels=[{"id": str(channel.id), "name": channel.name} for channel in channels],
            )
            for lacks, channels in lacking_in.items()
        ]
    if not looked_at:
        return [skipped(f"{guild.name} has no channel in which the bot is to answer", **_about(guild))]
    if len(closed) == len(looked_at):
        return [wrong(f"{guild.name}: neither the bot nor members may write in any channel", _GRANT, **_about(guild))]
    but = f", but not in {_listed(closed)}, where members cannot either" if closed else ""
    count = len(looked_at) - len(closed)
    return [ok(f"{guild.name}: it can answer in {count} channel{'' if count == 1 else 's'}{but}", **_about(guild))]


def _closed_to_threads(server: GuildCheck, chat_channels: Set[int], access: Access) -> list[_Channel]:
    """The text channels in which the bot can answer, but may open no thread for that."""
    return [
        channel
        for channel in server.channels.values()
        if isinstance(channel, discord.TextChannel)
        and channel.id not in chat_channels
        and access.covers(_ref(channel))
        and not server.lacks(server.me, channel)
        and lacking(channel.permissions_for(server.me), *FOR_THREADS)
    ]


def _about(guild: discord.Guild) -> dict[str, str]:
    return {"server": guild.name, "id": str(guild.id)}


def _needed(channel: _Channel) -> Iterable[str]:
    match channel:
        case discord.Thread() | discord.ForumChannel():
            return _IN_THREADS
        case discord.VoiceChannel() | discord.StageChannel():
            return _IN_VOICE
    return NEEDED


def _listed(channels: Sequence[_Channel]) -> str:
    names = [f"#{channel.name}" for channel in channels]
    more = len(names) - _LISTED
    return ", ".join(names) if more <= 0 else f"{', '.join(names[:_LISTED])} and {more} more"
