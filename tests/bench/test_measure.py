"""The bench measures everything that its table shows. Whether the figures are right only a quiet machine can tell."""

import json

import pytest
from safetensors.torch import load_file

from bot.bench import measure, runner, shapes
from bot.bench.table import table
from tests.support.models import save_model


@pytest.fixture
def results(tmp_path, capsys):
    """The figures of each precision on a small model, measured in this process."""
    folder = save_model(tmp_path / "model", context=2048)
    results = {}
    for precision in ("plain", "float32", "bfloat16", "float16", "int8"):
        measure.main(str(folder), precision, str(tmp_path))
        *steps, figures = map(json.loads, capsys.readouterr().out.splitlines())
        assert all(step.keys() == {"step"} for step in steps)
        results[precision] = figures
    return results


@pytest.mark.slow
def test_the_table_shows_all_figures_and_what_to_choose(results):
    lines = table(results).splitlines()
    assert lines[0].split()[-1] == "int8"
    for name in (
        "linear layers by",
        "prefill",
        "decode, 1 channel,",
        "decode, 16 channels",
        "first text, second",
        "the same with CONTEXT_MESSAGES",
        "peak memory",
        "memory bus",
    ):
        assert [line for line in lines if line.startswith(name) or name in line]
    assert "Choose MODEL_PRECISION=" in lines[-1]
    assert results["bfloat16"]["greedy_tokens_equal"] > 0.8
    assert results["float16"]["kl_divergence"] < results["bfloat16"]["kl_divergence"]
    assert 0 <= results["bfloat16"]["kl_divergence"] < results["int8"]["kl_divergence"] < 1
    assert results["float32"]["loop_stall_ms"]["worst"] > 0


def test_random_weights_come_in_a_shape_that_loads(tmp_path, monkeypatch, capsys):
    small = {"vocab_size": 300, "hidden_size": 48, "intermediate_size": 64, "num_hidden_layers": 2}
    monkeypatch.setitem(shapes.SHAPES, "small", shapes.SHAPES["qwen2-1.5b"] | small)
    shapes.make("small", tmp_path)
    measure.main(str(tmp_path), "bfloat16")
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert figures["decode_tokens_per_s"].keys() == {"1", "4", "8", "16"}
    assert "kl_divergence" not in figures


def test_no_two_tokens_of_random_weights_have_equal_logits(tmp_path, monkeypatch):
    small = {"vocab_size": 2100, "intermediate_size": 64, "num_hidden_layers": 1}
    monkeypatch.setitem(shapes.SHAPES, "small", shapes.SHAPES["qwen2-1.5b"] | small)
    shapes.make("small", tmp_path)
    rows = load_file(tmp_path / "model.safetensors")["model.embed_tokens.weight"]
    assert len(rows.unique(dim=0)) == 2100


async def test_a_failed_measurement_is_told_in_one_sentence():
    with pytest.raises(runner.BenchError, match=r"^The measurement \(int8\) failed: .*No module named.*"):
        await runner._run_module("bot.nothing", label="int8")
