"""Interactions: what a person did, and the bot's responses."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import payloads
from .clock import PATIENCE
from .permissions import EVERYTHING

if TYPE_CHECKING:
    from .channels import Channel
    from .messages import Message
    from .people import User

Json = dict[str, Any]

COMMAND_RUN, COMPONENT, COMMAND_AUTOCOMPLETE, MODAL_SUBMIT = 2, 3, 4, 5


class Interaction:
    """Something that a person did, with the bot's responses."""

    def __init__(
        self,
        kind: int,
        user: User,
        channel: Channel,
        data: Json,
        *,
        source: Message | None = None,
        opened_by: Interaction | None = None,
    ) -> None:
        self.kind = kind
        self.user = user
        self.channel = channel
        self.data = data
        self.source = source
        """The message whose button was pressed."""
        self.opened_by = opened_by
        """The interaction that the bot answered with the form that was now sent."""
        self.discord = channel.discord
        self.id = self.discord.clock.snowflake()
        self.token = secrets.token_urlsafe(24)
        self.created_at = self.discord.clock.now()
        self.acknowledged_at: float | None = None
        self.response: Message | None = None
        """The bot's first answer as it is now; for a button that only changed its message, that message."""
        self.followups: list[Message] = []
        self.modal: Json | None = None
        self.choices: list[Json] = []

    @property
    def ack_seconds(self) -> float | None:
        return None if self.acknowledged_at is None else self.acknowledged_at - self.created_at

    @property
    def too_late(self) -> bool:
        """It was not acknowledged in time."""
        age = self.discord.clock.now() - self.created_at
        return self.acknowledged_at is None and age >= self.discord.limits.acknowledge

    @property
    def expired(self) -> bool:
        return self.discord.clock.now() - self.created_at >= self.discord.limits.interaction

    @property
    def failed(self) -> str | None:
        """What the person reads if the bot did not acknowledge in time, or did not respond within fifteen minutes."""
        thinking = self.response is not None and self.response.loading
        return "The application did not respond" if self.too_late or (thinking and self.expired) else None

    @property
    def ephemeral(self) -> bool:
        return self.response is not None and self.response.ephemeral

    @property
    def messages(self) -> list[Message]:
        """All responses that the person sees."""
        answers = ([self.response] if self.response else []) + self.followups
        return [m for m in answers if m.visible(self.user)]

    @property
    def installed_for(self) -> Json:
        return {"0": str(self.channel.guild.id)} if self.channel.guild else {"1": str(self.user.id)}

    def metadata(self) -> Json:
        """The part of a response's payload that describes the interaction."""
        metadata: Json = {
            "id": str(self.id),
            "type": self.kind,
            "user": payloads.user(self.user),
            "authorizing_integration_owners": self.installed_for,
        }
        if self.opened_by is not None:
            metadata["triggering_interaction_metadata"] = self.opened_by.metadata()
        elif self.source is not None:
            metadata["interacted_message_id"] = str(self.source.id)
        return metadata

    async def acknowledged(self) -> Interaction:
        """Wait until the bot has acknowledged this or Discord gives up on it; see `failed`."""
        limit = self.discord.limits.acknowledge
        late = self.discord.loop.call_later(limit, self.discord.changes.notify, self)
        try:
            await self.discord.changes.until(
                self, lambda: self.acknowledged_at is not None or self.too_late, limit + 1, lambda: f"{self.data}"
            )
        finally:
            late.cancel()
        return self

    async def wait_for(self, wanted: Callable[[Message], object] | str, *, within: float = PATIENCE) -> Message:
        """Wait for a response or follow-up that `wanted` accepts, or that contains it, and return it."""

        def read() -> Message | None:
            accepts = (lambda m: wanted in m.content) if isinstance(wanted, str) else wanted
            return next((m for m in self.messages if accepts(m)), None)

        def failure() -> str:
            answers = [f"  {message}" for message in self.messages] or [f"  {self.failed or '(nothing)'}"]
            return "\n".join([f"the awaited answer did not come within {within} s; there is:", *answers])

        found = await self.discord.changes.until(self, read, within, failure)
        assert found is not None
        return found

    def payload(self) -> Json:
        """INTERACTION_CREATE."""
        channel, guild, bot = self.channel, self.channel.guild, self.discord.bot
        payload: Json = {
            "id": str(self.id),
            "application_id": str(self.discord.application.id),
            "type": self.kind,
            "token": self.token,
            "version": 1,
            "data": self.data,
            "channel_id": str(channel.id),
            "channel": payloads.channel(channel) | {"permissions": str(int(channel.permissions(self.user)))},
            "locale": "en-US",
            "entitlements": [],
            "authorizing_integration_owners": self.installed_for,
            "context": 0 if guild else 1,
            "attachment_size_limit": 10 * 1024 * 1024,
            "app_permissions": str(int(channel.permissions(bot) if guild else EVERYTHING)),
        }
        if self.source is not None:
            payload["message"] = payloads.message(self.source)
        if guild is None:
            return payload | {"user": payloads.user(self.user)}
        permissions = {"permissions": str(int(channel.permissions(self.user)))}
        return payload | {
            "guild_id": str(guild.id),
            "guild": {"id": str(guild.id), "locale": "en-US", "features": []},
            "guild_locale": "en-US",
            "member": payloads.full_member(guild.members[self.user.id]) | permissions,
        }
