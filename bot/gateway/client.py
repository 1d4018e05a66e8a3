"""The discord.py bot: its intents, cogs, commands and errors, and how it connects and ends."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import Any

import aiohttp
import discord
import yarl
from discord.backoff import ExponentialBackoff
from discord.ext import commands

from bot.conversation.conversations import Conversations
from bot.engine import Engine, ModelError
from bot.errors import UserError
from bot.gateway import resume
from bot.gateway.identify import may_identify
from bot.gateway.status import GatewayStatus
from bot.gateway.translator import Translator
from bot.messages import permissions
from bot.messages.access import Access
from bot.messages.live_reply import explain
from bot.messages.pacing import PER_SECOND
from bot.messages.recovery import Recovery
from bot.messages.replies import Replies
from bot.messages.transient_errors import TRANSIENT_ERRORS, is_transient
from bot.monitoring.loop_lag import LoopLagMonitor
from bot.observer import Observer
from bot.shards import Shards
from bot.storage.channel_settings import ChannelSettingsStore
from bot.storage.database import Database, DatabaseError
from bot.storage.turns import TurnStore
from bot.texts import GET_TOKEN, LOADING, READY, SWITCH_ON_INTENT, WRONG_TOKEN
from cogs.about import About
from cogs.admin import Admin
from cogs.ask import Ask
from cogs.buttons import Buttons
from cogs.channel import Channel
from cogs.chat import Chat
from cogs.context import Context
from cogs.privacy import Privacy

log = logging.getLogger(__name__)

_WRONG_TOKEN = f"{WRONG_TOKEN} {GET_TOKEN}"
_NO_INTENT = f"Discord refuses the Message Content intent, which CHAT_CHANNELS needs. {SWITCH_ON_INTENT}"
_CLOSED = {
    4004: _WRONG_TOKEN,
    4010: "Discord does not know such a shard. Set SHARD_COUNT and SHARD_IDS anew, or leave both blank.",
    4011: (
        "Discord wants the bot's servers divided among more shards. Set SHARD_COUNT higher, or leave it blank;"
        " python -m bot check tells how many Discord recommends."
    ),
}
_HEARD = 1000  # messages, commands and presses that are known again
_READY = discord.CustomActivity(READY)


class DiscordError(UserError):
    """Discord refuses the bot; the sentence says what to do about it."""


class _Commands(discord.app_commands.CommandTree["Parley"]):
    """The commands, for those who are answered; the owner's /quit works everywhere."""

    async def interaction_check(self, interaction: discord.Interaction["Parley"], /) -> bool:
        if not interaction.client.is_new("command", interaction.id):
            return False
        sentence = permissions.refusal(interaction.client.access, interaction)
        if sentence is None or (interaction.command and interaction.command.name == "quit"):
            return True
        await interaction.response.send_message(sentence, ephemeral=True)
        return False


