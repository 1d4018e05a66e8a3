"""Requests stay within Discord's limits, and a slow channel does not hold up the others."""

import asyncio
from collections import Counter

import pytest

from bot.messages.pacing import Lane, Pacer
from tests.discord_stand_in import Discord
from tests.support.parley import parley
from tests.support.scripted import ScriptedEngine


def talkative(pieces: int, seconds: float):
    """A script of this many words over this many seconds."""

    class Pause(asyncio.Event):
        async def wait(self) -> bool:
            await asyncio.sleep(seconds / pieces)
            return True

    return [step for number in range(pieces) for step in (f"word {number} ", Pause())]


def test_a_channel_slows_down_when_requests_take_long_and_recovers():
    lane = Lane(1.2, 60)
    intervals = []
    for seconds in (0.1, 5, 5, 5, *[0.1] * 20):
        lane.record(0, seconds)
        intervals.append(lane.interval)
    assert intervals[:4] == [1.2, 2.4, 4.8, 9.6]
    assert intervals[4:] == sorted(intervals[4:], reverse=True)
    assert intervals[-1] == 1.2
    for _ in range(20):
        lane.record(0, 5)
    assert lane.interval == 60


async def test_a_channel_sends_one_request_at_a_time_and_others_go_on():
    pacer = Pacer(30, 1.2, 60)
    hold = asyncio.Event()
    written: list[str] = []

    async def write(channel: int, text: str, wait: asyncio.Event | None = None) -> None:
        async with pacer.turn(channel):
            written.append(text)
            if wait:
                await wait.wait()

    stuck = asyncio.create_task(write(1, "stuck", hold))
    await asyncio.sleep(0.05)
    behind = asyncio.create_task(write(1, "behind"))
    await write(2, "other")
    assert written == ["stuck", "other"]
    hold.set()
    await asyncio.gather(stuck, behind)
    assert written == ["stuck", "other", "behind"]


async def test_idle_channels_are_forgotten():
    pacer = Pacer(30, 1.2, 60)
    for channel in range(30):
        async with pacer.turn(channel):
            pass
    await asyncio.sleep(1.3)
    async with pacer.turn(99):
        pass
    assert list(pacer._lanes) == [99]


@pytest.mark.slow
async def test_slow_edits_in_one_channel_slow_down_no_other_and_no_generation(discord, path):
    guild = discord.guild("Home")
    slow, quick, alice = guild.channel("slow"), guild.channel("quick"), guild.member("Alice")
    engine = ScriptedEngine(["At first this, ", *talkative(20, 2)], talkative(20, 2))
    async with parley(discord, engine, path):
        first = await slow.reply_to(await alice.say(slow, f"{discord.bot.mention} one"))
        stuck = discord.fault("PATCH", f"/channels/{slow.id}/messages/*", times=None, delay=4)
        question = await alice.say(quick, f"{discord.bot.mention} two")
        whole = lambda message: message.content.endswith("word 19")  # noqa: E731
        answer = await quick.reply_to(question, wanted=whole, within=5)
        assert not whole(first)
        assert len(answer.versions) > 2
        await discord.until(lambda: not engine._running, within=1)
        stuck.times = 0
        await discord.until(lambda: whole(first))


@pytest.mark.slow
async def test_a_429_slows_the_channel_down_and_nothing_is_lost(discord, path):
    guild = discord.guild("Home")
    channel, alice = guild.channel("general"), guild.member("Alice")
    async with parley(discord, ScriptedEngine(talkative(40, 4)), path):
        discord.fault("PATCH", "/channels/*/messages/*", status=429, retry_after=2.0)
        question = await alice.say(channel, f"{discord.bot.mention} tell")
        answer = await channel.reply_to(question, wanted=lambda message: message.content.endswith("word 39"))
    assert len(answer.versions) <= 4


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_two_hundred_channels_at_once_stay_within_the_limits(path):
    async with Discord(validate=False) as discord:
        guild = discord.guild("Home")
        people = [guild.member(f"Person {number}") for number in range(200)]
        channels = [guild.channel(f"channel-{number}") for number in range(200)]
        async with parley(discord, ScriptedEngine(*[talkative(30, 8) for _ in channels]), path, queue_limit=200):
            for number, channel in enumerate(channels):
                await people[number].say(channel, f"{discord.bot.mention} tell")
            for channel in channels:
                await channel.wait_for(lambda message: message.content.endswith("word 29"), within=60)
        # After a stall of the machine, requests that were meant to be spread out are sent at once.
        assert len(discord.limits.too_many) <= 5
        assert {refused.scope for refused in discord.limits.too_many} <= {"global"}
        shown = Counter(len(message.versions) for channel in channels for message in channel.shows(people[0])[1:])
        assert sum(shown.values()) == 200
        assert shown[1] < 100, "most people saw their answer grow"


async def test_typing_is_left_out_while_the_bot_is_busy(discord, path, monkeypatch):
    monkeypatch.setattr(Pacer, "busy", True)
    guild = discord.guild("Home")
    channel, alice = guild.channel("general"), guild.member("Alice")
    hold = asyncio.Event()
    async with parley(discord, ScriptedEngine([hold, "done"]), path):
        await alice.say(channel, f"{discord.bot.mention} hi")
        await discord.quiet()
        assert not channel.typings
        hold.set()
        await channel.wait_for("done")


async def test_a_process_with_some_of_the_shards_takes_its_share_of_the_requests(discord, path, monkeypatch):
    rates = []
    monkeypatch.setattr(Pacer, "limit", lambda self, per_second: rates.append(per_second))
    for shards in ((), (0, 1, 2)):
        async with parley(discord, ScriptedEngine(), path, shard_count=4, shard_ids=shards):
            pass
    assert rates == [30, 22.5]


async def test_requests_per_second_are_limited():
    loop = asyncio.get_running_loop()
    pacer, began = Pacer(20, 1.2, 60), loop.time()
    for _ in range(9):
        await pacer.slot()
    assert loop.time() - began >= 8 / 20
