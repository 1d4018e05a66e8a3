"""Everything that can be read in a Discord message, wherever it stands, and the files in it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeAlias
from urllib.parse import urlsplit

import discord

from bot.messages.mentions import resolve_mentions
from bot.storage.turns import UNKNOWN, Person
from bot.text_files import LONGEST_FILE

_LONGEST_NAME = 80  # characters of a file's name that are shown
_MEDIA = ("audio/", "image/", "video/")
_EMBEDDED = {"image": "a picture", "gifv": "a GIF", "video": "a video"}

_Part: TypeAlias = discord.Message | discord.MessageSnapshot
_Source: TypeAlias = discord.Attachment | discord.UnfurledMediaItem


@dataclass(frozen=True, eq=False)
class File:
    """Something in a message that is no text at first sight. `source` is where to read it if it may be a text file."""

    name: str
    description: str | None = None
    source: _Source | None = None

    @classmethod
    def of(cls, source: _Source, name: str, size: int, description: str | None) -> Self:
        """A file, to be read unless it is too long, a picture, a sound or a film."""
        readable = size <= LONGEST_FILE and not (source.content_type or "").startswith(_MEDIA)
        return cls(name[:_LONGEST_NAME], description, source if readable else None)

    @property
    def label(self) -> str:
        """Its name, and what it shows according to who sent it."""
        return f"{self.name} ({self.description})" if self.description else self.name


@dataclass(frozen=True)
class Content:
    """What a message, and one that it forwards, says, and whom it names; false if there is nothing at all."""

    text: str
    files: tuple[File, ...]
    people: tuple[Person, ...]

    @classmethod
    def of(cls, message: discord.Message, me: discord.abc.User) -> Self:
        """The content with names for mentions, and without the mention of `me`, the bot, or of its role."""
        text = "\n".join(_texts(message))
        for snapshot in message.message_snapshots:
            if forwarded := "\n".join(_texts(snapshot)):
                text += f"\nForwarded message:\n{forwarded}"
        names = {user.id: f"@{user.display_name}" for user in message.mentions} | {me.id: ""}
        if message.guild and (role := message.guild.self_role):
            names[role.id] = ""
        parts: tuple[_Part, ...] = (message, *message.message_snapshots)
        named = (Person(user.id, user.display_name) for user in message.mentions if user != me)
        return cls(
            resolve_mentions(text, message.guild, names).strip(),
            tuple(file for part in parts for file in _files(part)),
            (*named, *[UNKNOWN][: len(message.message_snapshots)]),
        )

    def __bool__(self) -> bool:
        return bool(self.text or self.files)


def _texts(part: _Part) -> Iterator[str]:
    """The texts of a message in the order in which Discord shows them."""
    yield part.content
    if isinstance(part, discord.Message) and part.poll:
        yield from _poll_texts(part.poll)
    for embed in part.embeds:
        fields = [f"{field.name}: {field.value}" for field in embed.fields]
        texts = (embed.author.name, embed.title, embed.description, *fields, embed.footer.text)
        yield from (text for text in texts if text)
    for component in _walk(part.components):
        if isinstance(component, discord.TextDisplay):
            yield component.content


def _poll_texts(poll: discord.Poll) -> Iterator[str]:
    yield f"Poll: {poll.question}"
    for answer in poll.answers:
        yield f"- {answer.text}" + (f" (votes: {answer.vote_count})" if poll.total_votes else "")


def _files(part: _Part) -> Iterator[File]:
    """The files of a message, and what else in it is no text."""
    for attachment in part.attachments:
        yield File.of(attachment, attachment.filename, attachment.size, attachment.description)
    for sticker in part.stickers:
        yield File(f"the sticker {sticker.name}")
    for embed in part.embeds:
        if kind := _EMBEDDED.get(embed.type, "a picture" if embed.image else ""):
            yield File(kind)
    attached = {attachment.filename for attachment in part.attachments}  # which components may show
    for component in _walk(part.components):
        for name, file in _component_files(component):
            if name not in attached:
                yield file


def _component_files(component: discord.Component) -> Iterator[tuple[str, File]]:
    if isinstance(component, discord.FileComponent):
        name = component.name or _name(component.media.url)
        yield name, File.of(component.media, name, component.size or LONGEST_FILE + 1, None)
    elif isinstance(component, discord.MediaGalleryComponent):
        for item in component.items:
            yield _name(item.media.url), File("a picture", item.description)
    elif isinstance(component, discord.ThumbnailComponent):
        yield _name(component.media.url), File("a picture", component.description)


def _walk(components: Sequence[Any]) -> Iterator[discord.Component]:
    """All components at any depth, in the order in which Discord shows them."""
    for component in components:
        yield component
        yield from _walk(getattr(component, "children", ()))
        if accessory := getattr(component, "accessory", None):
            yield accessory


def _name(url: str) -> str:
    """The name of the file at an address."""
    return urlsplit(url).path.rsplit("/", 1)[-1]
