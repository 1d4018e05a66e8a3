"""Builds the parts of the Discord bot, hands them on by argument, and closes them in reverse order."""

import asyncio
import logging
import os
import signal
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from functools import partial

from bot.background import in_background
from bot.check.application import look_at_discord
from bot.check.database import look_at_database
from bot.check.findings import check
from bot.check.model import look_at_model
from bot.check.options import look_at_settings
from bot.check.remote import look_at_engines
from bot.core import Core, check_files
from bot.engine import Engine
from bot.engine.opening import local_engine, open_engine, remote_engine, sampling
from bot.errors import UserError
from bot.gateway.client import Client
from bot.gateway.login import Retries, Unreachable, explained
from bot.gateway.status import GatewayStatus
from bot.messages.access import Access
from bot.messages.active_replies import ActiveReplies
from bot.messages.addressing import Addressing
from bot.messages.auto_threads import AutoThreads
from bot.messages.buttons import FinalButtons
from bot.messages.channel_context import ChannelContext
from bot.messages.consent import Consent
from bot.messages.corrections import Corrections
from bot.messages.pacing import Pacer
from bot.messages.recovery import Recovery
from bot.messages.refusals import Refusals
from bot.messages.replies import Replies
from bot.messages.review import Review
from bot.monitoring.health import Health
from bot.monitoring.http import served
from bot.monitoring.loop_lag import LoopLagMonitor
from bot.monitoring.metrics import Metrics
from bot.monitoring.systemd import notified
from bot.settings import Settings, SettingsError
from bot.shards import Shards
from bot.signals import in_loop
from bot.storage.database import Database, DatabaseError, open_database
from bot.storage.pending_changes import PendingChanges
from bot.timing import TIMING, Timing
from cogs.about import About
from cogs.admin import Admin
from cogs.ask import Ask
from cogs.buttons import Buttons
from cogs.channel import Channel
from cogs.chat import Chat
from cogs.context import Context
from cogs.feedback import Feedback
from cogs.privacy import Privacy
from cogs.votes import Votes

log = logging.getLogger(__name__)


