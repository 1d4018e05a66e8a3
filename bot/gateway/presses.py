"""A press on one of the bot's buttons, which discord.py recognizes by its custom id."""

import re
from typing import Any, ClassVar, Protocol, Self

import discord

from bot.gateway.client import Client


class _Parsed(Protocol):
    """A class of buttons that are made of their custom ids."""

    @classmethod
    def parse(cls, match: re.Match[str]) -> Self: ...


class Press(discord.ui.DynamicItem[discord.ui.Button[Any]], template="(?!)"):
    """A press. A subclass names the `kind` of its buttons, whose custom ids match its template.

    It says who may not press, and what a press does.
    """

    kind: ClassVar[type[_Parsed]]

    def __init__(self, item: discord.ui.Button[Any], button: Any) -> None:
        super().__init__(item)
        self._button = button

    @classmethod
    async def from_custom_id(  # type: ignore[override]
        cls, interaction: discord.Interaction[Client], item: discord.ui.Button[Any], match: re.Match[str], /
    ) -> Self:
        """See DynamicItem."""
        return cls(item, cls.kind.parse(match))

    async def interaction_check(self, interaction: discord.Interaction[Client], /) -> bool:  # type: ignore[override]
        """Whether the press is new and allowed; tells privately why not."""
        if not interaction.client.is_new("press", interaction.id):
            return False
        if sentence := await self.refusal(interaction):
            await interaction.response.send_message(sentence, ephemeral=True)
        return sentence is None

    async def callback(self, interaction: discord.Interaction[Client]) -> None:  # type: ignore[override]
        """Do what the button says; a failure is told as that of a command."""
        try:
            await self.act(interaction)
        except Exception as error:
            await interaction.client.tree.on_error(interaction, error)  # type: ignore[arg-type]

    async def refusal(self, interaction: discord.Interaction[Client]) -> str | None:
        """Why the user may not press the button, or None."""
        raise NotImplementedError

    async def act(self, interaction: discord.Interaction[Client]) -> None:
        """Do what the button says."""
        raise NotImplementedError
