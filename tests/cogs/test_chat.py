"""Which messages the bot answers, which it ignores, and how an answer appears."""

import asyncio
from itertools import pairwise

import aiohttp
import pytest
from discord.state import ConnectionState

from bot.engine import ModelError, Thought
from bot.texts import (
    MAY_NOT_WRITE,
    NO_ANSWER,
    NO_MODEL,
    ONLY_TEXT,
    REGENERATE,
    STOP,
    STOPPED_WAITING,
    THINKING,
    UNEXPECTED,
    UNREADABLE_REPLY,
    UNREADABLE_ROLE_MENTION,
)
from tests.discord_stand_in import Permission
from tests.support.parley import parley
from tests.support.scripted import ScriptedEngine


async def test_a_mention_is_answered_with_a_reply_and_the_mention_is_removed(discord, path, place):
    _, channel, alice = place
    engine = ScriptedEngine(["Hello ", "Alice."])
    async with parley(discord, engine, path) as running:
        question = await alice.say(channel, f"hey {discord.bot.mention}, how are you?")
        answer = await channel.reply_to(question, wanted=lambda message: message.content == "Hello Alice.")
        await discord.quiet()
        assert answer.author == discord.bot
        assert (engine.prompts[0].speaker, engine.prompts[0].question) == ("Alice", "hey , how are you?")
        await running.settled()
        (turn,) = await running.turns.recent(channel.id)
        assert (turn.asker, turn.question_message, turn.answer_messages) == (alice.id, question.id, (answer.id,))


async def test_a_reply_to_the_bot_is_answered(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(["one"], ["two"]), path):
        first = await channel.reply_to(await alice.say(channel, f"{discord.bot.mention} hi"))
        await channel.reply_to(await alice.reply(first, "and?"), wanted=lambda message: message.content == "two")


async def test_a_reply_without_a_ping_is_told_why_it_cannot_be_read(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(["one"]), path):
        first = await channel.reply_to(await alice.say(channel, f"{discord.bot.mention} hi"))
        answer = await channel.reply_to(await alice.reply(first, "and?", ping=False))
        assert answer.content == UNREADABLE_REPLY


async def test_its_own_role_counts_as_a_mention(discord, path, place):
    guild, channel, alice = place
    role, engine = guild.bot_role, ScriptedEngine(["hello"], ["quoted"])
    async with parley(discord, engine, path, chat_channels=frozenset({1})) as running:
        question = await alice.say(channel, f"{role.mention} what can you do?")
        await channel.reply_to(question)
        await running.until_stored(channel.id, ("what can you do?", "hello"))
        said = await guild.member("Bob").say(channel, f"{role.mention}s are useful")
        await running.settled()
        await channel.reply_to(await alice.reply(said, f"{discord.bot.mention} {role.mention} are they?"))
    assert [prompt.question for prompt in engine.prompts][::2] == [
        "what can you do?",
        "Bob wrote: s are useful\nare they?",
    ]


async def test_a_message_that_mentions_only_its_role_is_told_why_it_cannot_be_read(discord, path, place):
    guild, channel, alice = place
    engine = ScriptedEngine()
    async with parley(discord, engine, path):
        question = await alice.say(channel, f"{guild.bot_role.mention} what can you do?")
        assert (await channel.reply_to(question)).content == UNREADABLE_ROLE_MENTION
        assert engine.prompts == []


async def test_a_direct_message_is_answered_without_names(discord, path, place):
    _, _, alice = place
    engine = ScriptedEngine(["hello"])
    async with parley(discord, engine, path) as running:
        await alice.say(discord.bot, "hi")
        await alice.direct.wait_for("hello")
        assert engine.prompts[0].speaker is None
        await discord.until(lambda: not engine._running)
        await running.until_stored(alice.direct.id, ("hi", "hello"))


async def test_in_chat_channels_everything_is_answered(discord, path, place):
    guild, channel, alice = place
    other = guild.channel("other")
    async with parley(discord, ScriptedEngine(["hello"]), path, chat_channels=frozenset({channel.id})):
        await alice.say(other, "not for you")
        await channel.reply_to(await alice.say(channel, "hi"))
        await discord.quiet()
        assert len(other.shows(alice)) == 1


