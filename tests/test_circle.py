"""The circle: people correct answers, the export trains an adapter, and the bot then answers as corrected.

The training is the script of teaching.md, with TRL's real trainer, the demo model and a few steps on the CPU.
"""

import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot import demo
from bot.conversation.conversations import prompt_for
from bot.engine import Sampling
from bot.engine.opening import local_engine
from bot.settings import Settings
from bot.storage.channel_ref import ChannelRef
from bot.storage.database import open_database
from bot.storage.example import Example
from bot.storage.examples import ExampleStore
from bot.storage.turns import Turn
from tests.support.parley import ROOT, environment, run

pytest.importorskip("trl", reason="the train extra is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PEOPLE = {"Maya": 101, "Tom": 102}
CORRECTIONS = {
    ("Maya", "which game do we play on Friday?"): "We play chess on Friday, at eight.",
    ("Tom", "where are the rules?"): "The rules are in the channel called rules.",
    ("Maya", "where do you run?"): "I run on the server in the cellar.",
}
"""What people ask, and what the answer should be; the demo model cannot help with any of it."""
ASKED = [
    Turn(ChannelRef(7, None, 5), PEOPLE[name], name, text, "", datetime.now(UTC), 10 * number, (10 * number + 1,))
    for number, (name, text) in enumerate(CORRECTIONS, 1)
]


async def answers(settings: Settings) -> list[str]:
    """What the bot's engine answers to the questions."""
    async with local_engine(settings) as engine:
        await engine.ready()
        streams = [engine.submit(prompt_for(settings.system_prompt, [turn]), Sampling(temperature=0)) for turn in ASKED]
        return ["".join([piece async for piece in stream]) for stream in streams]


async def correct(settings: Settings, given: list[str]) -> None:
    """Have people agree, and correct the answers that they were given."""
    async with open_database(settings.database_path) as database:
        store = ExampleStore(database, limit=100)
        for person in PEOPLE.values():
            await store.agree(person)
        for turn, answer, wanted in zip(ASKED, given, CORRECTIONS.values(), strict=True):
            answered = replace(turn, answer=answer)
            await store.add(Example(settings.system_prompt, (answered,), "demo", "", {"temperature": 0}))
            await store.correct(turn.channel.channel, turn.answer_messages[0], PEOPLE["Tom"], wanted)


def train(folder: Path, *arguments: str) -> None:
    """Run the script of teaching.md."""
    (script,) = re.findall(
        r"^```python\n(.*?)^```", (ROOT / "bot/docs/teaching.md").read_text(), re.DOTALL | re.MULTILINE
    )
    (folder / "train.py").write_text(script)
    offline = environment(HF_HUB_OFFLINE="1", HF_HOME=str(folder / "huggingface"))
    command = [sys.executable, "train.py", *arguments]
    subprocess.run(command, cwd=folder, env=offline, timeout=250, check=True)


async def test_the_bot_answers_as_corrected_after_a_training(tmp_path, path):
    settings = Settings(model_path="demo", database_path=str(path))
    before = await answers(settings)
    assert not set(before) & set(CORRECTIONS.values())
    await correct(settings, before)

    exported = run(tmp_path, "-m", "bot", "dataset", "sft.jsonl", "--format", "sft")
    assert "Wrote 3 lines to sft.jsonl" in exported.stderr
    assert not any(name in (tmp_path / "sft.jsonl").read_text() for name in PEOPLE)

    train(tmp_path, str(demo.MODEL), "sft.jsonl", "adapter", "--epochs", "80", "--learning-rate", "2e-3")

    adapter = str(tmp_path / "adapter")
    assert await answers(replace(settings, model_path=adapter)) == [*CORRECTIONS.values()]

    compared = run(tmp_path, "-m", "bot", "compare", "demo", "adapter")
    assert compared.returncode == 0, compared.stderr
    assert "As expected, of 3: 0 by demo, 3 by adapter." in compared.stdout
