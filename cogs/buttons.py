"""Stop and Regenerate, pressed."""

import discord
from discord.ext import commands

from bot.conversation.conversations import Conversations, Stale
from bot.messages import permissions
from bot.messages.access import Access
from bot.messages.buttons import Action, Button
from bot.messages.replies import Replies
from bot.texts import NOT_YOURS, STALE


class Buttons(commands.Cog):
    """Acts on presses, for the asker and for who may manage messages."""

    def __init__(self, conversations: Conversations, replies: Replies, access: Access) -> None:
        self._access = access
        self._conversations = conversations
        self._replies = replies

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction) -> None:
        """Do what the button says, or tell privately why not."""
        if interaction.type is not discord.InteractionType.component or not (button := Button.read(interaction)):
            return
        if sentence := permissions.refusal(self._access, interaction):
            await interaction.response.send_message(sentence, ephemeral=True)
        elif not button.may_be_pressed(interaction):
            await interaction.response.send_message(NOT_YOURS, ephemeral=True)
        elif button.action is Action.STOP:
            await self._stop(interaction)
        else:
            await self._regenerate(interaction, button.asker)

    async def _stop(self, interaction: discord.Interaction) -> None:
        assert interaction.message
        if self._replies.growing.stop(interaction.message.id):
            await interaction.response.defer()
        else:
            await interaction.response.edit_message(view=None)
            await interaction.followup.send(STALE, ephemeral=True)

    async def _regenerate(self, interaction: discord.Interaction, asker: int) -> None:
        assert interaction.message
        assert interaction.channel_id
        await interaction.response.defer()
        async with self._replies.again(interaction, asker) as reply:
            try:
                await self._conversations.regenerate(
                    interaction.channel_id,
                    interaction.message.id,
                    interaction.user.id,
                    reply.show,
                    shared=interaction.guild_id is not None,
                    parent=getattr(interaction.channel, "parent_id", None),
                )
            except Stale:
                await interaction.edit_original_response(view=None)  # the button no longer applies
                raise
