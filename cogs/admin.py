"""/quit: what only the bot's owner may do."""

import asyncio

import discord
from discord import app_commands
from discord.ext import commands

from bot.gateway.client import Client
from bot.texts import OWNER_ONLY, QUIT, QUITTING, QUITTING_HERE


class Admin(commands.Cog):
    """Ends the program, for its owner or the owning team."""

    def __init__(self, quitting: asyncio.Event) -> None:
        self._quitting = quitting

    @app_commands.command(description=QUIT)
    async def quit(self, interaction: discord.Interaction[Client]) -> None:
        """Acknowledge and end the program; refuse anyone else."""
        if await interaction.client.is_owner(interaction.user):
            sentence = QUITTING if interaction.client.process_shards.alone else QUITTING_HERE
            await interaction.response.send_message(sentence, ephemeral=True)
            self._quitting.set()
        else:
            await interaction.response.send_message(OWNER_ONLY, ephemeral=True)
