"""Who is answered, where, and how many questions at once."""

import asyncio

import pytest

from bot.storage.channel_ref import ChannelRef
from bot.storage.channel_settings import ChannelOverrides
from bot.texts import BLOCKED, NOT_HERE, ONE_AT_A_TIME
from tests.discord_stand_in.messages import SUPPRESS_EMBEDS
from tests.support.parley import parley
from tests.support.scripted import ScriptedEngine


async def test_only_allowed_servers_are_answered_and_others_are_told_privately(discord, path, place):
    guild, channel, alice = place
    other = discord.guild("Other")
    elsewhere, bob = other.channel("general"), other.member("Bob")
    engine = ScriptedEngine()
    async with parley(discord, engine, path, allowed_guilds=frozenset({guild.id})):
        await bob.say(elsewhere, f"{discord.bot.mention} hi")
        await bob.direct.wait_for(NOT_HERE)
        asked = await bob.command(elsewhere, "ask", prompt="hi")
        assert asked.response.content == NOT_HERE
        assert asked.ephemeral
        await channel.reply_to(await alice.say(channel, f"{discord.bot.mention} hi"))
        assert len(engine.prompts) == 1


async def test_only_allowed_channels_and_their_threads_are_answered(discord, path, place):
    guild, channel, alice = place
    thread, elsewhere = channel.thread("talk"), guild.channel("elsewhere")
    async with parley(discord, ScriptedEngine(), path, allowed_channels=frozenset({channel.id})):
        for where in (channel, thread):
            await where.reply_to(await alice.say(where, f"{discord.bot.mention} hi"))
            await discord.quiet()
        assert (await alice.command(elsewhere, "help")).response.content == NOT_HERE
        assert (await discord.owner.command(elsewhere, "quit")).response.content != NOT_HERE


async def test_a_thread_that_the_bot_has_not_heard_of_belongs_to_its_channel(discord, path, place):
    guild, channel, alice = place
    starter = await alice.say(channel, "the sky is green")
    elsewhere, engine = guild.channel("elsewhere"), ScriptedEngine()
    async with parley(discord, engine, path, allowed_channels=frozenset({channel.id})) as running:
        await running.channel_settings.change(ChannelRef(channel.id), ChannelOverrides(persona="A pirate."))
        thread = channel.thread("talk", thread_id=starter.id, announced=False)
        hidden = elsewhere.thread("talk", announced=False)
        for text in ("is it?", "sure?"):
            await running.ask(thread, alice, text)
        await alice.say(hidden, f"{discord.bot.mention} hi")
        await alice.direct.wait_for(NOT_HERE)
        (first, _) = await running.turns.recent(thread.id)
        assert first.channel == ChannelRef(thread.id, channel.id, guild.id)
    assert [prompt.question for prompt in engine.prompts] == ["Alice wrote: the sky is green\nis it?", "sure?"]
    assert {prompt.system for prompt in engine.prompts} == {"A pirate."}
    fetched = [request.id("channel_id") for request in discord.asked("GET", "/channels/{channel_id}")]
    assert fetched == [thread.id, hidden.id], "each once"


async def test_a_thread_that_cannot_be_fetched_is_answered_where_all_channels_are(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(), path) as running:
        thread = channel.thread("talk", announced=False)
        discord.fault("GET", "/channels/*", status=403)
        await running.ask(thread, alice)


async def test_a_blocked_person_is_ignored(discord, path, place):
    guild, channel, alice = place
    mallory = guild.member("Mallory")
    engine = ScriptedEngine()
    async with parley(discord, engine, path, blocked_users=frozenset({mallory.id})):
        answer = await channel.reply_to(await alice.say(channel, f"{discord.bot.mention} hi"))
        await discord.until(lambda: answer.labels == ["Regenerate"])
        before = len(channel.shows(alice))
        await mallory.say(channel, f"{discord.bot.mention} hi")
        assert (await mallory.command(channel, "ask", prompt="hi")).response.content == BLOCKED
        assert (await mallory.press(answer, "Regenerate")).followups[-1:] == []
        await discord.quiet()
        assert len(channel.shows(alice)) == before + 1, "only what Mallory said"
        assert len(engine.prompts) == 1


