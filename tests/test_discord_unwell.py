"""When Discord fails, the bot reconnects by itself, answers each question once, and delivers its answers."""

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from discord.gateway import KeepAliveHandler

from bot.texts import UNDELIVERABLE
from tests.discord_stand_in import Channel, Discord, User
from tests.support.parley import parley
from tests.support.scripted import ScriptedEngine

pytestmark = pytest.mark.slow


def dropped(discord: Discord) -> None:
    discord.gateway.drop()


def ended_while_away(discord: Discord) -> None:
    discord.gateway.sessions.clear()
    discord.gateway.drop()


def asked_to_reconnect(discord: Discord) -> None:
    discord.gateway.reconnect()


def invalid(discord: Discord) -> None:
    discord.gateway.invalidate()


def invalid_but_resumable(discord: Discord) -> None:
    discord.gateway.invalidate(resumable=True)


def closed_by_discord(discord: Discord) -> None:
    discord.gateway.close(4000)


def answers(channel: Channel, reader: User) -> list[str]:
    return [message.content for message in channel.answers(reader)]


TROUBLES = [dropped, ended_while_away, asked_to_reconnect, invalid, invalid_but_resumable, closed_by_discord]


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_it_comes_back_and_every_question_is_answered_once(discord, path, place, trouble: Callable[..., None]):
    _, channel, alice = place
    hold = asyncio.Event()
    async with parley(discord, ScriptedEngine(["Before ", hold, "and after."], ["Later."]), path) as running:
        await alice.say(channel, f"{discord.bot.mention} one")
        await channel.wait_for("Before")
        sessions = discord.gateway.identifies + discord.gateway.resumes
        trouble(discord)
        await discord.until(lambda: discord.gateway.identifies + discord.gateway.resumes > sessions)
        await discord.gateway.ready()
        hold.set()
        await running.until_stored(channel.id, ("one", "Before and after."))
        await alice.say(channel, f"{discord.bot.mention} two")
        await running.until_stored(channel.id, ("one", "Before and after."), ("two", "Later."))
        assert answers(channel, alice) == ["Before and after.", "Later."]


async def test_a_question_asked_while_it_was_away_is_answered_after_the_resume(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(["Here."]), path) as running:
        with discord.gateway.refusing():
            discord.gateway.drop()
            await alice.say(channel, f"{discord.bot.mention} hello?")
            await asyncio.sleep(0.2)
        await running.until_stored(channel.id, ("hello?", "Here."))
        assert answers(channel, alice) == ["Here."]


async def test_unanswered_heartbeats_do_not_leave_it_deaf(discord, path, place, monkeypatch):
    _, channel, alice = place
    monkeypatch.setattr("discord.gateway.KeepAliveHandler.run", _impatient)
    discord.gateway.heartbeat_interval = 0.05
    async with parley(discord, ScriptedEngine(["Here."]), path) as running:
        discord.gateway.acknowledges = False
        await discord.gateway.resumed()
        discord.gateway.acknowledges = True
        await discord.gateway.ready()
        await alice.say(channel, f"{discord.bot.mention} hello?")
        await running.until_stored(channel.id, ("hello?", "Here."))


_run = KeepAliveHandler.run


def _impatient(keeper: KeepAliveHandler) -> None:
    """Shortens the minute that discord.py waits for a heartbeat's acknowledgement."""
    keeper.heartbeat_timeout = 0.3
    _run(keeper)


async def test_an_event_that_is_delivered_twice_is_handled_once(discord, path, place):
    _, channel, alice = place
    engine = ScriptedEngine(["Once."], ["By command."], ["Once more."])
    async with parley(discord, engine, path) as running:
        question = await alice.say(channel, f"{discord.bot.mention} tell")
        discord.gateway.redeliver("MESSAGE_CREATE")
        await running.until_stored(channel.id, ("tell", "Once."))
        await alice.command(channel, "ask", prompt="what?")
        discord.gateway.redeliver("INTERACTION_CREATE")
        await channel.wait_for("By command.")
        await alice.press(await channel.reply_to(question), "Regenerate")
        discord.gateway.redeliver("INTERACTION_CREATE")
        await running.until_stored(channel.id, ("tell", "Once more."))
        await discord.quiet()
        assert answers(channel, alice) == ["Once more.", "By command."]
        assert len(engine.prompts) == 3


