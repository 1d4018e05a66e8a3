"""A mention is answered in a thread of its own, where the talk goes on."""

import asyncio
from datetime import UTC, datetime

import pytest

from bot.messages.auto_threads import thread_name
from bot.storage.channel_ref import ChannelRef
from bot.storage.channel_settings import ChannelOverrides
from bot.storage.database import open_database
from bot.storage.turns import Turn, TurnStore
from bot.texts import INTERRUPTED, ONE_AT_A_TIME, REGENERATE, UNEXPECTED
from tests.discord_stand_in import Channel, Discord, Message, Permission, User
from tests.support.parley import Running, parley
from tests.support.scripted import ScriptedEngine

THREADS = ("POST", "/channels/{channel_id}/messages/{message_id}/threads")


async def opened(discord: Discord, question: Message) -> Channel:
    """The thread that is opened for a question."""
    await discord.until(lambda: question.id in discord.channels)
    return discord.channels[question.id]


async def asked(running: Running, channel: Channel, person: User, text: str, answer: str) -> Channel:
    """Mention the bot; returns the thread once it shows the whole answer."""
    thread = await opened(channel.discord, await person.say(channel, f"{channel.discord.bot.mention} {text}"))
    await running.until_stored(thread.id, (text, answer))
    return thread


async def test_a_mention_opens_a_thread_in_which_everything_is_answered(discord, path, place):
    guild, channel, alice = place
    engine = ScriptedEngine(["A frog."], ["Green."], ["Hop."])
    async with parley(discord, engine, path, auto_thread=True) as running:
        await running.channel_settings.change(ChannelRef(channel.id), ChannelOverrides(persona="Rhyme in {channel}."))
        thread = await asked(running, channel, alice, "what sits in the pond?", "A frog.")
        assert (thread.name, thread.owner, thread.parent) == ("what sits in the pond?", discord.bot, channel)
        assert channel.answers() == []
        (answer,) = thread.answers()
        assert (answer.content, answer.reference, answer.labels) == ("A frog.", None, [REGENERATE])
        await thread.reply_to(await guild.member("Bob").say(thread, "which colour?"))
        await thread.reply_to(await alice.say(thread, f"{discord.bot.mention} what does it do?"))
        await running.settled()
        assert await running.stored(channel.id) == []
        (first, *_) = await running.turns.recent(thread.id)
        assert first.channel == ChannelRef(thread.id, channel.id, guild.id)
        helped = await (await alice.command(channel, "help")).wait_for("Mention me")
        assert "I open a thread for it." in helped.content
    assert [(turn.speaker, turn.answer) for turn in engine.prompts[2].turns] == [
        ("Alice", "A frog."),
        ("Bob", "Green."),
    ]
    assert {prompt.system for prompt in engine.prompts} == {"Rhyme in what sits in the pond?."}
    assert len(discord.asked(*THREADS)) == 1


async def test_the_talk_goes_on_after_a_restart_also_in_a_thread_that_was_archived(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(), path, auto_thread=True) as running:
        thread = await asked(running, channel, alice, "hi", "ok")
    thread.update(archived=True)
    async with parley(discord, ScriptedEngine(), path, auto_thread=True):
        await thread.reply_to(await alice.say(thread, "and?"))
    async with parley(discord, ScriptedEngine(), path) as running:
        await alice.say(thread, "with it off, this is for nobody")
        await discord.quiet()
        await running.until_stored(thread.id, ("hi", "ok"), ("and?", "ok"))


async def test_a_thread_of_its_own_that_the_bot_has_not_heard_of_is_recognized(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(), path, auto_thread=True):
        mine, theirs = [channel.thread("talk", owner=each, announced=False) for each in (discord.bot, alice)]
        for text in ("hi", "and?"):
            await alice.say(theirs, "not for the bot")
            await mine.reply_to(await alice.say(mine, text))
        fetched = [request.id("channel_id") for request in discord.asked("GET", "/channels/{channel_id}")]
        assert sorted(fetched) == [mine.id, theirs.id], "each once"


