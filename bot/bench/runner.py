"""`python -m bot bench`: how fast the model is on this machine, in each precision, beside the plain loop."""

import asyncio
import json
import sys
import tempfile
from typing import Any

from bot.errors import UserError

_PRECISIONS = ("plain", "float32", "bfloat16", "int8")
_STEPS = 2 + 3 * 9
_WORTH_IT = 1.2  # times as fast: below it int8 is not worth what it costs in fidelity

Figures = dict[str, Any]


class BenchError(UserError):
    """A measurement could not be made; the sentence says why."""


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
            # With random weights it means nothing how near they come to float32.
            arguments = [model, precision] if shape else [model, precision, folder]
            results[precision] = await _run_module("bot.bench.measure", *arguments, progress=progress, label=precision)
        progress.end()
    print(table(results))
    return results


class _Progress:
    """A bar on standard error, where a person sees it."""

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
    """Run a module of ours in a process of its own, as its peak memory counts; returns the last line of its output."""
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


def table(results: dict[str, Figures]) -> str:
    """The figures as a table, a column for each precision."""
    plain = results["plain"]

    def ratio(value: float, beside: float) -> str:
        return f"{value:.3g} ({value / beside:.1f}x)"

    def row(name: str, text: Any) -> list[str]:
        cells = []
        for figures in results.values():
            try:
                cells.append(text(figures))
            except KeyError:
                cells.append("-")
        return [name, *cells]

    rows = [["", "plain loop", *list(results)[1:]]]
    rows.append(row("prefill, tokens/s", lambda f: ratio(f["prefill_tokens_per_s"], plain["prefill_tokens_per_s"])))
    for channels, one in plain["decode_tokens_per_s"].items():
        rows.append(
            row(
                f"decode, {channels} channel{'s' * (channels != '1')}, tokens/s",
                lambda f, channels=channels, one=one: ratio(f["decode_tokens_per_s"][channels], one),
            )
        )
    rows += [
        row("first text, s", lambda f: f"{f['first_text_cold_s']:.2f}"),
        row("first text, second turn, s", lambda f: f"{f['first_text_second_turn_s']:.2f}"),
        row("loading, s", lambda f: f"{f['load_s']:.1f}"),
        row("peak memory, GB", lambda f: f"{f['peak_memory_gb']:.2f}"),
        row("share of the memory bus", lambda f: f"{f['memory_bus_share']:.0%}"),
        row(
            "event loop late, ms: median, p99, worst",
            lambda f: " ".join(f"{f['loop_stall_ms'][which]:.1f}" for which in ("median", "p99", "worst")),
        ),
        row("greedy tokens as in float32", lambda f: f"{f['greedy_tokens_equal']:.1%}"),
        row("KL divergence to float32", lambda f: f"{f['kl_divergence']:.2g}"),
    ]
    widths = [max(len(line[column]) for line in rows) for column in range(len(rows[0]))]
    lines = []
    for name, *cells in rows:
        padded = [cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True)]
        lines.append("  ".join([name.ljust(widths[0]), *padded]))
    return "\n".join([*lines, "", _advice(results)])


def _advice(results: dict[str, Figures]) -> str:
    speeds = {name: figures["decode_tokens_per_s"]["8"] for name, figures in results.items() if name != "plain"}
    fastest = max(speeds, key=speeds.__getitem__)
    exact = max((name for name in speeds if name != "int8"), key=speeds.__getitem__)
    if fastest != "int8":
        return f"Choose MODEL_PRECISION={fastest}: nothing is faster here."
    if speeds["int8"] < _WORTH_IT * speeds[exact]:
        return (
            f"Choose MODEL_PRECISION={exact}: int8 is hardly faster here with 8 channels; it only takes less memory,"
            " and its answers are less near to the model's own."
        )
    factor = speeds["int8"] / speeds[exact]
    return (
        f"Choose MODEL_PRECISION=int8 for speed and memory ({factor:.1f} times as fast as {exact} with 8 channels),"
        f" or {exact} for answers nearer to the model's own."
    )
