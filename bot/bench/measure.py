"""Measures a model on this machine in one precision; `python -m bot bench` runs this in a process for each.

    python -m bot.bench.measure MODEL plain|float32|bfloat16|float16|int8 [FOLDER]

Prints a line of JSON before each step, {"step": …}, and a last one with the figures. In FOLDER the float32 run leaves
its answers, against which the others' fidelity is measured; without FOLDER, fidelity is not measured. `plain` is
transformers' own `generate` in float32, one answer after another, for comparison.
"""

import asyncio
import json
import random
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psutil
import torch
import transformers

from bot.bench import Figures
from bot.engine import Sampling, Stream
from bot.engine.local.attention import Chunk, ForwardBatch
from bot.engine.local.compatibility import forward, probe
from bot.engine.local.kv_cache import KVCache
from bot.engine.local.scheduler import Scheduler
from bot.engine.local.sequence import Request, Sequence
from bot.engine.models import gguf, loading
from bot.engine.models.loading import LoadedModel
from bot.engine.models.locate import locate
from bot.engine.prompt import Prompt, encode
from bot.engine.throughput import Throughput

CHANNELS = (1, 4, 8, 16)
PROMPT_TOKENS, NEW_TOKENS = 512, 24
SECOND_TURN_TOKENS = 32
CONTEXT_TOKENS = 200  # of CONTEXT_MESSAGES=10, for instance
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


def main(name: str, precision: str, folder: str | None = None) -> None:
    """Measure, and print the figures as JSON."""
    transformers.logging.set_verbosity_error()
    figures = _plain(name) if precision == "plain" else asyncio.run(_measure(name, precision, folder))
    print(json.dumps(figures), flush=True)


def _step(name: str) -> None:
    print(json.dumps({"step": name}), flush=True)


def _plain(name: str) -> Figures:
    """Measure transformers' own `generate`, the loop that everybody writes first."""
    _step("load")
    started = time.perf_counter()
    place = Path(locate(name))
    if place.is_file():
        model = gguf.read_model(place, torch.float32)
    else:
        model = transformers.AutoModelForCausalLM.from_pretrained(place, dtype=torch.float32)
    model.eval()
    loaded = time.perf_counter() - started
    _step("generate")
    ids = torch.tensor([_random_tokens(model.config.get_text_config().vocab_size, PROMPT_TOKENS)])

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
    # All computing is done in one thread, as in the engine. OpenMP gives each thread helpers of its own, and as soon as
    # there are more of them than cores, they sleep after each operation.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    _step("load")
    started = time.perf_counter()
    loaded = await in_thread(loading.load, name, precision)
    layers = await in_thread(probe, loaded.model, _LENGTH, loaded.precision)
    figures: Figures = {"load_s": time.perf_counter() - started, "weights_gb": loaded.weight_bytes / 1e9}
    figures["library"] = loaded.library
    # Random weights may end an answer at any token; here every answer is to reach its full length.
    endless = replace(loaded, end_tokens=())
    cache = KVCache(layers, max(CHANNELS), _LENGTH, loaded.model.dtype)
    scheduler = Scheduler(loaded.model, cache, Throughput())
    vocabulary = loaded.model.config.get_text_config().vocab_size

    _step("first text")
    warm_up = _sequence(endless, _random_tokens(vocabulary, PROMPT_TOKENS, seed=1), 1)
    await in_thread(_run, scheduler, [warm_up])
    prompt = _random_tokens(vocabulary, PROMPT_TOKENS)
    first = _sequence(endless, prompt, NEW_TOKENS)
    figures["first_text_cold_s"] = await in_thread(_time_to_first_token, scheduler, first)
    figures["prefill_tokens_per_s"] = PROMPT_TOKENS / figures["first_text_cold_s"]
    await in_thread(_run, scheduler, [])
    second = _sequence(endless, [*first.tokens, *_random_tokens(vocabulary, SECOND_TURN_TOKENS, seed=2)], 1)
    figures["first_text_second_turn_s"] = await in_thread(_time_to_first_token, scheduler, second)

    figures["first_text_second_turn_context_s"] = await _second_turn_with_context(scheduler, endless, prompt)

    def answers(channels: int) -> list[Sequence]:
        # They share a prefix, so that it is computed once; the time of a decode depends on lengths alone.
        return [
            _sequence(endless, [*prompt, *_random_tokens(vocabulary, 4, seed=channel)], NEW_TOKENS)
            for channel in range(channels)
        ]

    decode: dict[str, float] = {}
    figures["decode_tokens_per_s"] = decode
    for channels in CHANNELS:
        _step(f"{channels} channels")
        decode[str(channels)] = channels / await in_thread(_run, scheduler, answers(channels))
    _step("event loop")
    stalls: list[float] = []
    watching = asyncio.create_task(_watch_event_loop(stalls))  # which takes time from the answers
    await in_thread(_run, scheduler, answers(8))
    watching.cancel()
    figures["loop_stall_ms"] = {
        "median": statistics.median(stalls),
        "p99": sorted(stalls)[int(len(stalls) * 0.99)],
        "worst": max(stalls),
    }
    figures["peak_memory_gb"] = _peak_memory() / 1e9
    _step("memory bus")
    bandwidth = await in_thread(_memory_bandwidth)
    embedding = loaded.model.get_input_embeddings().weight.nbytes  # of which one row is read for a token
    figures["memory_bus_gb_per_s"] = bandwidth / 1e9
    figures["memory_bus_share"] = (loaded.weight_bytes - embedding) * decode["1"] / bandwidth
    if folder:
        _step("fidelity")
        figures |= await _fidelity(loaded, cache, Path(folder) / "reference.pt")
    return figures


