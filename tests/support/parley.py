"""Parley's Discord bot, put together as `__main__` does, against the stand-in."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.conversation.conversations import Conversations
from bot.conversation.summary import SPARE, Summaries
from bot.engine import Engine, Sampling
from bot.gateway.client import Parley, serve
from bot.gateway.status import GatewayStatus
from bot.messages.access import Access
from bot.monitoring.health import Health
from bot.monitoring.loop_lag import LoopLagMonitor
from bot.monitoring.metrics import Metrics
from bot.observer import NO_OBSERVER
from bot.storage.channel_settings import ChannelSettings, ChannelSettingsStore, Limits
from bot.storage.database import Database, open_database
from bot.storage.turns import TurnStore
from tests.discord_stand_in import Discord

ROOT = Path(__file__).parents[2]
GREEDY = Sampling(temperature=0)
EVERYBODY = Access()
MANNER = ChannelSettings(
    "You are Parley, a friendly assistant in a chat. Answer briefly and clearly.",
    GREEDY.temperature,
    GREEDY.max_new_tokens,
    turns=5,
)
LIMITS = Limits(1.5, GREEDY.max_new_tokens, turns=20)


@dataclass
class Running:
    """What a test may want to look at or set."""

    database: Database
    history: TurnStore
    channels: ChannelSettingsStore
    quitting: asyncio.Event
    ended: asyncio.Task[None]
    link: GatewayStatus
    health: Health
    metrics: Metrics

    async def stored(self, channel: int) -> list[tuple[str, str]]:
        return [(turn.question, turn.answer) for turn in await self.history.recent(channel)]

    async def settled(self) -> None:
        """Until everything that was asked is stored as it was shown."""
        async with asyncio.timeout(10):
            while await self.history.unfinished():
                await asyncio.sleep(0.01)

    async def until_stored(self, channel: int, *expected: tuple[str, str]) -> None:
        """And until Discord shows all of it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(10):
                while await self.stored(channel) != [*expected] or await self.history.unfinished():
                    await asyncio.sleep(0.01)
        assert await self.stored(channel) == [*expected]


async def _serve(
    token: str,
    *,
    conversations: Conversations,
    engine: Engine,
    quitting: asyncio.Event,
    access: Access = EVERYBODY,
    link_previews: bool = False,
    chat_channels: Sequence[int] = (),
    guild_id: int | None = None,
    **parts: Any,
) -> None:
    """Serve with clients that do not wait two seconds for late servers, as discord.py does."""

    def make_client() -> Parley:
        client = Parley(
            conversations=conversations,
            engine=engine,
            quitting=quitting,
            access=access,
            link_previews=link_previews,
            chat_channels=frozenset(chat_channels),
            guild_id=guild_id,
            **parts,
        )
        client._connection.guild_ready_timeout = 0.05
        return client

    await serve(make_client, token, conversations=conversations, engine=engine, quitting=quitting)


@asynccontextmanager
async def parley(
    discord: Discord,
    engine: Engine,
    path: Path,
    *,
    chat_channels: Sequence[int] = (),
    guild_id: int | None = None,
    access: Access = EVERYBODY,
    limits: Limits = LIMITS,
    link_previews: bool = False,
    queue_limit: int = 50,
    cooldown: float = 0,
    grace: float = 0.1,
    show_thinking: bool = False,
    summary: bool = False,
    shard_count: int | None = None,
    shard_ids: Sequence[int] = (),
    wait: bool = True,
    **limits_of_health: float,
) -> AsyncIterator[Running]:
    """Run the bot with its history in `path`; `wait`: until the gateway has let it in.

    An error that ends the bot is raised on leaving.
    """
    quitting = asyncio.Event()
    metrics, link, stalls = Metrics(), GatewayStatus(), LoopLagMonitor()
    async with open_database(path, metrics) as database, stalls.at_work():
        history, channels = TurnStore(database, SPARE if summary else 0), ChannelSettingsStore(database, MANNER, limits)
        summaries = Summaries(engine, history, channels)
        conversations = Conversations(
            engine,
            history,
            channels,
            sampling=GREEDY,
            queue_limit=queue_limit,
            cooldown=cooldown,
            grace=grace,
            show_thinking=show_thinking,
            summaries=summaries if summary else None,
            events=metrics,
        )
        health = Health(database=database, engine=engine, link=link, stalls=stalls, **limits_of_health)
        metrics.ask(conversations=conversations, engine=engine, link=link, stalls=stalls)

        async with summaries.at_work() if summary else nullcontext():
            with discord.redirect():
                ended = asyncio.create_task(
                    _serve(
                        discord.application.token,
                        conversations=conversations,
                        database=database,
                        history=history,
                        channels=channels,
                        engine=engine,
                        access=access,
                        link_previews=link_previews,
                        chat_channels=chat_channels,
                        guild_id=guild_id,
                        quitting=quitting,
                        shard_count=shard_count,
                        shard_ids=shard_ids,
                        link=link,
                        stalls=stalls,
                        events=metrics,
                    )
                )
                try:
                    if wait:
                        await discord.gateway.ready(len(shard_ids) or shard_count or 1)
                    yield Running(database, history, channels, quitting, ended, link, health, metrics)
                finally:
                    quitting.set()
                    async with asyncio.timeout(10):
                        await ended


async def serve_alone(path: Path, engine: Engine, *, queue_limit: int = 50, **options: Any) -> None:
    """Run the bot as all that a process does, until that is killed; `options` are further ones of Parley."""
    quitting, link, stalls = asyncio.Event(), GatewayStatus(), LoopLagMonitor()
    async with open_database(path) as database:
        history, channels = TurnStore(database), ChannelSettingsStore(database, MANNER, LIMITS)
        conversations = Conversations(
            engine, history, channels, sampling=Sampling(), grace=0.1, queue_limit=queue_limit
        )
        await _serve(
            os.environ["DISCORD_TOKEN"],
            conversations=conversations,
            database=database,
            history=history,
            channels=channels,
            engine=engine,
            quitting=quitting,
            link=link,
            stalls=stalls,
            events=NO_OBSERVER,
            **options,
        )


_SCRIPTED = """
import contextlib, sys
import bot.__main__ as main
from tests.support.scripted import ScriptedEngine

@contextlib.asynccontextmanager
async def engine(settings):
    yield ScriptedEngine()

main._engine = engine
main.main(sys.argv[1:])
"""
WITHOUT_A_MODEL = ("-c", _SCRIPTED)
"""In the place of `-m bot`: the same program without torch, which starts in a second instead of five."""


@asynccontextmanager
async def program(
    discord: Discord, folder: Path, arguments: Sequence[str] = ("-m", "bot"), **more: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """`python -m bot`, as an operator starts it, against the stand-in; `more` are settings."""
    settings = {
        "DISCORD_TOKEN": discord.application.token,
        "MODEL_PATH": "demo",
        "TEMPERATURE": "0",
        "LOG_LEVEL": "DEBUG",
        "TMPDIR": str(folder),
        **more,
    }
    reached = discord.environment()
    environment = {name: os.environ[name] for name in ("PATH", "OMP_NUM_THREADS")} | settings | reached
    environment["PYTHONPATH"] = os.pathsep.join([reached["PYTHONPATH"], str(ROOT)])
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, cwd=folder, env=environment, stderr=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
