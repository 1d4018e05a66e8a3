"""Measure a model on this machine in one precision: what `python -m bot bench` runs, in a process for each.

    python -m bot.bench.measure MODEL plain|float32|bfloat16|int8 [FOLDER]

writes a line of JSON to standard output before each step, {"step": …}, and at the end one with the figures. FOLDER
is where the float32 run leaves the answers that the others' fidelity is measured on; without one, it is not measured.
`plain` is transformers' own `generate` in float32, one answer after another, for comparison.
"""

import asyncio
import json
import random
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import torch
import transformers

from bot.engine import Sampling, Stream
from bot.engine.local.attention import Reading, Span
from bot.engine.local.compatibility import forward, probe
from bot.engine.local.kv_cache import KVCache
from bot.engine.local.scheduler import Batch
from bot.engine.local.sequence import Answer, Request
from bot.engine.models import loading
from bot.engine.models.loading import LoadedModel
from bot.engine.models.locate import find
from bot.engine.prompt import Prompt, encode

CHANNELS = (1, 4, 8, 16)
PROMPT_TOKENS, NEW_TOKENS = 512, 24
SECOND_TURN_TOKENS = 32
_LENGTH = PROMPT_TOKENS + 2 * (NEW_TOKENS + SECOND_TURN_TOKENS)
_QUESTIONS = [
    "Hello, how are you?",
    "What is the capital of France, and what is it known for?",
    "Write a short poem about the sea.",
    "Explain to a child why the sky is blue.",
    "My name is Alice. What should I cook tonight?",
    "Give me three tips for learning to play the piano.",
    "Translate to German: The weather is lovely today.",
    "Write a Python function that reverses a string.",
]
_FIDELITY_TOKENS = 32

Figures = dict[str, Any]


def main(name: str, precision: str, folder: str | None = None) -> None:
    """Measure, and print the figures as JSON."""
    transformers.logging.set_verbosity_error()
    figures = _plain(name) if precision == "plain" else asyncio.run(_measure(name, precision, folder))
    print(json.dumps(figures), flush=True)


def _step(what: str) -> None:
    print(json.dumps({"step": what}), flush=True)


def _plain(name: str) -> Figures:
    """The loop that everybody writes first."""
    _step("load")
    started = time.perf_counter()
    model = transformers.AutoModelForCausalLM.from_pretrained(find(name), dtype=torch.float32).eval()
    loaded = time.perf_counter() - started
    _step("generate")
    ids = torch.tensor([_words(model.config.get_text_config().vocab_size, PROMPT_TOKENS)])

    def seconds(new_tokens: int) -> float:
        started = time.perf_counter()
        model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            min_new_tokens=new_tokens,
            max_new_tokens=new_tokens,
            do_sample=False,
            pad_token_id=0,
        )
        return time.perf_counter() - started

    seconds(1)
    first = seconds(1)
    decode = (NEW_TOKENS - 1) / (seconds(NEW_TOKENS) - first)
    return {
        "load_s": loaded,
        "first_text_cold_s": first,
        "prefill_tokens_per_s": PROMPT_TOKENS / first,
        "decode_tokens_per_s": {str(channels): decode for channels in CHANNELS},
        "peak_memory_gb": _peak_memory() / 1e9,
    }


async def _measure(name: str, precision: str, folder: str | None) -> Figures:
    in_thread = asyncio.to_thread
    _step("load")
    started = time.perf_counter()
    loaded = await in_thread(loading.load, name, precision)
    layers = probe(loaded.model, _LENGTH)
    figures: Figures = {"load_s": time.perf_counter() - started, "weights_gb": loaded.weight_bytes / 1e9}
    # Random weights end an answer at any time; for measuring none ends before its length.
    endless = replace(loaded, end_tokens=())
    cache = KVCache(layers, max(CHANNELS), _LENGTH, loaded.model.dtype)
    batch = Batch(loaded.model, cache, lambda stream, error: _raise(error))
    vocabulary = loaded.model.config.get_text_config().vocab_size

    _step("first text")
    _run(batch, [_answer(endless, _words(vocabulary, PROMPT_TOKENS, seed), 1) for seed in (1,)])  # warms up
    prompt = _words(vocabulary, PROMPT_TOKENS)
    first = _answer(endless, prompt, NEW_TOKENS)
    figures["first_text_cold_s"] = await in_thread(_first_token, batch, first)
    figures["prefill_tokens_per_s"] = PROMPT_TOKENS / figures["first_text_cold_s"]
    await in_thread(_run, batch, [])
    second = _answer(endless, [*first.tokens, *_words(vocabulary, SECOND_TURN_TOKENS, 2)], 1)
    figures["first_text_second_turn_s"] = await in_thread(_first_token, batch, second)

    decode: dict[str, float] = {}
    figures["decode_tokens_per_s"] = decode
    for channels in CHANNELS:
        _step(f"{channels} channels")
        # One beginning for all, so that it is read once; how long the answers take depends on lengths alone.
        answers = [
            _answer(endless, [*prompt, *_words(vocabulary, 4, channel)], NEW_TOKENS) for channel in range(channels)
        ]
        stalls: list[float] = []
        watching = asyncio.create_task(_watch(stalls))
        seconds = await in_thread(_run, batch, answers)
        watching.cancel()
        decode[str(channels)] = channels / seconds
        if channels == 8:
            figures["loop_stall_ms"] = {
                "median": statistics.median(stalls),
                "p99": sorted(stalls)[int(len(stalls) * 0.99)],
                "worst": max(stalls),
            }
    figures["peak_memory_gb"] = _peak_memory() / 1e9
    _step("memory bus")
    bandwidth = _bandwidth()
    embedding = loaded.model.get_input_embeddings().weight.nbytes  # one row of it is read
    figures["memory_bus_gb_per_s"] = bandwidth / 1e9
    figures["memory_bus_share"] = (loaded.weight_bytes - embedding) * decode["1"] / bandwidth
    if folder:
        _step("fidelity")
        figures |= _fidelity(loaded, cache, Path(folder) / "reference.pt")
    return figures


