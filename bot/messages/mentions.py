"""Names for what a text mentions."""

import re
from collections.abc import Mapping

import discord

MENTION = re.compile(r"<(@!?|@&|#|a?:\w+:|/[^:<>]+:)([0-9]{1,20})>")


def resolve_mentions(text: str, guild: discord.Guild | None, names: Mapping[int, str]) -> str:
    """A text with names for the roles, channels, emoji and commands it mentions.

    `names` are those of people, by id, and of roles that have another one here than in the guild.
    """

    def name(mention: re.Match[str]) -> str:
        kind, number = mention[1], int(mention[2])
        if kind in ("@", "@!"):
            return names.get(number, mention[0])
        if kind == "@&":
            role = guild and guild.get_role(number)
            return names.get(number, f"@{role.name}" if role else mention[0])
        if kind == "#":
            channel = guild and guild.get_channel_or_thread(number)
            return f"#{channel.name}" if channel else mention[0]
        return kind.removeprefix("a") if kind[0] != "/" else kind.removesuffix(":")

    return MENTION.sub(name, text)
