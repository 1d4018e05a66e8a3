"""Gateway shards: which of them this process connects, and which one a guild belongs to."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

MOST = 10_000
"""The most shards that there may be; Discord recommends about one per thousand guilds."""


def shard_of(guild: int | None, count: int) -> int:
    """The shard, among `count`, that receives a guild's events; those of direct messages go to the first."""
    return ((guild or 0) >> 22) % count


@dataclass(frozen=True)
class Shards:
    """The shards of this process, among `count` in all."""

    count: int
    ids: frozenset[int]

    @classmethod
    def chosen(cls, count: int, ids: Iterable[int] | None) -> "Shards":
        """The shards of SHARD_IDS; all, if there are none."""
        return cls(count, frozenset(ids or range(count)))

    def of(self, guild: int | None) -> int:
        """The shard that receives a guild's events."""
        return shard_of(guild, self.count)

    def __contains__(self, guild: int | None) -> bool:
        """Whether a guild's events, or direct messages for None, arrive in this process."""
        return self.of(guild) in self.ids

    def __str__(self) -> str:
        return f"{written(self.ids)} of {self.count}"

    @property
    def alone(self) -> bool:
        """Whether this is the only process."""
        return len(self.ids) == self.count

    @property
    def first(self) -> bool:
        """Whether this is the process for what only one must do; direct messages arrive here, too."""
        return 0 in self.ids


def read_ids(text: str) -> frozenset[int]:
    """Parse shards written like `0-3,6`. Raises ValueError if they are malformed or out of range."""
    ids: set[int] = set()
    for part in filter(None, re.split(r"[,\s]+", text)):
        match = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", part, re.ASCII)
        if not match:
            raise ValueError
        low, high = int(match[1]), int(match[2] or match[1])
        if not low <= high < MOST:
            raise ValueError
        ids.update(range(low, high + 1))
    if not ids:
        raise ValueError
    return frozenset(ids)


def written(ids: Iterable[int]) -> str:
    """Format shards as `read_ids` parses them, in order."""
    runs = [[number for _, number in run] for _, run in groupby(enumerate(sorted(ids)), lambda each: each[1] - each[0])]
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
