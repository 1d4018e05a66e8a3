"""How a shard connects to Discord, and how it comes back: where discord.py would lose messages, or give no reasons."""

import asyncio
import logging
from typing import TYPE_CHECKING

import yarl
from discord.backoff import ExponentialBackoff
from discord.gateway import DiscordWebSocket, ReconnectWebSocket
from discord.shard import Shard

from bot.messages.transient_errors import TRANSIENT_ERRORS

if TYPE_CHECKING:
    from discord import AutoShardedClient

log = logging.getLogger(__name__)

_PATIENCE = 180.0  # seconds for an attempt, as it may have to wait until it may identify


def unreachable(error: BaseException, delay: float) -> None:
    """Log that a connection could not be made and is tried again, after so many seconds."""
    log.warning("Discord cannot be reached (%s); trying again in %.0f s. Is this machine online?", error, delay)


async def connect(client: "AutoShardedClient", gateway: yarl.URL, shard: int, *, initial: bool) -> DiscordWebSocket:
    """Connect a shard for the first time, however often that must be tried. Raises ConnectionClosed if it is refused.

    discord.py's own attempts tell of each failure with a traceback.
    """
    backoff = ExponentialBackoff()
    while True:
        try:
            async with asyncio.timeout(_PATIENCE):
                return await DiscordWebSocket.from_client(client, gateway=gateway, shard_id=shard, initial=initial)
        except (*TRANSIENT_ERRORS, ReconnectWebSocket) as error:
            delay = backoff.delay()
            unreachable(error, delay)
        await asyncio.sleep(delay)


class Resuming(Shard):
    """A shard that goes on with its session whenever it has one.

    discord.py's begins a new session once an attempt to go on has failed (seen with 2.7.1), and what was said to the
    bot meanwhile is never heard.
    """

    async def reconnect(self) -> None:
        """Connect again, after a failure."""
        await self.reidentify(ReconnectWebSocket(self.id, resume=self.ws.session_id is not None))
