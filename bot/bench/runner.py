"""Runs the measurement of each precision in a process of its own, and shows progress."""

import asyncio
import json
import sys
import tempfile

from bot.bench import Figures
from bot.bench.table import table
from bot.errors import UserError

_PRECISIONS = ("plain", "float32", "bfloat16", "float16", "int8")
_STEPS = 2 + 4 * 9  # as measure prints them


class BenchError(UserError):
    """A measurement failed; the sentence says why."""


async def bench(model: str, shape: str | None) -> dict[str, Figures]:
    """Measure `model`, or random weights in a `shape`, and print a table. Returns the figures of each precision.

    Raises BenchError when a measurement fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        if shape:
            print(f"Making random weights in the shape of {shape} …", file=sys.stderr)
            await _run_module("bot.bench.shapes", shape, folder)
            model = folder
        results: dict[str, Figures] = {}
        progress = _Progress()
        for precision in _PRECISIONS:
            # Fidelity to float32 means nothing with random weights.
            arguments = [model, precision] if shape else [model, precision, folder]
            results[precision] = await _run_module("bot.bench.measure", *arguments, progress=progress, label=precision)
        progress.end()
    print(table(results))
    return results


class _Progress:
    """A progress bar on standard error, if that is a terminal."""

    def __init__(self) -> None:
        self._done = 0

    def step(self, text: str) -> None:
        if sys.stderr.isatty():
            filled = round(30 * self._done / _STEPS)
            print(f"\r[{'#' * filled}{'.' * (30 - filled)}] {text:30}", end="", file=sys.stderr, flush=True)
        self._done += 1

    def end(self) -> None:
        if sys.stderr.isatty():
            print("\r" + " " * 64, end="\r", file=sys.stderr)


async def _run_module(module: str, *arguments: str, progress: _Progress | None = None, label: str = "") -> Figures:
    """Run a module in a process of its own, so that its peak memory is its own; returns its output's last line."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    assert process.stderr
    errors = asyncio.create_task(process.stderr.read())
    figures: Figures = {}
    try:
        async for line in process.stdout:
            figures = json.loads(line)
            if progress and "step" in figures:
                progress.step(f"{label}: {figures['step']}")
    except BaseException:
        process.kill()
        raise
    if await process.wait():
        last = (await errors).decode(errors="replace").strip().splitlines()[-1:] or ["it was killed"]
        raise BenchError(f"The measurement ({label or module}) failed: {last[0]}")
    return figures
