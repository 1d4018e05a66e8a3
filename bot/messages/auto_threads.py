"""Threads that the bot opens for the talk that begins with a question."""

import re

import discord
from markdown_it import MarkdownIt

from bot.messages.access import FOR_THREADS, lacking
from bot.messages.addressing import Addressing
from bot.messages.content import Content
from bot.messages.lookups import optional
from bot.messages.pacing import Pacer
from bot.texts import REPLACED

_LONGEST_NAME = 100  # characters; Discord's own limit
_HIDDEN = re.compile(r"\|\|.+?\|\|", re.DOTALL)
_LINE_MARK = re.compile(r"^ *(?:#{1,3}|-#|>{1,3}|[-*]) +|```(?:\w*$)?", re.MULTILINE)
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("strikethrough")
_SHORTEST_NAME = 60  # characters of a longer question that stay, even if that breaks a word


class AutoThreads:
    """Opens threads below questions in text channels, if that is `on`."""

    def __init__(self, addressing: Addressing, pacer: Pacer, *, on: bool) -> None:
        self.on = on
        self._addressing = addressing
        self._pacer = pacer

    def wanted(self, message: discord.Message) -> bool:
        """Whether a message to the bot is to be answered in a thread: it mentions the bot, and the bot may open one."""
        channel = message.channel
        if not (self.on and isinstance(channel, discord.TextChannel)):
            return False
        permissions = channel.permissions_for(channel.guild.me)
        return not (
            self._addressing.is_reply(message)
            or self._addressing.listens_in(channel)
            or lacking(permissions, "send_messages_in_threads", *FOR_THREADS)
        )

    async def open(self, message: discord.Message, me: discord.abc.User) -> discord.Thread | None:
        """Open a thread below a message; None if Discord does not open it soon, such as for AutoMod's sake."""
        await self._pacer.slot()
        name = thread_name(Content.of(message, me).text) or message.author.display_name
        thread = await optional(message.create_thread(name=name))
        if thread is None and message.guild:  # it may have been opened though Discord did not say so
            found = await optional(message.guild.fetch_channel(message.id))
            thread = found if isinstance(found, discord.Thread) else None
        return thread


def thread_name(question: str) -> str:
    """A question as the name of a thread; blank if there is nothing to read in it."""
    (inline,) = _MARKDOWN.parseInline(_HIDDEN.sub(REPLACED, _LINE_MARK.sub("", question)))
    texts = (" " if token.type in ("softbreak", "hardbreak") else token.content for token in inline.children or ())
    name = " ".join("".join(texts).split()).lstrip(" ,;:.").rstrip(" ,;:.-")
    if len(name) <= _LONGEST_NAME:
        return name
    cut = name[: _LONGEST_NAME - 1]
    words, _, _ = cut.rpartition(" ")
    return f"{(words if len(words) >= _SHORTEST_NAME else cut).rstrip(' ,;:.-')}…"
