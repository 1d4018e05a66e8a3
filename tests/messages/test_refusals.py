"""People are told why they are not answered, but seldom enough that the others' answers don't wait for it."""

import asyncio
import time

import pytest

from bot.messages.pacing import Pacer
from bot.texts import NOT_HERE, ONE_AT_A_TIME, ONLY_TEXT
from tests.discord_stand_in import Discord
from tests.support.parley import parley
from tests.support.scripted import ScriptedEngine

POST = ("POST", "/channels/{channel_id}/messages")


async def test_in_a_forbidden_channel_a_person_is_told_once_in_a_while(discord, path, place):
    guild, channel, alice = place
    bob, other, allowed = guild.member("Bob"), guild.channel("other"), guild.channel("allowed")
    settings = {"allowed_channels": frozenset({allowed.id})}
    async with parley(discord, ScriptedEngine(), path, timing={"refusal_interval": 3}, **settings):
        for _ in range(8):
            await alice.say(channel, f"{discord.bot.mention} hi")
        await alice.direct.wait_for(NOT_HERE)
        await discord.quiet()
        for person in (alice, bob):
            await person.say(channel, f"{discord.bot.mention} hi")
        await bob.direct.wait_for(NOT_HERE)
        await discord.quiet()
        assert len(alice.direct.messages) == 1
        await alice.say(other, f"{discord.bot.mention} hi")
        await discord.until(lambda: len(alice.direct.messages) == 2)
        await asyncio.sleep(3)
        await alice.say(channel, f"{discord.bot.mention} hi")
        await discord.until(lambda: len(alice.direct.messages) == 3)


@pytest.mark.slow
async def test_in_a_channel_one_refusal_stands_at_a_time(discord, path, place):
    guild, channel, alice = place
    other = guild.channel("other")
    people = [guild.member(f"Person {number}") for number in range(2)]  # all could be told: Discord takes five posts
    async with parley(discord, ScriptedEngine(), path, cooldown=300, timing={"refusal_lifetime": 1.0}) as running:
        for person in (alice, *people):
            await running.ask(channel, person)
        posts = len(discord.asked(*POST))
        for person in people * 3:
            await person.say(channel, f"{discord.bot.mention} again")
        first = await channel.wait_for("Please wait")
        await discord.quiet()
        assert len(discord.asked(*POST)) == posts + 1
        await people[1].say(other, f"{discord.bot.mention} again")
        await other.wait_for("Please wait")
        assert first.deleted_at is None
        await discord.until(lambda: first.deleted_at is not None)
        await alice.say(channel, f"{discord.bot.mention} again")
        await channel.wait_for("Please wait")


async def test_nobody_is_refused_aloud_while_answers_wait_for_their_turn(discord, path, place, monkeypatch):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(), path, cooldown=300) as running:
        await running.ask(channel, alice)
        with monkeypatch.context() as busy:
            busy.setattr(Pacer, "backlog", 1.0)
            await alice.say(channel, f"{discord.bot.mention} again")
            await discord.quiet()
        assert len(channel.answers(alice)) == 1
        await channel.reply_to(await alice.say(channel, f"{discord.bot.mention} again"))


async def test_a_refused_message_takes_one_request(discord, path, place):
    _, channel, alice = place
    thread = channel.thread("topic", thread_id=(await alice.say(channel, "the topic")).id)
    async with parley(discord, ScriptedEngine(), path, cooldown=300) as running:
        await running.ask(channel, alice)
        await discord.quiet()
        before = len(discord.requests)
        await alice.say(thread, f"{discord.bot.mention} again")
        await thread.wait_for("Please wait")
        await discord.quiet()
        assert len(discord.requests) == before + 1


