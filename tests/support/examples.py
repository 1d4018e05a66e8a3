"""Examples for training, as a small server makes them."""

from datetime import UTC, datetime

from bot.storage.channel_ref import ChannelRef
from bot.storage.example import Example
from bot.storage.turns import Person, Turn

HOME = ChannelRef(7, None, 5)
ALICE, BOB, CAROL = 1, 2, 3


def turn(asker: int, text: str, message: int, *people: Person) -> Turn:
    """A turn that was asked in a message, and answered in the one after it."""
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    return Turn(HOME, asker, f"Name {asker}", text, f"{text}!", at, message, (message + 1,), people)


def example(*turns: Turn) -> Example:
    return Example("Be kind.", turns, "model", "abc", {"temperature": 0.7, "seed": None})