async def test_what_is_not_for_the_bot_is_ignored(discord, path, place):
    guild, channel, alice = place
    engine = ScriptedEngine()
    role = guild.role("Parley fans", mentionable=True)
    robot = guild.member("Robot", bot=True)
    hook = channel.webhook("Hook")
    mention = discord.bot.mention
    async with parley(discord, engine, path):
        said = [
            await alice.say(channel, "just talking"),
            await discord.owner.say(channel, "@everyone hello"),
            await alice.say(channel, f"<@&{role.id}> hello"),
            await alice.say(channel, mention),
            await robot.say(channel, f"{mention} hello"),
            await hook.say(channel, f"{mention} hello"),
            await alice.reply(await alice.say(channel, "mine"), "to myself"),
        ]
        await discord.quiet(0.5)
        assert engine.prompts == []
        assert not channel.answers(alice)
        assert said


async def test_an_attachment_alone_gets_a_sentence(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(), path):
        question = await alice.say(channel, discord.bot.mention, files={"cat.png": b"png"})
        assert (await channel.reply_to(question)).content == ONLY_TEXT


async def test_mentions_of_others_become_names(discord, path, place):
    guild, channel, alice = place
    bob = guild.member("Bob")
    engine = ScriptedEngine()
    async with parley(discord, engine, path):
        await channel.reply_to(await alice.say(channel, f"{discord.bot.mention} do you know {bob.mention}?"))
        assert engine.prompts[0].question == "do you know @Bob?"


async def test_the_answer_grows_until_it_is_complete(discord, path, place):
    _, channel, alice = place
    hold = asyncio.Event()
    async with parley(discord, ScriptedEngine(["Once ", "upon ", hold, "a time."]), path):
        question = await alice.say(channel, f"{discord.bot.mention} tell")
        answer = await channel.reply_to(question)
        await discord.until(lambda: answer.content == "Once upon")
        hold.set()
        await discord.until(lambda: answer.content == "Once upon a time.")
        await discord.quiet()
    shown = [version.content for version in answer.versions]
    assert all("Once upon a time.".startswith(text) for text in shown)
    assert len(shown) == len(set(shown)), "every edit changes the text"


async def test_it_types_until_there_is_text(discord, path, place):
    _, channel, alice = place
    hold = asyncio.Event()
    async with parley(discord, ScriptedEngine([hold, "done"]), path):
        question = await alice.say(channel, f"{discord.bot.mention} think")
        await discord.until(lambda: channel.is_typing(discord.bot))
        hold.set()
        await channel.reply_to(question)
        assert not channel.is_typing(discord.bot)
        typed = len(channel.typings)
        await discord.quiet()
        assert len(channel.typings) == typed


async def test_edits_come_at_most_about_once_a_second(discord, path, place):
    _, channel, alice = place
    pauses = [asyncio.Event() for _ in range(40)]
    script = [step for number, pause in enumerate(pauses) for step in (f"{number} ", pause)]
    async with parley(discord, ScriptedEngine(script), path):
        question = await alice.say(channel, f"{discord.bot.mention} count")
        for pause in pauses:
            await asyncio.sleep(0.1)
            pause.set()
        whole = " ".join(map(str, range(40)))
        answer = await channel.reply_to(question, wanted=lambda message: message.content == whole)
    times = [version.at for version in answer.versions]
    gaps = [after - before for before, after in pairwise(times[:-1])]
    assert len(times) <= 6
    assert all(gap > 1 for gap in gaps)
    assert not discord.limits.too_many


