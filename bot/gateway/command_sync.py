"""Registers the slash commands, if Discord knows others: registering is rationed per day."""

import logging
from collections.abc import Sequence
from typing import Any

import discord
from discord.ext import commands

log = logging.getLogger(__name__)

_NOT_IN_GUILDS = {"contexts", "integration_types"}  # of a command that is registered in one guild, Discord keeps none


async def sync(client: commands.AutoShardedBot, guild: discord.Object | None, *, register: bool) -> dict[str, str]:
    """Have Discord know the client's commands, in one guild or everywhere; returns their mentions, by name.

    Only a process that is to `register` does so, as several of them share the commands.
    """
    assert client.application_id is not None  # known since the login
    path = "/applications/{application_id}/commands"
    if guild:
        client.tree.copy_global_to(guild=guild)
        path = "/applications/{application_id}/guilds/{guild_id}/commands"
    route = discord.http.Route("GET", path, application_id=client.application_id, guild_id=guild and guild.id)
    # discord.py's own request leaves out the localizations.
    registered: Sequence[Any] = await client.http.request(route, params={"with_localizations": "true"})
    assert client.tree.translator
    ours = [
        await command.get_translated_payload(client.tree, client.tree.translator)
        for command in client.tree.get_commands(guild=guild)
    ]
    if guild:
        ours = [{key: value for key, value in each.items() if key not in _NOT_IN_GUILDS} for each in ours]
    if not register or same_commands(ours, registered):
        ids = {command["name"]: command["id"] for command in registered}
    else:
        ids = {command.name: command.id for command in await client.tree.sync(guild=guild)}
        log.info("Registered the slash commands.")
    mentions = {}
    for command in client.tree.walk_commands(guild=guild):
        name, root = command.qualified_name, command.root_parent or command
        mentions[name] = f"</{name}:{ids[root.name]}>" if root.name in ids else f"/{name}"
    return mentions


def same_commands(ours: Sequence[Any], registered: Sequence[Any]) -> bool:
    """Whether Discord's list of commands is what we would register, apart from what Discord adds to it."""

    def same(our: Any, their: Any) -> bool:
        if not our or not their:
            return not our and not their
        if isinstance(our, dict):
            return all(same(our.get(key), their.get(key)) for key in our.keys() | their.keys())
        if isinstance(our, list):
            return len(our) == len(their) and all(map(same, our, their))
        return bool(our == their or str(our) == their)  # Discord writes permissions as text

    def key(command: Any) -> tuple[int, str]:
        return command["type"], command["name"]

    return len(ours) == len(registered) and all(
        all(same(our[name], their.get(name)) for name in our.keys() - {"dm_permission"})  # older than contexts
        for our, their in zip(sorted(ours, key=key), sorted(registered, key=key), strict=True)
    )
