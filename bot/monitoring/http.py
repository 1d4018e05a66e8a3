"""The bot seen from outside: /healthz and /metrics, served from its own event loop.

So nothing here can say that the bot is well while it hangs.
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
    """Nobody can be served at HEALTH_ADDRESS; the sentence says why."""


@asynccontextmanager
async def served(address: tuple[str, int], health: Health, registry: CollectorRegistry) -> AsyncIterator[None]:
    """Within the block both can be fetched at this host and port. Raises AddressError when they can't be."""

    async def healthz(request: web.Request) -> web.Response:
        findings = await health.look()
        well = all(finding.well for finding in findings)
        status = 200 if well else 503
        if "application/json" in request.headers.get("Accept", ""):
            parts = {
                finding.part: {
                    "well": finding.well,
                    "says": finding.says,
                    "since": finding.since and finding.since.isoformat(timespec="seconds"),
                }
                for finding in findings
            }
            return web.json_response({"well": well, "parts": parts}, status=status)
        lines = ["well" if well else "not well"]
        for finding in findings:
            since = f", since {finding.since:%Y-%m-%d %H:%M:%S} UTC" if finding.since else ""
            lines.append(f"{finding.part}: {finding.says}{since}")
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
        log.info("How the bot is can be fetched from %s/healthz and %s/metrics.", site.name, site.name)
        yield
    finally:
        await runner.cleanup()
