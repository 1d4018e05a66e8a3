"""A correction of an answer, put in its place in Discord and in its turn."""

import discord

from bot.messages.active_replies import ActiveReplies
from bot.messages.buttons import view
from bot.messages.pages import pages
from bot.storage.channel_settings import ChannelSettingsStore
from bot.storage.example import Example
from bot.storage.examples import ExampleStore
from bot.storage.turns import TurnStore


class Corrections:
    """Replaces answers by their corrections."""

    def __init__(
        self,
        client: discord.Client,
        active_replies: ActiveReplies,
        turns: TurnStore,
        channel_settings: ChannelSettingsStore,
        examples: ExampleStore,
    ) -> None:
        self._client = client
        self._active_replies = active_replies
        self._turns = turns
        self._channel_settings = channel_settings
        self._examples = examples

    async def apply(self, example: Example, text: str) -> bool:
        """Show a text in the messages of an example's answer, and store it in the turn, if that is still there.

        Returns False, having done nothing, if the messages have no room for it or show another answer at the moment.
        Raises DatabaseError, and what Discord refuses.
        """
        ref, messages = example.turn.channel, example.turn.answer_messages
        texts = [page.content.strip() for page in pages(text)]
        if len(texts) > len(messages) or any(map(self._active_replies.is_under_way, messages)):
            return False
        turn = await self._turns.find(ref.channel, messages[-1])
        newest = await self._turns.recent(ref.channel, 1)
        of_asker = (
            self._active_replies.buttons.newest if turn and turn in newest else self._active_replies.buttons.older
        )
        channel = self._client.get_partial_messageable(ref.channel)
        kept, surplus = messages[: len(texts)], messages[len(texts) :]
        for message, page in zip(kept, texts, strict=True):
            buttons = of_asker(example.turn.asker) if message == kept[-1] else ()
            await self._active_replies.pacer.slot()
            await channel.get_partial_message(message).edit(content=page, view=view(*buttons))
        for message in surplus:
            await self._active_replies.delete(channel.get_partial_message(message))
        if turn:
            settings = await self._channel_settings.effective(ref)
            await self._turns.save_answer(turn, text)
            await self._turns.save_messages(turn, kept, settings.turns)
        await self._examples.move(example, kept)
        return True