class Parley(commands.AutoShardedBot):
    """The bot. It is online while the model still loads; `quitting` is set when somebody asks it to end."""

    def __init__(
        self,
        *,
        conversations: Conversations,
        database: Database,
        history: TurnStore,
        channels: ChannelSettingsStore,
        engine: Engine,
        access: Access,
        link_previews: bool,
        chat_channels: frozenset[int],
        guild_id: int | None,
        quitting: asyncio.Event,
        link: GatewayStatus,
        stalls: LoopLagMonitor,
        events: Observer,
        shard_count: int | None = None,
        shard_ids: Collection[int] = (),
        requests_per_second: float = PER_SECOND,
    ) -> None:
        """Shards by default: as many as Discord recommends, all of them in this process."""
        # discord.py warns of what it would need for voice, which we don't use.
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
        intents = discord.Intents(guilds=True, guild_messages=True, dm_messages=True)
        intents.message_content = bool(chat_channels)
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            intents=intents,
            allowed_mentions=discord.AllowedMentions.none(),
            activity=discord.CustomActivity(LOADING),
            max_messages=None,
            tree_cls=_Commands,
            shard_count=shard_count,
            http_trace=_traced(link),
        )
        self.shard_ids = sorted(shard_ids) or None
        self._requests_per_second = requests_per_second
        link.expects(self.shard_ids or [0])
        link.latencies = lambda: self.latencies
        self._link = link
        self._stalls = stalls
        self._events = events
        self._conversations = conversations
        self._database = database
        self._history = history
        self._channels = channels
        self._engine = engine
        self.access = access
        self._link_previews = link_previews
        self._chat_channels = chat_channels
        self._guild = discord.Object(guild_id) if guild_id else None
        self._quitting = quitting
        self._background: list[asyncio.Task[None]] = []
        self._never_cancel_requests()
        self._mentions: dict[str, str] = {}
        self._heard: deque[tuple[str, int]] = deque(maxlen=_HEARD)
        self.tree.error(self._on_command_error)

    async def setup_hook(self) -> None:
        """Before the gateway connects: add the cogs, register the commands, finish what a killed program left."""
        shards = await self._learn_of_shards()
        await self.tree.set_translator(Translator())
        replies = Replies(
            link_previews=self._link_previews,
            per_second=self._requests_per_second * len(shards.ids) / shards.count,
            events=self._events,
        )
        await self.add_cog(Chat(self, self._conversations, replies, self.access, self._chat_channels))
        await self.add_cog(Ask(self, self._conversations, replies))
        await self.add_cog(Buttons(self._conversations, replies, self.access))
        await self.add_cog(Context(self._conversations, replies))
        await self.add_cog(Admin(self._quitting, shards))
        await self.add_cog(Privacy(self, self._database, self._history, replies, shards, self._link))
        await self.add_cog(Channel(self._channels, self._history))
        await self.add_cog(About(self._channels, self._engine, self._mentions, shards, self._stalls))
        # Learns who owns the bot now: asked within /quit, Discord's answer might come too late to acknowledge it.
        await self.is_owner(self.user)  # type: ignore[arg-type]
        await self._sync_commands(register=shards.first)
        recovery = Recovery(self, self._history, self._channels, shards, link_previews=self._link_previews)
        left = await recovery.attempt()
        self._background = [
            asyncio.create_task(self._announce()),
            asyncio.create_task(recovery.try_again(left)),
        ]

    async def _learn_of_shards(self) -> Shards:
        """How many Discord recommends, where that is not set, and how many may identify at once."""
        told = await self.http.request(discord.http.Route("GET", "/gateway/bot"))
        self.shard_count = self.shard_count or told["shards"]
        self._max_concurrency = told["session_start_limit"]["max_concurrency"]
        shards = Shards.chosen(self.shard_count, self.shard_ids)
        self._link.expects(shards.ids)
        if shards.alone:
            return shards
        log.info("This process has the shards %s.", shards)
        with suppress(DatabaseError):
            elsewhere = {guild for guild, _, _ in await self._database.places() if guild not in shards}
            if elsewhere:
                log.warning(
                    "The database remembers %d servers that belong to other shards, so they are answered without it."
                    " python -m bot reshard moves them.",
                    len(elsewhere),
                )
        return shards

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Wait until a shard may begin a session, and drop its servers, as Discord then names those that are left."""
        assert self.application_id is not None  # known since the login
        await may_identify(self.application_id, shard_id or 0, self._max_concurrency)
        for guild in self.guilds:
            if guild.shard_id == shard_id:
                self._connection._remove_guild(guild)  # an unsharded client of discord.py does so by itself

    def _never_cancel_requests(self) -> None:
        """Let each request to Discord come to its own end, also when nobody waits for it any more.

        A request that meets discord.py's global rate limit holds back all others until it has slept; cancelled while
        it sleeps, it would hold them back for ever (seen with 2.7.1).
        """
        request = self.http.request

        async def uninterrupted(*args: Any, **options: Any) -> Any:
            return await asyncio.shield(request(*args, **options))

        self.http.request = uninterrupted  # type: ignore[method-assign]

    def is_new(self, kind: str, number: int) -> bool:
        """Whether an event is heard of for the first time: after a resume Discord may deliver it again."""
        if (kind, number) in self._heard:
            return False
        self._heard.append((kind, number))
        return True

    def dispatch(self, event: str, /, *args: Any, **kwargs: Any) -> None:
        """Hand an event to the cogs, a message or a press only once; and note which shards are connected."""
        if event in ("shard_connect", "shard_resumed"):
            self._link.connected(args[0])
        elif event == "shard_disconnect":
            self._link.lost(args[0])
        if event not in ("message", "interaction") or self.is_new(event, args[0].id):
            super().dispatch(event, *args, **kwargs)

    async def on_message(self, message: discord.Message, /) -> None:
        """Leave messages to the cogs: the bot has no commands with a prefix."""

    async def launch_shard(self, gateway_url: yarl.URL, shard_id: int, *, initial: bool = False) -> None:
        """Connect a shard, as discord.py does but for what `bot.gateway.resume` does better."""
        socket = await resume.connect(self, gateway_url, shard_id, initial=initial)
        ours: Any = self  # whose shards and events are discord.py's own
        ours._AutoShardedClient__shards[shard_id] = shard = resume.Resuming(
            socket, self, ours._AutoShardedClient__queue.put_nowait
        )
        shard.launch()

    async def close(self) -> None:
        """Close the connection to Discord."""
        for task in self._background:
            task.cancel()
        await super().close()

    async def _announce(self) -> None:
        """Show when the model has been loaded."""
        with suppress(ModelError):  # told by `serve`
            await self._engine.ready()
            self.activity = _READY  # for the next time the gateway asks who we are
            await self.wait_until_ready()
            for shard in self.shards:
                await self.on_shard_resumed(shard)

    async def on_shard_resumed(self, shard: int) -> None:
        """Show again what the bot is doing: a connection that was lost may not have heard of it."""
        with suppress(discord.ConnectionClosed, *TRANSIENT_ERRORS):
            await self.change_presence(activity=self.activity, shard_id=shard)  # type: ignore[arg-type]

    async def _sync_commands(self, *, register: bool) -> None:
        """Register the commands, if Discord knows others: registering is rationed per day, and for one process."""
        assert self.application_id is not None  # known since the login
        path = "/applications/{application_id}/commands"
        if self._guild:
            self.tree.copy_global_to(guild=self._guild)
            path = "/applications/{application_id}/guilds/{guild_id}/commands"
        route = discord.http.Route(
            "GET", path, application_id=self.application_id, guild_id=self._guild and self._guild.id
        )
        # discord.py's own request leaves out what the commands are called in other languages.
        theirs: Sequence[Any] = await self.http.request(route, params={"with_localizations": "true"})
        commands = self.tree.get_commands(guild=self._guild)
        assert self.tree.translator
        ours = [await command.get_translated_payload(self.tree, self.tree.translator) for command in commands]
        if not register or same_commands(ours, theirs):
            ids = {command["name"]: command["id"] for command in theirs}
        else:
            ids = {command.name: command.id for command in await self.tree.sync(guild=self._guild)}
            log.info("Registered the slash commands.")
        for command in self.tree.walk_commands(guild=self._guild):
            name, root = command.qualified_name, command.root_parent or command
            self._mentions[name] = f"</{name}:{ids[root.name]}>" if root.name in ids else f"/{name}"

    async def _on_command_error(
        self, interaction: discord.Interaction, error: discord.app_commands.AppCommandError
    ) -> None:
        cause = getattr(error, "original", error)
        self._events.failed(cause)
        sentence = explain(cause)
        try:
            if interaction.response.is_done():
                await interaction.followup.send(sentence, ephemeral=True)
            else:
                await interaction.response.send_message(sentence, ephemeral=True)
        except (discord.HTTPException, *TRANSIENT_ERRORS) as refused:
            log.warning("The error could not be told: %s", refused)


def _traced(link: GatewayStatus) -> aiohttp.TraceConfig:
    """Have the link hear of each reply to discord.py's requests, also of those that it then repeats."""

    async def note(session: object, context: object, request: aiohttp.TraceRequestEndParams) -> None:
        link.requested(request.method, request.url.path, request.response.status)

    trace = aiohttp.TraceConfig()
    trace.on_request_end.append(note)
    return trace


