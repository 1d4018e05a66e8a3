"""How much load one Parley process can take, and what is the bottleneck: `python -m tests.simulate [--help]`.

The real bot, in a process of its own, with an engine of a given speed, against the stand-in. Questions come at random
(a Poisson process) in thousands of channels, each step at twice the rate, until people wait too long.
"""

import argparse
import asyncio
import json
import math
import random
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bot.engine import Sampling, Stream
from bot.engine.prompt import Prompt
from bot.settings import Settings
from tests.discord_stand_in import Discord
from tests.discord_stand_in.channels import Channel
from tests.discord_stand_in.messages import Message
from tests.discord_stand_in.people import User
from tests.support.parley import environment, serve_alone
from tests.support.scripted import ScriptedEngine

_WORD = "lorem "  # a token
_PATIENCE = 3.0  # people wait too long for the first text when it takes this many times as long as in the first step
_FULL = 0.9  # utilization from which on a resource counts as exhausted


class PacedEngine(ScriptedEngine):
    """Answers up to `at_once` questions at once, with `tokens` tokens each at `speed` tokens per second."""

    def __init__(self, *, at_once: int, speed: float, tokens: int, prefill: float) -> None:
        super().__init__()
        self._places = asyncio.Semaphore(at_once)
        self._waiting = 0
        self._tokens = tokens
        self._speed = speed
        self._prefill = prefill
        self._began: set[float] = set()  # when each running answer began
        self._busy = 0.0  # seconds of finished answers

    @property
    def busy(self) -> float:
        """Seconds spent on answers so far, added up."""
        now = time.perf_counter()
        return self._busy + sum(now - began for began in self._began)

    def submit(self, prompt: Prompt, sampling: Sampling, channel: int | None = None) -> Stream:
        """Start an answer, and keep nothing of it."""
        stream = super().submit(prompt, sampling, channel)
        for asked in (self.prompts, self.samplings, self.channels, self.streams):
            asked.clear()
        return stream

    async def _play(self, script: Iterable[str | asyncio.Event | Exception], stream: Stream) -> None:
        self._waiting += 1
        stream.ahead = self._waiting if self._places.locked() else 0
        async with self._places:
            self._waiting -= 1
            began = time.perf_counter()
            self._began.add(began)
            stream.begin()
            await asyncio.sleep(self._prefill)
            for number in range(1, self._tokens + 1):
                stream.put(_WORD)
                await asyncio.sleep(began + self._prefill + number / self._speed - time.perf_counter())
            self._began.remove(began)
            self._busy += time.perf_counter() - began
            stream.end()


async def be_the_bot(path: Path, options: argparse.Namespace) -> None:
    """Run the bot until it is killed, and print figures."""
    engine = PacedEngine(at_once=options.at_once, speed=options.speed, tokens=options.tokens, prefill=options.prefill)
    telling = asyncio.create_task(tell(engine))
    per_second = 10**6 if options.unlimited else Settings.requests_per_second
    await serve_alone(path, engine, queue_limit=10**6, requests_per_second=per_second)
    telling.cancel()


async def tell(engine: PacedEngine) -> None:
    """Print the bot's figures about five times a second."""
    while True:
        late = []
        for _ in range(10):
            before = time.perf_counter()
            await asyncio.sleep(0.02)
            late.append(time.perf_counter() - before - 0.02)
        print(json.dumps({"at": time.perf_counter(), "engine": engine.busy, "stall": max(late)}), flush=True)


