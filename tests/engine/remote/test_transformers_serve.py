"""The engine on other machines, with real servers: two of `transformers serve` on loopback, with the demo model."""

import asyncio
import os
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import psutil
import pytest

from bot import demo
from bot.engine import OutOfReach, Sampling
from bot.engine.prompt import Exchange, Prompt
from bot.engine.remote.engine import RemoteEngine
from bot.texts import BROKEN_OFF
from tests.support.outside import free_port
from tests.support.parley import parley

pytest.importorskip("uvicorn", reason="transformers serve takes a further package: pip install 'transformers[serving]'")

GREEDY = Sampling(max_new_tokens=300, temperature=0, top_p=1, top_k=0)
LONG = Prompt("", (), None, "repeat: " + "lorem ipsum dolor " * 12)
CHANNEL = 1
MODEL = str(demo.MODEL)
START = "from transformers.cli.transformers import main; main()"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@dataclass
class Server:
    url: str
    process: asyncio.subprocess.Process


@asynccontextmanager
async def serving(place) -> AsyncIterator[Server]:
    """`transformers serve`, ready to answer."""
    port = free_port()
    arguments = ["serve", MODEL, "--host", "127.0.0.1", "--port", str(port), "--device", "cpu", "--dtype", "float32"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", START, *arguments),
        env=os.environ | {"HF_HOME": str(place), "HF_HUB_OFFLINE": "1"},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        while not await asyncio.to_thread(is_up, url):
            assert process.returncode is None
            await asyncio.sleep(0.2)
        yield Server(url + "/v1", process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def is_up(url: str) -> bool:
    try:
        with urllib.request.urlopen(url + "/health", timeout=5) as answer:
            return answer.status == 200
    except (OSError, urllib.error.URLError):
        return False


def spent(server: Server) -> float:
    """Seconds of CPU time that a server has used."""
    times = psutil.Process(server.process.pid).cpu_times()
    return times.user + times.system


async def cost(server: Server, doing: Coroutine[None, None, object]) -> float:
    """Seconds of CPU time that a server uses until it is idle again."""
    before = spent(server)
    await doing
    now = -1.0
    async with asyncio.timeout(60):
        while spent(server) - now > 0.03:
            now = spent(server)
            await asyncio.sleep(0.5)
    return spent(server) - before


async def ask(engine, prompt: Prompt) -> str:
    return "".join([piece async for piece in engine.submit(prompt, GREEDY, CHANNEL)])


async def stopped(engine) -> None:
    stream = engine.submit(LONG, GREEDY, CHANNEL)
    await anext(stream)
    stream.stop()


async def test_two_servers_answer_as_the_local_engine_does_and_one_may_die(tmp_path, demo_engine, discord, place):
    name = Exchange(None, "my name is Zorkbat", "Nice to meet you, Zorkbat.")
    prompts = [
        Prompt("", (), None, "hi"),
        Prompt("Be brief.", (name,), None, "what is my name?"),
        Prompt("", (Exchange("Ann", "i live in Oslo", "Got it, you live in Oslo."),), "Ben", "where do i live?"),
        LONG,
    ]
    async with AsyncExitStack() as stack:
        servers = await asyncio.gather(*(stack.enter_async_context(serving(tmp_path)) for _ in range(2)))
        urls = [server.url for server in servers]
        engine = await stack.enter_async_context(RemoteEngine(urls, model=MODEL))
        await engine.ready()
        for prompt in prompts:
            assert await ask(engine, prompt) == await ask(demo_engine, prompt)

        home = engine._balancer.choose(CHANNEL)
        (computing,) = [server for server in servers if server.url == home.url]
        assert await cost(computing, stopped(engine)) < 0.5 * await cost(computing, ask(engine, LONG))

        stream = engine.submit(LONG, GREEDY, CHANNEL)
        await anext(stream)
        assert home.running
        computing.process.send_signal(signal.SIGKILL)
        with pytest.raises(OutOfReach) as raised:
            async for _ in stream:
                pass
        assert str(raised.value) == BROKEN_OFF

        _, channel, alice = place
        async with parley(discord, engine, tmp_path / "parley.db"):
            for question, answer in (
                ("my name is Zorkbat", "Nice to meet you, Zorkbat."),
                ("what is my name?", "Your name is Zorkbat."),
            ):
                await alice.say(channel, f"{discord.bot.mention} {question}")
                await channel.wait_for(answer)