# What we leave open and Discord fills in, differently for a server's commands than for everyone's.
_LEFT_TO_DISCORD = {"contexts", "dm_permission", "integration_types"}


def same_commands(ours: Sequence[Any], theirs: Sequence[Any]) -> bool:
    """Whether Discord's list of commands is what we would register, leaving aside what Discord adds to it."""

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

    return len(ours) == len(theirs) and all(
        all(same(our[name], their.get(name)) for name in our.keys() - _LEFT_TO_DISCORD)
        for our, their in zip(sorted(ours, key=key), sorted(theirs, key=key), strict=True)
    )


async def serve(
    make_client: Callable[[], Parley],
    token: str,
    *,
    conversations: Conversations,
    engine: Engine,
    quitting: asyncio.Event,
) -> None:
    """Keep a bot connected until `quitting` is set; then let answers end and disconnect.

    Raises ModelError when the model cannot be loaded, EngineError when the engine fails for good, and DiscordError
    when Discord refuses the bot.
    """
    connected = asyncio.create_task(_connect(make_client, token))
    failed = asyncio.create_task(engine.wait_failed())
    quit_asked = asyncio.create_task(quitting.wait())
    tasks = (connected, failed, quit_asked)
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if failed.done():
            failed.result()
        if connected.done():
            connected.result()
    finally:
        await conversations.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _connect(make_client: Callable[[], Parley], token: str) -> None:
    """Run a client. One that cannot log in is replaced, as discord.py's cannot be started twice."""
    backoff = ExponentialBackoff()
    while True:
        async with make_client() as client:
            try:
                return await client.start(token)
            except discord.LoginFailure:
                raise DiscordError(_WRONG_TOKEN) from None
            except discord.PrivilegedIntentsRequired:
                raise DiscordError(_NO_INTENT) from None
            except discord.ConnectionClosed as closed:
                if sentence := _CLOSED.get(closed.code):
                    raise DiscordError(sentence) from None
                raise DiscordError(f"Discord closed the connection for good: {closed}") from closed
            except (discord.HTTPException, *TRANSIENT_ERRORS) as error:
                if isinstance(error, discord.HTTPException) and not is_transient(error):
                    raise DiscordError(
                        f"Discord does not let the bot start: {error}. If GUILD_ID is set, the bot must be in that"
                        " server, invited with the scope applications.commands; python -m bot check looks at that."
                    ) from error
                delay = backoff.delay()
                resume.unreachable(error, delay)
        await asyncio.sleep(delay)
