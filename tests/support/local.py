"""The engine on the CPU, with models of our own."""

import asyncio
from pathlib import Path
from typing import Any

import torch
import transformers

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


def tiny(**options: Any) -> transformers.PreTrainedModel:
    """A Llama of two layers with random weights, the same each time."""
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=100,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=64,
        initializer_range=0.5,
        **options,
    )
    return transformers.LlamaForCausalLM(config).eval()
