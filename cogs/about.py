"""/help and /status: what the bot is, and how it is."""

import time
from collections.abc import Sequence
from pathlib import PurePath

import discord
import psutil
from discord import app_commands
from discord.ext import commands

from bot import __version__
from bot.conversation.blocked_words import BlockedWords
from bot.engine import Engine
from bot.gateway.client import Client
from bot.messages.access import channel_ref, hourly_limit
from bot.monitoring.loop_lag import LoopLagMonitor
from bot.storage.channel_settings import ChannelSettingsStore
from bot.texts import HELP, STATUS, help_text, status_text


class About(commands.Cog):
    """Tells about the bot, to the one who asks alone."""

    def __init__(
        self,
        channel_settings: ChannelSettingsStore,
        engine: Engine,
        loop_lag: LoopLagMonitor,
        *,
        feedback: bool,
        wake_words: Sequence[str],
        auto_thread: bool,
        blocked_words: BlockedWords,
        context_messages: int,
    ) -> None:
        self._channel_settings = channel_settings
        self._engine = engine
        self._loop_lag = loop_lag
        self._feedback = feedback
        self._wake_words = wake_words
        self._auto_thread = auto_thread
        self._blocked_words = blocked_words
        self._context_messages = context_messages
        self._started = time.monotonic()

    @app_commands.command(description=HELP)
    async def help(self, interaction: discord.Interaction[Client]) -> None:
        """Say what the bot does and what it remembers."""
        client = interaction.client
        assert client.user
        await interaction.response.defer(ephemeral=True)
        settings = await self._channel_settings.effective(channel_ref(interaction))
        in_server = interaction.guild_id is not None
        text = help_text(
            client.user.mention,
            client.command_mentions,
            settings.turns,
            feedback=self._feedback,
            hourly_limit=await hourly_limit(client.access, interaction),
            wake_words=self._wake_words,
            auto_thread=self._auto_thread and in_server,
            replaces=bool(self._blocked_words),
            context_messages=self._context_messages if in_server else 0,
        )
        await interaction.edit_original_response(content=text)

    @app_commands.command(description=STATUS)
    async def status(self, interaction: discord.Interaction[Client]) -> None:
        """Say how the model, the program and the connection are."""
        engine = self._engine.status()
        shards = interaction.client.process_shards
        text = status_text(
            model=PurePath(engine.model).name,  # its path is nobody's business
            precision=engine.precision,
            running=engine.running,
            waiting=engine.waiting,
            speed=engine.speed,
            memory=psutil.Process().memory_info().rss,
            latency=interaction.client.latency,
            stall=self._loop_lag.longest,
            uptime=time.monotonic() - self._started,
            version=__version__,
            shards="" if shards.alone else str(shards),
        )
        await interaction.response.send_message(text, ephemeral=True)
