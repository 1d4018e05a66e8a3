"""Who may talk to the bot, and where."""

from collections.abc import Iterable
from dataclasses import dataclass

from bot.texts import BLOCKED, NOT_HERE


@dataclass(frozen=True)
class Access:
    """What the operator allows, as Discord ids; no guilds or channels at all means all of them."""

    guilds: frozenset[int] = frozenset()
    channels: frozenset[int] = frozenset()
    blocked: frozenset[int] = frozenset()
    direct_messages: bool = True

    def refusal(self, user: int, guild: int | None, places: Iterable[int]) -> str | None:
        """Why this user is not answered, if so; `places` are the channel and, of a thread, its channel."""
        if user in self.blocked:
            return BLOCKED
        if guild is None:
            return None if self.direct_messages else NOT_HERE
        if self.guilds and guild not in self.guilds:
            return NOT_HERE
        return NOT_HERE if self.channels and self.channels.isdisjoint(places) else None