async def test_without_the_intent_mentions_and_replies_are_answered_in_the_thread(discord, path, place):
    _, channel, alice = place
    discord.application.privileged_intents = set()
    async with parley(discord, ScriptedEngine(["one"], ["two"], ["three"]), path, auto_thread=True) as running:
        thread = await asked(running, channel, alice, "1", "one")
        await alice.say(thread, "not for the bot")
        (first,) = thread.answers()
        await thread.reply_to(await alice.reply(first, "2"))
        await thread.reply_to(await alice.say(thread, f"{discord.bot.mention} 3"))
        await running.until_stored(thread.id, ("1", "one"), ("2", "two"), ("3", "three"))


async def test_threads_of_others_and_locked_ones_are_no_chat_channels(discord, path, place):
    guild, channel, alice = place
    moderator = guild.member("Mo", roles=[guild.role("mods", permissions=Permission.MANAGE_THREADS)])
    engine = ScriptedEngine()
    async with parley(discord, engine, path, auto_thread=True) as running:
        thread = await asked(running, channel, alice, "hi", "ok")
        await alice.say(channel.thread("theirs"), "not for the bot")
        thread.update(locked=True)
        thread.add(moderator, "closed")
        await discord.quiet()
        assert (len(engine.prompts), moderator.direct.messages) == (1, {})


async def test_what_is_no_mention_in_a_text_channel_is_answered_where_it_is(discord, path, place):
    guild, channel, alice = place
    chat, old = guild.channel("chat"), channel.thread("old")
    async with parley(discord, ScriptedEngine(), path) as running:
        before = await running.ask(channel, alice)
    async with parley(discord, ScriptedEngine(), path, auto_thread=True, chat_channels=frozenset({chat.id})):
        await channel.reply_to(await alice.reply(before, "and?"))
        await chat.reply_to(await alice.say(chat, f"{discord.bot.mention} hi"))
        await old.reply_to(await alice.say(old, f"{discord.bot.mention} hi"))
        await alice.say(discord.bot, "hi")
        await alice.direct.wait_for("ok")
        assert discord.asked(*THREADS) == []


async def test_a_call_opens_a_thread_too(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(), path, auto_thread=True, wake_words=("Parley",)) as running:
        thread = await opened(discord, await alice.say(channel, "Parley, hi"))
        await running.until_stored(thread.id, ("Parley, hi", "ok"))


@pytest.mark.parametrize("permission", [Permission.CREATE_PUBLIC_THREADS, Permission.SEND_MESSAGES_IN_THREADS])
async def test_without_the_permission_it_answers_below(discord, path, place, permission):
    _, channel, alice = place
    channel.overwrite(discord.bot, deny=permission)
    async with parley(discord, ScriptedEngine(), path, auto_thread=True) as running:
        await running.ask(channel, alice)
        assert discord.asked(*THREADS) == []


async def test_where_discord_opens_no_thread_it_answers_below(discord, path, place):
    guild, channel, alice = place
    guild.blocked_words = {"rude"}
    async with parley(discord, ScriptedEngine(), path, auto_thread=True) as running:
        await running.ask(channel, alice, "something rude")
        assert len(discord.asked(*THREADS)) == 1


async def test_a_refused_question_opens_no_thread(discord, path, place):
    _, channel, alice = place
    hold = asyncio.Event()
    async with parley(discord, ScriptedEngine([hold, "1"], [hold, "2"]), path, auto_thread=True) as running:
        for number in range(2):
            await opened(discord, await alice.say(channel, f"{discord.bot.mention} {number}"))
            await discord.until(lambda number=number: len(running.bot.core.conversations._admission.answers) > number)
        refused = await channel.reply_to(await alice.say(channel, f"{discord.bot.mention} 2"))
        assert refused.content == ONE_AT_A_TIME
        assert len(discord.asked(*THREADS)) == 2
        assert running.metrics.registry.get_sample_value("parley_requests_total") == 3
        hold.set()
        await running.settled()


async def test_an_error_is_told_in_the_thread(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine([RuntimeError("broken")]), path, auto_thread=True):
        thread = await opened(discord, await alice.say(channel, f"{discord.bot.mention} hi"))
        await thread.wait_for(UNEXPECTED)
        assert channel.answers() == []