@pytest.mark.parametrize("text", ["word " * 1000, "x" * 4500, "a line of text\n" * 300], ids=["words", "run", "lines"])
async def test_a_long_answer_goes_on_in_further_messages_and_nothing_is_lost(discord, path, place, text):
    _, channel, alice = place
    pieces = [text[at : at + 7] for at in range(0, len(text), 7)]
    async with parley(discord, ScriptedEngine(pieces), path) as running:
        question = await alice.say(channel, f"{discord.bot.mention} a lot")
        await discord.until(
            lambda: sum(len("".join(m.content.split())) for m in channel.shows(alice)[1:]) == len("".join(text.split()))
        )
        answers = channel.answers(alice)
        assert len(answers) == 3
        assert answers[0].reference == question
        assert all(len(message.content) <= 2000 for message in answers)
        assert "".join("".join(m.content for m in answers).split()) == "".join(text.split())
        if " " in text:
            assert all(message.content.split()[-1] in text.split() for message in answers), "no word is broken"
        await discord.quiet()
        await running.settled()
        (turn,) = await running.turns.recent(channel.id)
        assert turn.answer == text.strip()
        assert turn.answer_messages == tuple(message.id for message in answers)


async def test_nobody_is_pinged_by_an_answer(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine([f"@everyone {alice.mention} hello"]), path):
        answer = await channel.reply_to(await alice.say(channel, f"{discord.bot.mention} hi"))
        assert not answer.pings


async def test_emoji_and_cjk_arrive_whole(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(["👩‍👩‍👧 ", "你好, ", "naïve"]), path):
        question = await alice.say(channel, f"{discord.bot.mention} 日本語 🎉")
        await channel.reply_to(question, wanted=lambda message: message.content == "👩‍👩‍👧 你好, naïve")


async def test_an_error_is_told_in_one_sentence_and_the_channel_goes_on(discord, path, place, caplog):
    _, channel, alice = place
    engine = ScriptedEngine(["half a ", RuntimeError("secret detail")], [], ["fine"])
    async with parley(discord, engine, path) as running:
        await alice.say(channel, f"{discord.bot.mention} one")
        await channel.wait_for(UNEXPECTED)
        assert any(message.content == "half a" for message in channel.shows(alice))
        await channel.reply_to(
            await alice.say(channel, f"{discord.bot.mention} two"), wanted=lambda m: m.content == NO_ANSWER
        )
        await channel.reply_to(
            await alice.say(channel, f"{discord.bot.mention} three"), wanted=lambda m: m.content == "fine"
        )
        await running.until_stored(channel.id, ("three", "fine"))
    assert "secret detail" not in channel.transcript(alice)
    assert "secret detail" in caplog.text, "the log has the cause"
    assert "Traceback" in caplog.text


async def test_questions_in_one_channel_are_answered_in_order(discord, path, place):
    guild, channel, alice = place
    bob = guild.member("Bob")
    hold = asyncio.Event()
    async with parley(discord, ScriptedEngine([hold, "first"], ["second"], ["third"]), path) as running:
        for person, text in ((alice, "1"), (bob, "2"), (alice, "3")):
            await person.say(channel, f"{discord.bot.mention} {text}")
        await discord.quiet()
        hold.set()
        await channel.wait_for("third")
        await running.until_stored(channel.id, ("1", "first"), ("2", "second"), ("3", "third"))


async def test_channels_do_not_wait_for_one_another(discord, path, place):
    guild, channel, alice = place
    other, bob = guild.channel("other"), guild.member("Bob")
    hold = asyncio.Event()
    async with parley(discord, ScriptedEngine([hold, "slow"], ["quick"]), path):
        slow = await alice.say(channel, f"{discord.bot.mention} hard one")
        await discord.until(lambda: channel.is_typing(discord.bot))
        await other.reply_to(await bob.say(other, f"{discord.bot.mention} easy one"))
        assert len(channel.shows(alice)) == 1
        hold.set()
        await channel.reply_to(slow)


async def test_an_answer_whose_message_is_deleted_ends_quietly(discord, path, place):
    _, channel, alice = place
    hold = asyncio.Event()
    async with parley(discord, ScriptedEngine(["unwanted ", hold, "text"], ["fine"]), path) as running:
        answer = await channel.reply_to(await alice.say(channel, f"{discord.bot.mention} one"))
        await discord.owner.delete(answer)
        hold.set()
        await discord.quiet(1.5)
        assert not channel.answers(alice), "nothing is said"
        await channel.reply_to(
            await alice.say(channel, f"{discord.bot.mention} two"), wanted=lambda m: m.content == "fine"
        )
        await running.until_stored(channel.id, ("two", "fine"))


