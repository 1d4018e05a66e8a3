"""Examples for training, as a small server makes them."""

from dataclasses import replace
from datetime import UTC, datetime

from bot.storage.channel_ref import ChannelRef
from bot.storage.example import Example
from bot.storage.examples import ExampleStore
from bot.storage.turns import Person, Turn, TurnStore

HOME = ChannelRef(7, None, 5)
ALICE, BOB, CAROL = 1, 2, 3


def turn(asker: int, text: str, message: int, *people: Person) -> Turn:
    """A turn that was asked in a message, and answered in the one after it."""
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    return Turn(HOME, asker, f"Name {asker}", text, f"{text}!", at, message, (message + 1,), people)


def example(*turns: Turn) -> Example:
    return Example("Be kind.", turns, "model", "abc", {"temperature": 0.7, "seed": None})


async def keep(store: ExampleStore, it: Example) -> None:
    """Keep an example while its turns are stored, as the bot does."""
    turns = TurnStore(store._database)
    stored = [await turns.begin(turn) for turn in it.turns]
    await store.add(replace(it, turns=tuple(stored)))
    for turn in stored:
        await turns.drop(turn)
