"""/help and /status: what the bot is, and how it is."""

import time
from collections.abc import Mapping
from pathlib import PurePath

import discord
import psutil
from discord import app_commands
from discord.ext import commands

from bot import __version__
from bot.engine import Engine
from bot.monitoring.loop_lag import LoopLagMonitor
from bot.shards import Shards
from bot.storage.channel_settings import ChannelSettingsStore
from bot.texts import HELP, STATUS, help_text, status_text


class About(commands.Cog):
    """Tells about the bot, to who asks alone. `mentions` are the commands as Discord makes them clickable, by name."""

    def __init__(
        self,
        channels: ChannelSettingsStore,
        engine: Engine,
        mentions: Mapping[str, str],
        shards: Shards,
        stalls: LoopLagMonitor,
    ) -> None:
        self._channels = channels
        self._engine = engine
        self._mentions = mentions
        self._shards = shards
        self._stalls = stalls
        self._started = time.monotonic()

    @app_commands.command(description=HELP)
    async def help(self, interaction: discord.Interaction) -> None:
        """Say what the bot does and what it remembers."""
        assert interaction.client.user
        await interaction.response.defer(ephemeral=True)
        manner = await self._channels.manner(interaction.channel_id, getattr(interaction.channel, "parent_id", None))
        text = help_text(interaction.client.user.mention, self._mentions, manner.turns)
        await interaction.edit_original_response(content=text)

    @app_commands.command(description=STATUS)
    async def status(self, interaction: discord.Interaction) -> None:
        """Say how the model, the program and the connection are."""
        engine = self._engine.status()
        text = status_text(
            model=PurePath(engine.model).name,  # where it lies is nobody's business
            precision=engine.precision,
            running=engine.running,
            waiting=engine.waiting,
            speed=engine.speed,
            memory=psutil.Process().memory_info().rss,
            latency=interaction.client.latency,
            stall=self._stalls.longest,
            uptime=time.monotonic() - self._started,
            version=__version__,
            shards="" if self._shards.alone else str(self._shards),
        )
        await interaction.response.send_message(text, ephemeral=True)
