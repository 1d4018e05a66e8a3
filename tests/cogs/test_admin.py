"""/quit: only the owner can end the program, and unfinished answers are kept."""

import asyncio

from bot.texts import OWNER_ONLY, QUITTING, SHUTTING_DOWN
from tests.support.parley import parley
from tests.support.scripted import ScriptedEngine


async def test_the_owner_can_quit(discord, path, place):
    _, channel, _ = place
    async with parley(discord, ScriptedEngine(), path) as running:
        asked = await discord.owner.command(channel, "quit")
        assert asked.response.content == QUITTING
        assert asked.response.ephemeral
        await discord.gateway.gone()
        async with asyncio.timeout(5):
            await running.ended


async def test_anyone_else_is_refused_privately(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(), path) as running:
        asked = await alice.command(channel, "quit")
        assert asked.response.content == OWNER_ONLY
        assert asked.response.ephemeral
        assert not running.quitting.is_set()


async def test_quit_is_acknowledged_in_time_even_if_discord_is_slow_to_tell_the_owner(discord, path, place):
    _, channel, _ = place
    async with parley(discord, ScriptedEngine(), path):
        discord.fault("GET", "/oauth2/applications/@me", times=None, delay=10)
        assert (await discord.owner.command(channel, "quit")).failed is None
        await discord.gateway.gone()


async def test_quit_lets_answers_finish_within_the_grace_period(discord, path, place):
    _, channel, alice = place
    hold = asyncio.Event()
    async with parley(
        discord, ScriptedEngine(["half an answer ", hold, "and the rest"]), path, shutdown_grace=5
    ) as running:
        answer = await channel.reply_to(await alice.say(channel, f"{discord.bot.mention} one"))
        await discord.owner.command(channel, "quit")
        hold.set()
        await discord.gateway.gone()
        assert answer.content == "half an answer and the rest"
        await running.until_stored(channel.id, ("one", "half an answer and the rest"))


async def test_quit_closes_the_gateway_although_answers_are_under_way(discord, path, place):
    guild, _, _ = place
    engine = ScriptedEngine(*[["half an answer, which goes on ", asyncio.Event()] for _ in range(4)])
    async with parley(discord, engine, path):
        for number in range(4):
            channel = guild.channel(f"channel-{number}")
            await guild.member(f"Person {number}").say(channel, f"{discord.bot.mention} hi")
            await channel.wait_for("half an answer")
        await discord.owner.command(channel, "quit")
        await discord.gateway.gone()
        assert discord.gateway.closes == [1000]


async def test_quit_does_not_wait_long_for_a_gateway_that_does_not_answer(discord, path, place, monkeypatch):
    _, channel, _ = place
    monkeypatch.setattr("tests.discord_stand_in.gateway.LATENCY", 60)
    async with parley(discord, ScriptedEngine(), path) as running:
        await discord.owner.command(channel, "quit")
        async with asyncio.timeout(5):
            await running.ended


async def test_a_team_member_can_quit(discord, path, place):
    _, channel, alice = place
    discord.application.team = [alice]
    async with parley(discord, ScriptedEngine(), path):
        assert (await alice.command(channel, "quit")).response.content == QUITTING
        await discord.gateway.gone()


async def test_quit_stops_answers_stores_them_and_tells_those_who_wait(discord, path, place):
    guild, channel, alice = place
    other = guild.channel("other")
    engine = ScriptedEngine(["half an answer", asyncio.Event()], [asyncio.Event()])
    async with parley(discord, engine, path) as running:
        answer = await channel.reply_to(await alice.say(channel, f"{discord.bot.mention} one"))
        silent = await alice.say(other, f"{discord.bot.mention} two")
        waiting = await guild.member("Bob").say(channel, f"{discord.bot.mention} three")
        await discord.quiet()
        asked = await discord.owner.command(channel, "quit")
        assert asked.ack_seconds < 3
        for place, question in ((other, silent), (channel, waiting)):
            assert (await place.reply_to(question)).content == SHUTTING_DOWN
        await discord.gateway.gone()
        await running.ended
        assert answer.content == "half an answer"
        assert answer.labels == ["Regenerate"]
        await running.until_stored(channel.id, ("one", "half an answer"))
        assert not channel.is_typing(discord.bot)
