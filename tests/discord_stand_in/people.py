"""People, and what they do: write, reply, edit, delete, run commands, press buttons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import commands, payloads
from .clock import iso
from .errors import NotPossible
from .interactions import COMMAND_AUTOCOMPLETE, COMMAND_RUN, COMPONENT, MODAL_SUBMIT, Interaction
from .messages import COMPONENTS_V2, HAS_SNAPSHOT, Message
from .permissions import Permission
from .routes import shown_components, shown_embeds

if TYPE_CHECKING:
    from .channels import Channel
    from .server import Discord

Json = dict[str, Any]

SLASH, USER_MENU, MESSAGE_MENU = 1, 2, 3


@dataclass(eq=False)
class User:
    """A person, a bot or a webhook. They can only do what Discord's own client would let them do."""

    discord: Discord
    id: int
    username: str
    global_name: str | None = None
    bot: bool = False
    webhook: bool = False
    blocks_direct_messages: bool = False

    resolves_as = "users"

    def __repr__(self) -> str:
        return f"<{self.name}>"

    def payload(self) -> Json:
        return payloads.user(self)

    @property
    def name(self) -> str:
        return self.global_name or self.username

    @property
    def mention(self) -> str:
        return f"<@{self.id}>"

    def name_in(self, channel: Channel) -> str:
        """The name that a channel shows: the nickname, if any."""
        membership = channel.guild.members.get(self.id) if channel.guild else None
        return (membership and membership.nick) or self.name

    @property
    def direct(self) -> Channel:
        """The conversation between this person and the bot."""
        return self.discord.direct(self)

    # Messages

    async def say(
        self,
        where: Channel | User,
        content: str = "",
        *,
        files: dict[str, bytes] | None = None,
        stickers: Sequence[str] = (),
        embeds: list[Json] | None = None,
        components: list[Json] | None = None,
    ) -> Message:
        """Send a message to a channel, or to the bot directly. `files` are names and bytes, `stickers` names.

        Only bots and webhooks have embeds and components.
        """
        channel = self._channel(where)
        self._need(channel, channel.send_permission)
        self._check_length(content, files or stickers or embeds or components)
        if (embeds or components) and not self.bot:
            raise NotPossible("people have no embeds and components")
        flags = COMPONENTS_V2 if any(component["type"] != 1 for component in components or []) else 0
        return channel.add(
            self,
            content,
            files=files,
            stickers=stickers,
            embeds=shown_embeds(embeds),
            components=shown_components(components),
            flags=flags,
        )

    async def forward(self, message: Message, where: Channel | User) -> Message:
        """Forward a message to a channel, or to the bot directly."""
        self._see(message)
        channel = self._channel(where)
        self._need(channel, channel.send_permission)
        return channel.add(self, forwarded=message, flags=HAS_SNAPSHOT)

    async def poll(self, where: Channel | User, question: str, *answers: str) -> Message:
        """Ask all in a channel, for a day."""
        channel = self._channel(where)
        self._need(channel, channel.send_permission)
        poll = {
            "question": {"text": question},
            "answers": [{"answer_id": number, "poll_media": {"text": text}} for number, text in enumerate(answers, 1)],
            "expiry": iso(self.discord.clock.now() + 86400),
            "allow_multiselect": False,
            "layout_type": 1,
            "results": {"is_finalized": False, "answer_counts": []},
        }
        return channel.add(self, poll=poll)

    async def reply(
        self, message: Message, content: str = "", *, ping: bool = True, files: dict[str, bytes] | None = None
    ) -> Message:
        """Reply to a message; `ping` is the @ toggle beside the input field."""
        self._see(message)
        self._need(message.channel, message.channel.send_permission)
        self._check_length(content, files)
        allowed = {"parse": ["users", "roles", "everyone"], "replied_user": ping}
        return message.channel.add(self, content, reference=message, allowed=allowed, files=files)

    async def edit(self, message: Message, content: str) -> None:
        if message.author is not self:
            raise NotPossible(f"{self.name} cannot edit what {message.author.name} wrote")
        self._see(message)
        self._check_length(content, None)
        message.edit(content=content)

    async def delete(self, message: Message) -> None:
        self._see(message)
        if message.author is not self:
            self._need(message.channel, Permission.MANAGE_MESSAGES)
        message.delete()

    async def purge(self, *messages: Message) -> None:
        """Delete several messages of a server's channel at once, as moderation bots do."""
        channel = messages[0].channel
        self._need(channel, Permission.MANAGE_MESSAGES)
        channel.purge(messages)

    async def type(self, where: Channel | User) -> None:
        """Start typing."""
        self._channel(where).type(self)

    async def post(self, forum: Channel, title: str, content: str) -> Channel:
        """Create a post in a forum: a thread whose first message has the thread's id."""
        self._need(forum, Permission.SEND_MESSAGES)
        thread = forum.thread(title, owner=self)
        thread.add(self, content, message_id=thread.id)
        return thread

    # Interactions: each method returns when the bot has acknowledged it, or can no longer do so

    async def command(self, where: Channel | User, name: str, /, **options: Any) -> Interaction:
        """Run a slash command as the bot registered it; a group's command is "group name"."""
        channel = self._channel(where)
        command, path = self.discord.commands.find(self, channel, name, SLASH)
        filled, things = commands.fill_in(path[-1], options)
        data = commands.payload(command, channel, commands.nest(path, filled), things)
        return await self._interact(Interaction(COMMAND_RUN, self, channel, data))

    async def menu(self, target: Message | User, name: str, where: Channel | None = None) -> Interaction:
        """Choose a command from the Apps menu of a message, or of a person in the channel `where`."""
        kind, channel = (MESSAGE_MENU, target.channel) if isinstance(target, Message) else (USER_MENU, where)
        assert channel is not None, "whose menu is opened in which channel?"
        command, _ = self.discord.commands.find(self, channel, name, kind)
        data = commands.payload(command, channel, [], [target]) | {"target_id": str(target.id)}
        return await self._interact(Interaction(COMMAND_RUN, self, channel, data))

    async def autocomplete(self, where: Channel | User, name: str, option: str, typed: str) -> list[Json]:
        """Type into an option of a slash command; returns the choices that the bot offers."""
        channel = self._channel(where)
        command, path = self.discord.commands.find(self, channel, name, SLASH)
        filled = commands.half_filled(path[-1], option, typed)
        data = commands.payload(command, channel, commands.nest(path, filled), [])
        return (await self._interact(Interaction(COMMAND_AUTOCOMPLETE, self, channel, data))).choices

    async def press(self, message: Message, button: str) -> Interaction:
        """Press a button, by its label or its custom_id."""
        self._see(message)
        found = next((b for b in message.buttons if button in (b.label, b.custom_id)), None)
        if found is None or found.disabled or found.custom_id is None:
            state = "has no button" if found is None else "cannot be pressed:"
            raise NotPossible(f"{message!r} {state} {button!r}")
        data = {"component_type": 2, "custom_id": found.custom_id, "id": found.payload["id"]}
        return await self._interact(Interaction(COMPONENT, self, message.channel, data, source=message))

    async def submit(self, opened: Interaction, /, **answers: str) -> Interaction:
        """Fill in the form that an interaction opened, by the custom_ids of its fields, and submit it."""
        if opened.modal is None:
            raise NotPossible(f"no form was opened, but {opened.response!r}")
        data = commands.fill_in_form(opened.modal, answers)
        sent = Interaction(MODAL_SUBMIT, self, opened.channel, data, source=opened.source, opened_by=opened)
        return await self._interact(sent)

    async def _interact(self, interaction: Interaction) -> Interaction:
        self.discord.interactions[interaction.token] = interaction
        guild = interaction.channel.guild
        self.discord.gateway.send("INTERACTION_CREATE", interaction.payload(), guild=guild)
        return await interaction.acknowledged()

    # What Discord's own client checks before it sends anything

    def _channel(self, where: Channel | User) -> Channel:
        if not isinstance(where, User):
            return where
        if where is not self.discord.bot:
            raise NotPossible("only the bot's own conversations are kept here")
        return self.direct

    def _need(self, channel: Channel, permission: Permission) -> None:
        needed = permission | Permission.VIEW_CHANNEL
        if channel.permissions(self) & needed != needed:
            raise NotPossible(f"{self.name} has no permission for {needed!r} in {channel}")
        if channel.locked:
            raise NotPossible(f"{channel} is locked")

    def _see(self, message: Message) -> None:
        if not message.visible(self) or not message.channel.visible_to(self):
            raise NotPossible(f"{self.name} does not see {message!r}")

    def _check_length(self, content: str, others: object) -> None:
        if not content.strip() and not others:
            raise NotPossible("an empty message cannot be sent")
        if len(content) > 2000:
            raise NotPossible("people, too, can say 2000 characters at most")