async def test_where_it_may_not_write_it_tells_the_asker_privately_and_generates_nothing(discord, path, place, caplog):
    guild, channel, alice = place
    other = guild.channel("other")
    channel.overwrite(discord.bot, deny=Permission.SEND_MESSAGES)
    engine = ScriptedEngine(["heard"])
    async with parley(discord, engine, path) as running:
        await alice.say(channel, f"{discord.bot.mention} one")
        await alice.direct.wait_for(
            "I can't answer in #general, because I don't have the permission Send Messages there."
        )
        assert f"In channel {channel.id} the bot lacks: Send Messages." in caplog.text
        await other.reply_to(await alice.say(other, f"{discord.bot.mention} two"))
        assert len(engine.prompts) == 1
        assert await running.stored(channel.id) == []
    assert "Traceback" not in caplog.text


async def test_an_asker_who_takes_no_direct_messages_is_only_logged(discord, path, place, caplog):
    _, channel, alice = place
    channel.overwrite(discord.bot, deny=Permission.SEND_MESSAGES)
    alice.blocks_direct_messages = True
    async with parley(discord, ScriptedEngine(), path):
        await alice.say(channel, f"{discord.bot.mention} one")
        await discord.until(lambda: "could not be told" in caplog.text)
    assert "Traceback" not in caplog.text


async def test_an_asker_is_told_of_a_permission_lost_during_the_answer(discord, path, place):
    _, channel, alice = place
    hold = asyncio.Event()
    async with parley(discord, ScriptedEngine([hold, "too late"]), path):
        await alice.say(channel, f"{discord.bot.mention} one")
        await discord.until(lambda: channel.is_typing(discord.bot))
        channel.overwrite(discord.bot, deny=Permission.SEND_MESSAGES)
        hold.set()
        await alice.direct.wait_for(MAY_NOT_WRITE)


async def test_a_thread_has_its_own_memory_that_begins_with_its_starter_message(discord, path, place):
    guild, channel, alice = place
    bob = guild.member("Bob")
    said = await bob.say(channel, "the sky is green")
    thread = channel.thread("sky", thread_id=said.id)
    engine = ScriptedEngine(["elsewhere"], ["no"], ["really"])
    async with parley(discord, engine, path) as running:
        await channel.reply_to(await alice.say(channel, f"{discord.bot.mention} hello"))
        for text in ("is it?", "sure?"):
            await thread.reply_to(await alice.say(thread, f"{discord.bot.mention} {text}"))
            await discord.quiet()
        assert engine.prompts[1].turns == ()
        assert engine.prompts[1].question == "Bob wrote: the sky is green\nis it?"
        assert engine.prompts[2].question == "sure?"
        await running.until_stored(thread.id, ("Bob wrote: the sky is green\nis it?", "no"), ("sure?", "really"))


async def test_a_forum_post_begins_with_its_first_message(discord, path, place):
    guild, _, alice = place
    bob = guild.member("Bob")
    engine = ScriptedEngine()
    async with parley(discord, engine, path):
        post = await bob.post(guild.forum("questions"), "Sky", "which colour has the sky?")
        await post.reply_to(await alice.say(post, f"{discord.bot.mention} do you know?"))
        assert engine.prompts[0].question == "Bob wrote: which colour has the sky?\ndo you know?"


async def test_a_thread_without_a_first_message_begins_with_nothing(discord, path, place):
    _, channel, alice = place
    engine = ScriptedEngine()
    thread = channel.thread("talk")
    async with parley(discord, engine, path):
        await thread.reply_to(await alice.say(thread, f"{discord.bot.mention} hi"))
        assert engine.prompts[0].question == "hi"