async def test_a_refused_command_or_press_takes_one_request_at_once(discord, path, place, monkeypatch):
    _, channel, alice = place
    engine = ScriptedEngine(["The first one."], [asyncio.Event()], [asyncio.Event()])
    async with parley(discord, engine, path) as running:
        answer = await running.ask(channel, alice)
        for _ in range(2):
            await alice.command(channel, "ask", prompt="wait")
        await discord.until(lambda: len(engine.prompts) == 3)
        await discord.quiet(1.2)
        before = len(discord.requests)
        mentions = " ".join(f"<@{10**17 + number}>" for number in range(9))
        with monkeypatch.context() as busy:
            busy.setattr(Pacer, "slot", lambda self: asyncio.sleep(60))
            for refused in (
                await alice.command(channel, "ask", prompt=mentions),
                await alice.press(answer, "Regenerate"),
            ):
                assert refused.ephemeral
                assert refused.response.content == ONE_AT_A_TIME
            await discord.quiet()
        assert len(discord.requests) == before + 2


@pytest.mark.parametrize("where", ["a forbidden channel", "a direct message"])
async def test_a_picture_is_refused_like_a_text(discord, path, place, where):
    guild, channel, alice = place
    settings = {"allowed_channels": frozenset({guild.channel("allowed").id}), "direct_messages": False}
    async with parley(discord, ScriptedEngine(), path, **settings):
        if where == "a forbidden channel":
            await alice.say(channel, discord.bot.mention, files={"cat.png": b"png"})
        else:
            await alice.say(discord.bot, files={"cat.png": b"png"})
        await alice.direct.wait_for(NOT_HERE)
        await discord.quiet()
        assert not channel.answers(alice)
        assert not any(message.content == ONLY_TEXT for message in alice.direct.answers(alice))


async def test_pictures_are_explained_once_in_a_while(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(), path, timing={"refusal_lifetime": 0.1}):
        for _ in range(5):
            await alice.say(channel, discord.bot.mention, files={"cat.png": b"png"})
        await channel.wait_for(ONLY_TEXT)
        await discord.quiet()
        assert len(channel.answers(alice)) == 1


async def first_text(path, *, spammers: int, mentions: int, elsewhere: bool) -> tuple[float, int, int]:
    """Let spammers mention the bot for six seconds, then somebody else ask.

    Returns after how many seconds that answer shows, how many refusals were sent by then, and how many answers begun.
    """
    async with Discord(validate=False) as discord:
        guild = discord.guild("Home")
        channel, other = guild.channel("general"), guild.channel("other")
        people, honest = [guild.member(f"Spammer {n}") for n in range(spammers)], guild.member("Honest")
        engine = ScriptedEngine()
        async with parley(discord, engine, path, timing={"last_words": 0.5}):  # many still wait at the end
            for number in range(12):
                for person in people if number < mentions else ():
                    await person.say(channel, f"{discord.bot.mention} {number}")
                await asyncio.sleep(0.5)
            where, began = other if elsewhere else channel, time.monotonic()
            question = await honest.say(where, f"{discord.bot.mention} hello")
            await where.reply_to(question, wanted=lambda message: message.content == "ok", within=120)
            seconds, refusals = time.monotonic() - began, (ONE_AT_A_TIME, "I can't take your question")
            told = [
                message for message in channel.messages.values() if message.versions[0].content.startswith(refusals)
            ]
            return seconds, len(told), len(engine.prompts)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_twenty_spammers_do_not_hold_up_an_answer(tmp_path):
    alone, *_ = await first_text(tmp_path / "alone.db", spammers=0, mentions=0, elsewhere=True)
    beside, refused, _ = await first_text(tmp_path / "beside.db", spammers=20, mentions=12, elsewhere=True)
    print(f"\nfirst text after {alone:.2f} s alone, {beside:.2f} s beside 240 mentions in another channel")
    assert refused == 1, "it stands for longer than this takes"
    among, refused, answers = await first_text(tmp_path / "among.db", spammers=4, mentions=12, elsewhere=False)
    print(f"{among:.1f} s in the channel of 48 mentions, behind {answers - 1} answers")
    assert refused <= 4, "each person was refused once, one after the other"
