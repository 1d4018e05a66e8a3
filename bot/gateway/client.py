"""The discord.py client: its intents, shards, events and presence, and what a failed command tells."""

import asyncio
import logging
import re
from collections import deque
from collections.abc import Collection
from contextlib import suppress
from typing import Any

import aiohttp
import discord
import yarl
from discord.ext import commands

from bot.gateway import command_sync, resume
from bot.gateway.identify import may_identify
from bot.gateway.status import GatewayStatus
from bot.gateway.translator import Translator
from bot.messages.access import Access, refusal
from bot.messages.explanations import explain
from bot.messages.transient_errors import REQUEST_ERRORS, TRANSIENT_ERRORS
from bot.observer import Observer
from bot.shards import Shards
from bot.texts import LOADING, READY

log = logging.getLogger(__name__)

_TOKEN = re.compile(r"(?P<path>/(?:webhooks|interactions)/[0-9]+/)[\w.~%-]+")
_REPEATED_ERRORS = (500, 502, 504, 524)  # by discord.py itself
_PAUSES = (1, 3)  # seconds between attempts, as in discord.py
_REMEMBERED_EVENTS = 1000  # messages, commands and presses that are recognized when they come again


class CommandTree(discord.app_commands.CommandTree["Client"]):
    """The commands, for those who are answered; the owner's /quit, and what erases, work for all and everywhere."""

    async def interaction_check(self, interaction: discord.Interaction["Client"], /) -> bool:
        """Whether a command is to run; tells privately why not."""
        if not interaction.client.is_new("command", interaction.id):
            return False
        sentence = await refusal(interaction.client.access, interaction)
        if sentence is None or (interaction.command and interaction.command.name in ("quit", "forget")):
            return True
        # While a command is being typed, nothing can be told.
        if interaction.type is not discord.InteractionType.autocomplete:
            await interaction.response.send_message(sentence, ephemeral=True)
        return False


