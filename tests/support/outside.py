"""The bot as monitoring sees it: its HTTP endpoints, notifications and log."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from bot.monitoring.http import served
from tests.support.parley import Running
from tests.support.waiting import until


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class Outside:
    """A client of the bot's HTTP endpoints."""

    def __init__(self, session: aiohttp.ClientSession, port: int) -> None:
        self._session = session
        self.port = port

    async def until_up(self) -> None:
        """Until the port is served."""

        async def served() -> bool:
            try:
                await self.health()
            except aiohttp.ClientConnectionError:
                return False
            return True

        await until(served, every=0.05)

    async def health(self) -> tuple[int, str]:
        """The status of /healthz, and its text for people."""
        async with self._session.get(f"http://127.0.0.1:{self.port}/healthz") as response:
            return response.status, await response.text()

    async def until_health(self, status: int) -> str:
        """Until /healthz has this status; returns its text then."""

        async def told() -> str | None:
            now, text = await self.health()
            return text if now == status else None

        return await until(told)

    async def parts(self) -> tuple[bool, dict[str, dict[str, object]]]:
        """The JSON of /healthz: whether all is well, and each part."""
        accept = {"Accept": "application/json"}
        async with self._session.get(f"http://127.0.0.1:{self.port}/healthz", headers=accept) as response:
            told = await response.json()
            assert response.status == (200 if told["well"] else 503)
            return told["well"], told["parts"]

    async def text(self) -> str:
        """All metrics."""
        async with self._session.get(f"http://127.0.0.1:{self.port}/metrics") as response:
            assert response.status == 200
            return await response.text()

    async def metric(self, name: str, **labels: str) -> float | None:
        """A metric's value now, or None if it has none."""
        for family in text_string_to_metric_families(await self.text()):
            for sample in family.samples:
                if sample.name == name and sample.labels == labels:
                    return sample.value
        return None

    async def until_metric(self, name: str, wanted: float | Callable[[float], bool], **labels: str) -> None:
        """Until a metric has this value, or one that `wanted` accepts."""

        async def reached() -> bool:
            value = await self.metric(name, **labels)
            return value is not None and (wanted(value) if callable(wanted) else value == wanted)

        await until(reached)


class Systemd:
    """Receives notifications as systemd does."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address[0] == "@" else address)
        self._socket.setblocking(False)

    async def told(self) -> str:
        """The next notification."""
        async with asyncio.timeout(30):
            return (await asyncio.get_running_loop().sock_recv(self._socket, 100)).decode()

    def all_told(self) -> list[str]:
        """All notifications not read yet."""
        told = []
        while True:
            try:
                told.append(self._socket.recv(100).decode())
            except BlockingIOError:
                return told

    def close(self) -> None:
        self._socket.close()


def entries(log: str) -> list[dict[str, Any]]:
    """The entries of a JSON log; asserts that each is complete."""
    read = [json.loads(line) for line in log.splitlines()]
    for entry in read:
        assert list(entry) in (
            ["time", "level", "logger", "message"],
            ["time", "level", "logger", "message", "exception"],
        )
        at = datetime.fromisoformat(entry["time"])
        assert at.utcoffset() == timedelta(0)
        assert abs(datetime.now(UTC) - at) < timedelta(hours=1)
    return read


@asynccontextmanager
async def outside(running: Running | None = None, port: int | None = None) -> AsyncIterator[Outside]:
    """A client of a bot in this process, which it serves, or of one that is served at `port`."""
    async with aiohttp.ClientSession() as session:
        if running is None:
            assert port
            yield Outside(session, port)
        else:
            port = free_port()
            async with served(("127.0.0.1", port), running.health, running.metrics.registry):
                yield Outside(session, port)
