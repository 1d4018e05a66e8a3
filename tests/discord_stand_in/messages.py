"""Messages: all their versions, whom they mention, and who may see them."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import payloads
from .permissions import Permission

if TYPE_CHECKING:
    from .channels import Channel
    from .guilds import Role
    from .interactions import Interaction
    from .people import User

Json = dict[str, Any]

SUPPRESS_EMBEDS = 1 << 2
HAS_THREAD = 1 << 5
EPHEMERAL = 1 << 6
LOADING = 1 << 7
HAS_SNAPSHOT = 1 << 14
COMPONENTS_V2 = 1 << 15

DEFAULT, REPLY, COMMAND, CONTEXT_COMMAND = 0, 19, 20, 23


@dataclass(frozen=True)
class Version:
    """The content of a message from `at` (seconds since 1970) until its next version."""

    content: str
    embeds: list[Json]
    components: list[Json]
    at: float


@dataclass(frozen=True)
class Attachment:
    id: int
    filename: str
    data: bytes
    url: str

    @property
    def content_type(self) -> str | None:
        """Discord goes by the name, too."""
        return mimetypes.guess_type(self.filename)[0]


@dataclass(frozen=True)
class Button:
    label: str
    custom_id: str | None
    style: int
    disabled: bool
    url: str | None
    payload: Json


@dataclass
class Mentions:
    users: list[User] = field(default_factory=list)
    roles: list[Role] = field(default_factory=list)
    everyone: bool = False

    def __bool__(self) -> bool:
        return bool(self.users or self.roles or self.everyone)


class Message:
    """A message in a channel. `versions` is never empty; a deleted message keeps its content."""

    resolves_as = "messages"

    def __init__(
        self,
        message_id: int,
        channel: Channel,
        author: User,
        version: Version,
        *,
        kind: int = DEFAULT,
        reference: Message | None = None,
        allowed: Json | None = None,
        forwarded: Message | None = None,
        poll: Json | None = None,
        stickers: tuple[str, ...] = (),
        attachments: tuple[Attachment, ...] = (),
        flags: int = 0,
        nonce: str | None = None,
        interaction: Interaction | None = None,
        visible_to: User | None = None,
    ) -> None:
        self.id = message_id
        self.channel = channel
        self.author = author
        self.versions = [version]
        self.created_at = version.at
        self.kind = kind
        self.reference = reference
        self.forwarded = forwarded
        self.poll = poll
        self.stickers = stickers
        self.attachments = attachments
        self.flags = flags
        self.nonce = nonce
        self.interaction = interaction
        self.visible_to = visible_to
        self.deleted_at: float | None = None
        self._allowed = allowed
        self.mentions = find_mentions(self, allowed)
        self.pings = self.mentions
        """Those whom this message notified, for tests of allowed_mentions."""

    def __repr__(self) -> str:
        return f"<{self}>"

    def __str__(self) -> str:
        """The message as text, as a person would read it."""
        parts = ["(thinking…)" if self.loading else self.content]
        parts += [f"[embed {e.get('title') or e.get('description') or ''}]" for e in self.embeds]
        parts += [f"[file {a.filename}]" for a in self.attachments]
        parts += [f"[sticker {name}]" for name in self.stickers]
        parts += [f"[forwarded from {self.forwarded}]"] if self.forwarded else []
        parts += [f"[poll {self.poll['question']['text']}]"] if self.poll else []
        parts += [f"[{b.label}{' (disabled)' if b.disabled else ''}]" for b in self.buttons]
        whose = f"{self.author.name_in(self.channel)}{' (only to you)' if self.ephemeral else ''}"
        return f"{whose}: {' '.join(part for part in parts if part)}"

    @property
    def content(self) -> str:
        return self.versions[-1].content

    @property
    def embeds(self) -> list[Json]:
        return self.versions[-1].embeds

    @property
    def components(self) -> list[Json]:
        return self.versions[-1].components

    @property
    def edited_at(self) -> float | None:
        return self.versions[-1].at if len(self.versions) > 1 else None

    @property
    def ephemeral(self) -> bool:
        return bool(self.flags & EPHEMERAL)

    @property
    def loading(self) -> bool:
        """The bot has deferred its response: people see that it is thinking."""
        return bool(self.flags & LOADING)

    @property
    def buttons(self) -> list[Button]:
        return [
            Button(
                label=c.get("label") or (c.get("emoji") or {}).get("name") or "",
                custom_id=c.get("custom_id"),
                style=c["style"],
                disabled=bool(c.get("disabled")),
                url=c.get("url"),
                payload=c,
            )
            for c in components_within(self.components)
            if c["type"] == 2
        ]

    @property
    def labels(self) -> list[str]:
        """The labels of its buttons."""
        return [button.label for button in self.buttons]

    @property
    def started_thread(self) -> Channel | None:
        """The thread that grew from it."""
        return self.channel.discord.channels.get(self.id) if self.flags & HAS_THREAD else None

    def mentions_user(self, user: User) -> bool:
        return user in self.mentions.users

    @property
    def is_for_the_bot(self) -> bool:
        """Whether the bot may read it without the Message Content intent."""
        bot = self.channel.discord.bot
        return self.channel.guild is None or self.author is bot or self.mentions_user(bot)

    def edit(
        self,
        *,
        content: str | None = None,
        embeds: list[Json] | None = None,
        components: list[Json] | None = None,
        attachments: tuple[Attachment, ...] | None = None,
        allowed: Json | None = None,
    ) -> None:
        """Add a version; what is None stays as it was."""
        last = self.versions[-1]
        version = Version(
            last.content if content is None else content.strip(),
            last.embeds if embeds is None else embeds,
            last.components if components is None else components,
            self.channel.discord.clock.now(),
        )
        was_loading = self.loading
        self.flags &= ~LOADING
        # The response to a deferred interaction is a first version: there was nothing to read before.
        self.versions = [version] if was_loading else [*self.versions, version]
        self.attachments = self.attachments if attachments is None else attachments
        self.mentions = find_mentions(self, self._allowed if allowed is None else allowed)
        if was_loading:
            self.pings = self.mentions  # no other edit does
        self.channel.announce("MESSAGE_UPDATE", self)

    def delete(self) -> None:
        self.deleted_at = self.channel.discord.clock.now()
        self.channel.announce("MESSAGE_DELETE", self)

    def visible(self, to: User) -> bool:
        return self.deleted_at is None and self.visible_to in (None, to)

    def payload(self) -> Json:
        return payloads.message(self)


def components_within(components: list[Json]) -> Iterator[Json]:
    """All components of a message, at any depth."""
    for component in components:
        yield component
        yield from components_within(component.get("components") or [])
        if accessory := component.get("accessory"):
            yield from components_within([accessory])


def find_mentions(message: Message, allowed: Json | None) -> Mentions:
    """Whom a message mentions, considering `allowed_mentions` and the author's permissions.

    Without `allowed_mentions` everything in the text counts, and so does the author of the message replied to.
    Code spans never mention anybody.
    """
    channel = message.channel
    if allowed is None:
        allowed = {"parse": ["users", "roles", "everyone"], "replied_user": True}
    parse = allowed.get("parse") or []
    text = re.sub(r"```.*?```|`[^`\n]*`", "", message.content, flags=re.DOTALL)
    may_ping_all = Permission.MENTION_EVERYONE in channel.permissions(message.author)

    users: dict[int, User] = {}
    named = {int(user_id) for user_id in re.findall(r"<@!?(\d+)>", text)}
    for user_id in named if "users" in parse else named & set(map(int, allowed.get("users") or [])):
        if user := channel.discord.users.get(user_id):
            users[user_id] = user
    if message.reference is not None and allowed.get("replied_user"):
        users[message.reference.author.id] = message.reference.author

    roles: list[Role] = []
    if channel.guild:
        named = {int(role_id) for role_id in re.findall(r"<@&(\d+)>", text)}
        named = named if "roles" in parse else named & set(map(int, allowed.get("roles") or []))
        roles = [r for r in channel.guild.roles.values() if r.id in named and (r.mentionable or may_ping_all)]
    everyone = "everyone" in parse and may_ping_all and re.search(r"@(everyone|here)\b", text) is not None
    return Mentions(list(users.values()), roles, everyone and channel.guild is not None)