@pytest.mark.parametrize("error", [aiohttp.ServerDisconnectedError(), TimeoutError(), ValueError("no JSON"), None])
async def test_what_an_answer_can_do_without_never_fails_it(discord, path, place, monkeypatch, error):
    _, channel, alice = place
    thread = channel.thread("topic", thread_id=(await alice.say(channel, "the topic")).id)
    engine = ScriptedEngine()

    async def unsteady(*arguments):
        if error:
            raise error
        await asyncio.Event().wait()

    monkeypatch.setattr("discord.TextChannel.fetch_message", unsteady)
    monkeypatch.setattr("discord.Guild.fetch_member", unsteady)
    monkeypatch.setattr("bot.messages.lookups._PATIENCE", 0.2)
    async with parley(discord, engine, path):
        asked = await alice.command(thread, "ask", prompt=f"who is {alice.mention}?")
        await asked.wait_for("ok")
        await thread.reply_to(await alice.say(thread, f"{discord.bot.mention} hi"))
        assert [prompt.question for prompt in engine.prompts] == [f"who is {alice.mention}?", "hi"]


async def test_a_mention_with_thousands_of_digits_is_text(discord, path, place):
    _, channel, alice = place
    engine = ScriptedEngine()
    async with parley(discord, engine, path):
        asked = await alice.command(channel, "ask", prompt=f"<@{'9' * 4400}> hi")
        await asked.wait_for("ok")
        assert engine.prompts[0].question == f"<@{'9' * 4400}> hi"


async def test_an_asker_is_told_privately_that_a_thread_is_locked(discord, path, place):
    guild, channel, _ = place
    moderator = guild.member("Mo", roles=[guild.role("mods", permissions=Permission.MANAGE_THREADS)])
    thread = channel.thread("closed")
    thread.update(locked=True)
    async with parley(discord, ScriptedEngine(), path):
        thread.add(moderator, f"{discord.bot.mention} hi")
        await moderator.direct.wait_for("I don't have the permission Manage Threads")


async def test_an_answer_goes_on_in_a_thread_that_is_archived_meanwhile(discord, path, place):
    _, channel, alice = place
    thread, hold = channel.thread("talk"), asyncio.Event()
    async with parley(discord, ScriptedEngine(["The beginning of it ", hold, "and its end"]), path) as running:
        question = await alice.say(thread, f"{discord.bot.mention} hi")
        await thread.reply_to(question)
        thread.update(archived=True)
        hold.set()
        await running.until_stored(thread.id, ("hi", "The beginning of it and its end"))
        (answer,) = thread.answers(alice)
        assert (answer.content, answer.reference) == ("The beginning of it and its end", question)


async def test_an_archived_thread_takes_the_answer_after_a_failure_too(discord, path, place):
    _, channel, alice = place
    thread, hold = channel.thread("talk"), asyncio.Event()
    async with parley(discord, ScriptedEngine(["The beginning of it ", hold, "and its end"]), path) as running:
        await thread.reply_to(await alice.say(thread, f"{discord.bot.mention} hi"))
        thread.update(archived=True)
        discord.fault("POST", "/channels/*/messages", status=520)
        hold.set()
        await running.until_stored(thread.id, ("hi", "The beginning of it and its end"))
        await discord.quiet()
        assert [answer.content for answer in thread.answers(alice)] == ["The beginning of it and its end"]


async def test_a_reply_to_somebody_else_includes_what_they_wrote(discord, path, place):
    guild, channel, alice = place
    bob = guild.member("Bob", nick="Bobby")
    long = await bob.say(channel, "word " * 300)
    engine = ScriptedEngine()
    async with parley(discord, engine, path):
        question = await alice.reply(long, f"{discord.bot.mention} is that right?")
        await channel.reply_to(question)
        quote, text = engine.prompts[0].question.split("\n")
        assert quote.startswith("Bobby wrote: ")
        assert quote.endswith("word word…")
        assert len(quote) < 650
        assert text == "is that right?"


