"""Tells systemd of a service with `Type=notify` that it is online, well, or ending."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

from bot.background import in_background
from bot.gateway.status import GatewayStatus
from bot.monitoring.health import Health


@asynccontextmanager
async def notified(
    environment: Mapping[str, str], health: Health, gateway: GatewayStatus, quitting: asyncio.Event
) -> AsyncIterator[None]:
    """Notify systemd within the block, if its NOTIFY_SOCKET is in the environment.

    With WatchdogSec=, systemd restarts a bot that does not report in time that it is well, and so one that hangs.
    """
    address = environment.get("NOTIFY_SOCKET", "")
    if not address:
        yield
        return
    watched = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    interval = int(environment.get("WATCHDOG_USEC", 0)) / 2e6 if watched else 0.0

    def tell(state: str) -> None:
        # A leading @ marks one of Linux's abstract sockets, whose names begin with a zero byte.
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagrams:
            datagrams.setblocking(False)
            datagrams.sendto(state.encode(), "\0" + address[1:] if address[0] == "@" else address)

    async def is_well() -> None:
        await gateway.online.wait()
        tell("READY=1")
        while interval:
            if all(part.well for part in await health.check()):
                tell("WATCHDOG=1")
            await asyncio.sleep(interval)

    async def ends() -> None:
        try:
            await quitting.wait()
        finally:
            tell("STOPPING=1")

    async with in_background(is_well(), ends()):
        yield
