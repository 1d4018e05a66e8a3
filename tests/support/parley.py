"""Parley's Discord bot, started as the program starts it, against the stand-in."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from bot.app import Bot
from bot.engine import Engine
from bot.gateway.status import GatewayStatus
from bot.monitoring.health import Health
from bot.monitoring.metrics import Metrics
from bot.settings import Settings
from bot.storage.channel_settings import ChannelSettingsStore
from bot.storage.database import Database, open_database
from bot.storage.turns import TurnStore
from bot.timing import Timing
from tests.discord_stand_in import Channel, Discord, Message, User
from tests.support.buttons import any_buttons, press_every_button
from tests.support.scripted import Cut, ScriptedEngine
from tests.support.waiting import until

ROOT = Path(__file__).parents[2]
QUICK = {"guild_ready_timeout": 0.05, "identify_pause": 0.0}
"""No waiting for late servers, and none between identifies."""
_processes: WeakKeyDictionary[Discord, dict[Path, dict[str, Any]]] = WeakKeyDictionary()
"""The bots that a test has run, by their databases: their settings."""


@dataclass
class Running:
    """A running bot, and what a test may want to inspect or set."""

    bot: Bot
    database: Database
    ended: asyncio.Task[None]

    @property
    def turns(self) -> TurnStore:
        return self.bot.core.turns

    @property
    def channel_settings(self) -> ChannelSettingsStore:
        return self.bot.core.channel_settings

    @property
    def quitting(self) -> asyncio.Event:
        return self.bot.quitting

    @property
    def gateway(self) -> GatewayStatus:
        return self.bot.gateway

    @property
    def health(self) -> Health:
        return self.bot.health

    @property
    def metrics(self) -> Metrics:
        return self.bot.metrics

    async def stored(self, channel: int) -> list[tuple[str, str]]:
        return [(turn.question, turn.answer) for turn in await self.turns.recent(channel)]

    async def ask(self, channel: Channel, person: User, text: str = "hi") -> Message:
        """Mention the bot; returns its answer once that is shown whole and stored."""
        question = await person.say(channel, f"{channel.discord.bot.mention} {text}")

        async def stored() -> bool:
            turns = await self.turns.recent(channel.id)
            return any(turn.question_message == question.id and turn.answer_messages for turn in turns)

        await until(stored)
        return await channel.reply_to(question)

    async def settled(self) -> None:
        """Until every answer is stored and shown whole."""

        async def nothing_unfinished() -> bool:
            return not await self.turns.unfinished()

        await until(nothing_unfinished)

    async def until_stored(self, channel: int, *expected: tuple[str, str]) -> None:
        """Until these are the channel's turns, and every answer is shown whole."""

        async def as_expected() -> bool:
            return await self.stored(channel) == [*expected] and not await self.turns.unfinished()

        try:
            await until(as_expected, within=10)
        except AssertionError:
            assert await self.stored(channel) == [*expected]
            raise


@asynccontextmanager
async def parley(
    discord: Discord,
    engine: Engine,
    path: Path,
    *,
    wait: bool = True,
    timing: dict[str, float] | None = None,
    **settings: Any,
) -> AsyncIterator[Running]:
    """Run the bot with its database in `path` and these settings; `wait`: until it is connected.

    `timing` are fields of Timing. An error that ends the bot is raised on leaving.
    """
    settings = {"temperature": 0.0, "shutdown_grace": 0.1} | settings
    chosen = Settings(discord_token=discord.application.token, database_path=str(path), **settings)
    processes = _processes.setdefault(discord, {})
    processes[path] = settings
    discord.at_the_end = partial(_press_buttons, discord, processes)
    metrics = Metrics()
    async with open_database(path, metrics) as database:
        bot = Bot(chosen, database, engine, metrics=metrics, timing=Timing(**(QUICK | (timing or {}))))
        with discord.redirect():
            ended = asyncio.create_task(bot.run())
            try:
                if wait:
                    await discord.gateway.ready(_shards(settings))
                yield Running(bot, database, ended)
            finally:
                bot.quitting.set()
                async with asyncio.timeout(10):
                    await ended


def _shards(settings: Mapping[str, Any]) -> int:
    """How many shards a bot with these settings has."""
    return len(settings.get("shard_ids", ())) or settings.get("shard_count") or 1


async def _press_buttons(discord: Discord, processes: Mapping[Path, dict[str, Any]]) -> None:
    """Press what people see at the end of a test: it must work, also once the bot was restarted."""
    if any_buttons(discord):
        discord.faults.clear()
        async with AsyncExitStack() as stack:
            for path, settings in tuple(processes.items()):
                await stack.enter_async_context(parley(discord, ScriptedEngine(), path, **settings))
            await discord.gateway.ready(sum(map(_shards, processes.values())))
            await press_every_button(discord)


async def serve_alone(path: Path, engine: Engine, *, timing: dict[str, float] | None = None, **settings: Any) -> None:
    """Run the bot until the process is killed."""
    chosen = Settings(
        discord_token=os.environ["DISCORD_TOKEN"], database_path=str(path), shutdown_grace=0.1, **settings
    )
    async with open_database(path) as database:
        timing = {"guild_ready_timeout": 0.05} | (timing or {})
        await Bot(chosen, database, engine, metrics=Metrics(), timing=Timing(**timing)).run()


def environment(**settings: str) -> dict[str, str]:
    """The environment for a program that imports from here, with these settings of Parley's and no others."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "OMP_NUM_THREADS") if name in os.environ}
    path = os.pathsep.join(filter(None, (settings.get("PYTHONPATH"), str(ROOT))))
    return {**kept, **settings, "PYTHONPATH": path}


def run(
    folder: Path, *arguments: str, stdin: str = "", timeout: float = 60, **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run Python with these arguments to its end."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment(**settings),
        input=stdin,
        encoding="utf-8",
        capture_output=True,
        timeout=timeout,
        check=False,
    )


_SCRIPTED = """
import contextlib, sys
from bot import app, cli, core
from tests.support.scripted import CUT, ScriptedEngine

@contextlib.asynccontextmanager
async def engine(settings):
    yield ScriptedEngine(*{scripts})

app.open_engine = core.open_engine = engine
cli.main(sys.argv[1:])
"""


def without_a_model(*scripts: Sequence[str | Cut]) -> tuple[str, str]:
    """Instead of `-m bot`: the same program with a ScriptedEngine, which starts in one second rather than five."""
    return "-c", _SCRIPTED.replace("{scripts}", repr(scripts))


WITHOUT_A_MODEL = without_a_model()


@asynccontextmanager
async def program(
    discord: Discord, folder: Path, arguments: Sequence[str] = ("-m", "bot"), **more: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `python -m bot` against the stand-in, as an operator would; `more` are settings."""
    settings = {
        "DISCORD_TOKEN": discord.application.token,
        "MODEL_PATH": "demo",
        "TEMPERATURE": "0",
        "LOG_LEVEL": "DEBUG",
        "TMPDIR": str(folder),
        **more,
        **discord.environment(),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, cwd=folder, env=environment(**settings), stderr=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
