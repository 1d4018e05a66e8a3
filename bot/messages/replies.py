"""Where an answer goes: below a message, to a command, in place of an old answer."""

from contextlib import suppress
from typing import Any

import discord

from bot.messages.buttons import Action, Button
from bot.messages.live_reply import ActiveReplies, Reply, Where
from bot.observer import Observer

_TOKEN_LIFE = 14 * 60.0  # seconds; Discord takes an interaction's messages for 15 minutes
_NO_HISTORY = 160002  # Discord's code: a reply needs the permission to read the message history


class Replies:
    """Makes the bot's replies. `link_previews`: whether Discord may show what the links in them lead to.

    `per_second` is how many requests to Discord may come from here.
    """

    def __init__(self, *, link_previews: bool, per_second: float, events: Observer) -> None:
        self.growing = ActiveReplies(per_second, events)
        self._options: dict[str, Any] = {"suppress_embeds": not link_previews}

    def to(self, message: discord.Message) -> Reply:
        """An answer to somebody's message, as a reply to it, even when it has been deleted meanwhile."""
        reference = message.to_reference(fail_if_not_exists=False)

        channel = message.channel
        sent = 0

        async def more(text: str, **options: Any) -> Any:
            # With a nonce, a message that is sent again, as Discord's answer was lost, does not appear twice.
            nonlocal sent
            shown = await channel.send(text, nonce=f"{message.id}-{sent}", **self._options, **options)
            sent += 1
            return shown

        async def first(text: str, **view: Any) -> Any:
            try:
                return await more(text, reference=reference, **view)
            except discord.HTTPException as refused:
                if refused.code != _NO_HISTORY:
                    raise
                return await more(text, **view)

        where = Where(channel, channel.id, first, more, tell=first, tell_alone=message.author.send, typing=True)
        return Reply(self.growing, where, message.author.id, Button(Action.REGENERATE, message.author.id))

    def to_command(self, interaction: discord.Interaction, *, private: bool) -> Reply:
        """An answer to a slash command that has been deferred; `private` as the deferral was.

        One that takes too long for an interaction goes on as an ordinary message, unless it is private.
        """

        original: discord.Message | None = None

        async def send(text: str, **view: Any) -> Any:
            nonlocal original
            shown = await interaction.followup.send(text, ephemeral=private, wait=True, **self._options, **view)
            if not original:
                original = shown
                if self._options["suppress_embeds"]:
                    await _suppress_embeds(interaction)
            return shown

        async def alone(text: str) -> Any:
            return await interaction.followup.send(text, ephemeral=True)

        channel: Any = interaction.channel
        may = interaction.app_permissions

        async def below(text: str, **view: Any) -> Any:
            options: dict[str, Any] = {**self._options, **view}
            if original and may.read_message_history:
                options["reference"] = original.to_reference(fail_if_not_exists=False)
            return await channel.send(text, **options)

        then = None
        may_send = may.send_messages_in_threads if isinstance(channel, discord.Thread) else may.send_messages
        if channel and may_send and not private:
            then = Where(channel, channel.id, below, below, below, below)
        # Discord counts an interaction's messages by themselves, so they have a pace of their own.
        where = Where(channel, interaction.id, send, send, send, alone, seconds=_TOKEN_LIFE, then=then)
        return Reply(self.growing, where, interaction.user.id)

    def again(self, press: discord.Interaction, asker: int) -> Reply:
        """Another answer in place of the one under which Regenerate was pressed; the press has been deferred."""

        async def tell(text: str) -> None:
            await press.followup.send(text, ephemeral=True)

        channel: Any = press.channel

        sent = 0

        async def send(text: str, **view: Any) -> Any:
            nonlocal sent
            shown = await channel.send(text, nonce=f"{press.id}-{sent}", **self._options, **view)
            sent += 1
            return shown

        where = Where(channel, channel.id, send, send, tell, tell, in_place=True)
        return Reply(self.growing, where, asker, Button(Action.REGENERATE, asker))


async def _suppress_embeds(interaction: discord.Interaction) -> None:
    """Show no previews in the message that took the place of a deferral, whose options Discord passes over.

    discord.py cannot say so in the edit of an interaction's message (seen with 2.7.1).
    """
    route = discord.http.Route(
        "PATCH",
        "/webhooks/{application_id}/{token}/messages/@original",
        application_id=interaction.application_id,
        token=interaction.token,
    )
    with suppress(discord.HTTPException):
        await interaction.client.http.request(route, json={"flags": discord.MessageFlags(suppress_embeds=True).value})
