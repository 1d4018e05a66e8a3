"""/persona and /settings: how the model answers in a channel."""

import asyncio
import logging

import discord
from discord import app_commands
from discord.ext import commands

from bot.conversation.personas_file import LONGEST_NAME
from bot.messages.access import channel_ref
from bot.messages.active_replies import ActiveReplies
from bot.messages.forms import Form
from bot.storage.channel_ref import ChannelRef
from bot.storage.channel_settings import MINIMUM, PERSONA_LENGTH, ChannelOverrides, ChannelSettingsStore
from bot.storage.database import DatabaseError
from bot.storage.turns import TurnStore
from bot.texts import (
    DATABASE_UNAVAILABLE,
    NO_PERSONA,
    PERSONA,
    PERSONA_BLANK,
    PERSONA_CLEAR,
    PERSONA_FIELD,
    PERSONA_HINT,
    PERSONA_LIST,
    PERSONA_NAME,
    PERSONA_OF_PARENT,
    PERSONA_OF_THIS,
    PERSONA_SET,
    PERSONA_SHOW,
    PERSONA_TITLE,
    PERSONA_USE,
    SET_FOR_ALL,
    SET_HERE,
    SET_IN_PARENT,
    SETTINGS,
    SETTINGS_LENGTH,
    SETTINGS_RESET,
    SETTINGS_TEMPERATURE,
    SETTINGS_TURNS,
    no_such_persona,
    persona_list,
    persona_set,
    persona_used,
    setting,
    settings_text,
)

log = logging.getLogger(__name__)

_MOST_CHOICES = 25  # Discord's own limit


