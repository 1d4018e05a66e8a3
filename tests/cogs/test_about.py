"""/help and /status: what the bot is and how it is doing, shown to the asker alone."""

import re

import pytest

from bot.engine import Status
from bot.texts import REPLACED
from tests.support.parley import parley
from tests.support.scripted import ScriptedEngine


@pytest.mark.parametrize("feedback", [False, True])
async def test_help_shows_commands_that_can_be_clicked(discord, path, place, feedback):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(), path):
        ids = {command["name"]: command["id"] for command in discord.commands.registered[None]}
    async with parley(discord, ScriptedEngine(), path, feedback=feedback):
        helped = await alice.command(channel, "help")
        text = (await helped.wait_for("last 5 questions and answers")).content
        assert helped.ephemeral
        assert set(re.findall(r"</([a-z ]+):(\d+)>", text)) == {
            *((name, ids[name]) for name in ("ask", "clear", "export", "forget", "quit", "settings", "status")),
            ("persona set", ids["persona"]),
            *([("privacy", ids["privacy"])] if feedback else []),
        }
        assert ("unless you say yes" in text) == feedback
        assert len(text) <= 2000


async def test_with_everything_on_help_still_fits_into_a_message(discord, path, place, tmp_path):
    guild, channel, alice = place
    settings = {
        "feedback": True,
        "auto_thread": True,
        "wake_words": ("Parley",) * 99,
        "context_messages": 30,
        "role_limits": ((guild.id, 1_000_000),),
        "personas_file": str(tmp_path / "personas.toml"),
        "blocked_words_file": str(tmp_path / "blocked.txt"),
        "history_turns": 100,
    }
    (tmp_path / "personas.toml").write_text('pirate = "Talk like one."')
    (tmp_path / "blocked.txt").write_text("spinach")
    async with parley(discord, ScriptedEngine(), path, **settings):
        text = (await (await alice.command(channel, "help")).wait_for("Mention me")).content
        assert len(text) < 1960, "Discord's ids and counts grow"
        for part in ("1000000 answers an hour", "Calling me (Parley, Parley", "a thread", "the last 30 messages"):
            assert part in text
        assert "prepared persona" in text
        assert REPLACED in text
        direct = (await (await alice.command(alice.direct, "help")).wait_for("Mention me")).content
        assert "a thread for it" not in direct
        assert "30 messages" not in direct


async def test_status_shows_how_the_bot_is_doing(discord, path, place):
    _, channel, alice = place
    engine = ScriptedEngine()
    engine.loaded.clear()
    async with parley(discord, engine, path):
        asked = await alice.command(channel, "status")
        assert asked.ephemeral
        assert "scripted (loading)" in asked.response.content
        engine.loaded.set()
        text = (await alice.command(channel, "status")).response.content
        assert "scripted (float32)" in text
        assert "0 running, 0 waiting" in text
        for pattern in (
            r"Memory: \d\.\d\d GB",
            r"gateway: (\d+ ms|not measured yet)",
            r"minute: \d+ ms",
            r"Up for \d+ s",
        ):
            assert re.search(pattern, text), text


async def test_status_does_not_show_the_path_of_the_model(discord, path, place):
    _, channel, alice = place

    class Elsewhere(ScriptedEngine):
        def status(self):
            return Status("/home/me/models/qwen", "int8", 1, 2, 12.34)

    async with parley(discord, Elsewhere(), path):
        text = (await alice.command(channel, "status")).response.content
        assert "/home" not in text
        assert "qwen (int8)" in text
        assert "1 running, 2 waiting; 12.3 tokens per second" in text
