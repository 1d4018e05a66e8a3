"""/metrics: each counts what its name says, and none reveals who asked where or what."""

import asyncio
import time

import pytest

from bot.engine import ModelError
from bot.engine.prompt import QuestionTooLong
from bot.texts import REGENERATE, STALE
from tests.support.databases import gone
from tests.support.outside import outside
from tests.support.parley import parley
from tests.support.scripted import ScriptedEngine


async def test_a_conversation_is_counted_and_timed(discord, path, place):
    _, channel, alice = place
    hold, late = asyncio.Event(), asyncio.Event()
    engine = ScriptedEngine(["The first few words ", hold, "and the rest."], [late, "Later."])
    async with parley(discord, engine, path) as running, outside(running) as seen:
        assert await seen.metric("parley_requests_total") == 0
        await alice.say(channel, f"{discord.bot.mention} one")
        await alice.say(channel, f"{discord.bot.mention} two")
        await channel.wait_for("The first few words")
        await seen.until_metric("parley_requests_running", 1)
        await seen.until_metric("parley_requests_waiting", 1)
        assert await seen.metric("parley_answer_seconds_count") == 0
        await asyncio.sleep(0.3)
        hold.set()
        late.set()
        await running.until_stored(channel.id, ("one", "The first few words and the rest."), ("two", "Later."))
        await seen.until_metric("parley_answer_seconds_count", 2)
        assert await seen.metric("parley_requests_total") == 2
        assert await seen.metric("parley_requests_running") == 0
        assert await seen.metric("parley_requests_waiting") == 0
        assert await seen.metric("parley_tokens_total") == 3
        assert await seen.metric("parley_time_to_first_text_seconds_count") == 2
        assert await seen.metric("parley_answer_seconds_sum") > 0.6, "the second one waited for the first"
        assert await seen.metric("parley_answer_seconds_bucket", le="600.0") == 2
        assert await seen.metric("parley_history_operation_seconds_count", kind="write") >= 6
        assert await seen.metric("parley_history_operation_seconds_count", kind="read") >= 2


async def test_the_first_text_and_the_whole_answer_are_timed(discord, path, place):
    _, channel, alice = place
    hold = asyncio.Event()
    engine = ScriptedEngine(["The first few words ", hold, "and the rest."])
    async with parley(discord, engine, path) as running, outside(running) as seen:
        before = time.monotonic()
        await alice.say(channel, f"{discord.bot.mention} one")
        await channel.wait_for("The first few words")
        until_seen = time.monotonic() - before
        await asyncio.sleep(0.3)
        hold.set()
        await seen.until_metric("parley_answer_seconds_count", 1)
        first = await seen.metric("parley_time_to_first_text_seconds_sum")
        assert 0 < first < until_seen
        assert await seen.metric("parley_answer_seconds_sum") > first + 0.3


async def test_commands_are_requests_too(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(["Here."]), path) as running, outside(running) as seen:
        asked = await alice.command(channel, "ask", prompt="hi")
        await asked.wait_for("Here.")
        await seen.until_metric("parley_answer_seconds_count", 1)
        assert await seen.metric("parley_requests_total") == 1


@pytest.mark.slow
async def test_errors_are_counted_by_their_kind(discord, path, place):
    guild, channel, alice = place
    hold = asyncio.Event()
    errors = ([QuestionTooLong("It is too long.")], [], [ModelError("It is broken.")], [RuntimeError("never seen")])
    kinds = ("QuestionTooLong", "NoAnswer", "ModelError", "RuntimeError")
    async with parley(discord, ScriptedEngine(*errors, [hold, "Here."]), path) as running, outside(running) as seen:
        for kind in kinds:
            await alice.say(channel, f"{discord.bot.mention} tell")
            await seen.until_metric("parley_errors_total", 1, kind=kind)
        for _ in range(3):
            await alice.say(channel, f"{discord.bot.mention} tell")
        await seen.until_metric("parley_errors_total", 1, kind="Busy")
        hold.set()
        await running.until_stored(channel.id, ("tell", "Here."), ("tell", "ok"))
        await discord.quiet()
        discord.fault("POST", "/channels/*/messages", status=403)
        await guild.member("Bob").say(guild.channel("other"), f"{discord.bot.mention} tell")
        await seen.until_metric("parley_errors_total", 1, kind="Forbidden")
        with gone(path):
            await alice.command(channel, "clear")
            await seen.until_metric("parley_errors_total", 1, kind="DatabaseError")
            await alice.command(channel, "help")
            await seen.until_metric("parley_errors_total", 2, kind="DatabaseError")
        (remembered,) = (message for message in channel.answers() if message.labels == [REGENERATE])
        await (await alice.press(remembered, REGENERATE)).wait_for(STALE)
        await seen.until_metric("parley_errors_total", 1, kind="Stale")