async def test_a_question_in_the_channel_is_edited_and_deleted_with_its_turn_in_the_thread(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(), path, auto_thread=True, feedback=True) as running:
        await running.bot.core.examples.agree(alice.id)
        question = await alice.say(channel, f"{discord.bot.mention} hi")
        await running.until_stored(question.id, ("hi", "ok"))
        await alice.edit(question, f"{discord.bot.mention} hello")
        await running.until_stored(question.id, ("hello", "ok"))
        assert [each.turn.question async for each in running.bot.core.examples.all()] == ["hello"]
        await alice.delete(question)
        await running.until_stored(question.id)
        await discord.quiet()
        assert [each async for each in running.bot.core.examples.all()] == []


@pytest.mark.parametrize(("said", "shown"), [("All of it.", "All of it."), ("", f"All\n\n{INTERRUPTED}")])
async def test_after_a_kill_the_answer_in_the_thread_is_completed_and_not_repeated(discord, path, place, said, shown):
    guild, channel, alice = place
    question = await alice.say(channel, f"{discord.bot.mention} tell")
    thread = channel.thread("tell", owner=discord.bot, thread_id=question.id)
    half = thread.add(discord.bot, "All")
    async with open_database(path) as database:
        turns, ref = TurnStore(database), ChannelRef(thread.id, channel.id, guild.id)
        turn = await turns.begin(Turn(ref, alice.id, "Alice", "tell", "", datetime.now(UTC), question.id))
        await turns.save_answer(turn, said)
    async with parley(discord, ScriptedEngine(["Again."]), path, auto_thread=True) as running:
        await discord.until(lambda: half.content == shown)
        assert (thread.answers(), channel.answers(), half.labels) == ([half], [], [REGENERATE])
        await alice.press(half, REGENERATE)
        await running.until_stored(thread.id, ("tell", "Again."))


def test_a_name_is_the_question_on_one_line_without_markdown():
    assert thread_name("**What**\n is `x`?") == "What is x?"
    assert thread_name("# a_b and 2 * 3 * 4 in C:\\Users\n> ~~not~~ this") == "a_b and 2 * 3 * 4 in C:\\Users not this"
    assert thread_name("-5 + 3?") == "-5 + 3?"
    assert thread_name("summarise [this article](https://a.example) and <https://b.example>") == (
        "summarise this article and https://b.example"
    )
    assert thread_name("who is ||the\nmurderer|| then") == "who is ▇▇▇ then"
    assert thread_name("```py\nx = 1\n``` is what") == "x = 1 is what"
    assert thread_name(", how are you?") == "how are you?"
    assert thread_name("  ,") == ""
    assert thread_name("some words " * 20) == ("some words " * 9)[:-1] + "…"
    assert thread_name("字" * 150) == "字" * 99 + "…"


async def test_a_question_without_words_gives_the_thread_the_name_of_who_asks(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(), path, auto_thread=True):
        question = await alice.say(channel, discord.bot.mention, files={"poem.txt": b"Roses are red"})
        assert (await opened(discord, question)).name == "Alice"
        await discord.channels[question.id].wait_for("ok")


@pytest.mark.parametrize("command", ["clear", "forget"])
async def test_what_is_forgotten_in_a_thread_does_not_come_back(discord, path, place, command):
    guild, channel, alice = place
    engine = ScriptedEngine()
    async with parley(discord, engine, path, auto_thread=True) as running:
        thread = await asked(running, channel, alice, "my secret is 42", "ok")
        await (await alice.command(thread, command)).wait_for(lambda message: "forg" in message.content.lower())
        await thread.reply_to(await guild.member("Bob").say(thread, "what did Alice say?"))
        await running.until_stored(thread.id, ("what did Alice say?", "ok"))
    assert engine.prompts[1].question == "what did Alice say?"


async def test_a_thread_that_discord_opens_without_saying_so_is_used(discord, path, place):
    _, channel, alice = place
    discord.fault(THREADS[0], "/channels/*/messages/*/threads", times=None, status=500, too_late=True)
    async with parley(discord, ScriptedEngine(), path, auto_thread=True) as running:
        await asked(running, channel, alice, "hi", "ok")
        assert channel.answers() == []


async def test_an_answer_in_an_archived_thread_can_be_replaced(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(["first"], ["second"]), path, auto_thread=True) as running:
        thread = await asked(running, channel, alice, "hi", "first")
        thread.update(archived=True)
        (answer,) = thread.answers()
        await alice.press(answer, REGENERATE)
        await running.until_stored(thread.id, ("hi", "second"))
        assert (answer.content, thread.answers()) == ("second", [answer])
