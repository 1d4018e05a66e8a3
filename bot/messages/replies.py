"""Makes the bot's replies: to a message, to a command, in place of an old answer."""

from typing import Any

import discord

from bot.messages.active_replies import ActiveReplies
from bot.messages.destinations import CommandResponse, MessageReply, Replacement
from bot.messages.live_reply import LiveReply


class Replies:
    """Makes live replies. `link_previews`: whether Discord shows what the links in them lead to.

    `token_lifetime` is for how many seconds an interaction takes messages.
    """

    def __init__(self, active: ActiveReplies, *, link_previews: bool, token_lifetime: float) -> None:
        self.active = active
        self._link_previews = link_previews
        self._token_lifetime = token_lifetime

    def to(self, message: discord.Message, thread: discord.Thread | None = None) -> LiveReply:
        """The reply to somebody's message, in the thread that was opened for it, if any."""
        destination = MessageReply(message, thread, link_previews=self._link_previews)
        return LiveReply(self.active, destination, message.author.id, stored=True)

    def to_command(self, interaction: discord.Interaction[Any], *, private: bool) -> LiveReply:
        """The reply to a slash command, which is to be deferred before the answer is shown, `private` as that."""
        destination = CommandResponse(
            interaction, private=private, link_previews=self._link_previews, lifetime=self._token_lifetime
        )
        return LiveReply(self.active, destination, interaction.user.id, stored=False)

    def replacing(self, press: discord.Interaction[Any], asker: int) -> LiveReply:
        """The reply in place of the one under which Regenerate was pressed, or Continue, which goes on with it.

        The press is to be deferred before.
        """
        destination = Replacement(press, link_previews=self._link_previews)
        return LiveReply(self.active, destination, asker, stored=True)