@pytest.mark.parametrize("scope", ["user", "shared", "global"])
@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_a_429_is_waited_out(discord, path, place, method, scope):
    _, channel, alice = place
    hold = asyncio.Event()
    async with parley(discord, ScriptedEngine(["The first few words ", hold, "and the rest."]), path) as running:
        if method == "POST":
            discord.fault("POST", "/channels/*/messages", status=429, retry_after=2.0, scope=scope)
        question = await alice.say(channel, f"{discord.bot.mention} tell")
        if method == "PATCH":
            await channel.reply_to(question)
            discord.fault("PATCH", "/channels/*/messages/*", status=429, retry_after=2.0, scope=scope)
        hold.set()
        await running.until_stored(channel.id, ("tell", "The first few words and the rest."))
        assert answers(channel, alice) == ["The first few words and the rest."]


async def test_a_global_limit_on_the_typing_indicator_does_not_silence_the_bot_for_ever(discord, path, place):
    _, channel, alice = place
    hold = asyncio.Event()
    async with parley(discord, ScriptedEngine([hold, "Here."], ["Here, too."]), path) as running:
        discord.fault("POST", "/channels/*/typing", status=429, retry_after=2.0, scope="global")
        await alice.say(channel, f"{discord.bot.mention} one")
        await discord.until(lambda: discord.limits.too_many)
        hold.set()
        await running.until_stored(channel.id, ("one", "Here."))
        await alice.say(channel, f"{discord.bot.mention} two")
        await running.until_stored(channel.id, ("one", "Here."), ("two", "Here, too."))


@pytest.mark.parametrize("trouble", [{"status": 500}, {"status": 502}, {"delay": float("inf")}])
@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_an_answer_gets_through_to_a_failing_or_silent_discord(
    discord, path, place, monkeypatch, method, trouble: dict[str, Any]
):
    _, channel, alice = place
    hold = asyncio.Event()
    monkeypatch.setattr("aiohttp.client.DEFAULT_TIMEOUT", aiohttp.ClientTimeout(total=1))
    async with parley(discord, ScriptedEngine(["The first few words ", hold, "and the rest."]), path) as running:
        if method == "POST":
            discord.fault("POST", "/channels/*/messages", **trouble)
        question = await alice.say(channel, f"{discord.bot.mention} tell")
        if method == "PATCH":
            await channel.reply_to(question)
            discord.fault("PATCH", "/channels/*/messages/*", **trouble)
        hold.set()
        await running.until_stored(channel.id, ("tell", "The first few words and the rest."))
        assert answers(channel, alice) == ["The first few words and the rest."]


async def test_half_an_hour_without_discord_costs_no_answer(discord, path, place, quick_reconnects):
    """One second stands for ten minutes."""
    _, channel, alice = place
    timing = {"longest_edit_interval": 0.1, "delivery_patience": 6.0}
    hold = asyncio.Event()
    async with parley(
        discord, ScriptedEngine(["The first few words ", hold, "and the rest."]), path, timing=timing
    ) as running:
        await alice.say(channel, f"{discord.bot.mention} tell")
        await channel.wait_for("The first few words")
        with discord.gateway.refusing():
            discord.gateway.drop()
            away = discord.fault("*", "/*", times=None, status=503)
            hold.set()
            await asyncio.sleep(3)
            away.times = 0
        await running.until_stored(channel.id, ("tell", "The first few words and the rest."))
        await discord.gateway.ready()
        assert answers(channel, alice) == ["The first few words and the rest."]


async def test_an_undeliverable_answer_is_logged_and_not_stored(discord, path, place, caplog):
    _, channel, alice = place
    timing = {"longest_edit_interval": 0.1, "delivery_patience": 0.5}
    async with parley(discord, ScriptedEngine(["Too late."], ["Here again."]), path, timing=timing) as running:
        away = discord.fault("POST", "/channels/*/messages", times=None, status=503)
        await alice.say(channel, f"{discord.bot.mention} tell")
        await discord.until(lambda: "could not be delivered" in caplog.text)
        away.times = 0
        await discord.quiet(0.5)
        await alice.say(channel, f"{discord.bot.mention} and now?")
        await running.until_stored(channel.id, ("and now?", "Here again."))
        assert set(answers(channel, alice)) <= {UNDELIVERABLE, "Here again."}