class Bot:
    """The Discord bot, put together. Set `quitting` to have it end."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        engine: Engine,
        *,
        metrics: Metrics,
        timing: Timing = TIMING,
    ) -> None:
        self._settings = settings
        self._database = database
        self._engine = engine
        self._timing = timing
        self.metrics = metrics
        self.quitting = asyncio.Event()
        self.gateway = GatewayStatus()
        self.loop_lag = LoopLagMonitor()
        self.core = Core(settings, database, engine, summaries=settings.summary, observer=metrics, timing=timing)
        self.health = Health(
            database=database,
            engine=engine,
            gateway=self.gateway,
            loop_lag=self.loop_lag,
            gateway_limit=timing.gateway_limit,
            engine_limit=timing.engine_limit,
            database_limit=timing.database_limit,
        )
        self._changes = PendingChanges(retry_interval=timing.retry_interval)
        self._pacer = Pacer(settings.requests_per_second, timing.edit_interval, timing.longest_edit_interval)
        self._active_replies = ActiveReplies(
            self._pacer,
            Refusals(self._pacer, interval=timing.refusal_interval, lifetime=timing.refusal_lifetime),
            metrics,
            FinalButtons(settings.feedback),
            delivery_patience=timing.delivery_patience,
            notice_interval=timing.notice_interval,
        )
        self._replies = Replies(
            self._active_replies, link_previews=settings.link_previews, token_lifetime=timing.token_lifetime
        )
        self._review = Review(self.core.examples, self._pacer, settings.feedback_channel)
        metrics.collect_from(
            conversations=self.core.conversations, engine=engine, gateway=self.gateway, loop_lag=self.loop_lag
        )

    async def run(self) -> None:
        """Stay connected until `quitting` is set; then let answers end and disconnect.

        Raises ModelError when the model cannot be loaded, EngineError when the engine fails for good, and DiscordError
        when Discord refuses the bot.
        """
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.loop_lag.running())
            await stack.enter_async_context(self._changes.running())
            if self.core.summaries:
                await stack.enter_async_context(self.core.summaries.running())
            connected = asyncio.create_task(self._stay_connected())
            failed = asyncio.create_task(self._engine.wait_failed())
            quit_asked = asyncio.create_task(self.quitting.wait())
            tasks = (connected, failed, quit_asked)
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                if failed.done():
                    failed.result()
                if connected.done():
                    connected.result()
            finally:
                await self.core.conversations.close()
                await self._changes.flush()
                await self._active_replies.close(patience=self._timing.last_words)
                await self._review.close(patience=self._timing.last_words)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _stay_connected(self) -> None:
        """Log in until it succeeds, each time with a new client, as discord.py's cannot be started twice."""
        retries = Retries()
        while True:
            try:
                with explained(self._settings.need_message_content):
                    return await self._connect()
            except Unreachable as error:
                await retries.pause(error)

    async def _connect(self) -> None:
        """Log in, complete what a killed process left unfinished, and hear events until the connection ends."""
        settings = self._settings
        async with Client(
            access=Access.of(settings),
            status=self.gateway,
            observer=self.metrics,
            message_content=bool(settings.need_message_content),
            message_content_if_enabled=settings.auto_thread,
            guild_id=settings.guild_id,
            shard_count=settings.shard_count,
            shard_ids=settings.shard_ids,
            guild_ready_timeout=self._timing.guild_ready_timeout,
            identify_pause=self._timing.identify_pause,
        ) as client:
            await client.login(settings.discord_token or "")
            shards = client.process_shards
            self._pacer.limit(settings.requests_per_second * len(shards.ids) / shards.count)
            await self._warn_of_other_shards(shards)
            await self._add_cogs(client)
            recovery = Recovery(
                client,
                self._active_replies,
                self.core.turns,
                self.core.channel_settings,
                shards,
                link_previews=settings.link_previews,
            )
            unfinished = await recovery.attempt()
            async with in_background(
                recovery.retry(unfinished),
                self._announce_ready(client),
                self._active_replies.remove_forgotten_buttons(client),
                self._review.run(client),
            ):
                await client.connect()

    async def _add_cogs(self, client: Client) -> None:
        core, settings = self.core, self._settings
        addressing = Addressing(
            client,
            chat_channels=settings.chat_channels,
            wake_words=settings.wake_words,
            auto_thread=settings.auto_thread,
        )
        auto_threads = AutoThreads(addressing, self._pacer, on=settings.auto_thread)
        context = ChannelContext(client, core.turns, addressing, client.access, limit=settings.context_messages)
        consent = Consent(client, core.examples)
        corrections = Corrections(client, self._active_replies, core.turns, core.channel_settings, core.examples)
        await client.add_cogs(
            Chat(client, core.conversations, self._replies, client.access, addressing, auto_threads, context),
            Ask(client, core.conversations, self._replies),
            Buttons(client, core.conversations, self._replies, context),
            Votes(self._active_replies, core.examples, consent, self._review, feedback=settings.feedback),
            Feedback(
                client,
                self._active_replies,
                core.examples,
                consent,
                corrections,
                self._review,
                core.blocked_words,
                feedback=settings.feedback,
                form_patience=self._timing.form_patience,
            ),
            Context(core.conversations, self._active_replies),
            Admin(self.quitting),
            Privacy(
                client,
                self._database,
                core.turns,
                core.examples,
                self._review,
                self._active_replies,
                self.gateway,
                self._changes,
            ),
            Channel(core.channel_settings, core.turns, self._active_replies, form_patience=self._timing.form_patience),
            About(
                core.channel_settings,
                self._engine,
                self.loop_lag,
                feedback=settings.feedback,
                wake_words=settings.wake_words,
                auto_thread=settings.auto_thread,
                blocked_words=core.blocked_words,
                context_messages=settings.context_messages,
            ),
        )

    async def _warn_of_other_shards(self, shards: Shards) -> None:
        """Guilds of other processes are not heard of here, whatever the database remembers of them."""
        with suppress(DatabaseError):
            elsewhere = {guild async for guild in self._database.guilds() if guild not in shards}
            if elsewhere:
                log.warning(
                    "The database remembers %d servers that belong to other shards, so they are answered without it."
                    " python -m bot reshard moves them.",
                    len(elsewhere),
                )

    async def _announce_ready(self, client: Client) -> None:
        with suppress(UserError):  # `run` hears of it
            await self._engine.ready()
            await client.announce_ready()


async def run_bot(settings: Settings) -> None:
    """Run the Discord bot as a program: with health checks, systemd and signals. Raises UserError."""
    if not settings.discord_token:
        raise SettingsError(
            "DISCORD_TOKEN is not set. Create a bot at https://discord.com/developers/applications, copy its token"
            " into a file .env as DISCORD_TOKEN=..., and start again; README.md shows how. Without Discord, try:"
            " python -m bot chat"
        )
    check_files(settings)
    metrics = Metrics()
    async with open_database(settings.database_path, metrics) as database, open_engine(settings) as engine:
        bot = Bot(settings, database, engine, metrics=metrics)
        async with AsyncExitStack() as stack:
            if settings.health_address:
                await stack.enter_async_context(served(settings.health_address, bot.health, metrics.registry))
            await stack.enter_async_context(notified(os.environ, bot.health, bot.gateway, bot.quitting))
            await engine.validated()
            for ending in (signal.SIGINT, signal.SIGTERM):
                signal.signal(ending, in_loop(bot.quitting.set))
            try:
                await bot.run()
            finally:
                for ending in (signal.SIGINT, signal.SIGTERM):
                    signal.signal(ending, signal.SIG_IGN)  # it is ending already


async def run_check(settings: Settings, warnings: Sequence[str], *, as_json: bool) -> bool:
    """Look at everything; returns whether nothing is wrong."""
    # What takes longest comes last.
    areas = {
        "settings": look_at_settings(settings, warnings),
        "database": look_at_database(settings.database_path),
        "discord": look_at_discord(settings, Access.of(settings)),
        "model": look_at_engines(
            settings.engine_url,
            lambda url: remote_engine(replace(settings, engine_url=(url,))),
            system_prompt=settings.system_prompt,
            sampling=sampling(settings),
        )
        if settings.engine_url
        else look_at_model(
            settings.model_path,
            partial(local_engine, settings),
            system_prompt=settings.system_prompt,
            sampling=sampling(settings),
        ),
    }
    return await check(areas, as_json=as_json)
