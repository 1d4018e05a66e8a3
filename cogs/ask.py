"""/ask: one question by itself."""

import discord
from discord import app_commands
from discord.ext import commands

from bot.conversation import Conversations
from bot.replies import Replies


class Ask(commands.Cog):
    """Answers one-off questions."""

    def __init__(self, conversations: Conversations, replies: Replies) -> None:
        self._conversations = conversations
        self._replies = replies

    @app_commands.command(description="Ask one question by itself, without this channel's conversation")
    @app_commands.describe(prompt="Your question", private="Show the answer to you alone")
    async def ask(self, interaction: discord.Interaction, prompt: str, private: bool = False) -> None:
        """Answer without reading or storing turns."""
        await interaction.response.defer(thinking=True, ephemeral=private)
        async with self._replies.to_command(interaction, private=private) as reply:
            await self._conversations.ask(prompt, reply.show)
