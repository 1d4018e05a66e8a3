"""Corrections of answers, the buttons of the review channel, and /feedback."""

import asyncio
import logging
from pathlib import PurePath
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.conversation.blocked_words import BlockedWords
from bot.gateway.client import Client
from bot.gateway.presses import Press
from bot.messages.access import channel_ref
from bot.messages.active_replies import ActiveReplies
from bot.messages.buttons import Button, with_view
from bot.messages.consent import Consent, decision
from bot.messages.corrections import Corrections
from bot.messages.forms import Form
from bot.messages.review import Review, ReviewButton, Verdict
from bot.storage.database import DatabaseError
from bot.storage.examples import ExampleStore
from bot.texts import (
    CORRECT_ANSWER,
    CORRECTED,
    CORRECTED_HERE,
    CORRECTED_NOT_HERE,
    CORRECTION_EVERYWHERE,
    CORRECTION_FIELD,
    CORRECTION_HERE,
    CORRECTION_ONLY_KEPT,
    CORRECTOR_REFUSED,
    CORRECTOR_UNDECIDED,
    DATABASE_UNAVAILABLE,
    DISCARDED,
    FEEDBACK,
    MAY_I_KEEP,
    MODERATORS_ONLY,
    NO_LONGER_KEPT,
    NOT_CORRECTABLE,
    NOT_YOURS,
    TOO_LONG_TO_CORRECT,
    feedback_text,
)

log = logging.getLogger(__name__)

_LONGEST = 4000  # characters; Discord's own limit for a field of a form


class PressedReview(Press, template=ReviewButton.TEMPLATE):
    """A press on a button of the review channel."""

    kind = ReviewButton
    _button: ReviewButton

    async def refusal(self, interaction: discord.Interaction[Client]) -> str | None:
        """See Press."""
        return None if interaction.permissions.manage_messages else MODERATORS_ONLY

    async def act(self, interaction: discord.Interaction[Client]) -> None:
        """See Press."""
        cog = interaction.client.get_cog(Feedback.__cog_name__)
        assert isinstance(cog, Feedback)
        await cog.review(interaction, self._button)


