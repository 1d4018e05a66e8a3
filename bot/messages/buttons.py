"""The buttons under an answer: what they carry, and how they are read again when pressed.

Nothing about them is kept in memory, so they work after a restart too.
"""

import enum
from dataclasses import dataclass
from typing import Any, Self

import discord

from bot.texts import REGENERATE, STOP


class Action(enum.Enum):
    """What a press asks for; the value is a part of the button's id in Discord."""

    STOP = "stop"
    REGENERATE = "regenerate"


_LABELS = {Action.STOP: STOP, Action.REGENERATE: REGENERATE}


@dataclass(frozen=True)
class Button:
    """A button, and whose answer it is under."""

    action: Action
    asker: int

    @classmethod
    def read(cls, interaction: discord.Interaction) -> Self | None:
        """The button that was pressed in a component's interaction, if it is one of ours."""
        data: Any = interaction.data
        match data["custom_id"].split(":"):
            case ["parley", action, asker] if action in {known.value for known in Action} and asker.isdecimal():
                return cls(Action(action), int(asker))
        return None

    def view(self) -> discord.ui.View:
        """What is sent to show the button."""
        view = discord.ui.View(timeout=None)
        view.add_item(
            discord.ui.Button(label=_LABELS[self.action], custom_id=f"parley:{self.action.value}:{self.asker}")
        )
        view.stop()  # Else discord.py would keep it, to hand presses to it.
        return view

    def may_be_pressed(self, interaction: discord.Interaction) -> bool:
        """Whether by this person: the asker, or somebody who may manage messages."""
        return interaction.user.id == self.asker or interaction.permissions.manage_messages
