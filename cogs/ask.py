"""/ask and "Ask about this message": one question by itself."""

from functools import partial

import discord
from discord import app_commands
from discord.ext import commands

from bot.conversation.conversations import Conversations, Question
from bot.gateway.client import Client
from bot.messages.access import channel_ref, hourly_limit
from bot.messages.forms import Form
from bot.messages.incoming_text import IncomingText, resolved
from bot.messages.placeholders import placeholders
from bot.messages.replies import Replies
from bot.texts import ABOUT_MESSAGE, ASK, ASK_PRIVATE, ASK_PROMPT, QUESTION, answered_without

_LONGEST = 6000  # characters; Discord's own limit for an option


class Ask(commands.Cog):
    """Answers one-off questions."""

    def __init__(self, bot: Client, conversations: Conversations, replies: Replies) -> None:
        self._bot = bot
        self._conversations = conversations
        self._replies = replies
        # A context menu cannot be declared with a decorator within a class.
        self._menu = app_commands.ContextMenu(name=ABOUT_MESSAGE, callback=self.about_message)

    async def cog_load(self) -> None:
        """Add the context menu to the tree, where the cog's slash commands are."""
        self._bot.tree.add_command(self._menu)

    @app_commands.command(description=ASK)
    @app_commands.describe(prompt=ASK_PROMPT, private=ASK_PRIVATE)
    async def ask(
        self,
        interaction: discord.Interaction,
        prompt: app_commands.Range[str, 1, _LONGEST],
        private: bool = False,
    ) -> None:
        """Answer without reading or storing turns."""
        await self.answer(interaction, prompt, private=private)

    async def about_message(self, interaction: discord.Interaction, message: discord.Message) -> None:
        """Ask for the question in a form; the answer is private, as others see neither question nor message."""
        assert self._bot.user
        quote = IncomingText.of_quote(message, self._bot.user)
        quote.check()
        await interaction.response.send_modal(_Form(self, quote))

    async def answer(
        self, interaction: discord.Interaction, text: str, *, quote: IncomingText | None = None, private: bool
    ) -> None:
        """Answer a typed text, with a quote put before it."""
        assert self._bot.user
        limit = await hourly_limit(self._bot.access, interaction)
        async with self._replies.to_command(interaction, private=private) as reply:
            question = Question(
                channel_ref(interaction),
                interaction.user.id,
                interaction.user.display_name,
                text,
                message=None if private else interaction.id,
                fetch_text=partial(_fetch_text, text, quote, interaction.guild),
                placeholders=placeholders(interaction, self._bot.user),
                hourly_limit=limit,
            )
            async with self._conversations.asking(question) as answer:
                await interaction.response.defer(thinking=True, ephemeral=private)
                answer.shown_in = await reply.show(answer)
            if quote and quote.unread and answer.said:
                await reply.tell(answered_without(quote.unread))


async def _fetch_text(text: str, quote: IncomingText | None, guild: discord.Guild | None) -> str:
    quoted = f"{await quote.fetch()}\n" if quote else ""
    return quoted + await resolved(text, guild)


class _Form(Form, title=ABOUT_MESSAGE):
    question: discord.ui.TextInput["_Form"] = discord.ui.TextInput(
        label=QUESTION, style=discord.TextStyle.paragraph, max_length=2000
    )

    def __init__(self, cog: Ask, quote: IncomingText) -> None:
        super().__init__()
        self._cog = cog
        self._quote = quote

    async def on_submit(self, interaction: discord.Interaction) -> None:
        await self._cog.answer(interaction, self.question.value, quote=self._quote, private=True)