def _words(vocabulary: int, count: int, seed: int = 0) -> list[int]:
    draw = random.Random(seed)
    return [draw.randrange(vocabulary // 2) for _ in range(count)]


def _answer(loaded: LoadedModel, tokens: list[int], new_tokens: int, sampling: Sampling | None = None) -> Answer:
    request = Request(Prompt("", (), None, ""), sampling or Sampling(new_tokens), Stream())
    return Answer(request, tokens, loaded, penalty=1.0, limit=_LENGTH)


def _first_token(batch: Batch, answer: Answer) -> float:
    """Seconds from the question to the first token."""
    asked, length = time.perf_counter(), len(answer.tokens)
    batch.join(answer)
    while len(answer.tokens) == length:
        batch.step()
    return time.perf_counter() - asked


def _run(batch: Batch, answers: list[Answer]) -> float:
    """Let all answers come to their end; returns the median seconds of a pass in which all of them take part."""
    lengths = [len(answer.tokens) for answer in answers]
    for answer in answers:
        batch.join(answer)
    passes = []
    while batch.busy:
        all_going = all(len(answer.tokens) > length for answer, length in zip(answers, lengths, strict=True))
        started = time.perf_counter()
        batch.step()
        if all_going:
            passes.append(time.perf_counter() - started)
    return statistics.median(passes) if passes else 0.0


async def _watch(stalls: list[float]) -> None:
    """Note by how many milliseconds the event loop is late, again and again."""
    while True:
        due = time.perf_counter() + 0.002
        await asyncio.sleep(0.002)
        stalls.append((time.perf_counter() - due) * 1e3)


def _bandwidth() -> float:
    """Bytes per second that all cores together read from memory, at best."""
    data = torch.ones(2**27)

    def seconds() -> float:
        started = time.perf_counter()
        data.sum()
        return time.perf_counter() - started

    return data.nbytes / min(seconds() for _ in range(5))


def _fidelity(loaded: LoadedModel, cache: KVCache, reference: Path) -> Figures:
    """How near to float32 the probabilities are, token by token, along the answers that float32 gives."""
    if loaded.precision == "float32":
        sampling = Sampling(_FIDELITY_TOKENS, temperature=0)
        prompts = [encode(Prompt("", (), None, text), loaded.tokenizer, PROMPT_TOKENS) for text in _QUESTIONS]
        answers = [_answer(loaded, prompt, 0, sampling) for prompt in prompts]
        _run(Batch(loaded.model, cache, lambda stream, error: _raise(error)), answers)
        said = [(prompt, answer.tokens) for prompt, answer in zip(prompts, answers, strict=True)]
        torch.save([(prompt, tokens, _logits(loaded, cache, prompt, tokens)) for prompt, tokens in said], reference)
        return {}
    equal, divergence = [], []
    for prompt, tokens, expected in torch.load(reference):
        found = _logits(loaded, cache, prompt, tokens)
        equal.append((found.argmax(1) == expected.argmax(1)).float())
        ours, theirs = found.log_softmax(1), expected.log_softmax(1)
        divergence.append((theirs.exp() * (theirs - ours)).sum(1))
    return {
        "greedy_tokens_equal": float(torch.cat(equal).mean()),
        "kl_divergence": float(torch.cat(divergence).mean()),
    }


def _logits(loaded: LoadedModel, cache: KVCache, prompt: list[int], tokens: list[int]) -> torch.Tensor:
    """Float32 logits (answer's tokens, vocabulary) from which each of the answer's tokens was chosen."""
    reading = Reading([Span(0, 0, len(tokens) - 1)], cache)
    cache.forget(0)
    return forward(loaded.model, tokens[:-1], reading, list(range(len(prompt) - 1, len(tokens) - 1))).float()


def _raise(error: BaseException | None) -> None:
    if error:
        raise error


def _peak_memory() -> int:
    memory = psutil.Process().memory_info()
    if hasattr(memory, "peak_wset"):
        return int(memory.peak_wset)
    import resource

    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale


if __name__ == "__main__":
    main(*sys.argv[1:])
