"""AutoMod or Discord refuses a text: the asker is told, and nothing of the answer is left growing, dead or half."""

import asyncio

import pytest

from bot.texts import BLOCKED_BY_SERVER, INTERRUPTED, REFUSED_BY_DISCORD, REGENERATE, STOP
from tests.discord_stand_in import Channel
from tests.messages.test_recovery import left
from tests.support.parley import parley
from tests.support.scripted import ScriptedEngine


def buttons(channel: Channel) -> list[str]:
    return [label for message in channel.answers() for label in message.labels]


@pytest.mark.parametrize("beginning", [[], ["A harmless beginning of it "]], ids=["at once", "in the middle"])
async def test_a_blocked_answer_is_told_and_forgotten(discord, path, place, caplog, beginning):
    guild, channel, alice = place
    guild.blocked_words = {"forbidden"}
    hold = asyncio.Event()
    engine = ScriptedEngine([*beginning, hold, "and then forbidden talk ", asyncio.Event()], ["fine"])
    async with parley(discord, engine, path) as running:
        question = await alice.say(channel, f"{discord.bot.mention} one")
        await channel.reply_to(question) if beginning else await discord.until(lambda: channel.is_typing(discord.bot))
        hold.set()
        await channel.wait_for(BLOCKED_BY_SERVER)
        await running.settled()
        assert engine.streams[0].stopped
        assert [message.content for message in channel.answers()] == [*map(str.strip, beginning), BLOCKED_BY_SERVER]
        assert buttons(channel) == []
        assert await running.stored(channel.id) == []
        await running.ask(channel, alice, "two")
        await running.until_stored(channel.id, ("two", "fine"))
    assert "200000" in caplog.text
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("private", [False, True])
@pytest.mark.parametrize("beginning", [[], ["A harmless beginning of it "]], ids=["at once", "in the middle"])
async def test_a_blocked_answer_to_a_command_is_told(discord, path, place, beginning, private):
    guild, channel, alice = place
    guild.blocked_words = {"forbidden"}
    hold = asyncio.Event()
    async with parley(discord, ScriptedEngine([*beginning, hold, "and then forbidden talk"]), path):
        asked = await alice.command(channel, "ask", prompt="one", private=private)
        if beginning:
            await asked.wait_for("A harmless")
        hold.set()
        await asked.wait_for(BLOCKED_BY_SERVER)
        assert [message.content for message in asked.messages] == [*map(str.strip, beginning), BLOCKED_BY_SERVER]
        assert not any(message.buttons for message in asked.messages)


async def test_an_answer_that_cannot_be_replaced_by_a_blocked_one_stays(discord, path, place):
    guild, channel, alice = place
    guild.blocked_words = {"forbidden"}
    async with parley(discord, ScriptedEngine(["one"], ["forbidden talk, quite long"], ["two"]), path) as running:
        answer = await running.ask(channel, alice)
        pressed = await alice.press(answer, REGENERATE)
        await pressed.wait_for(BLOCKED_BY_SERVER)
        await discord.until(lambda: answer.labels == [REGENERATE])
        await running.until_stored(channel.id, ("hi", "one"))
        await alice.press(answer, REGENERATE)
        await running.until_stored(channel.id, ("hi", "two"))


@pytest.mark.parametrize("failure", ["forbidden talk", RuntimeError("broken")])
async def test_an_answer_that_was_half_replaced_is_forgotten(discord, path, place, failure):
    guild, channel, alice = place
    guild.blocked_words = {"forbidden"}
    hold = asyncio.Event()
    async with parley(
        discord, ScriptedEngine(["one"], ["A harmless beginning of it ", hold, failure]), path
    ) as running:
        answer = await running.ask(channel, alice)
        pressed = await alice.press(answer, REGENERATE)
        await discord.until(lambda: answer.content == "A harmless beginning of it")
        assert answer.labels == [STOP]
        hold.set()
        await pressed.wait_for(lambda message: message.ephemeral)
        await running.settled()
        assert (answer.content, answer.labels) == ("A harmless beginning of it", [])
        assert await running.stored(channel.id) == []


async def test_what_discord_refuses_for_another_reason_is_told_and_logged(discord, path, place, caplog):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(["hello"]), path) as running:
        discord.fault("POST", "/channels/*/messages", status=400, code=50035)
        await alice.say(channel, f"{discord.bot.mention} hi")
        await channel.wait_for(REFUSED_BY_DISCORD)
        await running.settled()
        assert await running.stored(channel.id) == []
    assert "50035" in caplog.text


async def test_a_refusal_of_explicit_content_is_no_missing_permission(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(["hello"]), path):
        discord.fault("POST", "/channels/*/messages", status=403, code=20009)
        await alice.say(channel, f"{discord.bot.mention} hi")
        await channel.wait_for(BLOCKED_BY_SERVER)


async def test_an_answer_that_was_left_unfinished_and_is_blocked_can_be_asked_again(discord, path, place):
    guild, channel, alice = place
    question = await left(discord, path, channel, alice, "tell", "Then forbidden talk.")
    guild.blocked_words = {"forbidden"}
    async with parley(discord, ScriptedEngine(["fine"]), path) as running:
        answer = await channel.reply_to(question)
        assert (answer.content, answer.labels) == (INTERRUPTED, [REGENERATE])
        await alice.press(answer, REGENERATE)
        await running.until_stored(channel.id, ("tell", "fine"))
