"""👍 and 👎 under an answer, and what people decide about keeping what they write."""

from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.messages.access import channel_ref
from bot.messages.active_replies import ActiveReplies
from bot.messages.buttons import Button, view, with_view
from bot.messages.consent import Consent, decision
from bot.messages.review import Review
from bot.storage.examples import ExampleStore
from bot.texts import DECIDED, MAY_I_KEEP, NOT_KEPT, PRIVACY, UNDECIDED, VOTED


class Votes(commands.Cog):
    """Notes votes and decisions. Without `feedback`, which may have been on before, votes are declined."""

    def __init__(
        self,
        active_replies: ActiveReplies,
        examples: ExampleStore,
        consent: Consent,
        review: Review,
        *,
        feedback: bool,
    ) -> None:
        self._active_replies = active_replies
        self._examples = examples
        self._consent = consent
        self._review = review
        self._feedback = feedback

    async def vote(self, interaction: discord.Interaction[Any], asker: int, *, liked: bool) -> None:
        """Note a vote on the answer above the button. If the asker has not decided about consent, they are asked."""
        assert interaction.message
        await interaction.response.defer(ephemeral=True, thinking=True)
        channel, message, voter = channel_ref(interaction).channel, interaction.message.id, interaction.user.id
        await self._active_replies.settled(message)  # the buttons appear just before the answer is stored
        example = await self._examples.vote(channel, message, voter, liked) if self._feedback else None
        text = VOTED[liked] if example else NOT_KEPT
        buttons: tuple[Button, ...] = ()
        if example and voter == asker and await self._examples.consent(asker) is None:
            text, buttons = f"{text} {MAY_I_KEEP}", decision(asker)
        await interaction.edit_original_response(content=text, **with_view(*buttons))
        if example and voter != asker:
            await self._consent.ask(asker)
        if example and not liked:
            self._review.show(example)

    async def decide(self, interaction: discord.Interaction[Any], *, agreed: bool) -> None:
        """Note whether what the user writes may be kept."""
        await interaction.response.defer()
        person = interaction.user.id
        if agreed:
            waiting, gone = await self._examples.agree(person), []
        else:
            waiting, gone = [], await self._examples.refuse(person)
        await interaction.edit_original_response(content=DECIDED[agreed], view=None)
        self._review.remove(gone)
        for example in waiting:
            if False in example.votes.values():
                self._review.show(example)

    @app_commands.command(description=PRIVACY)
    async def privacy(self, interaction: discord.Interaction[Any]) -> None:
        """Show what the user has decided, with buttons to change it."""
        await interaction.response.defer(ephemeral=True)
        consent = await self._examples.consent(interaction.user.id)
        text = UNDECIDED if consent is None else DECIDED[consent]
        await interaction.edit_original_response(content=text, view=view(*decision(interaction.user.id)))
