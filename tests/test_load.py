"""Under load whoever is admitted gets an answer, no channel starves another, and the event loop stays free."""

import asyncio
import itertools
from collections.abc import Iterable

import pytest

from bot import demo
from bot.engine.local.engine import LocalEngine
from bot.texts import ONE_AT_A_TIME
from tests.discord_stand_in import Channel, Discord, Message
from tests.support.forked import answer, nursery
from tests.support.parley import parley
from tests.support.waiting import until

pytestmark = pytest.mark.slow


async def test_a_busy_channel_does_not_starve_another(discord, path, place):
    guild, busy, _ = place
    quiet = guild.channel("quiet")
    order: list[str] = []
    async with (
        LocalEngine(str(demo.MODEL), max_prompt_tokens=512, max_new_tokens=60, max_batch=1) as engine,
        parley(discord, engine, path) as running,
    ):
        await engine.ready()
        for number in range(5):
            await guild.member(f"Person {number}").say(busy, f"{discord.bot.mention} tell me a joke")
        await guild.member("Somebody").say(quiet, f"{discord.bot.mention} tell me a joke")
        while len(order) < 6:
            for channel in (busy, quiet):
                answered = len(await running.stored(channel.id))
                order += [channel.name] * (answered - order.count(channel.name))
            await asyncio.sleep(0.005)
    assert "quiet" in order[:3], "the channels take turns"


def replies(discord: Discord, channels: Iterable[Channel]) -> list[Message]:
    """What the bot has said and not deleted."""
    return [
        message
        for channel in channels
        for message in channel.messages.values()
        if message.author is discord.bot and message.deleted_at is None
    ]


async def test_a_thousand_mentions_in_a_second(path):
    """Of 200 people in 100 channels, those who are admitted all get an answer, and no heartbeat is late."""
    async with Discord(validate=False) as discord, nursery(discord) as births:
        discord.limits.global_requests = None
        discord.gateway.heartbeat_interval = 0.5
        guild = discord.guild("Busy")
        channels = [guild.channel(f"channel-{number}") for number in range(100)]
        people = [guild.member(f"Person {number}") for number in range(200)]
        child = await births.start(path)
        asked: dict[int, str] = {}
        for person, channel in itertools.islice(zip(people * 5, channels * 10, strict=True), 1000):
            question = f"100 #{len(asked)}"
            asked[(await person.say(channel, f"{discord.bot.mention} {question}")).id] = question
            if len(asked) % 20 == 0:
                await asyncio.sleep(0.02)

        await discord.quiet(1, within=50)
        await until(lambda: not any("Stop" in reply.labels for reply in replies(discord, channels)), within=50)
        shown = replies(discord, channels)
        answered = [m for m in shown if m.reference and m.content == answer(asked[m.reference.id])]
        refused = [m for m in shown if m.content == ONE_AT_A_TIME or "are waiting already" in m.content]
        assert len(answered) + len(refused) == len(shown), "nothing is half an answer"
        assert len(answered) >= 50, "as many as may wait"
        figures = child.figures()
        beats = discord.gateway.heartbeats
    latest = max(after - before for before, after in itertools.pairwise(beats))
    print(
        f"1000 mentions: stalls of the event loop {figures['p99'] * 1000:.0f} ms (p99), {figures['longest'] * 1000:.0f}"
        f" ms (longest); heartbeats, due every 500 ms, at most {latest * 1000:.0f} ms apart"
    )
    assert figures["p99"] < 0.1
    assert latest < 5, "Discord closes a connection that is silent for a whole interval, there 41 s"
