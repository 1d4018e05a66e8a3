"""When the disk, the database or the engine fails, the asker is told, others go on, and the bot recovers."""

import asyncio
import sqlite3

import pytest

from bot.engine.local.scheduler import Scheduler
from bot.texts import DATABASE_UNAVAILABLE, REGENERATE, STALE, UNEXPECTED
from tests.support.databases import full_disk, gone, locked
from tests.support.parley import parley, program
from tests.support.scripted import ScriptedEngine
from tests.support.waiting import until

pytestmark = pytest.mark.slow


async def test_a_locked_database_is_reported_and_used_again_later(discord, path, place):
    guild, channel, alice = place
    other = guild.channel("other")
    async with parley(discord, ScriptedEngine(["Here again."], ["Here, too."]), path) as running:
        with locked(path):
            question = await alice.say(channel, f"{discord.bot.mention} tell")
            await channel.reply_to(question, wanted=lambda message: message.content == DATABASE_UNAVAILABLE)
            assert (await alice.command(channel, "status")).failed is None
        for where, said in ((channel, "Here again."), (other, "Here, too.")):
            await alice.say(where, f"{discord.bot.mention} and now?")
            await running.until_stored(where.id, ("and now?", said))


async def test_a_full_disk_is_reported_and_earlier_turns_stay(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(["Kept."], ["Here again."]), path) as running:
        await alice.say(channel, f"{discord.bot.mention} one")
        await running.until_stored(channel.id, ("one", "Kept."))
        async with full_disk(running.database):
            question = await alice.say(channel, f"{discord.bot.mention} {'漢' * 1900}")
            await channel.reply_to(question, wanted=lambda message: message.content == DATABASE_UNAVAILABLE)
        await alice.say(channel, f"{discord.bot.mention} two")
        await running.until_stored(channel.id, ("one", "Kept."), ("two", "Here again."))


async def test_an_answer_that_does_not_fit_on_the_disk_is_shown_nevertheless(discord, path, place):
    _, channel, alice = place
    hold = asyncio.Event()
    long = "the end of it. " * 800
    async with parley(discord, ScriptedEngine(["The beginning, ", hold, long]), path) as running:
        question = await alice.say(channel, f"{discord.bot.mention} tell")
        await channel.reply_to(question)
        async with full_disk(running.database):
            hold.set()
            await channel.wait_for(DATABASE_UNAVAILABLE)
        answer = [message.content for message in channel.answers(alice)]
        assert "".join(answer[:-1]).count("the end of it.") == 800
        assert await running.stored(channel.id) == []


async def test_a_deleted_database_is_created_again(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(["Gone."], ["Kept."]), path) as running:
        await alice.say(channel, f"{discord.bot.mention} one")
        await running.until_stored(channel.id, ("one", "Gone."))
        path.unlink()
        (answer,) = channel.answers()
        await (await alice.press(answer, REGENERATE)).wait_for(STALE)
        assert not answer.buttons
        await alice.say(channel, f"{discord.bot.mention} two")
        await running.until_stored(channel.id, ("two", "Kept."))
    with sqlite3.connect(path) as file:
        assert file.execute("SELECT question, answer FROM turns").fetchall() == [("two", "Kept.")]
    file.close()


async def test_a_replaced_database_is_used_from_then_on(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(["Kept."], ["Kept, too."]), path) as running:
        await alice.say(channel, f"{discord.bot.mention} one")
        await running.until_stored(channel.id, ("one", "Kept."))
        path.rename(path.with_suffix(".old"))
        path.write_bytes(path.with_suffix(".old").read_bytes())
        await alice.say(channel, f"{discord.bot.mention} two")
        await running.until_stored(channel.id, ("one", "Kept."), ("two", "Kept, too."))
    with sqlite3.connect(path) as file:
        assert file.execute("SELECT question FROM turns").fetchall() == [("one",), ("two",)]
    file.close()


async def test_a_database_that_cannot_be_created_again_is_reported_and_retried(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(["Here again."]), path) as running:
        with gone(path):
            question = await alice.say(channel, f"{discord.bot.mention} one")
            await channel.reply_to(question, wanted=lambda message: message.content == DATABASE_UNAVAILABLE)
        await alice.say(channel, f"{discord.bot.mention} two")
        await running.until_stored(channel.id, ("two", "Here again."))


async def test_an_exception_in_the_engines_thread_costs_one_answer(discord, path, place, demo_engine, monkeypatch):
    _, channel, alice = place
    async with parley(discord, demo_engine, path) as running:
        with monkeypatch.context() as broken:
            broken.setattr(Scheduler, "step", lambda scheduler: 1 / 0)
            question = await alice.say(channel, f"{discord.bot.mention} hello")
            await channel.reply_to(question, wanted=lambda message: message.content == UNEXPECTED)
        await alice.say(channel, f"{discord.bot.mention} hello")
        await discord.until(lambda: demo_engine.status().running == 0)
        await until(lambda: running.stored(channel.id))


async def test_an_engine_that_does_not_recover_ends_the_program_with_status_1(discord, tmp_path, place):
    """A supervisor then restarts it."""
    _, channel, alice = place
    broken = "from bot.engine.local.scheduler import Scheduler; Scheduler.step = lambda scheduler: 1 / 0"
    async with program(discord, tmp_path, ["-c", f"{broken}; from bot.cli import main; main([])"]) as process:
        await discord.gateway.ready()
        for _ in range(3):
            question = await alice.say(channel, f"{discord.bot.mention} hello")
            await channel.reply_to(question, wanted=lambda message: message.content != "")
        _, log = await process.communicate()
        assert process.returncode == 1
        assert "Parley has to be restarted" in log.decode()