async def test_an_error_of_a_command_is_counted_once(discord, path, place):
    _, channel, alice = place
    async with (
        parley(discord, ScriptedEngine([QuestionTooLong("It is too long.")]), path) as running,
        outside(running) as seen,
    ):
        await alice.command(channel, "ask", prompt="hi")
        await seen.until_metric("parley_errors_total", 1, kind="QuestionTooLong")
        await discord.quiet()
        assert await seen.metric("parley_errors_total", kind="QuestionTooLong") == 1


async def test_edits_are_counted_and_other_requests_are_not(discord, path, place):
    _, channel, alice = place
    hold = asyncio.Event()
    engine = ScriptedEngine(["The first few words ", hold, "and the rest."])
    async with parley(discord, engine, path) as running, outside(running) as seen:
        await alice.say(channel, f"{discord.bot.mention} tell")
        await channel.wait_for("The first few words")
        assert await seen.metric("parley_edits_total") == 0
        hold.set()
        await running.until_stored(channel.id, ("tell", "The first few words and the rest."))
        edits = len(discord.asked("PATCH", "/channels/{channel_id}/messages/{message_id}"))
        assert edits > 0
        assert await seen.metric("parley_edits_total") == edits


async def test_a_429_is_counted(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(["Here."]), path) as running, outside(running) as seen:
        assert await seen.metric("parley_rate_limited_total") == 0
        discord.fault("POST", "/channels/*/messages", status=429, retry_after=0.1)
        await alice.say(channel, f"{discord.bot.mention} tell")
        await running.until_stored(channel.id, ("tell", "Here."))
        assert await seen.metric("parley_rate_limited_total") == 1


async def test_the_gateways_latency_is_measured(discord, path):
    discord.gateway.heartbeat_interval = 0.05
    async with parley(discord, ScriptedEngine(), path) as running, outside(running) as seen:
        await seen.until_metric("parley_gateway_latency_seconds", lambda value: 0 < value < 30, shard="0")


async def test_each_reconnect_is_counted_once(discord, path, quick_reconnects):
    async with parley(discord, ScriptedEngine(), path) as running, outside(running) as seen:
        await seen.until_metric("parley_gateway_reconnects_total", 0, shard="0")
        with discord.gateway.refusing():
            discord.gateway.drop()
            await discord.until(lambda: discord.gateway.attempts > 3)
        await seen.until_metric("parley_gateway_reconnects_total", 1, shard="0")
        discord.gateway.sessions.clear()
        discord.gateway.drop()
        await seen.until_metric("parley_gateway_reconnects_total", 2, shard="0")


async def test_each_shard_is_measured_separately(discord, path, quick_reconnects):
    discord.gateway.shards = 2
    discord.gateway.heartbeat_interval = 0.05
    async with (
        parley(discord, ScriptedEngine(), path, timing={"gateway_limit": 0}) as running,
        outside(running) as seen,
    ):
        await running.gateway.online.wait()
        for shard in "01":
            await seen.until_metric("parley_gateway_latency_seconds", lambda value: 0 < value < 30, shard=shard)
        (second,) = [session.connection for session in discord.gateway.connected if session.shard[0] == 1]
        with discord.gateway.refusing():
            second.drop()
            await discord.until(lambda: running.gateway.away)
            status, text = await seen.health()
            assert status == 503
            assert "gateway: shard 1 not connected" in text
        await seen.until_metric("parley_gateway_reconnects_total", 1, shard="1")
        assert await seen.metric("parley_gateway_reconnects_total", shard="0") == 0
        assert (await seen.health())[0] == 200


async def test_a_stall_of_the_event_loop_is_measured(discord, path):
    async with parley(discord, ScriptedEngine(), path) as running, outside(running) as seen:
        await asyncio.sleep(0)
        time.sleep(0.7)  # noqa: ASYNC251 - blocks the event loop on purpose
        await seen.until_metric("parley_event_loop_stall_seconds", lambda value: 0.5 < value < 60)


async def test_the_process_is_measured(discord, path):
    async with parley(discord, ScriptedEngine(), path) as running, outside(running) as seen:
        assert await seen.metric("process_resident_memory_bytes") > 1e7


async def test_no_metric_reveals_who_asked_where_or_what(discord, path, place):
    guild, channel, _ = place
    mallory = guild.member("Mallory")
    errors = ScriptedEngine(
        ["An unmistakable answer."], [RuntimeError("unmistakable")], [QuestionTooLong("77777 tokens")]
    )
    async with parley(discord, errors, path) as running, outside(running) as seen:
        await mallory.say(channel, f"{discord.bot.mention} an unmistakable question")
        await running.until_stored(channel.id, ("an unmistakable question", "An unmistakable answer."))
        for kind in ("RuntimeError", "QuestionTooLong"):
            await mallory.say(channel, f"{discord.bot.mention} another unmistakable question")
            await seen.until_metric("parley_errors_total", 1, kind=kind)
        told = (await seen.text() + (await seen.health())[1]).lower()
        for secret in ("mallory", "unmistakable", "77777", discord.application.token, str(path)):
            assert secret not in told
        for thing in (mallory, channel, guild, discord.bot, *channel.shows(mallory)):
            assert str(thing.id) not in told
