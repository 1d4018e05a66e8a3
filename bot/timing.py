"""Durations that the parts are given, in one place."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """Durations, in seconds, that the parts are given. Only tests have reason to change them."""

    edit_interval: float = 1.2
    """From one edit in a channel to the next; Discord allows about five in five seconds."""
    longest_edit_interval: float = 60.0
    """The same, for a channel that Discord holds back."""
    delivery_patience: float = 3600.0
    """How long the last edit of an answer is repeated while Discord is out of reach."""
    notice_interval: float = 10.0
    """From one notice of what an answer waits for to the next."""
    refusal_interval: float = 60.0
    """From one refusal to the next that a person reads in a channel."""
    refusal_lifetime: float = 15.0
    """How long a refusal to answer stands in a channel."""
    token_lifetime: float = 14 * 60.0
    """How long an interaction takes messages; Discord ends that after 15 minutes."""
    form_patience: float = 2.0
    """How long a form may wait for the database; Discord gives three seconds until it must open."""
    retry_interval: float = 10.0
    """Between attempts to forget what was deleted, while the database cannot be used."""
    summary_retry_interval: float = 60.0
    """Between attempts to write a summary."""
    last_words: float = 10.0
    """How long stopped answers may take to be shown and stored at the end."""
    guild_ready_timeout: float = 2.0
    """How long a shard waits for late guilds; discord.py's default."""
    identify_pause: float = 5.5
    """From one identify of a shard to the next: Discord's five, and some for differences in the way to it."""
    gateway_limit: float = 600.0
    """Longest healthy time without a connection. By then discord.py waits up to a quarter of an hour between two
    attempts, and a new process tries at once."""
    engine_limit: float = 300.0
    """Longest healthy forward pass: that of a model that reads a whole prompt at once, on a slow CPU."""
    database_limit: float = 10.0
    """Longest healthy use of the database; SQLite waits five seconds for another program."""


TIMING = Timing()
