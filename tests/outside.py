"""What is seen of the bot from outside."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from bot.web import served
from tests.parley import Running


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class Outside:
    """Asks the bot at a port of this machine's."""

    def __init__(self, session: aiohttp.ClientSession, port: int) -> None:
        self._session = session
        self.port = port

    async def health(self) -> tuple[int, str]:
        """The status, and what is told to a person."""
        async with self._session.get(f"http://127.0.0.1:{self.port}/healthz") as response:
            return response.status, await response.text()

    async def parts(self) -> tuple[bool, dict[str, dict[str, object]]]:
        """What is told to a program: whether all is well, and of each part."""
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


@asynccontextmanager
async def outside(running: Running | None = None, port: int | None = None) -> AsyncIterator[Outside]:
    """Serve a bot that runs in this process, or ask one that is served at `port`."""
    async with aiohttp.ClientSession() as session:
        if running is None:
            assert port
            yield Outside(session, port)
        else:
            port = free_port()
            async with served(("127.0.0.1", port), running.health, running.metrics.registry):
                yield Outside(session, port)
