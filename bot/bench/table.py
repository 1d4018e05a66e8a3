"""The figures as a table, and which precision to choose."""

from typing import Any

from bot.bench import Figures

_WORTH_IT = 1.2  # int8 has to be this many times as fast to be worth its loss of fidelity


def table(results: dict[str, Figures]) -> str:
    """The figures as a table, a column for each precision, and the advice below it."""
    plain = results["plain"]

    def ratio(value: float, reference: float) -> str:
        return f"{value:.3g} ({value / reference:.1f}x)"

    def row(name: str, text: Any) -> list[str]:
        cells = []
        for figures in results.values():
            try:
                cells.append(text(figures))
            except KeyError:
                cells.append("-")
        return [name, *cells]

    rows = [["", "plain loop", *list(results)[1:]]]
    rows.append(row("linear layers by", lambda f: f["library"]))
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
        row("the same with CONTEXT_MESSAGES, s", lambda f: f"{f['first_text_second_turn_context_s']:.2f}"),
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
