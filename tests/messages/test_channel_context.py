"""What was said in a channel before a question: read with it, and nowhere kept."""

import pytest

from bot.engine.prompt import Remark
from bot.texts import REGENERATE
from tests.discord_stand_in import Permission
from tests.support.databases import on_disk
from tests.support.parley import parley
from tests.support.scripted import ScriptedEngine

HISTORY = ("GET", "/channels/{channel_id}/messages")


@pytest.fixture
def people(place):
    guild, channel, alice = place
    return guild, channel, alice, guild.member("Bob", nick="Bobby")


def said(engine: ScriptedEngine) -> list[list[str]]:
    """The texts of the remarks in each prompt."""
    return [[remark.text for remark in prompt.context] for prompt in engine.prompts]


async def test_a_question_brings_the_last_messages_of_others_oldest_first_by_the_names_of_the_server(
    discord, path, people
):
    guild, channel, alice, bob = people
    engine = ScriptedEngine()
    async with parley(discord, engine, path, context_messages=3) as running:
        await bob.say(channel, "too long ago")
        await bob.say(channel, f"I like\ntrains, {alice.mention}", files={"train.png": b"png"})
        await alice.say(channel, "word " * 300)
        await guild.member("Carol").say(channel, "me too")
        await bob.say(guild.channel("other"), "elsewhere")
        await running.ask(channel, alice, "who likes what?")
        await alice.say(channel, "after the question")
    (prompt,) = engine.prompts
    first, second, third = prompt.context
    assert first == Remark("Bobby", "I like trains, @Alice (not readable: train.png)")
    assert (second.speaker, len(second.text), second.text[-6:]) == ("Alice", 600, " word…")
    assert third == Remark("Carol", "me too")
    assert prompt.question == "who likes what?"


async def test_turns_bots_and_blocked_people_are_left_out(discord, path, people):
    guild, channel, alice, bob = people
    rude = guild.role("rude")
    mallory, rudolf, robot = guild.member("Mallory"), guild.member("Rudolf", roles=[rude]), guild.member("R", bot=True)
    settings = {"blocked_users": frozenset({mallory.id}), "blocked_roles": frozenset({rude.id})}
    engine = ScriptedEngine()
    async with parley(discord, engine, path, context_messages=30, wake_words=("Parley",), **settings) as running:
        await bob.say(channel, "I like trains")
        for person in (mallory, rudolf, robot, channel.webhook("Hook")):
            channel.add(person, f"not from {person.name}")
        await mallory.say(channel, f"{discord.bot.mention} ignored")
        answer = await running.ask(channel, alice, "one")
        await channel.reply_to(await alice.reply(answer, "two"))
        await channel.reply_to(await alice.say(channel, "Parley, three"))
        await running.settled()
        await running.ask(channel, alice, "four")
    assert said(engine) == [["I like trains"]] * 4


async def test_what_somebody_had_the_bot_forget_does_not_come_back(discord, path, people):
    _, channel, alice, bob = people
    engine = ScriptedEngine()
    async with parley(discord, engine, path, context_messages=30) as running:
        await running.ask(channel, alice, "my secret")
        await (await alice.command(channel, "forget")).wait_for("1 turn")
        await running.ask(channel, bob, "what did Alice ask?")
    assert said(engine)[-1] == []


async def test_what_was_said_before_a_clear_stays_out_also_after_a_restart(discord, path, people):
    guild, channel, alice, bob = people
    other, engine = guild.channel("other"), ScriptedEngine()
    for where in (channel, other):
        await bob.say(where, "old")
    async with parley(discord, engine, path) as running:
        await (await alice.command(channel, "clear")).wait_for("0 turns")
    await bob.say(channel, "new")
    async with parley(discord, engine, path, context_messages=30) as running:
        for where in (channel, other):
            await running.ask(where, alice)
        assert said(engine) == [["new"], ["old"]]
        await (await alice.command(channel, "clear")).wait_for("1 turn")
        await running.ask(channel, alice)
        assert said(engine)[-1] == []


async def test_a_regenerated_answer_has_the_same_context(discord, path, people):
    _, channel, alice, bob = people
    engine = ScriptedEngine()
    async with parley(discord, engine, path, context_messages=30) as running:
        deleted = await bob.say(channel, "never mind")
        await bob.say(channel, "I like trains")
        answer = await running.ask(channel, alice)
        await bob.delete(deleted)
        await bob.say(channel, "later")
        await alice.press(answer, REGENERATE)
        await discord.until(lambda: len(engine.prompts) == 2)
        await running.settled()
    assert said(engine) == [["never mind", "I like trains"], ["I like trains"]]


