"""What a channel has of its own: its persona and settings, in SQLite. Knows no model and no Discord."""

from collections.abc import Iterable
from dataclasses import astuple, dataclass, replace
from typing import Any

import aiosqlite

from bot.errors import UserError
from bot.storage.database import Database
from bot.texts import beyond_limit

PERSONA_LENGTH = 2000  # characters at most
LEAST = {"temperature": 0, "answer_length": 1, "turns": 0}
"""The least that a channel may set."""


@dataclass(frozen=True)
class ChannelRef:
    """A channel, the one that it is a thread of, and its server, by their ids in Discord."""

    channel: int
    parent: int | None = None
    guild: int | None = None


@dataclass(frozen=True)
class ChannelOverrides:
    """What a channel has of its own, None where that is nothing.

    The persona is a system prompt, `answer_length` is in tokens, and `turns` is how many are remembered.
    """

    persona: str | None = None
    temperature: float | None = None
    answer_length: int | None = None
    turns: int | None = None


@dataclass(frozen=True)
class ChannelSettings:
    """How the model answers in a channel: the same as in `ChannelOverrides`, with nothing left open."""

    persona: str
    temperature: float
    answer_length: int
    turns: int


@dataclass(frozen=True)
class Limits:
    """The most that a channel may set."""

    temperature: float
    answer_length: int
    turns: int


class BeyondLimit(UserError):
    """A channel may not have that; the sentence says what it may."""


class ChannelSettingsStore:
    """What channels have of their own, over what the operator has set for all of them.

    All methods raise DatabaseError when the file cannot be used.
    """

    def __init__(self, database: Database, operators: ChannelSettings, limits: Limits) -> None:
        self._database = database
        self.operators = operators
        self.limits = limits

    async def own(self, channel: int | None) -> ChannelOverrides:
        """What is stored of a channel, also where the operator would not allow it any more."""
        async with self._database.connection() as file:
            return await _read(file, channel)

    async def manner(self, channel: int | None, parent: int | None = None) -> ChannelSettings:
        """What holds in a channel: its own, else that of the `parent` that it is a thread of, else the operator's."""
        async with self._database.connection() as file:
            own = [self._capped(await _read(file, number)) for number in (channel, parent)]
        return ChannelSettings(*_first(*own, self.operators))

    async def change(self, place: ChannelRef, given: ChannelOverrides, without: Iterable[str] = ()) -> None:
        """Have a channel keep what is `given`, and no longer what is named in `without`. Raises BeyondLimit."""
        for name, least in LEAST.items():
            value, most = getattr(given, name), getattr(self.limits, name)
            if value is not None and not least <= value <= most:
                raise BeyondLimit(beyond_limit(name, least, most))
        async with self._database.transaction() as file:
            left = replace(await _read(file, place.channel), **dict.fromkeys(without))
            own = _first(given, left)
            await file.execute("DELETE FROM channels WHERE channel = ?", (place.channel,))
            if own != _first(ChannelOverrides()):
                await file.execute("INSERT INTO channels VALUES (?, ?, ?, ?, ?, ?, ?)", (*astuple(place), *own))

    def _capped(self, own: ChannelOverrides) -> ChannelOverrides:
        """With nothing beyond the limits, which may be lower than when it was set."""
        values = {name: getattr(own, name) for name in LEAST}
        capped = {n: min(v, getattr(self.limits, n)) for n, v in values.items() if v is not None}
        return replace(own, **capped)


async def _read(file: aiosqlite.Connection, channel: int | None) -> ChannelOverrides:
    statement = "SELECT persona, temperature, answer_length, turns FROM channels WHERE channel = ?"
    rows = await file.execute_fetchall(statement, (channel,))
    return next((ChannelOverrides(*row) for row in rows), ChannelOverrides())


def _first(*layers: ChannelOverrides | ChannelSettings) -> list[Any]:
    """Of each value the first that there is."""
    values = zip(*map(astuple, layers), strict=True)
    return [next((value for value in each if value is not None), None) for each in values]
