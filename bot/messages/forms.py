"""Forms that people fill in."""

from typing import Any

import discord

_TIMEOUT = 15 * 60.0  # seconds in which a form may be sent; discord.py keeps one without a timeout for ever


class Form(discord.ui.Modal):
    """A form whose failure is told to the person, like that of a command."""

    def __init__(self) -> None:
        super().__init__(timeout=_TIMEOUT)

    async def on_error(self, interaction: discord.Interaction[Any], error: Exception) -> None:  # type: ignore[override]
        """See Modal."""
        await interaction.client.tree.on_error(interaction, error)
