"""Where an answer goes: below a message, to a command, in place of another answer."""

from abc import ABC, abstractmethod
from contextlib import suppress
from typing import Any

import discord

_MISSING_HISTORY = 160002  # Discord's code: a reply needs the permission to read the message history


class Destination(ABC):
    """Sends the messages of one answer, one after the other, and what the bot itself says to the asker."""

    channel: Any
    pace_key: int
    """What Discord counts its messages by."""
    shows_typing: bool = False
    """Whether the typing indicator shows until there is something to read."""
    of_interaction: bool = False
    """Whether the bot speaks in response to an interaction, which must get one and is not counted with the rest."""
    in_place: bool = False
    """Whether an old answer stands there until the new one has text."""
    lifetime: float | None = None
    """For how many seconds Discord takes messages here, if not for ever."""
    has_fallback: bool = False
    """Whether the answer can go on elsewhere after that."""

    def fallback(self) -> "Destination":
        """Where it goes on."""
        raise NotImplementedError

    @abstractmethod
    async def send(self, text: str, *, begins: bool, **view: Any) -> Any:
        """Send a message of the answer, which `begins` with it; returns the message."""

    @abstractmethod
    async def tell(self, sentence: str) -> Any:
        """Say something of the bot's own; returns the message, if others see it, too."""

    @abstractmethod
    async def tell_privately(self, sentence: str) -> Any:
        """Say it to the asker alone, which Discord may refuse."""


class ChannelDestination(Destination):
    """Ordinary messages in a channel, the first of them as a reply if there is a `reference`.

    A message that is sent again, because Discord's response was lost, has the same nonce and does not appear twice:
    Discord then returns the one that it has, which still shows what was sent first.
    """

    def __init__(
        self,
        channel: Any,
        *,
        nonce: str,
        link_previews: bool,
        reference: discord.MessageReference | None = None,
        shows_typing: bool = False,
    ) -> None:
        self.channel = channel
        self.pace_key = channel.id
        self.shows_typing = shows_typing
        self._nonce = nonce
        self._link_previews = link_previews
        self._reference = reference
        self._sent = 0
        self._sent_before = False  # whether the next message may be there, from an attempt that failed

    async def send(self, text: str, *, begins: bool, **view: Any) -> Any:
        """Send a message of the answer; the first one is a reply."""
        return await self._post(text, self._reference if begins else None, **view)

    async def tell(self, sentence: str) -> Any:
        """Say something in the channel, as a reply."""
        return await self._post(sentence, self._reference)

    async def tell_privately(self, sentence: str) -> Any:
        """Say it in the channel, too: nobody is known to say it to alone."""
        return await self.tell(sentence)

    async def _post(self, text: str, reference: discord.MessageReference | None, **view: Any) -> Any:
        options: dict[str, Any] = {"reference": reference} if reference else {}
        sent_before, self._sent_before = self._sent_before, True
        try:
            message = await self.channel.send(
                text,
                nonce=f"{self._nonce}-{self._sent}",
                suppress_embeds=not self._link_previews,
                **options,
                **view,
            )
        except discord.HTTPException as refused:
            if reference is None or refused.code != _MISSING_HISTORY:
                raise
            self._reference = None
            return await self._post(text, None, **view)
        if sent_before:
            message = await message.edit(content=text, view=view.get("view"))
        self._sent += 1
        self._sent_before = False
        return message


class MessageReply(ChannelDestination):
    """Below somebody's message, even when that has been deleted meanwhile, or in the thread that was opened for it."""

    def __init__(self, message: discord.Message, thread: discord.Thread | None, *, link_previews: bool) -> None:
        super().__init__(
            thread or message.channel,
            nonce=str(message.id),
            link_previews=link_previews,
            reference=None if thread else message.to_reference(fail_if_not_exists=False),
            shows_typing=True,
        )
        self._asker = message.author

    async def tell_privately(self, sentence: str) -> Any:
        """Say it in a direct message."""
        return await self._asker.send(sentence)


class Replacement(ChannelDestination):
    """In place of the answer under which Regenerate or Continue was pressed.

    What the bot itself says, only the presser sees.
    """

    of_interaction = True
    in_place = True

    def __init__(self, press: discord.Interaction[Any], *, link_previews: bool) -> None:
        super().__init__(press.channel, nonce=str(press.id), link_previews=link_previews)
        self._press = press

    async def tell(self, sentence: str) -> Any:
        """Say it to the one who pressed the button."""
        await _respond_privately(self._press, sentence)


class CommandResponse(Destination):
    """The response to a slash command; its deferral, before anything is sent, is `private` as the answer is.

    An answer that takes too long for an interaction goes on as ordinary messages, unless it is private.
    """

    of_interaction = True

    def __init__(
        self,
        interaction: discord.Interaction[Any],
        *,
        private: bool,
        link_previews: bool,
        lifetime: float,
    ) -> None:
        self.channel = interaction.channel
        self.pace_key = interaction.id  # Discord counts an interaction's messages by themselves
        self.lifetime = lifetime
        may = interaction.app_permissions
        may_send = may.send_messages_in_threads if isinstance(self.channel, discord.Thread) else may.send_messages
        self.has_fallback = may_send and self.channel is not None and not private
        self._interaction = interaction
        self._private = private
        self._link_previews = link_previews
        self._original: discord.Message | None = None

    def fallback(self) -> Destination:
        """Messages in the channel, the first of them as a reply to the response."""
        original = self._original if self._interaction.app_permissions.read_message_history else None
        return ChannelDestination(
            self.channel,
            nonce=str(self._interaction.id),
            link_previews=self._link_previews,
            reference=original.to_reference(fail_if_not_exists=False) if original else None,
        )

    async def send(self, text: str, *, begins: bool, **view: Any) -> Any:
        """Send a message of the response; the first takes the place of the deferral.

        It does so as an edit, which can be repeated if Discord's response is lost: further messages have no nonce.
        """
        if self._original:
            return await self._interaction.followup.send(
                text, ephemeral=self._private, wait=True, suppress_embeds=not self._link_previews, **view
            )
        self._original = await self._interaction.edit_original_response(content=text, **view)
        if not self._link_previews:
            await self._suppress_embeds()
        return self._original

    async def tell(self, sentence: str) -> Any:
        """Say something as a further message of the response."""
        return await self.send(sentence, begins=False)

    async def tell_privately(self, sentence: str) -> Any:
        """Say it in a message that only the asker sees."""
        return await _respond_privately(self._interaction, sentence)

    async def _suppress_embeds(self) -> None:
        """Hide link previews in the first message: discord.py cannot in an edit of it (seen with 2.7.1)."""
        route = discord.http.Route(
            "PATCH",
            "/webhooks/{application_id}/{token}/messages/@original",
            application_id=self._interaction.application_id,
            token=self._interaction.token,
        )
        with suppress(discord.HTTPException):
            flags = discord.MessageFlags(suppress_embeds=True).value
            await self._interaction.client.http.request(route, json={"flags": flags})


async def _respond_privately(interaction: discord.Interaction[Any], sentence: str) -> Any:
    """Say something that only the user of a command or a button sees."""
    if interaction.response.is_done():
        return await interaction.followup.send(sentence, ephemeral=True, wait=True)
    return await interaction.response.send_message(sentence, ephemeral=True)
