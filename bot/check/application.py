"""Checks Discord over REST, never over the gateway: the token, the intents, the shards, and the invite link."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import discord

from bot.check.findings import Finding, Findings, ok, skipped, wrong
from bot.check.guilds import PATIENCE, TROUBLE, look_at_guilds, reason
from bot.gateway.client import has_message_content
from bot.messages.access import FOR_THREADS, NEEDED, Access
from bot.settings import Settings
from bot.shards import Shards, written
from bot.texts import GET_TOKEN, WRONG_TOKEN, needs_intent, switch_on_intent

if TYPE_CHECKING:
    from discord.types.gateway import SessionStartLimit

_SERVERS_PER_SHARD = 2500  # at the most, else Discord closes with 4011
_ONLINE = "See whether this machine is online and may reach https://discord.com, and try again."


async def look_at_discord(settings: Settings, access: Access) -> Findings:
    """Log in with the token, and check everything that it gives access to."""
    if not settings.discord_token:
        yield skipped("DISCORD_TOKEN is not set; only the bot in Discord needs it")
        return
    # discord.py warns of what it would need for voice, which we don't use.
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
    async with discord.Client(intents=discord.Intents.none()) as client:
        try:
            async with asyncio.timeout(PATIENCE):
                await client.login(settings.discord_token)
                guilds = [guild async for guild in client.fetch_guilds(limit=None)]
                recommended, _, starts = await client.http.get_bot_gateway()
        except discord.LoginFailure:
            yield wrong(WRONG_TOKEN, GET_TOKEN)
            return
        except TROUBLE as error:
            yield wrong(f"Discord cannot be reached: {reason(error)}", _ONLINE)
            return
        assert client.user
        assert client.application
        yield ok(f"The token is that of {client.user.name}", name=client.user.name, id=str(client.user.id))
        yield _intents(client.application, settings.need_message_content, auto_thread=settings.auto_thread)
        shards = Shards.chosen(settings.shard_count or recommended, settings.shard_ids)
        yield _shards(shards, recommended, len(guilds))
        yield _session_starts(starts, len(shards.ids))
        async for finding in look_at_guilds(client, guilds, settings, access, shards):
            yield finding
        yield _invite(client.application.id, NEEDED | (FOR_THREADS if settings.auto_thread else {}))


def _intents(bot: discord.AppInfo, needed_by: Sequence[str], *, auto_thread: bool) -> Finding:
    """Message Content is the only privileged intent that Parley uses."""
    enabled = has_message_content(bot)
    facts: dict[str, Any] = {"intent": "message_content", "needed": bool(needed_by), "enabled": enabled}
    if not needed_by:
        if auto_thread:
            what = "everything is" if enabled else "only mentions and replies are"
            state = "on" if enabled else "off"
            return ok(f"The Message Content intent is {state}: in the threads of AUTO_THREAD, {what} answered", **facts)
        state = "on, but" if enabled else "off, and"
        return ok(f"The Message Content intent is {state} no setting needs it", **facts)
    if enabled:
        return ok(f"The bot has {needs_intent(needed_by)}", **facts)
    return wrong(f"The bot lacks {needs_intent(needed_by)}", switch_on_intent(needed_by), **facts)


def _shards(shards: Shards, recommended: int, servers: int) -> Finding:
    facts: dict[str, Any] = {"shards": shards.count, "here": sorted(shards.ids), "recommended": recommended}
    if servers > _SERVERS_PER_SHARD * shards.count:
        return wrong(
            f"SHARD_COUNT is {shards.count}, but the bot is in {servers} servers, and Discord has a shard for each"
            f" {_SERVERS_PER_SHARD} at the least",
            f"Set SHARD_COUNT to {recommended}, as Discord recommends, or leave it blank.",
            **facts,
        )
    here = "this process connects all of them" if shards.alone else f"this process connects {written(shards.ids)}"
    return ok(f"Shards: {shards.count} (Discord recommends {recommended}); {here}", **facts)


def _session_starts(starts: "SessionStartLimit", needed: int) -> Finding:
    """Each shard uses one when it begins a session."""
    hours = starts["reset_after"] / 3_600_000
    left = f"{starts['remaining']} of {starts['total']} session starts are left"
    facts: dict[str, Any] = {name: starts[name] for name in ("remaining", "total", "max_concurrency")}
    if starts["remaining"] < needed:
        todo = (
            f"Start the bot only in {hours:.1f} hours, as Discord changes the token of a bot that connects too often."
        )
        return wrong(f"{left}, and this process needs {needed}", todo, **facts)
    return ok(f"{left}, of which this process takes {needed}; {starts['max_concurrency']} at a time", **facts)


def _invite(application: int, needed: Mapping[str, str]) -> Finding:
    link = discord.utils.oauth_url(
        application,
        permissions=discord.Permissions(**dict.fromkeys(needed, True)),
        scopes=("bot", "applications.commands"),
    )
    return ok(f"Link to invite the bot: {link}", link=link)