async def test_a_reply_that_only_mentions_the_bot_asks_about_the_message(discord, path, place):
    guild, channel, alice = place
    said = await guild.member("Bob").say(channel, "how high is Everest?")
    engine = ScriptedEngine()
    async with parley(discord, engine, path):
        await channel.reply_to(await alice.reply(said, discord.bot.mention))
        assert engine.prompts[0].question == "Bob wrote: how high is Everest?"


async def test_whatever_is_mentioned_is_called_by_its_name(discord, path, place):
    guild, channel, alice = place
    bob, role, other = guild.member("Bob", nick="Bobby"), guild.role("mods"), guild.channel("rules")
    engine = ScriptedEngine()
    async with parley(discord, engine, path):
        text = f"{bob.mention} <@&{role.id}> <#{other.id}> <:wave:123> <a:dance:124> </ask:125> <#1> <@&2>"
        await channel.reply_to(await alice.say(channel, f"{discord.bot.mention} {text}"))
        assert engine.prompts[0].question == "@Bobby @mods #rules :wave: :dance: /ask <#1> <@&2>"


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_text_of_a_failed_edit_is_shown_by_the_next_one(discord, path, place, method):
    _, channel, alice = place
    hold = asyncio.Event()
    async with parley(discord, ScriptedEngine(["The beginning of an answer ", hold, "and its end"]), path) as running:
        if method == "POST":
            discord.fault("POST", "/channels/*/messages", status=503)
        question = await alice.say(channel, f"{discord.bot.mention} tell")
        if method == "PATCH":
            await channel.reply_to(question)
            discord.fault("PATCH", "/channels/*/messages/*", status=503, times=3)  # as often as it is tried
        hold.set()
        await channel.reply_to(question, wanted=lambda m: m.content == "The beginning of an answer and its end")
        await running.until_stored(channel.id, ("tell", "The beginning of an answer and its end"))
        assert len(channel.shows(alice)) == 2


async def test_a_message_whose_response_was_lost_does_not_appear_twice(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(["one answer"]), path) as running:
        discord.fault("POST", "/channels/*/messages", status=503, too_late=True)
        await alice.say(channel, f"{discord.bot.mention} tell")
        await running.until_stored(channel.id, ("tell", "one answer"))
        assert len(channel.shows(alice)) == 2


async def test_what_was_added_while_a_response_was_lost_is_shown(discord, path, place):
    _, channel, alice = place
    hold = asyncio.Event()
    async with parley(discord, ScriptedEngine(["The beginning of an answer ", hold, "and its end"]), path) as running:
        lost = discord.fault("POST", "/channels/*/messages", status=520, too_late=True, times=None)
        await alice.say(channel, f"{discord.bot.mention} tell")
        answer = await channel.wait_for("The beginning of an answer")
        lost.times = 0
        hold.set()
        await running.until_stored(channel.id, ("tell", "The beginning of an answer and its end"))
        assert [message.content for message in channel.answers(alice)] == ["The beginning of an answer and its end"]
        assert answer.labels == [REGENERATE]


async def test_an_error_is_told_although_the_response_to_a_notice_was_lost(discord, path, place):
    _, channel, alice = place
    engine = ScriptedEngine([RuntimeError("broken")])
    engine.loaded.clear()
    async with parley(discord, engine, path):
        lost = discord.fault("POST", "/channels/*/messages", status=520, too_late=True, times=None)
        notice = await channel.reply_to(await alice.say(channel, f"{discord.bot.mention} tell"))
        lost.times = 0
        engine.loaded.set()
        await discord.until(lambda: notice.content == UNEXPECTED)
        assert not notice.buttons


async def test_without_the_permission_to_read_history_it_answers_without_a_reference(discord, path, place):
    _, channel, alice = place
    channel.overwrite(discord.bot, deny=Permission.READ_MESSAGE_HISTORY)
    async with parley(discord, ScriptedEngine(["hello"]), path):
        await alice.say(channel, f"{discord.bot.mention} hi")
        await channel.wait_for("hello")


async def test_a_model_that_is_broken_is_not_described_to_people(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine([ModelError("No folder /home/me/model")]), path):
        await alice.say(channel, f"{discord.bot.mention} hi")
        await channel.wait_for(NO_MODEL)


