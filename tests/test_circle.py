"""The circle: people correct answers, the export trains an adapter, and the bot then answers as corrected.

The training is the script of teaching.md, with TRL's real trainer, the demo model and a few steps on the CPU.
"""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bot import demo
from bot.engine.opening import local_engine
from bot.settings import Settings
from bot.texts import CORRECT_ANSWER, CORRECTED, DECIDED, UNDECIDED
from tests.discord_stand_in import Channel, Discord, Message, User
from tests.support.parley import ROOT, environment, parley, run

pytest.importorskip("trl", reason="the train extra is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

CORRECTIONS = {
    ("Maya", "which game do we play on Friday?"): "We play chess on Friday, at eight.",
    ("Tom", "where are the rules?"): "The rules are in the channel called rules.",
    ("Maya", "where do you run?"): "I run on the server in the cellar.",
}
"""What people ask, and what the answer should be; the demo model cannot help with any of it."""


async def ask(discord: Discord, channel: Channel, settings: Settings, *, correct: bool = False) -> list[str]:
    """Have people ask in Discord, and correct the answers; returns these."""
    given = []
    options = {"feedback": True, "history_turns": 0, "model_path": settings.model_path}
    async with (
        local_engine(settings) as engine,
        parley(discord, engine, Path(settings.database_path), **options) as running,
    ):
        await engine.ready()
        for (name, text), wanted in CORRECTIONS.items():
            person = next(user for user in discord.users.values() if user.name == name)
            question = await person.say(channel, f"{discord.bot.mention} {text}")
            answer = await channel.reply_to(question)
            await discord.until(lambda answer=answer: "👍" in answer.labels)
            given.append(answer.content)
            if correct:
                await agree(person)
                await correct_answer(person, answer, wanted)
        await running.settled()
    return given


async def agree(person: User) -> None:
    """Have somebody agree that what they write is kept."""
    shown = await person.command(person.direct, "privacy")
    message = await shown.wait_for(lambda message: message.content in (UNDECIDED, DECIDED[True]))
    if message.content == UNDECIDED:
        await person.press(message, "Yes")
        await shown.wait_for(DECIDED[True])


async def correct_answer(person: User, answer: Message, wanted: str) -> None:
    opened = await person.menu(answer, CORRECT_ANSWER)
    await (await person.submit(opened, text=wanted)).wait_for(CORRECTED)


def train(folder: Path, *arguments: str) -> None:
    """Run the script of teaching.md."""
    (script,) = re.findall(
        r"^```python\n(.*?)^```", (ROOT / "bot/docs/teaching.md").read_text(), re.DOTALL | re.MULTILINE
    )
    (folder / "train.py").write_text(script)
    offline = environment(HF_HUB_OFFLINE="1", HF_HOME=str(folder / "huggingface"))
    command = [sys.executable, "train.py", *arguments]
    subprocess.run(command, cwd=folder, env=offline, timeout=250, check=True)


async def test_the_bot_answers_as_corrected_after_a_training(discord, tmp_path, path):
    guild = discord.guild("Home")
    channel = guild.channel("general")
    for name in {name for name, _ in CORRECTIONS}:
        guild.member(name)
    settings = Settings(model_path="demo", database_path=str(path))
    before = await ask(discord, channel, settings, correct=True)
    assert not set(before) & set(CORRECTIONS.values())

    exported = run(tmp_path, "-m", "bot", "dataset", "sft.jsonl", "--format", "sft")
    assert "Wrote 3 lines to sft.jsonl" in exported.stderr
    assert not any(name in (tmp_path / "sft.jsonl").read_text() for name, _ in CORRECTIONS)

    train(tmp_path, str(demo.MODEL), "sft.jsonl", "adapter", "--epochs", "80", "--learning-rate", "2e-3")

    adapter = str(tmp_path / "adapter")
    assert await ask(discord, channel, replace(settings, model_path=adapter)) == [*CORRECTIONS.values()]

    compared = run(tmp_path, "-m", "bot", "compare", "demo", "adapter")
    assert compared.returncode == 0, compared.stderr
    assert "As expected, of 3: 0 by demo, 3 by adapter." in compared.stdout
