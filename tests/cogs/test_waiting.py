"""People who have to wait are told for what, behind how many others, and about how long."""

import asyncio

import pytest

from bot.engine import ModelError
from bot.texts import NO_MODEL, STOPPED_WAITING, waits
from tests.support.parley import parley
from tests.support.scripted import ScriptedEngine


@pytest.mark.parametrize(
    ("ahead", "seconds", "loading", "sentence"),
    [
        (1, None, False, "1 question is ahead of yours."),
        (2, 21.0, False, "2 questions are ahead of yours: about 20 s to wait."),
        (2, 0.3, False, "2 questions are ahead of yours: about 5 s to wait."),
        (9, 170.0, False, "9 questions are ahead of yours: about 3 min to wait."),
        (0, None, True, "My model is still loading. I'll answer as soon as I can."),
        (3, None, True, "My model is still loading, and 3 questions are ahead of yours. I'll answer as soon as I can."),
    ],
)
def test_the_sentence_says_how_many_are_ahead_and_how_long_it_takes(ahead, seconds, loading, sentence):
    assert waits(ahead, seconds, loading) == sentence


async def test_the_place_in_a_channel_is_shown_kept_up_to_date_and_replaced_by_the_answer(discord, path, place):
    guild, channel, alice = place
    bob, carol = guild.member("Bob"), guild.member("Carol")
    first, second = asyncio.Event(), asyncio.Event()
    engine = ScriptedEngine([first, "one"], [second, "two"], ["three"])
    async with parley(discord, engine, path, timing={"notice_interval": 1.5}) as running:
        asked = [await who.say(channel, f"{discord.bot.mention} {who.name}") for who in (alice, bob, carol)]
        assert (await channel.reply_to(asked[1])).content == "1 question is ahead of yours."
        waiting = await channel.reply_to(asked[2])
        assert waiting.content == "2 questions are ahead of yours."
        assert waiting.labels == ["Stop"]
        first.set()
        await discord.until(lambda: waiting.content.startswith("1 question is ahead of yours: about"))
        second.set()
        await discord.until(lambda: waiting.content == "three")
        await running.until_stored(channel.id, ("Alice", "one"), ("Bob", "two"), ("Carol", "three"))
        answers = [message.content for message in channel.answers(alice)]
        assert sorted(answers) == ["one", "three", "two"], "no notice is left"


async def test_the_place_in_the_engine_counts_too(discord, path, place):
    _, channel, alice = place
    hold = asyncio.Event()
    engine = ScriptedEngine([hold, "at last"])
    async with parley(discord, engine, path, timing={"notice_interval": 1.5}):
        question = await alice.say(channel, f"{discord.bot.mention} hi")
        await discord.until(lambda: engine.streams and engine.streams[0].begun_at)
        engine.streams[0].ahead = 4
        answer = await channel.reply_to(question)
        assert answer.content == "4 questions are ahead of yours."
        hold.set()
        await discord.until(lambda: answer.content == "at last")


async def test_while_the_model_loads_the_asker_is_told_so(discord, path, place):
    _, channel, alice = place
    engine = ScriptedEngine(["here"])
    engine.loaded.clear()
    async with parley(discord, engine, path, timing={"notice_interval": 1.5}):
        answer = await channel.reply_to(await alice.say(channel, f"{discord.bot.mention} hi"))
        asked = await alice.command(channel, "ask", prompt="hi")
        assert answer.content == waits(0, None, True)
        await asked.wait_for("My model is still loading")
        engine.loaded.set()
        await discord.until(lambda: answer.content == "here")
        await asked.wait_for("ok")


async def test_a_failure_to_load_replaces_the_notice(discord, path, place):
    _, channel, alice = place
    hold = asyncio.Event()
    engine = ScriptedEngine([hold, ModelError("broken")])
    async with parley(discord, engine, path, timing={"notice_interval": 1.5}):
        question = await alice.say(channel, f"{discord.bot.mention} hi")
        await discord.until(lambda: engine.streams and engine.streams[0].begun_at)
        engine.streams[0].ahead = 1
        answer = await channel.reply_to(question)
        hold.set()
        await discord.until(lambda: answer.content == NO_MODEL)
        assert not answer.buttons


async def test_people_can_stop_waiting(discord, path, place):
    guild, channel, alice = place
    bob = guild.member("Bob")
    hold = asyncio.Event()
    engine = ScriptedEngine([hold, "one"])
    async with parley(discord, engine, path, timing={"notice_interval": 1.5}) as running:
        await alice.say(channel, f"{discord.bot.mention} one")
        notice = await channel.reply_to(await bob.say(channel, f"{discord.bot.mention} two"))
        discord.fault("PATCH", "/channels/*/messages/*", status=503)  # which discord.py does not repeat
        await bob.press(notice, "Stop")
        await discord.until(lambda: notice.content == STOPPED_WAITING)
        assert not notice.buttons
        hold.set()
        await running.until_stored(channel.id, ("one", "one"))
        assert len(engine.prompts) == 1, "nothing is generated for an asker who stopped waiting"


async def test_a_regeneration_that_has_to_wait_is_announced_privately_and_the_old_answer_stays(discord, path, place):
    _, channel, alice = place
    hold = asyncio.Event()
    engine = ScriptedEngine(["old"], [hold, "new"])
    async with parley(discord, engine, path, timing={"notice_interval": 1.5}):
        answer = await channel.reply_to(await alice.say(channel, f"{discord.bot.mention} hi"))
        await discord.until(lambda: answer.labels == ["Regenerate"])
        await discord.quiet()
        pressed = await alice.press(answer, "Regenerate")
        await discord.until(lambda: len(engine.streams) == 2 and engine.streams[1].begun_at)
        engine.streams[1].ahead = 3
        notice = await pressed.wait_for("3 questions are ahead of yours")
        assert notice.ephemeral
        assert answer.content == "old"
        hold.set()
        await discord.until(lambda: answer.content == "new")
