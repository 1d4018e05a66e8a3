"""/persona and /settings: how the model answers in a channel."""

import asyncio
import logging
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.storage.channel_settings import LEAST, PERSONA_LENGTH, ChannelOverrides, ChannelRef, ChannelSettingsStore
from bot.storage.database import DatabaseError
from bot.storage.turns import TurnStore
from bot.texts import (
    DATABASE_UNAVAILABLE,
    NO_PERSONA,
    PERSONA,
    PERSONA_BLANK,
    PERSONA_CLEAR,
    PERSONA_FIELD,
    PERSONA_OF_PARENT,
    PERSONA_OF_THIS,
    PERSONA_SET,
    PERSONA_SHOW,
    PERSONA_TITLE,
    SET_FOR_ALL,
    SET_HERE,
    SET_IN_PARENT,
    SETTINGS,
    SETTINGS_LENGTH,
    SETTINGS_RESET,
    SETTINGS_TEMPERATURE,
    SETTINGS_TURNS,
    persona_set,
    setting,
    settings_text,
)

log = logging.getLogger(__name__)

_SOON = 2.0  # seconds in which a form must be filled in beforehand: Discord waits for three until it opens
_FORM_LIFE = 15 * 60.0  # seconds in which it may be sent


class Channel(commands.Cog):
    """Shows and changes what a channel has of its own, for who may manage it, and in a direct message for the person.

    Who may use the commands is left to Discord, where a server's admins can give them to others.
    """

    persona = app_commands.Group(
        name="persona", description=PERSONA, default_permissions=discord.Permissions(manage_channels=True)
    )

    def __init__(self, channels: ChannelSettingsStore, history: TurnStore) -> None:
        self._channels = channels
        self._history = history

    @persona.command(name="set", description=PERSONA_SET)
    async def set_persona(self, interaction: discord.Interaction) -> None:
        """Open a form with the present persona in it."""
        try:
            async with asyncio.timeout(_SOON):
                own, above = await self._own(_place(interaction))
        except TimeoutError:
            log.warning("The database is busy, so the form of /persona set could not be opened.")
            raise DatabaseError(DATABASE_UNAVAILABLE) from None
        await interaction.response.send_modal(_Form(self, own.persona or above.persona))

    async def keep_persona(self, interaction: discord.Interaction, text: str) -> None:
        """Have the channel keep what the form says."""
        await interaction.response.defer(thinking=True, ephemeral=True)
        if text:
            await self._channels.change(_place(interaction), ChannelOverrides(persona=text))
        await interaction.edit_original_response(content=persona_set(len(text)) if text else PERSONA_BLANK)

    @persona.command(name="show", description=PERSONA_SHOW)
    async def show_persona(self, interaction: discord.Interaction) -> None:
        """Say whose persona holds and, in a message by itself, as it may be as long as one, how it reads."""
        await interaction.response.defer(ephemeral=True)
        own, above = await self._own(_place(interaction))
        await interaction.edit_original_response(content=_whose_persona(own, above))
        if text := own.persona or above.persona:
            await interaction.followup.send(text, ephemeral=True, suppress_embeds=True)

    @persona.command(name="clear", description=PERSONA_CLEAR)
    async def clear_persona(self, interaction: discord.Interaction) -> None:
        """Take the persona away and say whose holds now."""
        await interaction.response.defer(ephemeral=True)
        place = _place(interaction)
        await self._channels.change(place, ChannelOverrides(), without=["persona"])
        await interaction.edit_original_response(content=_whose_persona(*await self._own(place)))

    @app_commands.command(description=SETTINGS)
    @app_commands.describe(
        temperature=SETTINGS_TEMPERATURE, answer_length=SETTINGS_LENGTH, turns=SETTINGS_TURNS, reset=SETTINGS_RESET
    )
    @app_commands.default_permissions(manage_channels=True)
    async def settings(
        self,
        interaction: discord.Interaction,
        temperature: float | None = None,
        answer_length: int | None = None,
        turns: int | None = None,
        reset: bool = False,
    ) -> None:
        """Change what is given, after a reset, and say what holds now."""
        await interaction.response.defer(ephemeral=True)
        place = _place(interaction)
        given = ChannelOverrides(temperature=temperature, answer_length=answer_length, turns=turns)
        if reset or given != ChannelOverrides():
            await self._channels.change(place, given, without=LEAST if reset else ())
            threads = [there for there in await self._history.channels() if there[1] == place.channel]
            for channel, parent in ((place.channel, place.parent), *threads):
                manner = await self._channels.manner(channel, parent)
                await self._history.prune(channel, manner.turns)
        await interaction.edit_original_response(content=await self._told(place))

    async def _own(self, place: ChannelRef) -> tuple[ChannelOverrides, ChannelOverrides]:
        """What the channel has of its own, and what the channel has that it is a thread of."""
        return await self._channels.own(place.channel), await self._channels.own(place.parent)

    async def _told(self, place: ChannelRef) -> str:
        own, above = await self._own(place)
        manner = await self._channels.manner(place.channel, place.parent)
        lines = []
        for name, least in LEAST.items():
            where = _origin(name, own, above)
            wanted = next((value for value in (getattr(own, name), getattr(above, name)) if value is not None), None)
            lines.append(
                setting(name, getattr(manner, name), where, wanted, least, getattr(self._channels.limits, name))
            )
        return settings_text(lines, _origin("persona", own, above))


def _place(interaction: discord.Interaction) -> ChannelRef:
    assert interaction.channel_id
    return ChannelRef(interaction.channel_id, getattr(interaction.channel, "parent_id", None), interaction.guild_id)


def _origin(name: str, own: ChannelOverrides, above: ChannelOverrides) -> str:
    if getattr(own, name) is not None:
        return SET_HERE
    return SET_FOR_ALL if getattr(above, name) is None else SET_IN_PARENT


def _whose_persona(own: ChannelOverrides, above: ChannelOverrides) -> str:
    if own.persona:
        return PERSONA_OF_THIS
    return PERSONA_OF_PARENT if above.persona else NO_PERSONA


class _Form(discord.ui.Modal, title=PERSONA_TITLE):
    text: discord.ui.TextInput["_Form"] = discord.ui.TextInput(
        label=PERSONA_FIELD, style=discord.TextStyle.paragraph, max_length=PERSONA_LENGTH
    )

    def __init__(self, cog: Channel, present: str | None) -> None:
        super().__init__(timeout=_FORM_LIFE)
        self._cog = cog
        self.text.default = present

    async def on_submit(self, interaction: discord.Interaction) -> None:
        await self._cog.keep_persona(interaction, self.text.value.strip())

    async def on_error(self, interaction: discord.Interaction[Any], error: Exception) -> None:  # type: ignore[override]
        await interaction.client.tree.on_error(interaction, error)
