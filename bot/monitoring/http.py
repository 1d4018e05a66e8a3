"""Serves /healthz and /metrics.

They run in the bot's own event loop, so nothing here can say that the bot is well while it hangs.
"""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.aiohttp import make_aiohttp_handler

from bot.errors import UserError
from bot.monitoring.health import Health

log = logging.getLogger(__name__)


class AddressError(UserError):
    """HEALTH_ADDRESS cannot be used; the message says why."""


@asynccontextmanager
async def served(address: tuple[str, int], health: Health, registry: CollectorRegistry) -> AsyncIterator[None]:
    """Serve both at this host and port until the block ends. Raises AddressError when that fails."""

    async def healthz(request: web.Request) -> web.Response:
        parts = await health.check()
        well = all(part.well for part in parts)
        status = 200 if well else 503
        if "application/json" in request.headers.get("Accept", ""):
            details = {
                part.part: {
                    "well": part.well,
                    "says": part.detail,
                    "since": part.since and part.since.isoformat(timespec="seconds"),
                }
                for part in parts
            }
            return web.json_response({"well": well, "parts": details}, status=status)
        lines = ["well" if well else "not well"]
        for part in parts:
            since = f", since {part.since:%Y-%m-%d %H:%M:%S} UTC" if part.since else ""
            lines.append(f"{part.part}: {part.detail}{since}")
        return web.Response(text="\n".join([*lines, ""]), status=status)

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/metrics", make_aiohttp_handler(registry))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, *address)
        try:
            await site.start()
        except OSError as error:
            raise AddressError(
                f"HEALTH_ADDRESS cannot be used: {error.strerror}. Set it to another port or address, or end what"
                " uses this one."
            ) from error
        log.info("Serving %s/healthz and %s/metrics.", site.name, site.name)
        yield
    finally:
        await runner.cleanup()
