"""/clear: the channel forgets."""

import asyncio

from tests.support.databases import locked
from tests.support.parley import parley
from tests.support.scripted import ScriptedEngine


async def test_clear_forgets_the_channel_and_says_how_many_turns(discord, path, place):
    guild, channel, alice = place
    other = guild.channel("other")
    async with parley(discord, ScriptedEngine(), path) as running:
        for where in (channel, channel, other):
            await where.reply_to(await alice.say(where, f"{discord.bot.mention} hi"))
            await discord.quiet()
        asked = await alice.command(channel, "clear")
        await asked.wait_for("2 turns")
        assert await running.stored(channel.id) == []
        await running.until_stored(other.id, ("hi", "ok"))
        await (await alice.command(channel, "clear")).wait_for("0 turns")


async def test_an_answer_under_way_is_not_stored_after_a_clear(discord, path, place):
    _, channel, alice = place
    hold = asyncio.Event()
    async with parley(discord, ScriptedEngine(["half ", hold, "and half"]), path) as running:
        question = await alice.say(channel, f"{discord.bot.mention} hi")
        answer = await channel.reply_to(question)
        cleared = await alice.command(channel, "clear")
        assert cleared.failed is None
        hold.set()
        await discord.until(lambda: answer.content == "half and half")
        await discord.quiet()
        assert await running.stored(channel.id) == []


async def test_a_direct_message_can_be_cleared(discord, path, place):
    _, _, alice = place
    async with parley(discord, ScriptedEngine(["hello"]), path) as running:
        await alice.say(discord.bot, "hi")
        await alice.direct.wait_for("hello")
        await discord.quiet()
        await (await alice.command(discord.bot, "clear")).wait_for("1 turn.")
        assert await running.stored(alice.direct.id) == []


async def test_clear_is_acknowledged_while_another_program_locks_the_database(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(), path):
        with locked(path):
            asked = await alice.command(channel, "clear")
            assert asked.failed is None
        await asked.wait_for("0 turns")