class Channel(commands.Cog):
    """Shows and changes a channel's persona and settings.

    Who may do so is left to Discord: those who manage the channel, unless a server's admins choose others, and in a
    direct message the person. Without prepared personas, there are no commands for them. `form_patience` is for how
    many seconds a form may wait for the present persona.
    """

    persona = app_commands.Group(
        name="persona", description=PERSONA, default_permissions=discord.Permissions(manage_channels=True)
    )

    def __init__(
        self,
        channel_settings: ChannelSettingsStore,
        turns: TurnStore,
        active_replies: ActiveReplies,
        *,
        form_patience: float,
    ) -> None:
        self._channel_settings = channel_settings
        self._turns = turns
        self._active_replies = active_replies
        self._form_patience = form_patience
        if not channel_settings.personas:
            for name in ("use", "list"):
                self.persona.remove_command(name)

    @persona.command(name="set", description=PERSONA_SET)
    async def set_persona(self, interaction: discord.Interaction) -> None:
        """Open a form with the present persona in it."""
        try:
            async with asyncio.timeout(self._form_patience):
                own, parents = await self._overrides(channel_ref(interaction))
        except TimeoutError:
            log.warning("The database is busy, so the form of /persona set could not be opened.")
            raise DatabaseError(DATABASE_UNAVAILABLE) from None
        await interaction.response.send_modal(_Form(self, own.persona or parents.persona))

    async def store_persona(self, interaction: discord.Interaction, text: str) -> None:
        """Give the channel the persona that was typed into the form."""
        await interaction.response.defer(thinking=True, ephemeral=True)
        if text:
            await self._channel_settings.change(channel_ref(interaction), ChannelOverrides(persona=text))
        await interaction.edit_original_response(content=persona_set(len(text)) if text else PERSONA_BLANK)

    @persona.command(name="show", description=PERSONA_SHOW)
    async def show_persona(self, interaction: discord.Interaction) -> None:
        """Say whose persona applies and show it, in a message of its own, as it may be as long as one."""
        await interaction.response.defer(ephemeral=True)
        own, parents = await self._overrides(channel_ref(interaction))
        chosen = own if own.persona else parents
        name = f" **{chosen.persona_name}**" if chosen.persona_name else ""
        await interaction.edit_original_response(content=_whose_persona(own, parents) + name)
        if chosen.persona:
            await interaction.followup.send(chosen.persona, ephemeral=True, suppress_embeds=True)

    @persona.command(name="use", description=PERSONA_USE)
    @app_commands.describe(name=PERSONA_NAME)
    async def use_persona(
        self, interaction: discord.Interaction, name: app_commands.Range[str, 1, LONGEST_NAME]
    ) -> None:
        """Give the channel one of the operator's personas."""
        await interaction.response.defer(ephemeral=True)
        personas = self._channel_settings.personas
        folded = {each.casefold(): each for each in personas}
        found = name if name in personas else folded.get(name.strip().casefold())
        if found:
            given = ChannelOverrides(persona=personas[found], persona_name=found)
            await self._channel_settings.change(channel_ref(interaction), given)
        await interaction.edit_original_response(content=persona_used(found) if found else no_such_persona(name))

    @use_persona.autocomplete("name")
    async def complete_name(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """Offer the names that contain what was typed, first those that begin with it."""
        typed = typed.strip().casefold()
        names = [name for name in self._channel_settings.personas if typed in name.casefold()]
        names.sort(key=lambda name: not name.casefold().startswith(typed))
        return [app_commands.Choice(name=name, value=name) for name in names[:_MOST_CHOICES]]

    @persona.command(name="list", description=PERSONA_LIST)
    async def list_personas(self, interaction: discord.Interaction) -> None:
        """Name the operator's personas, and mark the one that applies."""
        await interaction.response.defer(ephemeral=True)
        own, parents = await self._overrides(channel_ref(interaction))
        here = own if own.persona else parents
        text = persona_list(self._channel_settings.personas, here.persona_name)
        await interaction.edit_original_response(content=text)

    @persona.command(name="clear", description=PERSONA_CLEAR)
    async def clear_persona(self, interaction: discord.Interaction) -> None:
        """Remove the persona and say whose applies now."""
        await interaction.response.defer(ephemeral=True)
        ref = channel_ref(interaction)
        await self._channel_settings.change(ref, ChannelOverrides(), without=["persona"])
        await interaction.edit_original_response(content=_whose_persona(*await self._overrides(ref)))

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
        """Change what is given, after a reset, and show the settings in effect."""
        await interaction.response.defer(ephemeral=True)
        ref = channel_ref(interaction)
        given = ChannelOverrides(temperature=temperature, answer_length=answer_length, turns=turns)
        if reset or given != ChannelOverrides():
            await self._channel_settings.change(ref, given, without=MINIMUM if reset else ())
            for other in (ref, *await self._turns.threads(ref.channel)):
                settings = await self._channel_settings.effective(other)
                self._active_replies.forget(await self._turns.prune(other.channel, settings.turns))
        await interaction.edit_original_response(content=await self._described(ref))

    async def _overrides(self, ref: ChannelRef) -> tuple[ChannelOverrides, ChannelOverrides]:
        """The overrides of a channel, and of the channel that it is a thread of."""
        store = self._channel_settings
        return await store.overrides(ref.channel), await store.overrides(ref.parent)

    async def _described(self, ref: ChannelRef) -> str:
        own, parents = await self._overrides(ref)
        effective, limits = await self._channel_settings.effective(ref), self._channel_settings.limits
        lines = []
        for name, minimum in MINIMUM.items():
            values = (getattr(own, name), getattr(parents, name))
            stored = next((value for value in values if value is not None), None)
            origin = _origin(name, own, parents)
            lines.append(setting(name, getattr(effective, name), origin, stored, minimum, getattr(limits, name)))
        return settings_text(lines, _origin("persona", own, parents))


def _origin(name: str, own: ChannelOverrides, parents: ChannelOverrides) -> str:
    if getattr(own, name) is not None:
        return SET_HERE
    return SET_FOR_ALL if getattr(parents, name) is None else SET_IN_PARENT


def _whose_persona(own: ChannelOverrides, parents: ChannelOverrides) -> str:
    if own.persona:
        return PERSONA_OF_THIS
    return PERSONA_OF_PARENT if parents.persona else NO_PERSONA


class _Form(Form, title=PERSONA_TITLE):
    text: discord.ui.TextInput["_Form"] = discord.ui.TextInput(
        label=PERSONA_FIELD,
        style=discord.TextStyle.paragraph,
        placeholder=PERSONA_HINT,
        max_length=PERSONA_LENGTH,
    )

    def __init__(self, cog: Channel, present: str | None) -> None:
        super().__init__()
        self._cog = cog
        self.text.default = present

    async def on_submit(self, interaction: discord.Interaction) -> None:
        await self._cog.store_persona(interaction, self.text.value.strip())
