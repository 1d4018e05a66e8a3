"""Channels, threads and direct conversations, and who sees what in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import payloads
from .clock import PATIENCE
from .messages import DEFAULT, EPHEMERAL, REPLY, Attachment, Message, Version
from .payloads import PUBLIC_THREAD
from .people import User
from .permissions import EVERYTHING, TALK, Permission

if TYPE_CHECKING:
    from .guilds import Guild, Role
    from .interactions import Interaction
    from .server import Discord

Json = dict[str, Any]

TYPING_LASTS = 10.0


@dataclass(frozen=True)
class Typing:
    user: User
    at: float


@dataclass(eq=False)
class Channel:
    """Anything with messages: a text channel, a forum, a thread, or a direct conversation."""

    discord: Discord
    name: str
    kind: int
    guild: Guild | None = None
    parent: Channel | None = None
    owner: User | None = None
    recipients: tuple[User, ...] = ()
    channel_id: int | None = None
    archived: bool = False
    locked: bool = False
    topic: str | None = None

    resolves_as = "channels"

    def __post_init__(self) -> None:
        self.id = self.channel_id or self.discord.clock.snowflake()
        self.created_at = self.discord.clock.now()
        self.position = len(self.guild.channels) if self.guild else 0
        self.overwrites: dict[int, tuple[int, Permission, Permission]] = {}
        self.messages: dict[int, Message] = {}
        self.typings: list[Typing] = []
        self.last_change = self.discord.loop.time()
        self.discord.channels[self.id] = self

    def __repr__(self) -> str:
        return f"<{self}>"

    def __str__(self) -> str:
        return f"#{self.name}"

    @property
    def mention(self) -> str:
        return f"<#{self.id}>"

    def payload(self) -> Json:
        return payloads.channel(self)

    @property
    def is_thread(self) -> bool:
        return self.kind == PUBLIC_THREAD

    # Who may do what

    def permissions(self, user: User) -> Permission:
        """What somebody may do here; a thread has its parent's permissions."""
        if self.parent is not None:
            return self.parent.permissions(user)
        if self.guild is None:
            return TALK if user in (*self.recipients, self.discord.bot) else Permission.NONE
        if user.webhook:
            return TALK
        granted = int(self.guild.permissions(user))
        if granted == EVERYTHING or user.id not in self.guild.members:
            return Permission(granted)
        # Discord's order: @everyone, then all roles together, then the member.
        roles = [role.id for role in self.guild.members[user.id].roles]
        for targets in ([self.guild.id], roles, [user.id]):
            overwrites = [self.overwrites[target] for target in targets if target in self.overwrites]
            for _, _, deny in overwrites:
                granted &= ~int(deny)
            for _, allow, _ in overwrites:
                granted |= int(allow)
        return Permission(granted)

    def overwrite(
        self, target: User | Role, *, allow: Permission = Permission.NONE, deny: Permission = Permission.NONE
    ) -> None:
        """Give or take permissions in this channel only."""
        assert self.guild is not None
        self.overwrites[target.id] = (1 if isinstance(target, User) else 0, allow, deny)
        self.guild.send("CHANNEL_UPDATE", payloads.channel(self))

    def describe(self, *, name: str, topic: str | None) -> None:
        """Give a server's channel another name and topic."""
        assert self.guild is not None
        self.name, self.topic = name, topic
        self.guild.send("THREAD_UPDATE" if self.is_thread else "CHANNEL_UPDATE", payloads.channel(self))

    def visible_to(self, user: User) -> bool:
        return Permission.VIEW_CHANNEL in self.permissions(user)

    @property
    def send_permission(self) -> Permission:
        return Permission.SEND_MESSAGES_IN_THREADS if self.is_thread else Permission.SEND_MESSAGES

    # What happens here

    def add(
        self,
        author: User,
        content: str = "",
        *,
        kind: int = DEFAULT,
        embeds: list[Json] | None = None,
        components: list[Json] | None = None,
        files: dict[str, bytes] | None = None,
        reference: Message | None = None,
        forwarded: Message | None = None,
        poll: Json | None = None,
        stickers: Sequence[str] = (),
        allowed: Json | None = None,
        flags: int = 0,
        nonce: str | None = None,
        interaction: Interaction | None = None,
        message_id: int | None = None,
    ) -> Message:
        """Add a message, without checking permissions; the bot gets an event if it may see it."""
        if self.archived:
            self.update(archived=False)
        message_id = message_id or self.discord.clock.snowflake()
        message = Message(
            message_id,
            self,
            author,
            Version(content.strip(), embeds or [], components or [], self.discord.clock.now()),
            kind=REPLY if reference is not None and kind == DEFAULT else kind,
            reference=reference,
            forwarded=forwarded,
            poll=poll,
            stickers=tuple(stickers),
            allowed=allowed,
            attachments=self.attach(files or {}),
            flags=flags,
            nonce=nonce,
            interaction=interaction,
            visible_to=interaction.user if interaction is not None and flags & EPHEMERAL else None,
        )
        self.messages[message.id] = message
        self.typings = [t for t in self.typings if t.user is not author]
        self.announce("MESSAGE_CREATE", message)
        return message

    def attach(self, files: dict[str, bytes]) -> tuple[Attachment, ...]:
        """Store files, to be downloaded from this stand-in."""
        stored = []
        for filename, data in files.items():
            file_id = self.discord.clock.snowflake()
            url = f"{self.discord.url}/attachments/{self.id}/{file_id}/{filename}"
            stored.append(Attachment(file_id, filename, data, url))
            self.discord.attachments[file_id] = stored[-1]
        return tuple(stored)

    def announce(self, event: str, message: Message) -> None:
        """Send an event to the bot, except for ephemeral messages, and wake those who wait."""
        if not message.ephemeral and self.visible_to(self.discord.bot):
            if event == "MESSAGE_DELETE":
                data = {"id": str(message.id), "channel_id": str(self.id)}
                data |= {"guild_id": str(self.guild.id)} if self.guild else {}
                self.discord.gateway.send(event, data, guild=self.guild)
            else:
                data = payloads.message_event(message)
                blank = None if message.is_for_the_bot else payloads.without_content(data)
                self.discord.gateway.send(event, data, guild=self.guild, without_content=blank)
        self.changed(message.interaction)

    def purge(self, messages: Sequence[Message]) -> None:
        """Delete several messages at once; the bot gets one event."""
        assert self.guild is not None
        for message in messages:
            message.deleted_at = self.discord.clock.now()
        ids = [str(message.id) for message in messages]
        data = {"ids": ids, "channel_id": str(self.id), "guild_id": str(self.guild.id)}
        self.discord.gateway.send("MESSAGE_DELETE_BULK", data, guild=self.guild)
        self.changed()

    def changed(self, *subjects: object) -> None:
        self.last_change = self.discord.loop.time()
        self.discord.changes.notify(self, *subjects)

    def type(self, user: User) -> None:
        """Show somebody typing for ten seconds or until they send a message."""
        now = self.discord.clock.now()
        self.typings.append(Typing(user, now))
        data: Json = {"channel_id": str(self.id), "user_id": str(user.id), "timestamp": int(now)}
        if self.guild:
            data |= {"guild_id": str(self.guild.id), "member": payloads.full_member(self.guild.members[user.id])}
        self.discord.gateway.send("TYPING_START", data, guild=self.guild)
        self.changed()

    def is_typing(self, user: User) -> bool:
        now = self.discord.clock.now()
        return any(t.user is user and now - t.at < TYPING_LASTS for t in self.typings)

    def thread(
        self, name: str, *, owner: User | None = None, thread_id: int | None = None, announced: bool = True
    ) -> Channel:
        """Create a public thread in this channel; if it is not `announced`, the bot does not hear of it."""
        assert self.guild is not None
        thread = Channel(
            self.discord,
            name,
            PUBLIC_THREAD,
            guild=self.guild,
            parent=self,
            owner=owner or self.guild.owner,
            channel_id=thread_id,
        )
        self.guild.channels[thread.id] = thread
        if announced:
            self.guild.send("THREAD_CREATE", {**payloads.channel(thread), "newly_created": True})
        return thread

    def update(self, *, archived: bool | None = None, locked: bool | None = None) -> None:
        """Archive, unarchive, lock or unlock a thread."""
        assert self.guild is not None
        self.archived = self.archived if archived is None else archived
        self.locked = self.locked if locked is None else locked
        self.guild.send("THREAD_UPDATE", payloads.channel(self))

    def webhook(self, name: str) -> User:
        """Somebody who writes here through a webhook and belongs to no server."""
        return self.discord.user(name, webhook=True)

    # What can be seen

    def shows(self, to: User | None = None) -> list[Message]:
        """The messages that a person sees now, newest last. Without a person: those that everybody sees."""
        if to is not None and not self.visible_to(to):
            return []
        return [m for m in self.messages.values() if m.deleted_at is None and m.visible_to in (None, to)]

    def answers(self, to: User | None = None) -> list[Message]:
        """Those of `shows` that the bot wrote."""
        return [m for m in self.shows(to) if m.author is self.discord.bot]

    def transcript(self, to: User | None = None) -> str:
        """`shows` as text, for the report of a failed test."""
        lines = [f"  {message}" for message in self.shows(to)] or ["  (nothing)"]
        return "\n".join([f"{self} shows:", *lines])

    async def wait_for(
        self,
        wanted: Callable[[Message], object] | str,
        *,
        to: User | None = None,
        after: Message | None = None,
        within: float = PATIENCE,
    ) -> Message:
        """Wait for a message, new or edited, that `wanted` accepts, and return it.

        A text stands for a message of the bot that contains it. `after` leaves out that message and older ones.
        Raises AssertionError with everything that the channel shows.
        """
        bot = self.discord.bot

        def accepted(message: Message) -> object:
            if isinstance(wanted, str):
                return message.author is bot and wanted in message.content
            return wanted(message)

        def read() -> Message | None:
            messages = [m for m in self.shows(to) if after is None or m.id > after.id]
            return next((m for m in messages if accepted(m)), None)

        what = f"a message with {wanted!r}" if isinstance(wanted, str) else "the awaited message"
        found = await self.discord.changes.until(
            self, read, within, lambda: f"{what} did not come within {within} s; {self.transcript(to)}"
        )
        assert found is not None
        return found

    async def reply_to(
        self,
        message: Message,
        *,
        wanted: Callable[[Message], object] = lambda _: True,
        within: float = PATIENCE,
    ) -> Message:
        """Wait until the bot's reply to a message is one that `wanted` accepts, and return it."""
        bot = self.discord.bot
        return await self.wait_for(
            lambda m: m.author is bot and m.reference is message and wanted(m), to=message.author, within=within
        )

    async def quiet(self, seconds: float = 0.3, *, within: float = PATIENCE) -> None:
        """Wait until there was no message, edit, deletion or typing here for so many seconds."""
        await self.discord.until_quiet(self, lambda: self.last_change, seconds, within)
