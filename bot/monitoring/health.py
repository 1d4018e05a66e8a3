"""Whether the bot is well: what a supervisor, or a person who watches it, should know of each part."""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.engine import Engine
from bot.gateway.status import GatewayStatus
from bot.monitoring.loop_lag import LoopLagMonitor
from bot.shards import written
from bot.storage.database import Database


@dataclass(frozen=True)
class PartStatus:
    """How a part is; `since` when, if it is not well."""

    part: str
    well: bool
    detail: str
    since: datetime | None = None


class Health:
    """Checks the parts. The limits are in seconds: without a connection, a forward pass, an answer of the database."""

    def __init__(
        self,
        *,
        database: Database,
        engine: Engine,
        gateway: GatewayStatus,
        loop_lag: LoopLagMonitor,
        gateway_limit: float,
        engine_limit: float,
        database_limit: float,
    ) -> None:
        self._database = database
        self._engine = engine
        self._gateway = gateway
        self._loop_lag = loop_lag
        self._gateway_limit = gateway_limit
        self._engine_limit = engine_limit
        self._database_limit = database_limit
        self._probe: asyncio.Task[None] | None = None
        self._probed_at = 0.0

    async def check(self) -> list[PartStatus]:
        """How each part is now; the bot is well when all of them are."""
        # The event loop itself runs this, so it is not blocked.
        lag = f"turns; it stood still for {self._loop_lag.longest:.1f} s at the most lately"
        loop = PartStatus("event loop", True, lag)
        return [loop, self._check_gateway(), self._check_engine(), await self._check_database()]

    def _check_gateway(self) -> PartStatus:
        away = self._gateway.away
        if not away:
            return PartStatus("gateway", True, "connected" if self._gateway.online.is_set() else "not asked for yet")
        since = min(away.values())
        seconds = time.monotonic() - since
        detail = f"shard {written(away)} not connected for {seconds:.0f} s; at most {self._gateway_limit:g} s is normal"
        return PartStatus("gateway", seconds <= self._gateway_limit, detail, _when(since))

    def _check_engine(self) -> PartStatus:
        status = self._engine.status()
        if status.precision is None:
            return PartStatus("engine", True, "the model is loading")  # a restart would only load it again
        detail = f"{status.precision}; {status.running} running, {status.waiting} waiting"
        since = status.progressed_at
        if (status.running or status.waiting) and since and time.monotonic() - since > self._engine_limit:
            stuck = f"no progress for {time.monotonic() - since:.0f} s; {detail}"
            return PartStatus("engine", False, stuck, _when(since))
        return PartStatus("engine", True, detail)

    async def _check_database(self) -> PartStatus:
        if not self._probe or self._probe.done():
            self._probe, self._probed_at = asyncio.create_task(self._database.probe()), time.monotonic()
        await asyncio.wait([self._probe], timeout=self._database_limit)
        if not self._probe.done():
            return PartStatus("database", False, "does not answer", _when(self._probed_at))
        if self._probe.exception():
            since = self._database.unusable_since or self._probed_at
            return PartStatus("database", False, "cannot be used; the log says why", _when(since))
        return PartStatus("database", True, "usable")


def _when(monotonic: float) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=time.monotonic() - monotonic)