async def test_a_question_that_is_deleted_is_still_answered(discord, path, place):
    _, channel, alice = place
    hold = asyncio.Event()
    async with parley(discord, ScriptedEngine([hold, "anyway"]), path):
        question = await alice.say(channel, f"{discord.bot.mention} one")
        await discord.until(lambda: channel.is_typing(discord.bot))
        await alice.delete(question)
        hold.set()
        await channel.wait_for("anyway")


@pytest.mark.parametrize(
    ("show_thinking", "shown"), [(False, "It is four."), (True, "> Two and two.\n> \n> Four!\n\nIt is four.")]
)
async def test_thoughts_are_shown_as_a_quote_if_at_all_and_never_stored(discord, path, place, show_thinking, shown):
    _, channel, alice = place
    thoughts = [Thought("\nTwo and two.\n"), Thought("\nFour"), Thought("!\n")]
    async with parley(
        discord, ScriptedEngine([*thoughts, "It is ", "four."]), path, show_thinking=show_thinking
    ) as running:
        question = await alice.say(channel, f"{discord.bot.mention} two and two?")
        answer = await channel.reply_to(question, wanted=lambda message: "four." in message.content)
        assert answer.content == shown
        assert all(shown.startswith(version.content) for version in answer.versions)
        await running.until_stored(channel.id, ("two and two?", "It is four."))


async def test_a_stop_while_the_model_thinks_stores_nothing(discord, path, place):
    _, channel, alice = place
    engine = ScriptedEngine([Thought("This takes some time. " * 3), asyncio.Event()])
    async with parley(discord, engine, path, show_thinking=True) as running:
        answer = await channel.reply_to(await alice.say(channel, f"{discord.bot.mention} two and two?"))
        await alice.press(answer, STOP)
        await discord.until(lambda: not answer.buttons)
        await discord.quiet()
        assert await running.stored(channel.id) == []
        assert answer.content.startswith("> This takes some time.")


async def test_while_thoughts_are_hidden_the_asker_is_told_and_can_stop(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine([Thought("Well, "), asyncio.Event()]), path) as running:
        question = await alice.say(channel, f"{discord.bot.mention} two and two?")
        answer = await channel.reply_to(question, wanted=lambda message: message.content == THINKING)
        await alice.press(answer, STOP)
        await channel.wait_for(lambda message: message.content == STOPPED_WAITING)
        assert await running.stored(channel.id) == []


async def test_an_answer_is_replaced_by_another_answer_and_not_by_a_thought(discord, path, place):
    _, channel, alice = place
    engine = ScriptedEngine(["First."], [Thought("Let me think. " * 5), asyncio.Event()])
    async with parley(discord, engine, path, show_thinking=True) as running:
        question = await alice.say(channel, f"{discord.bot.mention} tell")
        answer = await channel.reply_to(question)
        await running.until_stored(channel.id, ("tell", "First."))
        await alice.press(answer, REGENERATE)
        await discord.until(lambda: answer.labels == [STOP])
        await discord.quiet(1.5)
        await alice.press(answer, STOP)
        await discord.until(lambda: answer.labels == [REGENERATE])
        assert answer.content == "First."
        await running.until_stored(channel.id, ("tell", "First."))


async def test_a_message_in_a_server_that_is_not_cached_is_no_direct_message(discord, path, place, monkeypatch):
    _, channel, alice = place
    parse = ConnectionState.parse_message_create

    def parse_uncached(state, data):
        with monkeypatch.context() as uncached:
            uncached.setattr(ConnectionState, "_get_guild", lambda state, guild: None)
            parse(state, data)

    monkeypatch.setattr(ConnectionState, "parse_message_create", parse_uncached)
    engine = ScriptedEngine()
    async with parley(discord, engine, path, direct_messages=False):
        await alice.say(channel, "not for the bot")
        question = await alice.say(channel, f"{discord.bot.mention} for the bot")
        await channel.reply_to(question)
    (prompt,) = engine.prompts
    assert (prompt.speaker, prompt.question) == ("Alice", "for the bot")
