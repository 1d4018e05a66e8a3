"""Whether a message is meant for the bot."""

from collections.abc import Sequence
from typing import Any

import discord

from bot.messages.access import channel_ref
from bot.messages.wake_words import WakeWords

_WRITTEN_BY_PEOPLE = (discord.MessageType.default, discord.MessageType.reply)


def is_by_a_person(message: discord.Message) -> bool:
    """Whether a person wrote a message, not a bot, a webhook or Discord itself."""
    return not message.author.bot and not message.webhook_id and message.type in _WRITTEN_BY_PEOPLE


class Addressing:
    """Recognizes messages that are meant for the bot, which is the client's user."""

    def __init__(
        self,
        client: discord.Client,
        *,
        chat_channels: frozenset[int],
        wake_words: Sequence[str],
        auto_thread: bool,
    ) -> None:
        self._client = client
        self._chat_channels = chat_channels
        self._auto_thread = auto_thread
        self._wake_words = WakeWords(wake_words)

    def is_addressed(self, message: discord.Message) -> bool:
        """Whether a message is a direct one, where all are meant, mentions the bot or its role, or replies to it."""
        return (
            channel_ref(message).guild is None
            or self.listens_in(message.channel)
            or self.is_mentioned(message)
            or bool(message.guild and message.guild.self_role in message.role_mentions)
            or self.is_reply(message)
        )

    def listens_in(self, channel: Any) -> bool:
        """Whether all that people write in a channel is meant for the bot: a chat channel, or a thread of its own."""
        return channel.id in self._chat_channels or (
            self._auto_thread
            and isinstance(channel, discord.Thread)
            and channel.owner_id == (self._client.user and self._client.user.id)
            and not channel.locked
            and self._client.intents.message_content
        )

    def is_called(self, message: discord.Message) -> bool:
        """Whether somebody calls the bot by one of its names, maybe without knowing that it hears them."""
        return self._wake_words.are_in(message.content)

    def is_mentioned(self, message: discord.Message) -> bool:
        """Whether a message mentions the bot itself, so that Discord lets it read the message in any case."""
        return self._client.user in message.mentions

    def is_reply(self, message: discord.Message) -> bool:
        """Whether a message replies to the bot."""
        replied_to = message.reference and message.reference.resolved
        return isinstance(replied_to, discord.Message) and replied_to.author == self._client.user
