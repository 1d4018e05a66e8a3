"""A real model answers as its makers promise: SmolLM2-135M-Instruct, in the GGUF file that PARLEY_REAL_MODEL names.

`.ci/run` fetches it.
"""

import json
import os
from pathlib import Path
from typing import get_args

import pytest
import torch
import transformers

from bot.bench import measure
from bot.engine.kernels.selection import Precision
from bot.engine.local.engine import LocalEngine
from bot.engine.models import gguf
from bot.engine.prompt import Prompt
from tests.support.local import answer, make_engine
from tests.support.parley import parley, run

FILE = os.environ.get("PARLEY_REAL_MODEL", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not FILE, reason="PARLEY_REAL_MODEL names no GGUF file of SmolLM2-135M-Instruct"),
]

CAPITAL = "Complete the sentence: The capital of France is"  # the model is sure of its answer in any precision
TURNS = ["My name is Wendolyn.", CAPITAL, "What colour is the sky?", "How many legs does a spider have?", "Thank you!"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The file as a folder, which is read much sooner."""
    path = tmp_path_factory.mktemp("smollm2")
    gguf.read_model(Path(FILE), torch.float32).save_pretrained(path)
    transformers.AutoTokenizer.from_pretrained(Path(FILE).parent, gguf_file=Path(FILE).name).save_pretrained(path)
    return path


@pytest.mark.parametrize("precision", get_args(Precision))
async def test_it_knows_the_capital_of_france_in_each_precision(folder, precision):
    async with make_engine(folder, precision=precision) as engine:
        await engine.ready()
        assert "Paris" in await answer(engine, Prompt("", (), None, CAPITAL))
        text, _ = engine.render(Prompt("Be kind.", (), None, CAPITAL))
        assert text == (
            f"<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\n{CAPITAL}<|im_end|>\n<|im_start|>assistant\n"
        )


def test_precisions_are_as_near_to_float32_as_their_documentation_says(folder, tmp_path, capsys):
    figures = {}
    for precision in ("float32", "bfloat16", "float16", "int8"):
        measure.main(str(folder), precision, str(tmp_path))
        figures[precision] = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert figures["float16"]["kl_divergence"] < 1e-4
    assert figures["bfloat16"]["kl_divergence"] < 0.005
    assert figures["int8"]["kl_divergence"] < 0.011  # from CPU to CPU, values at the edge of a step move it by a tenth
    assert figures["int8"]["greedy_tokens_equal"] > 0.92


async def test_five_turns_reach_it_in_discord(discord, path, place, folder, monkeypatch):
    _, channel, alice = place
    prompts: list[Prompt] = []
    submit = LocalEngine.submit

    def noted(self, prompt, *arguments):
        prompts.append(prompt)
        return submit(self, prompt, *arguments)

    monkeypatch.setattr(LocalEngine, "submit", noted)
    async with make_engine(folder) as engine:
        await engine.ready()
        async with parley(discord, engine, path, system_prompt="", max_new_tokens=8) as running:
            answers = [(await running.ask(channel, alice, text)).content for text in TURNS]
            await running.ask(channel, alice, "What is my name?")
        text, _ = engine.render(prompts[-1])
    at = 0
    for question, said in zip(TURNS, answers, strict=True):
        at = text.index(f"{question}<|im_end|>\n<|im_start|>assistant\n{said.strip()}", at)
    assert text.endswith("What is my name?<|im_end|>\n<|im_start|>assistant\n")


async def test_the_file_and_a_folder_saved_from_it_give_the_same_tokens(folder):
    said = []
    for name in (FILE, folder):
        async with make_engine(name) as engine:
            await engine.ready()
            said.append([await answer(engine, Prompt("Be brief.", (), None, text)) for text in TURNS[:2]])
    assert said[0] == said[1]


def test_the_program_answers_with_it(tmp_path):
    settings = {"TEMPERATURE": "0", "SYSTEM_PROMPT": ""}
    ended = run(tmp_path, "-m", "bot", "ask", "--model", FILE, CAPITAL, timeout=300, **settings)
    assert ended.returncode == 0, ended.stderr
    assert "Paris" in ended.stdout
    assert "it/s" not in ended.stderr, "no progress bar fills the log"