class Feedback(commands.Cog):
    """Takes corrections and reviews. Without `feedback`, only what is in the review channel still can be reviewed.

    `form_patience` is for how many seconds a form may wait for the answer that it shows.
    """

    def __init__(
        self,
        bot: commands.AutoShardedBot,
        active_replies: ActiveReplies,
        examples: ExampleStore,
        consent: Consent,
        corrections: Corrections,
        review: Review,
        blocked_words: BlockedWords,
        *,
        feedback: bool,
        form_patience: float,
    ) -> None:
        self._bot = bot
        self._active_replies = active_replies
        self._examples = examples
        self._consent = consent
        self._corrections = corrections
        self._review = review
        self._blocked_words = blocked_words
        self._feedback = feedback
        self._form_patience = form_patience

    async def cog_load(self) -> None:
        """Have discord.py recognize the buttons, and add the commands while there is feedback."""
        self._bot.add_dynamic_items(PressedReview)
        if self._feedback:
            # Neither can be declared with a decorator: a context menu not within a class, the other not under a
            # condition.
            self._bot.tree.add_command(app_commands.ContextMenu(name=CORRECT_ANSWER, callback=self.correct))
            counts: app_commands.Command[Any, ..., None] = app_commands.Command(
                name="feedback", description=FEEDBACK, callback=self.counts
            )
            counts.default_permissions = discord.Permissions(manage_guild=True)
            self._bot.tree.add_command(counts)

    async def counts(self, interaction: discord.Interaction) -> None:
        """Say how many answers are kept, and of which kind."""
        await interaction.response.defer(ephemeral=True)
        rows = [
            (PurePath(each.model).name, each.examples, each.likes, each.dislikes, each.corrected, each.reviewed)
            for each in await self._examples.counts()
        ]
        await interaction.edit_original_response(content=feedback_text(rows))

    async def correct(self, interaction: discord.Interaction, message: discord.Message) -> None:
        """Open a form with the answer in it, for the asker and moderators."""
        await self._open_form(interaction, channel_ref(interaction).channel, message.id)

    async def review(self, interaction: discord.Interaction[Client], button: ReviewButton) -> None:
        """Do what a button of the review channel says."""
        match button.verdict:
            case Verdict.CORRECT:
                await self._open_form(interaction, button.channel, button.message)
            case Verdict.DISCARD:
                await interaction.response.defer()
                await self._examples.discard(button.channel, button.message)
                await interaction.edit_original_response(content=DISCARDED, view=None)
            case Verdict.APPROVE:
                await interaction.response.defer()
                if example := await self._examples.approve(button.channel, button.message):
                    self._review.update([example])
                else:
                    await interaction.edit_original_response(content=NO_LONGER_KEPT, view=None)

    async def _open_form(self, interaction: discord.Interaction[Any], channel: int, message: int) -> None:
        try:
            async with asyncio.timeout(self._form_patience):
                await self._active_replies.settled(message)
                example = await self._examples.find(channel, message)
                decided = await self._examples.consent(interaction.user.id)
        except TimeoutError:
            log.warning("The form of a correction could not be opened: the database is busy, or the answer grows.")
            raise DatabaseError(DATABASE_UNAVAILABLE) from None
        buttons: tuple[Button, ...] = ()
        if example is None:
            sentence = NOT_CORRECTABLE
        elif interaction.user.id != example.turn.asker and not interaction.permissions.manage_messages:
            sentence = NOT_YOURS
        elif decided is None:
            sentence, buttons = f"{CORRECTOR_UNDECIDED} {MAY_I_KEEP}", decision(interaction.user.id)
        elif not decided:
            sentence = CORRECTOR_REFUSED
        elif len(answer := example.correction or example.turn.answer) > _LONGEST:
            sentence = TOO_LONG_TO_CORRECT
        else:
            await interaction.response.send_modal(_Form(self, channel, message, answer))
            return
        await interaction.response.send_message(sentence, ephemeral=True, **with_view(*buttons))

    async def store(
        self, interaction: discord.Interaction[Any], channel: int, message: int, text: str, *, here: bool
    ) -> None:
        """Note a correction, and with `here` replace the answer by it."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        text = self._blocked_words.replace(text)
        example = await self._examples.correct(channel, message, interaction.user.id, text)
        if example is None or example.correction is None:
            await interaction.edit_original_response(content=NOT_CORRECTABLE)
            return
        sentence = CORRECTED
        if here:
            sentence = CORRECTED_HERE if await self._corrections.apply(example, text) else CORRECTED_NOT_HERE
        await interaction.edit_original_response(content=sentence)
        self._review.update([example])
        await self._consent.ask(example.turn.asker)


class _Form(Form, title=CORRECT_ANSWER):
    text: discord.ui.TextInput["_Form"] = discord.ui.TextInput(
        label=CORRECTION_FIELD, style=discord.TextStyle.paragraph, max_length=_LONGEST, custom_id="text"
    )
    where: discord.ui.Label["_Form"] = discord.ui.Label(
        text=CORRECTION_HERE,
        component=discord.ui.Select(
            custom_id="where",
            options=[
                discord.SelectOption(label=CORRECTION_ONLY_KEPT, value="kept", default=True),
                discord.SelectOption(label=CORRECTION_EVERYWHERE, value="here"),
            ],
        ),
    )

    def __init__(self, cog: Feedback, channel: int, message: int, answer: str) -> None:
        super().__init__()
        self._cog = cog
        self._channel = channel
        self._message = message
        self.text.default = answer

    async def on_submit(self, interaction: discord.Interaction) -> None:
        assert isinstance(self.where.component, discord.ui.Select)
        here = self.where.component.values == ["here"]
        await self._cog.store(interaction, self._channel, self._message, self.text.value.strip(), here=here)
