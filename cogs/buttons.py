"""The buttons under an answer, pressed: Stop, Regenerate and Continue here, votes in `cogs.votes`."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

import discord
from discord.ext import commands

from bot.conversation.answer import Answer
from bot.conversation.conversations import Conversations, Stale
from bot.gateway.client import Client
from bot.gateway.presses import Press
from bot.messages import access
from bot.messages.access import channel_ref, hourly_limit
from bot.messages.buttons import Action, Button, view
from bot.messages.channel_context import ChannelContext
from bot.messages.placeholders import placeholders
from bot.messages.replies import Replies
from bot.texts import NOT_YOURS, STALE
from cogs.votes import Votes


class PressedButton(Press, template=Button.TEMPLATE):
    """A press on a button under an answer."""

    kind = Button
    _button: Button

    async def refusal(self, interaction: discord.Interaction[Client]) -> str | None:
        """See Press."""
        may_press = self._button.may_be_pressed_by(interaction)
        return await access.refusal(interaction.client.access, interaction) or (None if may_press else NOT_YOURS)

    async def act(self, interaction: discord.Interaction[Client]) -> None:
        """See Press."""
        buttons, votes = (interaction.client.get_cog(cog.__cog_name__) for cog in (Buttons, Votes))
        assert isinstance(buttons, Buttons)
        assert isinstance(votes, Votes)
        match self._button.action:
            case Action.STOP:
                await buttons.stop(interaction, self._button.person)
            case Action.REGENERATE:
                await buttons.regenerate(interaction, self._button.person)
            case Action.CONTINUE:
                await buttons.go_on(interaction, self._button.person)
            case Action.LIKE | Action.DISLIKE as action:
                await votes.vote(interaction, self._button.person, liked=action is Action.LIKE)
            case Action.AGREE | Action.REFUSE as action:
                await votes.decide(interaction, agreed=action is Action.AGREE)


class Buttons(commands.Cog):
    """Acts on presses."""

    def __init__(self, bot: Client, conversations: Conversations, replies: Replies, context: ChannelContext) -> None:
        self._bot = bot
        self._conversations = conversations
        self._replies = replies
        self._context = context
        self._pressed: set[int] = set()  # messages whose answers are being replaced or continued

    async def cog_load(self) -> None:
        """Have discord.py recognize our buttons."""
        self._bot.add_dynamic_items(PressedButton)

    async def stop(self, interaction: discord.Interaction[Client], asker: int) -> None:
        """Stop the answer above the button, which may have been completed just now."""
        assert interaction.message
        await interaction.response.defer()
        message = interaction.message.id
        if not self._replies.active.stop(message):
            await interaction.edit_original_response(view=view(*await self._left(interaction, asker)))
            await interaction.followup.send(STALE, ephemeral=True)

    async def regenerate(self, interaction: discord.Interaction[Client], asker: int) -> None:
        """Answer the question again, in place of the answer above the button."""
        await self._show(interaction, asker, self._conversations.regenerating)

    async def go_on(self, interaction: discord.Interaction[Client], asker: int) -> None:
        """Continue the answer above the button, which its length has ended."""
        await self._show(interaction, asker, self._conversations.continuing)

    async def _show(
        self,
        interaction: discord.Interaction[Client],
        asker: int,
        answering: Callable[..., AbstractAsyncContextManager[Answer]],
    ) -> None:
        assert interaction.message
        assert self._bot.user
        message = interaction.message.id
        if message in self._pressed:  # twice at once, which asks for no more than once
            await interaction.response.defer()
            return
        self._pressed.add(message)
        try:
            names = placeholders(interaction, self._bot.user)
            limit = await hourly_limit(interaction.client.access, interaction)
            context = self._context.of(interaction.channel)
            asked = (channel_ref(interaction), message, interaction.user.id)
            async with (
                self._replies.replacing(interaction, asker) as reply,
                self._told_stale(interaction, asker),
                answering(*asked, placeholders=names, fetch_context=context, hourly_limit=limit) as answer,
            ):
                await interaction.response.defer()
                answer.shown_in = await reply.show(answer)
                self._pressed.discard(message)  # its button is a new one
        finally:
            self._pressed.discard(message)

    @asynccontextmanager
    async def _told_stale(self, interaction: discord.Interaction[Client], asker: int) -> AsyncIterator[None]:
        """Leave only the buttons that apply where a press came too late."""
        try:
            yield
        except Stale:
            with suppress(discord.HTTPException):  # the message may be gone, and so is the dead button
                left = await self._left(interaction, asker) or self._replies.active.buttons.older(asker)
                await interaction.edit_original_response(view=view(*left))
            raise

    async def _left(self, interaction: discord.Interaction[Client], asker: int) -> tuple[Button, ...]:
        """The buttons that apply to the answer above a stale one, if it can be regenerated."""
        assert interaction.message
        turn = await self._conversations.regenerable(channel_ref(interaction), interaction.message.id)
        return self._replies.active.buttons.newest(asker, cut=turn.beginning is not None) if turn else ()
