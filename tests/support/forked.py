"""Bots in processes of their own that start quickly: to be killed, watched and flooded.

`python -m tests.support.forked` imports everything once. For each line on its standard input, JSON with the arguments
of `run`, it forks a bot and prints its process id, so that a start takes little longer than a log-in. The bot's engine
writes long answers fast, which the demo model can't. `Nursery` is the test's side of it.
"""

import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import discord

from bot.engine import Sampling, Stream
from bot.engine.prompt import Prompt
from tests.discord_stand_in import Discord
from tests.support.parley import environment, serve_alone
from tests.support.scripted import ScriptedEngine

_PIECE = 150  # characters


def answer(question: str) -> str:
    """The answer to a question like `400 #7`: unique, and 400 characters long."""
    length = int(question.split()[0])
    return " ".join(f"{question}, {word}." for word in range(length))[:length].strip()


class Talker(ScriptedEngine):
    """Gives the `answer` to each question, piece by piece."""

    def submit(self, prompt: Prompt, sampling: Sampling, channel: int | None = None) -> Stream:
        """Start the answer, and keep nothing of it."""
        self._scripts = [[answer(prompt.question)]]
        stream = super().submit(prompt, sampling, channel)
        self.prompts.clear()
        self.samplings.clear()
        self.streams.clear()
        return stream

    async def _play(self, script: Iterable[str | asyncio.Event | Exception], stream: Stream) -> None:
        (text,) = script
        stream.begin()
        for at in range(0, len(text), _PIECE):
            stream.put(text[at : at + _PIECE])
            await asyncio.sleep(0.02)
        stream.end()


async def watch(path: Path) -> None:
    """Write the number of tasks and the event loop's lag to a file, twice a second."""
    late: list[float] = []
    while True:
        for _ in range(50):
            before = time.perf_counter()
            await asyncio.sleep(0.01)
            late.append(time.perf_counter() - before - 0.01)
        late.sort()
        figures = {"tasks": len(asyncio.all_tasks()), "p99": late[len(late) * 99 // 100], "longest": late[-1]}
        path.with_suffix(".new").write_text(json.dumps(figures))
        path.with_suffix(".new").replace(path.with_suffix(".json"))


def _at_rest(limit: discord.http.Ratelimit) -> bool:
    return (
        asyncio.get_running_loop().time() - limit._last_request >= 3
        and not limit.outgoing
        and not limit._pending_requests
    )


async def run(path: Path, shard_count: int | None, shard_ids: Sequence[int], pause: float) -> None:
    """Run the bot at a faster pace than usual; `pause` is the seconds between identifies."""
    tempfile.tempdir = str(path.parent)
    # discord.py keeps a channel's rate limits for five minutes; in a short soak they would only grow.
    discord.http.Ratelimit.is_inactive = _at_rest
    watching = asyncio.create_task(watch(path))
    timing = {"identify_pause": pause, "edit_interval": 0.05}
    shards = {"shard_count": shard_count, "shard_ids": frozenset(shard_ids)}
    await serve_alone(path, Talker(), timing=timing, requests_per_second=1000, **shards)
    watching.cancel()


def main() -> None:
    """Fork a bot for each line."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # reaps killed children
    while line := sys.stdin.readline():
        child = os.fork()
        if not child:
            options = json.loads(line)
            asyncio.run(run(Path(options.pop("path")), **options))
            os._exit(0)
        print(child, flush=True)


@dataclass
class Child:
    """A bot in a process of its own."""

    pid: int
    path: Path

    def kill(self) -> None:
        """Kill it now."""
        os.kill(self.pid, signal.SIGKILL)

    def kill_after(self, seconds: float) -> None:
        """Kill it later."""
        asyncio.get_running_loop().call_later(seconds, self.kill)

    def figures(self) -> dict[str, Any]:
        """What `watch` last wrote, and from the system: memory in bytes, open files, threads."""
        process = Path(f"/proc/{self.pid}")
        status = dict(line.split(":\t", 1) for line in (process / "status").read_text().splitlines() if ":\t" in line)
        figures = json.loads(self.path.with_suffix(".json").read_text())
        return figures | {
            "memory": int(status["VmRSS"].split()[0]) * 1024,
            "threads": int(status["Threads"]),
            "files": len(list((process / "fd").iterdir())),
        }


class Nursery:
    """Starts bots against a stand-in."""

    def __init__(self, stand_in: Discord, mother: asyncio.subprocess.Process) -> None:
        self._stand_in = stand_in
        self._mother = mother

    async def start(
        self,
        path: Path,
        *,
        online: bool = True,
        shard_count: int | None = None,
        shard_ids: Sequence[int] = (),
        pause: float = 0.0,
    ) -> Child:
        """Start a bot with its database in `path`; `online`: wait until it is."""
        assert self._mother.stdin
        assert self._mother.stdout
        options = {"path": str(path), "shard_count": shard_count, "shard_ids": [*shard_ids], "pause": pause}
        self._mother.stdin.write(f"{json.dumps(options)}\n".encode())
        child = Child(int(await self._mother.stdout.readline()), path)
        if online:
            await self._stand_in.until(lambda: {*(shard_ids or [0])} <= {*self._stand_in.gateway.shards_online})
        return child


@asynccontextmanager
async def nursery(stand_in: Discord) -> AsyncIterator[Nursery]:
    """A nursery; on leaving, its bots are killed."""
    mother = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.forked",
        env=environment(**stand_in.environment(), DISCORD_TOKEN=stand_in.application.token),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield Nursery(stand_in, mother)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(mother.pid, signal.SIGKILL)
        await mother.communicate()


if __name__ == "__main__":
    main()
