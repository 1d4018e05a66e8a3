"""What was said in a channel before a question, beside the bot's own conversation. Nothing of it is kept."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import discord

from bot.engine.prompt import Remark
from bot.messages.access import Access
from bot.messages.addressing import Addressing, is_by_a_person
from bot.messages.content import Content
from bot.messages.incoming_text import shortened
from bot.messages.lookups import optional
from bot.storage.turns import TurnStore

_SEARCHED = 100  # messages before a question; what Discord returns at once


class ChannelContext:
    """Fetches the last messages before a question that are not meant for the bot: at most `limit`, none for 0.

    Those of bots and of blocked people are left out, and those from before a /clear.
    """

    def __init__(
        self, client: discord.Client, turns: TurnStore, addressing: Addressing, access: Access, *, limit: int
    ) -> None:
        self._client = client
        self._turns = turns
        self._addressing = addressing
        self._access = access
        self._limit = limit

    def of(self, channel: Any) -> Callable[[int], Awaitable[tuple[Remark, ...]]] | None:
        """Fetches what was said in a channel before the message of that id; None where nothing is to be fetched."""
        guild = getattr(channel, "guild", None)
        return partial(self._fetch, guild, channel) if self._limit and guild else None

    async def _fetch(self, guild: discord.Guild, channel: Any, question: int) -> tuple[Remark, ...]:
        if isinstance(channel, discord.Thread) and channel.id == question:
            channel = channel.parent  # where the question was asked that the thread was opened for
        if channel is None or self._addressing.listens_in(channel):
            return ()
        messages = await optional(self._read(channel, question))
        if not messages:
            return ()
        members = await optional(
            guild.query_members(user_ids=[*{message.author.id for message in messages}], cache=False)
        )
        if members is None and self._access.blocked_roles:
            return ()  # nobody knows who of them is blocked
        known = {member.id: member for member in members or ()}
        remarks = [
            Remark(known.get(message.author.id, message.author).display_name, self._text(message))
            for message in messages
            if not self._is_blocked(known.get(message.author.id, message.author))
        ]
        return tuple(remarks[-self._limit :])

    async def _read(self, channel: Any, question: int) -> list[discord.Message]:
        """The messages of people to each other, oldest first."""
        turns = await self._turns.recent(channel.id)
        ours = {message for turn in turns for message in turn.messages}
        after = discord.Object(await self._turns.cleared(channel.id))
        history = channel.history(limit=_SEARCHED, before=discord.Object(question), after=after, oldest_first=False)
        newest_first = [
            message
            async for message in history
            if is_by_a_person(message)
            and message.id not in ours
            and not (self._addressing.is_addressed(message) or self._addressing.is_called(message))
            and self._text(message)
        ]
        return newest_first[::-1]

    def _text(self, message: discord.Message) -> str:
        """What a message says, shortened, and what in it the bot does not read."""
        assert self._client.user
        content = Content.of(message, self._client.user)
        labels = ", ".join(file.label for file in content.files)
        return " ".join(filter(None, [shortened(content.text), labels and f"(not readable: {labels})"]))

    def _is_blocked(self, author: discord.abc.User) -> bool:
        roles = {role.id for role in author.roles} if isinstance(author, discord.Member) else frozenset[int]()
        return self._access.blocks(author.id, roles)
