"""The text that the model reads of a Discord message: mentions as names, and the message that it refers to."""

import re
from collections.abc import Mapping
from contextlib import suppress

import discord

_QUOTE_LENGTH = 600  # characters of another message that are quoted
_MOST_LOOKUPS = 5  # people whose names are fetched
_MENTION = re.compile(r"<(@!?|@&|#|a?:\w+:|/[^:<>]+:)(\d{1,20})>")


def content(message: discord.Message, me: discord.abc.User) -> str:
    """A message's text with names for mentions, and without the mention of `me`, the bot."""
    names = {user.id: f"@{user.display_name}" for user in message.mentions}
    return resolve_mentions(message.content, message.guild, {**names, me.id: ""}).strip()


def resolve_mentions(text: str, guild: discord.Guild | None, people: Mapping[int, str]) -> str:
    """A text with names for the roles, channels, emoji and commands it mentions, and for the `people`, by id."""

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


async def mentioned_people(text: str, guild: discord.Guild | None) -> dict[int, str]:
    """The names of those whom a command's text mentions, by id: Discord does not send them along."""
    names = {}
    mentioned = dict.fromkeys(int(mention[2]) for mention in _MENTION.finditer(text) if mention[1] in ("@", "@!"))
    for number in list(mentioned)[:_MOST_LOOKUPS]:
        if guild:
            with suppress(discord.HTTPException):
                names[number] = f"@{(await guild.fetch_member(number)).display_name}"
    return names


def quoted(message: discord.Message, me: discord.abc.User, author: discord.abc.User | None = None) -> str:
    """A line that quotes a message for the model, shortened; blank if the message has no text.

    `author` is its author as a member of the server, if known, for the name that the server knows them by.
    """
    text = " ".join(content(message, me).split())
    if len(text) > _QUOTE_LENGTH:
        text = text[:_QUOTE_LENGTH].rstrip() + "…"
    return f"{(author or message.author).display_name} wrote: {text}\n" if text else ""


def replied_to(message: discord.Message, me: discord.abc.User) -> str:
    """The message of another person that this one replies to, quoted; blank if there is none."""
    other = message.reference and message.reference.resolved
    if not isinstance(other, discord.Message) or other.author == me:
        return ""
    return quoted(other, me, next((user for user in message.mentions if user == other.author), None))


async def thread_starter(message: discord.Message, me: discord.abc.User) -> str:
    """The message that the thread or forum post of `message` grew from, quoted; blank if it cannot be seen.

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
        return ""  # the thread was opened without a message, or it is deleted or hidden from the bot
