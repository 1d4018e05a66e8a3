"""The buttons under an answer. All that is known of one is in its custom id, so it works after a restart, too."""

import enum
import re
from dataclasses import dataclass
from typing import Any, Self

import discord

from bot.texts import AGREE, CONTINUE, DISLIKED, LIKED, REFUSE, REGENERATE, STOP


class Action(enum.Enum):
    """What a press asks for; the value is part of the button's custom id."""

    STOP = "stop"
    CONTINUE = "continue"
    REGENERATE = "regenerate"
    LIKE = "like"
    DISLIKE = "dislike"
    AGREE = "agree"
    REFUSE = "refuse"


_LABELS = {
    Action.STOP: STOP,
    Action.REGENERATE: REGENERATE,
    Action.CONTINUE: CONTINUE,
    Action.LIKE: LIKED,
    Action.DISLIKE: DISLIKED,
    Action.AGREE: AGREE,
    Action.REFUSE: REFUSE,
}
_EMOJI = (Action.LIKE, Action.DISLIKE)
_FOR_EVERYBODY = (Action.LIKE, Action.DISLIKE)


@dataclass(frozen=True)
class Button:
    """A button, and the person whose answer it is under, or who is asked."""

    TEMPLATE = re.compile(
        rf"parley:(?P<action>{'|'.join(action.value for action in Action)}):(?P<person>[0-9]{{1,20}})"
    )
    """The custom ids of our buttons."""

    action: Action
    person: int

    @classmethod
    def parse(cls, match: re.Match[str]) -> Self:
        """The button whose custom id matched TEMPLATE."""
        return cls(Action(match["action"]), int(match["person"]))

    def item(self) -> discord.ui.Button[Any]:
        """The button to send."""
        label = _LABELS[self.action]
        shown: dict[str, Any] = {"emoji": label} if self.action in _EMOJI else {"label": label}
        return discord.ui.Button(custom_id=f"parley:{self.action.value}:{self.person}", **shown)

    def may_be_pressed_by(self, interaction: discord.Interaction[Any]) -> bool:
        """Whether the user may vote, is the person, or may manage messages."""
        if self.action in _FOR_EVERYBODY:
            return True
        return interaction.user.id == self.person or interaction.permissions.manage_messages


@dataclass(frozen=True)
class FinalButtons:
    """The buttons under a whole answer; with `feedback` it can be voted on."""

    feedback: bool = False

    def newest(self, asker: int, *, cut: bool = False) -> tuple[Button, ...]:
        """Those under the newest answer of a channel; `cut`: its length has ended it, so that it can be continued."""
        go_on = (Button(Action.CONTINUE, asker),) if cut else ()
        return Button(Action.REGENERATE, asker), *go_on, *self.older(asker)

    def older(self, asker: int) -> tuple[Button, ...]:
        """Those that stay when there is a newer answer, or when this one cannot be regenerated."""
        return (Button(Action.LIKE, asker), Button(Action.DISLIKE, asker)) if self.feedback else ()


def view(*buttons: Button) -> discord.ui.View | None:
    """The view to send, which holds these buttons; None for none."""
    if not buttons:
        return None
    shown = discord.ui.View(timeout=None)
    for button in buttons:
        shown.add_item(button.item())
    shown.stop()  # discord.py would keep it otherwise, to dispatch presses that a DynamicItem takes
    return shown


def with_view(*buttons: Button) -> dict[str, Any]:
    """The argument for a new message, which discord.py wants left out for none."""
    return {"view": view(*buttons)} if buttons else {}
