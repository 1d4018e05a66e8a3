"""How a shard connects, comes back and leaves, where discord.py would lose messages or log tracebacks."""

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import yarl
from discord.gateway import DiscordWebSocket, ReconnectWebSocket
from discord.shard import Shard

from bot.gateway.login import Retries
from bot.messages.transient_errors import TRANSIENT_ERRORS

if TYPE_CHECKING:
    from discord import AutoShardedClient

_TIMEOUT = 180.0  # seconds for an attempt, which may have to wait until the shard may identify
_CLOSE_TIMEOUT = 2.0  # seconds for Discord's close frame, which takes a round trip


async def connect(client: "AutoShardedClient", gateway: yarl.URL, shard: int, *, initial: bool) -> DiscordWebSocket:
    """Connect a shard for the first time, in as many attempts as it takes. Raises ConnectionClosed if it is refused.

    discord.py logs a traceback for each of its own attempts.
    """
    retries = Retries()
    while True:
        try:
            async with asyncio.timeout(_TIMEOUT):
                return await DiscordWebSocket.from_client(client, gateway=gateway, shard_id=shard, initial=initial)
        except (*TRANSIENT_ERRORS, ReconnectWebSocket) as error:
            await retries.pause(error)


class ResumingShard(Shard):
    """A shard that resumes its session whenever it has one, and ends it for certain.

    discord.py's begins a new session once an attempt to resume has failed (seen with 2.7.1), and loses the messages
    sent meanwhile.
    """

    async def close(self) -> None:
        """Close the connection, and wait for Discord's close frame.

        discord.py cancels the worker while it reads, and then aiohttp does not wait (seen with 3.14.5). Events that
        arrive after that reset the connection, Discord may miss our close frame, and shows the bot online for a while.
        """
        self._cancel_task()
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_TIMEOUT):
                if self._task:
                    await asyncio.wait([self._task])
                self.ws.socket._close_code = None  # as if the worker's read had not been cancelled
                await self.ws.close(code=1000)

    async def reconnect(self) -> None:
        """Connect again after a failure."""
        await self.reidentify(ReconnectWebSocket(self.id, resume=self.ws.session_id is not None))
