"""The machine unwell: whose request it hits is told, the others go on, and the bot is itself again."""

import asyncio
import sqlite3

from bot.engine.local.scheduler import Scheduler
from bot.texts import DATABASE_UNAVAILABLE, UNEXPECTED
from tests.support.parley import parley, program
from tests.support.scripted import ScriptedEngine


async def test_a_database_that_another_program_holds_is_told_and_used_again_later(discord, path, place):
    guild, channel, alice = place
    other = guild.channel("other")
    async with parley(discord, ScriptedEngine(["Here again."], ["Here, too."]), path) as running:
        holding = sqlite3.connect(path, isolation_level=None)
        holding.execute("BEGIN EXCLUSIVE")
        question = await alice.say(channel, f"{discord.bot.mention} tell")
        await channel.reply_to(question, wanted=lambda message: message.content == DATABASE_UNAVAILABLE)
        assert (await alice.command(channel, "status")).failed is None
        holding.close()
        for where, said in ((channel, "Here again."), (other, "Here, too.")):
            await alice.say(where, f"{discord.bot.mention} and now?")
            await running.until_stored(where.id, ("and now?", said))


async def test_a_full_disk_is_told_and_what_was_there_stays(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(["Kept."], ["Here again."]), path) as running:
        await alice.say(channel, f"{discord.bot.mention} one")
        await running.until_stored(channel.id, ("one", "Kept."))
        await running.database._connection.execute("PRAGMA max_page_count = 1")  # SQLite takes the size it has
        question = await alice.say(channel, f"{discord.bot.mention} {'漢' * 1900}")
        await channel.reply_to(question, wanted=lambda message: message.content == DATABASE_UNAVAILABLE)
        await running.database._connection.execute("PRAGMA max_page_count = 100000")
        await alice.say(channel, f"{discord.bot.mention} two")
        await running.until_stored(channel.id, ("one", "Kept."), ("two", "Here again."))


async def test_an_answer_that_a_full_disk_does_not_take_is_shown_all_the_same(discord, path, place):
    _, channel, alice = place
    hold = asyncio.Event()
    long = "the end of it. " * 800
    async with parley(discord, ScriptedEngine(["The beginning, ", hold, long]), path) as running:
        question = await alice.say(channel, f"{discord.bot.mention} tell")
        await channel.reply_to(question)
        await running.database._connection.execute("PRAGMA max_page_count = 1")
        hold.set()
        await channel.wait_for(DATABASE_UNAVAILABLE)
        answer = [message.content for message in channel.shows(alice) if message.author is discord.bot]
        assert "".join(answer[:-1]).count("the end of it.") == 800
        assert await running.stored(channel.id) == []


async def test_a_database_that_is_deleted_is_made_anew(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(["Gone."], ["Kept."]), path) as running:
        await alice.say(channel, f"{discord.bot.mention} one")
        await running.until_stored(channel.id, ("one", "Gone."))
        path.unlink()
        await alice.say(channel, f"{discord.bot.mention} two")
        await running.until_stored(channel.id, ("two", "Kept."))
    with sqlite3.connect(path) as file:
        assert file.execute("SELECT question, answer FROM turns").fetchall() == [("two", "Kept.")]
    file.close()


async def test_a_database_that_is_replaced_is_the_one_used_from_then_on(discord, path, place):
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


async def test_a_deleted_database_that_cannot_be_made_anew_is_told_and_tried_again(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(["Here again."]), path) as running:
        path.unlink()
        path.mkdir()
        question = await alice.say(channel, f"{discord.bot.mention} one")
        await channel.reply_to(question, wanted=lambda message: message.content == DATABASE_UNAVAILABLE)
        path.rmdir()
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
        async with asyncio.timeout(10):
            while not await running.stored(channel.id):
                await asyncio.sleep(0.02)


async def test_an_engine_that_does_not_recover_ends_the_program_with_status_1(discord, tmp_path, place):
    """So that a supervisor starts it anew."""
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
