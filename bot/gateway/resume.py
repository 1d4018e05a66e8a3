"""How a shard connects and comes back, where discord.py would lose messages or log tracebacks."""

import asyncio
from typing import TYPE_CHECKING

import yarl
from discord.gateway import DiscordWebSocket, ReconnectWebSocket
from discord.shard import Shard

from bot.gateway.login import Retries
from bot.messages.transient_errors import TRANSIENT_ERRORS

if TYPE_CHECKING:
    from discord import AutoShardedClient

_TIMEOUT = 180.0  # seconds for an attempt, which may have to wait until the shard may identify


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
    """A shard that resumes its session whenever it has one.

    discord.py's begins a new session once an attempt to resume has failed (seen with 2.7.1), and loses the messages
    sent meanwhile.
    """

    async def reconnect(self) -> None:
        """Connect again after a failure."""
        await self.reidentify(ReconnectWebSocket(self.id, resume=self.ws.session_id is not None))
