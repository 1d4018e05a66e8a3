"""The text that the model reads of a question in Discord: its message, the one that it refers to, and their files."""

import asyncio
from dataclasses import dataclass
from typing import Self

import discord

from bot.errors import UserError
from bot.messages.content import Content, File
from bot.messages.lookups import optional
from bot.messages.mentions import MENTION, resolve_mentions
from bot.storage.turns import NO_QUOTE, Person, Quote
from bot.text_files import decoded, fenced
from bot.texts import ONLY_TEXT

_QUOTE_LENGTH = 600  # characters of another message that are quoted
_MOST_LOOKUPS = 5  # people whose names are fetched


class Unreadable(UserError):
    """There is nothing that the bot can read; the message says so."""

    def __init__(self) -> None:
        super().__init__(ONLY_TEXT)


@dataclass(frozen=True)
class _Excerpt:
    """A message's content, quoted if it has an `author`."""

    content: Content
    author: Person | None = None

    @classmethod
    def quoted(cls, content: Content, author: discord.abc.User) -> Self:
        """The content of a message by another person."""
        return cls(content, Person(author.id, author.display_name, quoted=True))

    @property
    def people(self) -> tuple[Person, ...]:
        """Whom it names and quotes."""
        return (self.author, *self.content.people) if self.author else self.content.people

    def render(self, read: dict[File, str]) -> str:
        """Its text, shortened if quoted, and its files, with the text of those that were read."""
        text = self.content.text
        if self.author:
            text = shortened(text)
            text = f"{self.author.name} wrote: {text}" if text else f"{self.author.name} sent:"
        blocks = [fenced(file.name, read[file]) for file in self.content.files if file in read]
        labels = ", ".join(file.label for file in self.content.files if file not in read)
        return "\n".join(filter(None, [text, *blocks, labels and f"(not readable: {labels})"]))


def shortened(text: str) -> str:
    """What others wrote, on one line and not too long."""
    text = " ".join(text.split())
    return text if len(text) <= _QUOTE_LENGTH else text[:_QUOTE_LENGTH].rstrip() + "…"


class IncomingText:
    """What a question says, and the `people` whom it names and quotes.

    `unread` names what in it cannot be read; what `fetch` cannot get comes to that.
    """

    def __init__(self, *excerpts: _Excerpt) -> None:
        self._excerpts = [excerpt for excerpt in excerpts if excerpt.content]
        files = [file for excerpt in self._excerpts for file in excerpt.content.files]
        self._to_read = [file for file in files if file.source]
        self._read: dict[File, str] = {}
        self.unread = [file.name for file in files if not file.source]
        self.people = tuple(dict.fromkeys(person for excerpt in self._excerpts for person in excerpt.people))

    @classmethod
    def of_question(cls, message: discord.Message, me: discord.abc.User) -> Self:
        """The text of a message to the bot, after what another person wrote that it replies to."""
        own = _Excerpt(Content.of(message, me))
        other = message.reference and message.reference.resolved
        if not isinstance(other, discord.Message) or other.author == me:
            return cls(own)
        # Its author as a member of the server, for the name that the server knows them by.
        author = next((user for user in message.mentions if user == other.author), other.author)
        return cls(_Excerpt.quoted(Content.of(other, me), author), own)

    @classmethod
    def of_quote(cls, message: discord.Message, me: discord.abc.User) -> Self:
        """The text of a message that is asked about."""
        return cls(_Excerpt.quoted(Content.of(message, me), message.author))

    def __bool__(self) -> bool:
        return bool(self._excerpts)

    @property
    def text(self) -> str:
        """The text as far as it is known; of files that were not read, their names."""
        return "\n".join(excerpt.render(self._read) for excerpt in self._excerpts)

    def check(self) -> None:
        """Raise Unreadable if there is nothing to read, and nothing that may turn out to be text."""
        if not (self._to_read or self._read or any(excerpt.content.text for excerpt in self._excerpts)):
            raise Unreadable

    async def fetch(self) -> str:
        """The text with that of its files. Raises Unreadable if there is nothing to read."""
        await self._read_files()
        self.check()
        return self.text

    async def fetch_thread_starter(self, message: discord.Message, me: discord.abc.User) -> Quote:
        """The message that the thread or forum post of `message` grew from; blank if it cannot be seen.

        Discord gives that message the same id as the thread. In a thread that the bot has opened it is a question of
        the talk there, which people may have had forgotten.
        """
        thread = message.channel
        quoted_already = message.reference and message.reference.message_id
        if (
            not isinstance(thread, discord.Thread)
            or thread.id in (message.id, quoted_already)
            or thread.owner_id == me.id
        ):
            return NO_QUOTE
        where = thread if isinstance(thread.parent, discord.ForumChannel) else thread.parent
        if not isinstance(where, discord.abc.Messageable):
            return NO_QUOTE
        starter = await optional(where.fetch_message(thread.id))
        quote = starter and IncomingText.of_quote(starter, me)
        if not quote:  # the thread was opened without a message, or that is deleted or hidden from the bot
            return NO_QUOTE
        await quote._read_files()
        self.unread += quote.unread
        return Quote(f"{quote.text}\n", quote.people)

    async def _read_files(self) -> None:
        """Read the files that may be text, all at once, as far as Discord delivers them soon."""
        files, self._to_read = self._to_read, []
        data_of_each = await asyncio.gather(*(optional(file.source.read()) for file in files if file.source))
        for file, data in zip(files, data_of_each, strict=True):
            if data is None:
                self.unread.append(f"{file.name}, which Discord did not deliver")
            elif (text := decoded(data)) is None:
                self.unread.append(file.name)
            else:
                self._read[file] = text


async def resolved(text: str, guild: discord.Guild | None) -> str:
    """A command's text with names for all that it mentions; people's are fetched, as Discord does not send them."""
    mentioned = dict.fromkeys(int(mention[2]) for mention in MENTION.finditer(text) if mention[1] in ("@", "@!"))
    lookups = [guild.fetch_member(number) for number in [*mentioned][:_MOST_LOOKUPS]] if guild else []
    members = await asyncio.gather(*map(optional, lookups))
    names = {member.id: f"@{member.display_name}" for member in members if member}
    return resolve_mentions(text, guild, names)