class Client(commands.AutoShardedBot):
    """The connection to Discord, as one process of the bot. It serves one login; a failed one takes a new client."""

    process_shards: Shards
    """The shards of this process, once it has logged in."""
    command_mentions: dict[str, str]
    """The commands as Discord makes them clickable, by name, once they are synced."""

    def __init__(
        self,
        *,
        access: Access,
        status: GatewayStatus,
        observer: Observer,
        message_content: bool,
        message_content_if_enabled: bool,
        guild_id: int | None,
        shard_count: int | None,
        shard_ids: Collection[int],
        guild_ready_timeout: float,
        identify_pause: float,
    ) -> None:
        """Without a shard count, there are as many as Discord recommends; without ids, all of them are here.

        `message_content` asks for that intent; `message_content_if_enabled` does if it is on in the developer portal.
        `guild_id` registers the commands in one guild only.
        In seconds, a shard waits `guild_ready_timeout` for late guilds, and `identify_pause` after another identified.
        """
        # discord.py warns of what it would need for voice, which we don't use.
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
        for name in ("discord.http", "discord.webhook.async_"):  # which log addresses, as at a 429
            logging.getLogger(name).addFilter(_without_tokens)
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            intents=discord.Intents(
                guilds=True, guild_messages=True, dm_messages=True, message_content=message_content
            ),
            allowed_mentions=discord.AllowedMentions.none(),
            activity=discord.CustomActivity(LOADING),
            max_messages=None,
            tree_cls=CommandTree,
            allowed_installs=discord.app_commands.AppInstallationType(guild=True, user=False),
            allowed_contexts=discord.app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=False),
            shard_count=shard_count,
            http_trace=_trace(status),
            guild_ready_timeout=guild_ready_timeout,
        )
        self.shard_ids = sorted(shard_ids) or None
        self.access = access
        self.command_mentions = {}
        self._status = status
        self._observer = observer
        self._identify_pause = identify_pause
        self._message_content_if_enabled = message_content_if_enabled
        self._guild = discord.Object(guild_id) if guild_id else None
        self._events: deque[tuple[str, int]] = deque(maxlen=_REMEMBERED_EVENTS)
        status.expect(self.shard_ids or [0])
        status.latencies = lambda: self.latencies
        self._make_requests_persistent()
        self.tree.error(self._on_command_error)

    async def setup_hook(self) -> None:
        """After the login, learn how the bot is divided into shards, and who owns it."""
        await self.tree.set_translator(Translator())
        if self._message_content_if_enabled and has_message_content(self.application):
            self._connection._intents.message_content = True  # it is asked for when a shard identifies
        gateway = await self.http.request(discord.http.Route("GET", "/gateway/bot"))
        self.shard_count = self.shard_count or gateway["shards"]
        self._max_concurrency = gateway["session_start_limit"]["max_concurrency"]
        self.process_shards = Shards.chosen(self.shard_count, self.shard_ids)
        self._status.expect(self.process_shards.ids)
        if not self.process_shards.alone:
            log.info("This process has the shards %s.", self.process_shards)
        # Asked within /quit, the owner might be known too late to acknowledge it.
        await self.is_owner(self.user)  # type: ignore[arg-type]

    async def add_cogs(self, *cogs: commands.Cog) -> None:
        """Add cogs, and register their commands where Discord knows others."""
        for cog in cogs:
            await self.add_cog(cog)
        self.command_mentions = await command_sync.sync(self, self._guild, register=self.process_shards.first)

    async def announce_ready(self) -> None:
        """Show that the model has been loaded."""
        self.activity = discord.CustomActivity(READY)  # for the next time that a shard identifies
        await self.wait_until_ready()
        for shard in self.shards:
            await self.on_shard_resumed(shard)

    async def on_shard_resumed(self, shard: int) -> None:
        """Show the activity again: a connection that was lost may not have heard of it."""
        with suppress(discord.ConnectionClosed, *TRANSIENT_ERRORS):
            await self.change_presence(activity=self.activity, shard_id=shard)  # type: ignore[arg-type]

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Wait until a shard may begin a session, and drop its guilds: Discord then names those that are left."""
        assert self.application_id is not None  # known since the login
        await may_identify(self.application_id, shard_id or 0, self._max_concurrency, self._identify_pause)
        for guild in self.guilds:
            if guild.shard_id == shard_id:
                self._connection._remove_guild(guild)  # an unsharded client of discord.py does so by itself

    async def launch_shard(self, gateway_url: yarl.URL, shard_id: int, *, initial: bool = False) -> None:
        """Connect a shard as discord.py does, but for what `bot.gateway.resume` does better."""
        socket = await resume.connect(self, gateway_url, shard_id, initial=initial)
        private: Any = self  # the shards and the queue of their events are discord.py's own
        private._AutoShardedClient__shards[shard_id] = shard = resume.ResumingShard(
            socket, self, private._AutoShardedClient__queue.put_nowait
        )
        shard.launch()

    def is_new(self, kind: str, number: int) -> bool:
        """Whether an event is seen for the first time: after a resume, Discord may deliver it again."""
        if (kind, number) in self._events:
            return False
        self._events.append((kind, number))
        return True

    def dispatch(self, event: str, /, *args: Any, **kwargs: Any) -> None:
        """Hand an event to the cogs, a message only once, and note which shards are connected."""
        if event in ("shard_connect", "shard_resumed"):
            self._status.connected(args[0])
        elif event == "shard_disconnect":
            self._status.lost(args[0])
        if event != "message" or self.is_new(event, args[0].id):
            super().dispatch(event, *args, **kwargs)

    async def on_message(self, message: discord.Message, /) -> None:
        """Leave messages to the cogs: the bot has no commands with a prefix."""

    def _make_requests_persistent(self) -> None:
        """Let each request to Discord come to its own end, and repeat edits and deletions that Discord could not do.

        A request that meets discord.py's global rate limit holds back all others until it has slept; cancelled while
        it sleeps, it would hold them back for ever (seen with 2.7.1). discord.py repeats requests after a few errors of
        Discord, but not after 503 and most of Cloudflare's; a button that was to be removed would stay.
        """
        request = self.http.request

        async def persistent(route: discord.http.Route, **options: Any) -> Any:
            for pause in _PAUSES if route.method in ("PATCH", "DELETE") else ():
                try:
                    return await asyncio.shield(request(route, **options))
                except discord.DiscordServerError as error:
                    if error.status in _REPEATED_ERRORS:
                        raise
                await asyncio.sleep(pause)
            return await asyncio.shield(request(route, **options))

        self.http.request = persistent  # type: ignore[method-assign]

    async def _on_command_error(
        self, interaction: discord.Interaction, error: discord.app_commands.AppCommandError
    ) -> None:
        cause = getattr(error, "original", error)
        self._observer.failed(cause)
        sentence = explain(cause)
        try:
            if interaction.response.is_done():
                await interaction.followup.send(sentence, ephemeral=True)
            else:
                await interaction.response.send_message(sentence, ephemeral=True)
        except REQUEST_ERRORS as refused:
            log.warning("The error could not be told: %s", refused)


def has_message_content(application: discord.AppInfo | None) -> bool:
    """Whether the Message Content intent is switched on in the developer portal."""
    # The limited flag is for bots in fewer than a hundred servers, which need no approval by Discord.
    flags = application.flags if application else discord.ApplicationFlags()
    return flags.gateway_message_content or flags.gateway_message_content_limited


def _without_tokens(record: logging.LogRecord) -> bool:
    """Mask the token of an interaction, with which anybody could speak as the bot, in an address that is logged."""
    record.msg, record.args = _TOKEN.sub(r"\g<path>…", record.getMessage()), None
    return True


def _trace(status: GatewayStatus) -> aiohttp.TraceConfig:
    """Report each response to discord.py's requests, also of those that it then repeats."""

    async def report(session: object, context: object, request: aiohttp.TraceRequestEndParams) -> None:
        status.requested(request.method, request.url.path, request.response.status)

    trace = aiohttp.TraceConfig()
    trace.on_request_end.append(report)
    return trace
