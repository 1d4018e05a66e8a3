"""The buttons under an answer. All that is known of one is in its custom id, so it works after a restart, too."""

import enum
import re
from dataclasses import dataclass
from typing import Any, Self

import discord

from bot.texts import REGENERATE, STOP


class Action(enum.Enum):
    """What a press asks for; the value is part of the button's custom id."""

    STOP = "stop"
    REGENERATE = "regenerate"


_LABELS = {Action.STOP: STOP, Action.REGENERATE: REGENERATE}


@dataclass(frozen=True)
class Button:
    """A button, and whose answer it is under."""

    TEMPLATE = re.compile(rf"parley:(?P<action>{'|'.join(action.value for action in Action)}):(?P<asker>[0-9]{{1,20}})")
    """The custom ids of our buttons."""

    action: Action
    asker: int

    @classmethod
    def parse(cls, match: re.Match[str]) -> Self:
        """The button whose custom id matched TEMPLATE."""
        return cls(Action(match["action"]), int(match["asker"]))

    def view(self) -> discord.ui.View:
        """The view to send, which holds this button."""
        view = discord.ui.View(timeout=None)
        view.add_item(
            discord.ui.Button(label=_LABELS[self.action], custom_id=f"parley:{self.action.value}:{self.asker}")
        )
        view.stop()  # discord.py would keep it otherwise, to dispatch presses that a DynamicItem takes
        return view

    def may_be_pressed_by(self, interaction: discord.Interaction[Any]) -> bool:
        """Whether the user is the asker, or may manage messages."""
        return interaction.user.id == self.asker or interaction.permissions.manage_messages
