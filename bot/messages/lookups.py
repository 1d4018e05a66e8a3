"""What a question needs that Discord does not send along: fetched soon, or not at all."""

import asyncio
import logging
from collections.abc import Awaitable
from typing import Any, TypeVar

import discord

log = logging.getLogger(__name__)

_Fetched = TypeVar("_Fetched")
_PATIENCE = 5.0  # seconds


async def optional(fetched: Awaitable[_Fetched]) -> _Fetched | None:
    """What Discord returns, if it does so soon: an answer without it is still an answer."""
    try:
        async with asyncio.timeout(_PATIENCE):
            return await fetched
    except discord.HTTPException:
        return None
    except Exception as error:
        log.info("Discord could not be asked for what a question refers to: %r", error)
        return None


class Threads:
    """Fetches threads that the client has not heard of, each of them once: only they know their parent channel."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client
        self._fetching: dict[int, asyncio.Task[Any]] = {}

    async def locate(self, message: discord.Message) -> None:
        """Give a message its thread if discord.py knows no more of that than the id."""
        number = message.channel.id
        if not isinstance(message.channel, discord.PartialMessageable):
            return
        if number not in self._fetching:
            self._fetching[number] = asyncio.create_task(optional(self._client.fetch_channel(number)))
        thread = await self._fetching[number]
        self._fetching.pop(number, None)
        if isinstance(thread, discord.Thread):
            thread.guild._add_thread(thread)  # discord.py knows it from now on, and keeps it up to date
            message.channel = thread