async def test_direct_messages_can_be_switched_off(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(), path, direct_messages=False):
        await alice.say(discord.bot, "hi")
        await alice.direct.wait_for(NOT_HERE)
        await channel.reply_to(await alice.say(channel, f"{discord.bot.mention} hi"))


async def test_a_person_has_one_answer_under_way_and_one_waiting(discord, path, place):
    guild, channel, alice = place
    others = [guild.channel(name) for name in ("one", "two")]
    hold = asyncio.Event()
    engine = ScriptedEngine([hold, "first"], ["second"], ["after"])
    async with parley(discord, engine, path, timing={"refusal_lifetime": 0.5}):
        first = await alice.say(channel, f"{discord.bot.mention} 1")
        second = await alice.say(channel, f"{discord.bot.mention} 2")
        refused = await others[0].reply_to(await alice.say(others[0], f"{discord.bot.mention} 3"))
        assert refused.content == ONE_AT_A_TIME
        asked = await alice.command(others[1], "ask", prompt="4")
        await asked.wait_for(ONE_AT_A_TIME)
        assert asked.ephemeral
        await discord.until(lambda: refused.deleted_at is not None)
        hold.set()
        for question, text in ((first, "first"), (second, "second")):
            await channel.reply_to(question, wanted=lambda message, text=text: message.content == text)
        await discord.quiet()
        await others[0].reply_to(await alice.say(others[0], f"{discord.bot.mention} 5"))


async def test_the_queue_is_bounded(discord, path, place):
    guild, channel, alice = place
    engine = ScriptedEngine([asyncio.Event()])
    async with parley(discord, engine, path, queue_limit=2):
        await alice.say(channel, f"{discord.bot.mention} runs")
        await discord.until(lambda: engine.streams and engine.streams[0].begun_at)
        for number in range(2):
            await guild.member(f"Person {number}").say(channel, f"{discord.bot.mention} waits")
        late = await guild.member("Late").say(channel, f"{discord.bot.mention} too many")
        refused = await channel.reply_to(late)
        assert (
            refused.content
            == "I can't take your question now, because 2 are waiting already. Please ask again in a few minutes."
        )


async def test_a_busy_channel_leaves_room_in_the_queue_for_others(discord, path, place):
    guild, busy, alice = place
    quiet = guild.channel("quiet")
    engine = ScriptedEngine([asyncio.Event()], ["not for you"])
    async with parley(discord, engine, path, queue_limit=4):
        await alice.say(busy, f"{discord.bot.mention} runs")
        await discord.until(lambda: engine.streams and engine.streams[0].begun_at)
        asked = [
            await guild.member(f"Person {number}").say(busy, f"{discord.bot.mention} waits") for number in range(4)
        ]
        refused = await busy.reply_to(asked[-1])
        assert "are waiting already" in refused.content
        await quiet.reply_to(await alice.say(quiet, f"{discord.bot.mention} and here?"))


async def test_a_refusal_for_the_cooldown_gives_the_seconds_left(discord, path, place):
    guild, channel, alice = place
    async with parley(discord, ScriptedEngine(), path, cooldown=300):
        await channel.reply_to(await alice.say(channel, f"{discord.bot.mention} hi"))
        refused = await channel.reply_to(await alice.say(channel, f"{discord.bot.mention} again"))
        assert refused.content.startswith(("Please wait 29", "Please wait 300"))
        bob = guild.member("Bob")
        answer = await channel.reply_to(await bob.say(channel, f"{discord.bot.mention} hi"))
        await discord.until(lambda: answer.content == "ok")


@pytest.mark.parametrize("previews", [False, True])
async def test_links_in_answers_show_no_previews_unless_that_is_on(discord, path, place, previews):
    _, channel, alice = place
    script = ["see https://example.org for more"]
    async with parley(discord, ScriptedEngine(script, script), path, link_previews=previews):
        answers = [await channel.reply_to(await alice.say(channel, f"{discord.bot.mention} hi"))]
        answers.append(await (await alice.command(channel, "ask", prompt="hi")).wait_for("example"))
        await discord.quiet()
        assert [bool(answer.flags & SUPPRESS_EMBEDS) for answer in answers] == [not previews] * 2
