"""What systemd is told of a service with `Type=notify`: that it is online, that it is well, that it ends."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

from bot.gateway.status import GatewayStatus
from bot.monitoring.health import Health


@asynccontextmanager
async def notified(
    environment: Mapping[str, str], health: Health, link: GatewayStatus, quitting: asyncio.Event
) -> AsyncIterator[None]:
    """Within the block, tell systemd; without its NOTIFY_SOCKET in the environment nobody is told.

    With WatchdogSec= it starts the bot anew when it isn't told in time that the bot is well, and so when it hangs.
    """
    address = environment.get("NOTIFY_SOCKET", "")
    if not address:
        yield
        return
    watched = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    interval = int(environment.get("WATCHDOG_USEC", 0)) / 2e6 if watched else 0.0

    def tell(state: str) -> None:
        # A name that begins with @ is one of Linux's abstract ones, which are no files.
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagrams:
            datagrams.setblocking(False)
            datagrams.sendto(state.encode(), "\0" + address[1:] if address[0] == "@" else address)

    async def is_well() -> None:
        await link.online.wait()
        tell("READY=1")
        while interval:
            if all(finding.well for finding in await health.look()):
                tell("WATCHDOG=1")
            await asyncio.sleep(interval)

    async def ends() -> None:
        try:
            await quitting.wait()
        finally:
            tell("STOPPING=1")

    tasks = [asyncio.create_task(is_well()), asyncio.create_task(ends())]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
