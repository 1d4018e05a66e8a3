"""A Discord message → the text that the model reads: mentions as names, and what the message refers to."""

import re
from collections.abc import Mapping
from contextlib import suppress

import discord

_QUOTED = 600  # characters of another message that are brought along
_ASKED = 5  # people whose names are asked for
_MENTION = re.compile(r"<(@!?|@&|#|a?:\w+:|/[^:>]+:)(\d+)>")


def said(message: discord.Message, me: discord.abc.User) -> str:
    """What a message says, with names for what it mentions, and without the mention of `me`, the bot."""
    names = {user.id: f"@{user.display_name}" for user in message.mentions}
    return named(message.content, message.guild, {**names, me.id: ""}).strip()


def named(text: str, guild: discord.Guild | None, people: Mapping[int, str]) -> str:
    """A text with the names of the roles, channels, emoji and commands that it mentions, and of the `people`, by id."""

    def name(mention: re.Match[str]) -> str:
        kind, number = mention[1], int(mention[2])
        if kind in ("@", "@!"):
            return people.get(number, mention[0])
        if kind == "@&":
            role = guild and guild.get_role(number)
            return f"@{role.name}" if role else mention[0]
        if kind == "#":
            channel = guild and guild.get_channel_or_thread(number)
            return f"#{channel.name}" if channel else mention[0]
        return kind.removeprefix("a") if kind[0] != "/" else kind.removesuffix(":")

    return _MENTION.sub(name, text)


async def people(text: str, guild: discord.Guild | None) -> dict[int, str]:
    """The names of those that a command's text mentions, by id; Discord tells them only when asked."""
    names = {}
    mentioned = dict.fromkeys(int(mention[2]) for mention in _MENTION.finditer(text) if mention[1] in ("@", "@!"))
    for number in list(mentioned)[:_ASKED]:
        if guild:
            with suppress(discord.HTTPException):
                names[number] = f"@{(await guild.fetch_member(number)).display_name}"
    return names


def quoted(message: discord.Message, me: discord.abc.User, author: discord.abc.User | None = None) -> str:
    """A line that tells the model what somebody wrote, shortened to fit; blank if that was no text.

    `author` is the one who wrote it, where somebody is known who has the name that this server knows them by.
    """
    text = " ".join(said(message, me).split())
    if len(text) > _QUOTED:
        text = text[:_QUOTED].rstrip() + "…"
    return f"{(author or message.author).display_name} wrote: {text}\n" if text else ""


def replied_to(message: discord.Message, me: discord.abc.User) -> str:
    """The message of another person that this one is a reply to, quoted; blank if there is none."""
    other = message.reference and message.reference.resolved
    if not isinstance(other, discord.Message) or other.author == me:
        return ""
    return quoted(other, me, next((user for user in message.mentions if user == other.author), None))


async def opening(message: discord.Message, me: discord.abc.User) -> str:
    """What the thread or forum post grew from that a message stands in, quoted; blank if nothing can be seen of it.

    Discord gives that message the same id as the thread.
    """
    thread = message.channel
    quoted_already = message.reference and message.reference.message_id
    if not isinstance(thread, discord.Thread) or thread.id in (message.id, quoted_already):
        return ""
    where = thread if isinstance(thread.parent, discord.ForumChannel) else thread.parent
    if not isinstance(where, discord.abc.Messageable):
        return ""
    try:
        return quoted(await where.fetch_message(thread.id), me)
    except discord.HTTPException:
        return ""  # it was opened without a message, or the message is gone or not for us