async def test_a_thread_opened_for_a_question_has_the_context_of_its_channel(discord, path, people):
    _, channel, alice, bob = people
    engine = ScriptedEngine()
    async with parley(discord, engine, path, context_messages=30, auto_thread=True) as running:
        await bob.say(channel, "I like trains")
        question = await alice.say(channel, f"{discord.bot.mention} what does he like?")
        await running.until_stored(question.id, ("what does he like?", "ok"))
        thread = discord.channels[question.id]
        await alice.press(thread.answers()[0], REGENERATE)
        await discord.until(lambda: len(engine.prompts) == 2)
        await running.settled()
        await thread.reply_to(await alice.say(thread, "and she?"))
    assert said(engine) == [["I like trains"], ["I like trains"], []]


async def test_nothing_of_it_is_stored_neither_in_turns_nor_in_examples(discord, path, people):
    _, channel, alice, bob = people
    engine = ScriptedEngine()
    async with parley(discord, engine, path, context_messages=30, feedback=True) as running:
        for person in (alice, bob):
            await running.bot.core.examples.agree(person.id)
        await bob.say(channel, "I like trains")
        await running.ask(channel, alice, "who likes what?")
        await discord.quiet()
        (example,) = [each async for each in running.bot.core.examples.all()]
        assert [turn.question for turn in example.turns] == ["who likes what?"]
        assert example.people == {alice.id}
        assert b"who likes what?" in on_disk(path)
        assert b"trains" not in on_disk(path)
        assert b"Bobby" not in on_disk(path)
    assert said(engine) == [["I like trains"]]


@pytest.mark.parametrize("blocked", [False, True])
async def test_while_nobody_knows_who_is_blocked_nothing_is_read(discord, path, people, monkeypatch, blocked):
    guild, channel, alice, bob = people
    monkeypatch.setattr("bot.messages.lookups._PATIENCE", 0.3)
    discord.gateway.knows_members = False
    roles = frozenset({guild.role("rude").id}) if blocked else frozenset()
    engine = ScriptedEngine()
    async with parley(discord, engine, path, context_messages=30, blocked_roles=roles) as running:
        await bob.say(channel, "I like trains")
        await running.ask(channel, alice)
    assert engine.prompts[0].context == (() if blocked else (Remark("Bob", "I like trains"),))


async def test_without_it_or_where_everything_is_meant_for_the_bot_nothing_is_fetched(discord, path, people):
    guild, channel, alice, bob = people
    chat, engine = guild.channel("chat"), ScriptedEngine()
    for where in (channel, chat):
        await bob.say(where, "I like trains")
    async with parley(discord, engine, path) as running:
        await running.ask(channel, alice)
    settings = {"context_messages": 30, "chat_channels": frozenset({chat.id})}
    async with parley(discord, engine, path, **settings) as running:
        await running.ask(chat, alice)
        await alice.say(discord.bot, "hi")
        await alice.direct.wait_for("ok")
        await (await alice.command(channel, "ask", prompt="hi")).wait_for("ok")
    assert said(engine) == [[]] * 4
    assert discord.asked(*HISTORY) == []


async def test_where_the_history_cannot_be_read_the_question_is_answered_without(discord, path, people):
    guild, channel, alice, bob = people
    broken, engine = guild.channel("broken"), ScriptedEngine()
    channel.overwrite(discord.bot, deny=Permission.READ_MESSAGE_HISTORY)
    async with parley(discord, engine, path, context_messages=30) as running:
        for where in (channel, broken):
            await bob.say(where, "I like trains")
        discord.fault("GET", f"/channels/{broken.id}/messages", status=403)
        await alice.say(channel, f"{discord.bot.mention} hi")
        await running.until_stored(channel.id, ("hi", "ok"))
        await running.ask(broken, alice)
    assert said(engine) == [[], []]


async def test_what_the_question_quotes_is_not_read_twice(discord, path, people):
    guild, channel, alice, bob = people
    engine = ScriptedEngine()
    async with parley(discord, engine, path, context_messages=3) as running:
        quoted = await bob.say(channel, "I like\ntrains")
        await bob.say(channel, "and ships")
        mention = discord.bot.mention
        answer = await channel.reply_to(await alice.reply(quoted, f"{mention} why?"))
        await running.settled()
        await alice.press(answer, "Regenerate")
        await discord.until(lambda: len(engine.prompts) == 2)
        await running.settled()
        post = await bob.post(guild.forum("questions"), "Sky", "which colour has it?")
        await post.reply_to(await alice.say(post, f"{mention} do you know?"))
    assert said(engine) == [["and ships"], ["and ships"], []]
    assert engine.prompts[2].question == "Bob wrote: which colour has it?\ndo you know?"
