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

_GATEWAY_LIMIT = 600.0
# seconds without a connection; discord.py then waits up to a quarter of an hour between two attempts, and a new start
# tries at once
_ENGINE_LIMIT = 300.0
# seconds without a forward pass; the longest is that of a model which reads a whole prompt at once, on a slow CPU
_DATABASE_LIMIT = 10.0  # seconds; SQLite waits five of them for another program


@dataclass(frozen=True)
class PartStatus:
    """How a part is; `since` when it is not well."""

    part: str
    well: bool
    says: str
    since: datetime | None = None


class Health:
    """Looks at the parts. The limits are in seconds."""

    def __init__(
        self,
        *,
        database: Database,
        engine: Engine,
        link: GatewayStatus,
        stalls: LoopLagMonitor,
        gateway_limit: float = _GATEWAY_LIMIT,
        engine_limit: float = _ENGINE_LIMIT,
        database_limit: float = _DATABASE_LIMIT,
    ) -> None:
        self._database = database
        self._engine = engine
        self._link = link
        self._stalls = stalls
        self._gateway_limit = gateway_limit
        self._engine_limit = engine_limit
        self._database_limit = database_limit
        self._probe: asyncio.Task[None] | None = None
        self._probed_at = 0.0

    async def look(self) -> list[PartStatus]:
        """How each part is now; all is well when all of them are."""
        # Whoever hears this hears it from the loop itself, so it turns.
        loop = PartStatus(
            "event loop", True, f"turns; it stood still for {self._stalls.longest:.1f} s at the most lately"
        )
        return [loop, self._look_at_gateway(), self._look_at_engine(), await self._look_at_database()]

    def _look_at_gateway(self) -> PartStatus:
        away = self._link.away
        if not away:
            return PartStatus("gateway", True, "connected" if self._link.online.is_set() else "not asked for yet")
        since = min(away.values())
        seconds = time.monotonic() - since
        says = f"shard {written(away)} not connected for {seconds:.0f} s, of {self._gateway_limit:g} s that it may take"
        return PartStatus("gateway", seconds <= self._gateway_limit, says, _when(since))

    def _look_at_engine(self) -> PartStatus:
        status = self._engine.status()
        if status.precision is None:
            return PartStatus("engine", True, "the model is loading")  # killed now, it would load anew, and so on
        says = f"{status.precision}; {status.running} running, {status.waiting} waiting"
        since = status.progressed_at
        if (status.running or status.waiting) and since and time.monotonic() - since > self._engine_limit:
            return PartStatus(
                "engine", False, f"no progress for {time.monotonic() - since:.0f} s; {says}", _when(since)
            )
        return PartStatus("engine", True, says)

    async def _look_at_database(self) -> PartStatus:
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
