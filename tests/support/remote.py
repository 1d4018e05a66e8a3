"""An engine on other machines that asks servers of our own."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from bot.engine import Sampling
from bot.engine.prompt import Exchange, Prompt
from bot.engine.remote.engine import RemoteEngine
from tests.support.engine_stand_in import EngineServer, serving

PROMPT = Prompt("Be brief.", (Exchange("Alice", "one", "two"),), "Bob", "hello there")
SAMPLING = Sampling(max_new_tokens=40, temperature=0.5, top_p=0.8, top_k=0)
NOBODY = "http://127.0.0.1:9/v1"


def make_engine(*urls: str, **options: Any) -> RemoteEngine:
    """An engine that hardly pauses before it tries again."""
    return RemoteEngine(urls, **{"retry_pause": 0.01} | options)


@asynccontextmanager
async def asking(*servers: EngineServer, more: tuple[str, ...] = (), **options: Any) -> AsyncIterator[RemoteEngine]:
    """An engine that asks these servers, and those at `more` URLs."""
    async with AsyncExitStack() as stack:
        for server in servers:
            await stack.enter_async_context(serving(server))
        urls = [*more, *(server.url for server in servers)]
        engine = await stack.enter_async_context(make_engine(*urls, **options))
        await engine.ready()
        yield engine


async def ask(engine: RemoteEngine, prompt: Prompt = PROMPT, sampling: Sampling = SAMPLING) -> list[str]:
    """The pieces of an answer."""
    return [piece async for piece in engine.submit(prompt, sampling)]
