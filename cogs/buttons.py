"""The buttons under an answer, pressed: Stop and Regenerate here, votes in `cogs.votes`."""

import re
from contextlib import suppress
from typing import Any, Self

import discord
from discord.ext import commands

from bot.conversation.conversations import Conversations, Stale
from bot.gateway.client import Client
from bot.messages.access import channel_ref, refusal
from bot.messages.buttons import Action, Button, view
from bot.messages.replies import Replies
from bot.texts import NOT_YOURS, STALE
from cogs.votes import Votes


class PressedButton(discord.ui.DynamicItem[discord.ui.Button[Any]], template=Button.TEMPLATE):
    """A press on one of our buttons, which discord.py recognizes by its custom id."""

    def __init__(self, item: discord.ui.Button[Any], button: Button) -> None:
        super().__init__(item)
        self._button = button

    @classmethod
    async def from_custom_id(  # type: ignore[override]
        cls, interaction: discord.Interaction[Client], item: discord.ui.Button[Any], match: re.Match[str], /
    ) -> Self:
        """See DynamicItem."""
        return cls(item, Button.parse(match))

    async def interaction_check(self, interaction: discord.Interaction[Client], /) -> bool:  # type: ignore[override]
        """Whether the press is new and allowed; tells privately why not."""
        if not interaction.client.is_new("press", interaction.id):
            return False
        sentence = refusal(interaction.client.access, interaction)
        if sentence is None and not self._button.may_be_pressed_by(interaction):
            sentence = NOT_YOURS
        if sentence:
            await interaction.response.send_message(sentence, ephemeral=True)
        return sentence is None

    async def callback(self, interaction: discord.Interaction[Client]) -> None:  # type: ignore[override]
        """Do what the button says; a failure is told as that of a command."""
        try:
            await self._act(interaction)
        except Exception as error:
            await interaction.client.tree.on_error(interaction, error)  # type: ignore[arg-type]

    async def _act(self, interaction: discord.Interaction[Client]) -> None:
        buttons, votes = (interaction.client.get_cog(cog.__cog_name__) for cog in (Buttons, Votes))
        assert isinstance(buttons, Buttons)
        assert isinstance(votes, Votes)
        match self._button.action:
            case Action.STOP:
                await buttons.stop(interaction, self._button.person)
            case Action.REGENERATE:
                await buttons.regenerate(interaction, self._button.person)
            case Action.LIKE | Action.DISLIKE as action:
                await votes.vote(interaction, self._button.person, liked=action is Action.LIKE)
            case Action.AGREE | Action.REFUSE as action:
                await votes.decide(interaction, agreed=action is Action.AGREE)


class Buttons(commands.Cog):
    """Acts on presses."""

    def __init__(self, bot: Client, conversations: Conversations, replies: Replies) -> None:
        self._bot = bot
        self._conversations = conversations
        self._replies = replies

    async def cog_load(self) -> None:
        """Have discord.py recognize our buttons."""
        self._bot.add_dynamic_items(PressedButton)

    async def stop(self, interaction: discord.Interaction[Client], asker: int) -> None:
        """Stop the answer above the button, which may have been completed just now."""
        assert interaction.message
        await interaction.response.defer()
        message = interaction.message.id
        if not self._replies.active.stop(message):
            again = await self._conversations.is_regenerable(channel_ref(interaction), message)
            left = self._replies.active.buttons.newest(asker) if again else ()
            await interaction.edit_original_response(view=view(*left))
            await interaction.followup.send(STALE, ephemeral=True)

    async def regenerate(self, interaction: discord.Interaction[Client], asker: int) -> None:
        """Answer the question again, in place of the answer above the button."""
        assert interaction.message
        channel, message = channel_ref(interaction), interaction.message.id
        async with self._replies.replacing(interaction, asker) as reply:
            try:
                async with self._conversations.regenerating(channel, message, interaction.user.id) as answer:
                    await interaction.response.defer()
                    answer.shown_in = await reply.show(answer)
            except Stale:
                with suppress(discord.HTTPException):  # the message may be gone, and so is the dead button
                    left = self._replies.active.buttons.older(asker)
                    await interaction.edit_original_response(view=view(*left))
                raise
