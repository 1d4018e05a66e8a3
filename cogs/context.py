"""/clear: resets a channel's conversation."""

import asyncio

import discord
from discord import app_commands
from discord.ext import commands

from bot.conversation.conversations import Conversations
from bot.messages.access import channel_ref
from bot.messages.active_replies import ActiveReplies
from bot.texts import CLEAR, forgotten


class Context(commands.Cog):
    """Clears a channel's turns."""

    def __init__(self, conversations: Conversations, active_replies: ActiveReplies) -> None:
        self._conversations = conversations
        self._active_replies = active_replies

    @app_commands.command(description=CLEAR)
    async def clear(self, interaction: discord.Interaction) -> None:
        """Forget the channel's turns and say how many there were."""
        # Begun first, so that a question asked from now on finds nothing; not awaited yet, as the database may be busy
        # for longer than Discord waits.
        clearing = asyncio.create_task(self._conversations.clear(channel_ref(interaction), interaction.id))
        await interaction.response.defer()
        cleared = await clearing
        self._active_replies.forget(cleared)
        await interaction.edit_original_response(content=forgotten(cleared.count))
