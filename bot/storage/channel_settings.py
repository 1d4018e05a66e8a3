"""A channel's persona and settings, over those that the operator has set for all channels."""

from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, fields, replace
from types import MappingProxyType
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

    `persona` is a system prompt, `answer_length` is in tokens, `turns` is how many are remembered. `persona_name` is
    the persona's name, if it was chosen by one.
    """

    persona: str | None = None
    temperature: float | None = None
    answer_length: int | None = None
    turns: int | None = None
    persona_name: str | None = None


@dataclass(frozen=True)
class ChannelSettings:
    """How the model answers in a channel; see `ChannelOverrides`."""

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
    """Reads and writes channels' overrides. All methods raise DatabaseError when the file cannot be used.

    `personas` are those that can be chosen by name. A channel keeps the text that it has chosen, should the name go.
    """

    def __init__(
        self,
        database: Database,
        defaults: ChannelSettings,
        limits: ChannelLimits,
        personas: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._database = database
        self.defaults = defaults
        self.limits = limits
        self.personas = personas

    def set_default_persona(self, persona: str) -> None:
        """Replace the operator's persona until the program ends."""
        self.defaults = replace(self.defaults, persona=persona)

    async def overrides(self, channel: int | None) -> ChannelOverrides:
        """A channel's overrides as stored, even where the operator's limits have become lower since."""
        async with self._database.connection() as connection:
            return await self._read(connection, channel)

    async def effective(self, ref: ChannelRef) -> ChannelSettings:
        """The settings in effect: the channel's own, else its parent's, else the operator's; within the limits."""
        async with self._database.connection() as connection:
            layers = [self._capped(await self._read(connection, channel)) for channel in (ref.channel, ref.parent)]
        return ChannelSettings(**_first_set(ChannelSettings, *layers, self.defaults))

    async def change(self, ref: ChannelRef, given: ChannelOverrides, without: Iterable[str] = ()) -> None:
        """Set what is `given` and remove the overrides named in `without`. Raises BeyondLimit.

        The name of a persona goes with it.
        """
        without = {*without, *(["persona"] if given.persona else [])}
        if "persona" in without:
            without.add("persona_name")
        for name, minimum in MINIMUM.items():
            value, maximum = getattr(given, name), getattr(self.limits, name)
            if value is not None and not minimum <= value <= maximum:
                raise BeyondLimit(beyond_limit(name, minimum, maximum))
        async with self._database.transaction() as connection:
            kept = replace(await self._read(connection, ref.channel), **dict.fromkeys(without))
            overrides = ChannelOverrides(**_first_set(ChannelOverrides, given, kept))
            await connection.execute("DELETE FROM channels WHERE channel = ?", (ref.channel,))
            if overrides != ChannelOverrides():
                await connection.execute(
                    "INSERT INTO channels VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*astuple(ref), *astuple(overrides))
                )

    async def _read(self, connection: aiosqlite.Connection, channel: int | None) -> ChannelOverrides:
        statement = "SELECT persona, temperature, answer_length, turns, persona_name FROM channels WHERE channel = ?"
        rows = await connection.execute_fetchall(statement, (channel,))
        overrides = next((ChannelOverrides(*row) for row in rows), ChannelOverrides())
        return replace(overrides, persona=self.personas.get(overrides.persona_name or "", overrides.persona))

    def _capped(self, overrides: ChannelOverrides) -> ChannelOverrides:
        """The overrides within the limits, which may have been higher when they were set."""
        values = {name: getattr(overrides, name) for name in MINIMUM}
        capped = {name: min(value, getattr(self.limits, name)) for name, value in values.items() if value is not None}
        return replace(overrides, **capped)


def _first_set(kind: type[Any], *layers: ChannelOverrides | ChannelSettings) -> dict[str, Any]:
    """For each field of a class, the first value that is not None."""
    names = [option.name for option in fields(kind)]
    return {
        name: next((value for layer in layers if (value := getattr(layer, name)) is not None), None) for name in names
    }
