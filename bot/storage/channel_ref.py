"""The ids by which a channel is known."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ChannelRef:
    """A channel, the channel that it is a thread of, and its guild, by their Discord ids.

    `guild` is None for direct messages and for the terminal.
    """

    channel: int
    parent: int | None = None
    guild: int | None = None