async def _second_turn_with_context(scheduler: Scheduler, loaded: LoadedModel, prompt: list[int]) -> float:
    """Seconds to the first token of a second turn as long as the one without, where each question has a context.

    The context goes with its question, and the next one has its own, so the cache keeps only what is before it.
    """
    before, question = prompt[: -CONTEXT_TOKENS - SECOND_TURN_TOKENS], prompt[-SECOND_TURN_TOKENS:]
    vocabulary = loaded.model.config.get_text_config().vocab_size
    contexts = [_random_tokens(vocabulary, CONTEXT_TOKENS, seed=seed) for seed in (3, 4)]
    first = _sequence(loaded, [*before, *contexts[0], *question], NEW_TOKENS)
    await asyncio.to_thread(_run, scheduler, [first])
    answer = first.tokens[-NEW_TOKENS:]
    next_question = _random_tokens(vocabulary, SECOND_TURN_TOKENS, seed=5)
    second = _sequence(loaded, [*before, *question, *answer, *contexts[1], *next_question], 1)
    return await asyncio.to_thread(_time_to_first_token, scheduler, second)


def _random_tokens(vocabulary: int, count: int, seed: int = 0) -> list[int]:
    draw = random.Random(seed)
    return [draw.randrange(vocabulary // 2) for _ in range(count)]


def _sequence(loaded: LoadedModel, tokens: list[int], new_tokens: int, sampling: Sampling | None = None) -> Sequence:
    request = Request(Prompt("", (), None, ""), sampling or Sampling(new_tokens), Stream())
    return Sequence(request, tokens, loaded, penalty=1.0, limit=_LENGTH)


def _time_to_first_token(scheduler: Scheduler, sequence: Sequence) -> float:
    """Seconds from adding the sequence to its first token."""
    started, length = time.perf_counter(), len(sequence.tokens)
    scheduler.add(sequence)
    while len(sequence.tokens) == length:
        _run_step(scheduler)
    return time.perf_counter() - started


def _run(scheduler: Scheduler, sequences: list[Sequence]) -> float:
    """Run all sequences to their end; returns the median seconds of the passes in which all of them decode."""
    lengths = [len(sequence.tokens) for sequence in sequences]
    for sequence in sequences:
        scheduler.add(sequence)
    passes = []
    while scheduler.busy:
        all_decode = all(len(sequence.tokens) > length for sequence, length in zip(sequences, lengths, strict=True))
        started = time.perf_counter()
        _run_step(scheduler)
        if all_decode:
            passes.append(time.perf_counter() - started)
    return statistics.median(passes) if passes else 0.0


def _run_step(scheduler: Scheduler) -> None:
    for sequence in scheduler.step():
        if sequence.error:
            raise sequence.error


async def _watch_event_loop(stalls: list[float]) -> None:
    """Record by how many milliseconds the event loop is late, again and again."""
    while True:
        due = time.perf_counter() + 0.002
        await asyncio.sleep(0.002)
        stalls.append((time.perf_counter() - due) * 1e3)


def _memory_bandwidth() -> float:
    """Bytes per second that all cores together read from memory, at best."""
    data = torch.ones(2**27)

    def seconds() -> float:
        started = time.perf_counter()
        data.sum()
        return time.perf_counter() - started

    return data.nbytes / min(seconds() for _ in range(5))


async def _fidelity(loaded: LoadedModel, cache: KVCache, reference: Path) -> Figures:
    """How near the next-token probabilities are to float32, along the answers that float32 gives."""
    if loaded.precision == "float32":
        sampling = Sampling(_FIDELITY_TOKENS, temperature=0)
        prompts = [
            encode(Prompt("", (), None, text), loaded.tokenizer, PROMPT_TOKENS, loaded.form) for text in _QUESTIONS
        ]
        sequences = [_sequence(loaded, prompt, 0, sampling) for prompt in prompts]
        await asyncio.to_thread(_run, Scheduler(loaded.model, cache, Throughput()), sequences)
        answers = [(prompt, sequence.tokens) for prompt, sequence in zip(prompts, sequences, strict=True)]
        torch.save([(prompt, tokens, _logits(loaded, cache, prompt, tokens)) for prompt, tokens in answers], reference)
        return {}
    equal, divergence = [], []
    for prompt, tokens, expected in torch.load(reference):
        logits = _logits(loaded, cache, prompt, tokens)
        equal.append((logits.argmax(1) == expected.argmax(1)).float())
        ours, theirs = logits.log_softmax(1), expected.log_softmax(1)
        divergence.append((theirs.exp() * (theirs - ours)).sum(1))
    return {
        "greedy_tokens_equal": float(torch.cat(equal).mean()),
        "kl_divergence": float(torch.cat(divergence).mean()),
    }


def _logits(loaded: LoadedModel, cache: KVCache, prompt: list[int], tokens: list[int]) -> torch.Tensor:
    """Float32 logits (answer's tokens, vocabulary) from which each token of the answer was sampled."""
    batch = ForwardBatch([Chunk(0, 0, len(tokens) - 1)], cache)
    cache.invalidate(0)
    return forward(loaded.model, tokens[:-1], batch, list(range(len(prompt) - 1, len(tokens) - 1))).float()


def _peak_memory() -> int:
    memory = psutil.Process().memory_info()
    if hasattr(memory, "peak_wset"):  # Windows
        return int(memory.peak_wset)
    import resource

    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale


if __name__ == "__main__":
    main(*sys.argv[1:])