@asynccontextmanager
async def bot(discord: Discord, path: Path, arguments: Sequence[str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """The bot in a process of its own, online."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.simulate", "--bot", str(path), *arguments),
        env=environment(**discord.environment(), DISCORD_TOKEN=discord.application.token),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        await discord.gateway.ready(within=120)
        yield process
    finally:
        process.kill()
        await process.communicate()


@dataclass
class Step:
    """Measurements while questions came at a `rate` (per second)."""

    rate: float
    answered: float
    """The fraction of the questions that were answered after twice the length of the step."""
    first: Sequence[float]
    """Seconds from a question to the first words of its answer."""
    whole: Sequence[float]
    requests: float
    """Per second, and how many of all were answered with a 429."""
    refused: int
    engine: float
    """The fraction of its places that was taken in the second half."""
    bot: float
    """CPU seconds per second."""
    stand_in: float
    stall: float
    """The longest stall of the bot's event loop, in seconds."""
    memory: int

    def row(self) -> str:
        """A row of the table."""
        return (
            f"{self.rate:9.1f} {self.answered:8.0%} {part(self.first, 0.5):7.1f} {part(self.first, 0.95):7.1f}"
            f" {part(self.whole, 0.5):8.1f} {self.requests:9.1f} {self.refused:7} {self.engine:6.0%} {self.bot:7.0%}"
            f" {self.stand_in:8.0%} {self.stall * 1000:8.0f} {self.memory / 1e6:7.0f}"
        )


HEAD = (
    "questions answered   first text (s)    whole  requests refused engine     bot stand-in    stall  memory\n"
    "       /s  in time     p50     p95   p50 (s)        /s           used     CPU      CPU   max ms      MB"
)


def part(values: Sequence[float], share: float) -> float:
    """A quantile; infinite if there are no values."""
    return sorted(values)[min(int(share * len(values)), len(values) - 1)] if values else math.inf


class Simulation:
    """Servers with channels, and members who ask questions."""

    def __init__(self, discord: Discord, options: argparse.Namespace) -> None:
        self._discord = discord
        self._options = options
        self._rng = random.Random(1)
        self._channels: list[Channel] = []
        self._people: dict[int, list[User]] = {}
        for number in range(options.servers):
            guild = discord.guild(f"Server {number}")
            self._people[guild.id] = [guild.member(f"Person {number} {who}") for who in range(3)]
            self._channels += [guild.channel(f"channel-{at}") for at in range(options.channels // options.servers)]

    async def step(self, rate: float, process: asyncio.subprocess.Process) -> Step:
        """Ask at this rate, then wait as long again for the remaining answers."""
        discord, seconds = self._discord, self._options.seconds
        observed, me = psutil.Process(process.pid), psutil.Process()
        before = observed.cpu_times(), me.cpu_times()
        requests, refused = len(discord.requests), len(discord.limits.too_many)
        figures: list[dict[str, float]] = []
        reading = asyncio.create_task(self._read(process, figures))
        at = began = time.perf_counter()
        asked: list[tuple[Channel, Message]] = []
        while (at := at + self._rng.expovariate(rate)) < began + seconds:
            await asyncio.sleep(max(0.0, at - time.perf_counter()))
            channel = self._rng.choice(self._channels)
            assert channel.guild
            person = self._rng.choice(self._people[channel.guild.id])
            asked.append((channel, await person.say(channel, f"{discord.bot.mention} how are you?")))
        took = time.perf_counter() - began
        after = observed.cpu_times(), me.cpu_times()
        sent = len(discord.requests) - requests
        used = figures[len(figures) // 2 :]  # in the first half a queue only builds up
        await asyncio.sleep(seconds)
        reading.cancel()
        first, whole = zip(*(self._times(channel, question) for channel, question in asked), strict=True)
        return Step(
            rate=rate,
            answered=sum(math.isfinite(seconds) for seconds in whole) / len(asked),
            first=first,
            whole=whole,
            requests=sent / took,
            refused=len(discord.limits.too_many) - refused,
            engine=(used[-1]["engine"] - used[0]["engine"]) / (used[-1]["at"] - used[0]["at"]) / self._options.at_once,
            bot=(after[0].user + after[0].system - before[0].user - before[0].system) / took,
            stand_in=(after[1].user + after[1].system - before[1].user - before[1].system) / took,
            stall=max(figure["stall"] for figure in figures),
            memory=observed.memory_info().rss,
        )

    async def _read(self, process: asyncio.subprocess.Process, figures: list[dict[str, float]]) -> None:
        assert process.stdout
        while line := await process.stdout.readline():
            figures.append(json.loads(line))

    def _times(self, channel: Channel, question: Message) -> tuple[float, float]:
        """Seconds until the first words of an answer were shown, and the last; infinite if they were not."""
        whole = (_WORD * self._options.tokens).strip()
        first = last = math.inf
        for message in channel.messages.values():
            if message.reference is question:
                for version in message.versions:
                    if version.content.startswith(_WORD.strip()):
                        first = min(first, version.at - question.created_at)
                    if version.content == whole:
                        last = min(last, version.at - question.created_at)
        return first, last


def verdict(steps: Sequence[Step], options: argparse.Namespace) -> str:
    """Names the bottleneck."""
    last = steps[-1]
    limit = math.inf if options.unlimited else Settings.requests_per_second
    reasons = [
        (last.engine >= _FULL, f"the engine: {options.at_once} answers at once are too few, or too slow"),
        (last.requests >= _FULL * limit, f"Discord's limit: of its 50 requests per second the bot takes {limit:g}"),
        (last.bot >= _FULL, "this process's one core: divide the shards among more processes"),
        (last.stand_in >= _FULL, "the stand-in itself: it cannot measure more"),
    ]
    named = [reason for gave_out, reason in reasons if gave_out] or ["nothing that is measured here"]
    return f"First bottleneck, at {last.rate:g} questions per second: " + "; ".join(named) + "."


def gives_out(steps: Sequence[Step]) -> bool:
    """Whether people now wait too long."""
    usual, now = (statistics.median(step.first) for step in (steps[0], steps[-1]))
    return now > max(_PATIENCE * usual, usual + 2) or steps[-1].answered < _FULL


async def simulate(options: argparse.Namespace, arguments: Sequence[str]) -> None:
    """Double the rate until people wait too long, and print the measurements."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "parley.db"
        async with Discord(validate=False) as discord:
            if options.unlimited:
                discord.limits.global_requests = None
            simulation = Simulation(discord, options)
            async with bot(discord, path, arguments) as process:
                print(HEAD)
                steps: list[Step] = []
                while not steps or not gives_out(steps):
                    steps.append(await simulation.step(options.rate * 2 ** len(steps), process))
                    print(steps[-1].row(), flush=True)
        print(verdict(steps, options))
        questions = sum(len(step.first) for step in steps)
        print(f"The database has {size(folder) / 1e6:.1f} MB after {questions} turns in {options.channels} channels.")


def size(folder: str) -> int:
    """Bytes of all files in a folder."""
    return sum(file.stat().st_size for file in Path(folder).iterdir())


def main() -> None:
    """Run the simulation, or the bot that it measures."""
    parser = argparse.ArgumentParser("python -m tests.simulate", description=__doc__)
    parser.add_argument("--servers", type=int, default=500, help="Discord servers (default 500)")
    parser.add_argument("--channels", type=int, default=2000, help="channels in all of them (default 2000)")
    parser.add_argument("--rate", type=float, default=1, help="questions per second in the first step (default 1)")
    parser.add_argument("--seconds", type=float, default=20, help="length of a step (default 20)")
    parser.add_argument("--at-once", type=int, default=64, help="answers that the engine writes at once (default 64)")
    parser.add_argument("--speed", type=float, default=30, help="tokens per second of each (default 30)")
    parser.add_argument("--tokens", type=int, default=120, help="length of an answer (default 120)")
    parser.add_argument("--prefill", type=float, default=0.2, help="seconds until the first token (default 0.2)")
    parser.add_argument("--unlimited", action="store_true", help="leave out Discord's limit of 50 requests per second")
    parser.add_argument("--bot", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.bot:
        asyncio.run(be_the_bot(options.bot, options))
    else:
        asyncio.run(simulate(options, sys.argv[1:]))


if __name__ == "__main__":
    main()
