"""The engine on the CPU, with models of our own."""

import asyncio
from pathlib import Path
from typing import Any

from bot.engine import Sampling, Stream
from bot.engine.local.engine import LocalEngine
from bot.engine.prompt import Exchange, Prompt

PROMPT = Prompt("Be brief.", (Exchange("Alice", "one", "two"),), "Bob", "hello there")
GREEDY = Sampling(max_new_tokens=40, temperature=0)
ENDLESS = Sampling(max_new_tokens=400, temperature=1.0, seed=1)


def make_engine(folder: Path, **options: Any) -> LocalEngine:
    """An engine in float32 that is generous with tokens."""
    return LocalEngine(
        str(folder), **{"max_prompt_tokens": 2048, "max_new_tokens": 400, "precision": "float32"} | options
    )


async def read(stream: Stream) -> str:
    """The whole answer."""
    async with asyncio.timeout(30):
        return "".join([piece async for piece in stream])


async def answer(engine: LocalEngine, prompt: Prompt = PROMPT, sampling: Sampling = GREEDY) -> str:
    return await read(engine.submit(prompt, sampling))
