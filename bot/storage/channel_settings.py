"""A channel's persona and settings, over those that the operator has set for all channels."""

from collections.abc import Iterable
from dataclasses import astuple, dataclass, replace
from typing import Any

import aiosqlite

from bot.errors import UserError
from bot.storage.channel_ref import ChannelRef
from bot.storage.database import Database
from bot.texts import beyond_limit

PERSONA_LENGTH = 2000
"""The longest persona, in characters."""
MINIMUM = {"temperature": 0, "answer_length": 1, "turns": 0}
"""The smallest value that each setting of a channel may have."""


@dataclass(frozen=True)
class ChannelOverrides:
    """What a channel has set for itself; None where it has set nothing.

    `persona` is a system prompt, `answer_length` is in tokens, `turns` is how many are remembered.
    """

    persona: str | None = None
    temperature: float | None = None
    answer_length: int | None = None
    turns: int | None = None


@dataclass(frozen=True)
class ChannelSettings:
    """How the model answers in a channel: the fields of `ChannelOverrides`, each with a value."""

    persona: str
    temperature: float
    answer_length: int
    turns: int


@dataclass(frozen=True)
class ChannelLimits:
    """The largest value that each setting of a channel may have."""

    temperature: float
    answer_length: int
    turns: int


class BeyondLimit(UserError):
    """A setting is out of the operator's limits; the message names them."""


class ChannelSettingsStore:
    """Reads and writes channels' overrides. All methods raise DatabaseError when the file cannot be used."""

    def __init__(self, database: Database, defaults: ChannelSettings, limits: ChannelLimits) -> None:
        self._database = database
        self.defaults = defaults
        self.limits = limits

    async def overrides(self, channel: int | None) -> ChannelOverrides:
        """A channel's overrides as stored, even where the operator's limits have become lower since."""
        async with self._database.connection() as connection:
            return await _read(connection, channel)

    async def effective(self, ref: ChannelRef) -> ChannelSettings:
        """The settings in effect: the channel's own, else its parent's, else the operator's; within the limits."""
        async with self._database.connection() as connection:
            layers = [self._capped(await _read(connection, channel)) for channel in (ref.channel, ref.parent)]
        return ChannelSettings(*_first_set(*layers, self.defaults))

    async def change(self, ref: ChannelRef, given: ChannelOverrides, without: Iterable[str] = ()) -> None:
        """Set what is `given` and remove the overrides named in `without`. Raises BeyondLimit."""
        for name, minimum in MINIMUM.items():
            value, maximum = getattr(given, name), getattr(self.limits, name)
            if value is not None and not minimum <= value <= maximum:
                raise BeyondLimit(beyond_limit(name, minimum, maximum))
        async with self._database.transaction() as connection:
            kept = replace(await _read(connection, ref.channel), **dict.fromkeys(without))
            overrides = _first_set(given, kept)
            await connection.execute("DELETE FROM channels WHERE channel = ?", (ref.channel,))
            if overrides != _first_set(ChannelOverrides()):
                await connection.execute(
                    "INSERT INTO channels VALUES (?, ?, ?, ?, ?, ?, ?)", (*astuple(ref), *overrides)
                )

    def _capped(self, overrides: ChannelOverrides) -> ChannelOverrides:
        """The overrides within the limits, which may have been higher when they were set."""
        values = {name: getattr(overrides, name) for name in MINIMUM}
        capped = {name: min(value, getattr(self.limits, name)) for name, value in values.items() if value is not None}
        return replace(overrides, **capped)


async def _read(connection: aiosqlite.Connection, channel: int | None) -> ChannelOverrides:
    statement = "SELECT persona, temperature, answer_length, turns FROM channels WHERE channel = ?"
    rows = await connection.execute_fetchall(statement, (channel,))
    return next((ChannelOverrides(*row) for row in rows), ChannelOverrides())


def _first_set(*layers: ChannelOverrides | ChannelSettings) -> list[Any]:
    """For each field, the first value that is not None."""
    values = zip(*map(astuple, layers), strict=True)
    return [next((value for value in each if value is not None), None) for each in values]
