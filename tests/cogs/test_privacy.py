"""What is deleted in Discord is deleted from the history, and people can export and erase what is theirs."""

import asyncio
import csv
import io
import json
from contextlib import asynccontextmanager

import pytest

from bot.storage.examples import ExampleStore
from bot.texts import NOTHING_TO_EXPORT
from tests.discord_stand_in import Permission
from tests.support.databases import locked
from tests.support.parley import parley
from tests.support.scripted import ScriptedEngine
from tests.support.waiting import until


async def until_gone(running, channel):
    """Until the channel has no turns."""

    async def nothing_stored():
        return not await running.stored(channel.id)

    await until(nothing_stored)


@asynccontextmanager
async def unwritable(running, path):
    """Lock the bot's database, and have writes to it fail after 50 ms instead of five seconds."""
    await running.settled()
    await running.database._connection.execute_fetchall("PRAGMA busy_timeout = 50")
    with locked(path):
        yield


def edits_of(discord, message):
    """The bot's edits of a message, as requests."""
    return [request for request in discord.requests if request.method == "PATCH" and str(message.id) in request.path]


async def test_a_deletion_that_the_locked_database_refused_is_repeated(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(), path, timing={"retry_interval": 0.05}) as running:
        question = (await running.ask(channel, alice)).reference
        async with unwritable(running, path):
            await alice.delete(question)
            await discord.quiet()
        await until_gone(running, channel)


async def test_many_deletions_wait_in_one_place_while_the_database_cannot_be_used(discord, path, place, caplog):
    caplog.set_level("INFO", "bot")
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(), path, timing={"retry_interval": 0.02}) as running:
        question = (await running.ask(channel, alice)).reference
        others = [await alice.say(channel, f"{number}") for number in range(50)]
        await running.settled()
        await discord.quiet()
        tasks = len(asyncio.all_tasks())
        async with unwritable(running, path):
            for message in (*others, question):
                await alice.delete(message)
            await discord.quiet(0.3)
            assert len(asyncio.all_tasks()) <= tasks + 1
        await until_gone(running, channel)
        await until(lambda: "has reached the database" in caplog.text)
    for sentence in (
        "parley.db cannot be used:",
        "parley.db can be used again.",
        "stays in the database",
        "has reached the database",
    ):
        assert sum(sentence in record.message for record in caplog.records) == 1, sentence


async def test_a_deletion_wins_over_an_edit_before_it(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(), path, timing={"retry_interval": 0.05}) as running:
        question = (await running.ask(channel, alice)).reference
        async with unwritable(running, path):
            await alice.edit(question, f"{discord.bot.mention} second")
            await alice.delete(question)
            await discord.quiet(0.2)
        await until_gone(running, channel)
        await discord.quiet(0.2)
        assert await running.stored(channel.id) == []


async def test_what_is_deleted_last_is_forgotten_before_the_end(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(), path, timing={"retry_interval": 60}) as running:
        question = (await running.ask(channel, alice)).reference
        async with unwritable(running, path):
            await alice.delete(question)
            await discord.quiet(0.2)
        running.quitting.set()
        await running.ended
        assert await running.stored(channel.id) == []


async def test_an_edit_that_the_locked_database_refused_does_not_undo_a_newer_one(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(), path, timing={"retry_interval": 0.3}) as running:
        question = (await running.ask(channel, alice)).reference
        async with unwritable(running, path):
            await alice.edit(question, f"{discord.bot.mention} second")
            await discord.quiet(0.2)
        await alice.edit(question, f"{discord.bot.mention} third")
        await running.until_stored(channel.id, ("third", "ok"))
        await asyncio.sleep(0.6)
        assert await running.stored(channel.id) == [("third", "ok")], "and not the older one"


async def test_deleting_a_question_or_an_answer_deletes_its_turn(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(), path) as running:
        question = (await running.ask(channel, alice)).reference
        await alice.delete(question)
        await until_gone(running, channel)
        answer = await running.ask(channel, alice)
        await discord.owner.delete(answer)
        await until_gone(running, channel)


async def test_a_question_deleted_while_it_is_answered_is_not_remembered(discord, path, place):
    _, channel, alice = place
    hold = asyncio.Event()
    async with parley(discord, ScriptedEngine([hold, "anyway"]), path) as running:
        question = await alice.say(channel, f"{discord.bot.mention} hi")
        await discord.until(lambda: channel.is_typing(discord.bot))
        await alice.delete(question)
        hold.set()
        await channel.wait_for("anyway")
        await discord.quiet()
        assert await running.stored(channel.id) == []


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("again", [False, True])
async def test_an_answer_deleted_while_it_grows_is_not_remembered(discord, path, place, again, together):
    _, channel, alice = place
    hold = asyncio.Event()
    scripts = [["the first answer"]] if again else []
    async with parley(
        discord, ScriptedEngine(*scripts, ["the beginning of one ", hold, "and its end"]), path
    ) as running:
        if again:
            answer = await running.ask(channel, alice)
            await alice.press(answer, "Regenerate")
        else:
            await alice.say(channel, f"{discord.bot.mention} hi")
        growing = await channel.wait_for("the beginning of one")
        await (discord.owner.purge if together else discord.owner.delete)(growing)
        await discord.quiet()
        hold.set()
        await discord.quiet(1.5)
        assert await running.stored(channel.id) == []
        assert await running.turns.unfinished() == []


async def test_an_answer_whose_deletion_discord_did_not_tell_is_not_remembered(discord, path, place):
    _, channel, alice = place
    hold = asyncio.Event()
    async with parley(discord, ScriptedEngine(["the first"], [hold, "another answer"]), path) as running:
        answer = await running.ask(channel, alice)
        await alice.press(answer, "Regenerate")
        await discord.until(lambda: answer.labels == ["Stop"])
        answer.deleted_at = discord.clock.now()
        hold.set()
        await until_gone(running, channel)


async def test_an_answer_deleted_before_discord_has_said_that_it_is_sent_is_not_remembered(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(), path) as running:
        discord.fault("POST", f"/channels/{channel.id}/messages", status=502, too_late=True)
        question = await alice.say(channel, f"{discord.bot.mention} hi")
        await discord.owner.delete(await channel.reply_to(question))
        await running.settled()
        assert await running.stored(channel.id) == []


@pytest.mark.parametrize("together", [False, True])
async def test_an_answer_deleted_while_it_is_stored_is_not_remembered(discord, path, place, monkeypatch, together):
    _, channel, alice = place
    keep, storing, go_on = ExampleStore.add, asyncio.Event(), asyncio.Event()

    async def slowly(examples, example):
        storing.set()
        await go_on.wait()
        await keep(examples, example)

    monkeypatch.setattr(ExampleStore, "add", slowly)
    async with parley(discord, ScriptedEngine(), path, feedback=True) as running:
        await running.bot.core.examples.agree(alice.id)
        question = await alice.say(channel, f"{discord.bot.mention} hi")
        answer = await channel.reply_to(question)
        await storing.wait()
        await (discord.owner.purge if together else discord.owner.delete)(answer)
        await discord.quiet()
        go_on.set()
        await until_gone(running, channel)
        await discord.quiet()
        assert await running.turns.unfinished() == []
        assert [example async for example in running.bot.core.examples.all()] == []


async def test_an_answer_deleted_while_it_grows_is_forgotten_once_the_database_can_be_used(
    discord, path, place, monkeypatch
):
    monkeypatch.setattr("bot.storage.database._BUSY_TIMEOUT", 50)
    _, channel, alice = place
    hold, timing = asyncio.Event(), {"retry_interval": 0.05}
    async with parley(discord, ScriptedEngine(["the beginning ", hold, "and the end"]), path, timing=timing) as running:
        await alice.say(channel, f"{discord.bot.mention} hi")
        growing = await channel.wait_for("the beginning")
        with locked(path):
            await discord.owner.delete(growing)
            hold.set()
            await discord.quiet(2)
        await running.settled()
        await until_gone(running, channel)


@pytest.mark.slow
@pytest.mark.parametrize("deleted", ["the first message", "the last message", "all", "all, at the beginning"])
async def test_an_answer_deleted_while_it_is_regenerated_does_not_come_back(discord, path, place, deleted):
    _, channel, alice = place
    hold = asyncio.Event()
    async with parley(discord, ScriptedEngine(["old " * 900], [hold, "something new to read"]), path) as running:
        await alice.say(channel, f"{discord.bot.mention} hi")
        await running.until_stored(channel.id, ("hi", ("old " * 900).strip()))
        first, last = channel.answers(alice)
        if deleted == "all, at the beginning":
            discord.fault("PATCH", f"/channels/*/messages/{last.id}", delay=1)
        before = len(edits_of(discord, last))
        await alice.press(last, "Regenerate")
        await discord.until(lambda: len(edits_of(discord, last)) > before)
        match deleted:
            case "the first message":
                await discord.owner.delete(first)
            case "the last message":
                await discord.owner.delete(last)
            case _:
                await discord.owner.purge(first, last)
        await discord.quiet()
        hold.set()
        await discord.quiet(1.5)
        assert await running.stored(channel.id) == []
        assert await running.turns.unfinished() == []
        assert not any(message.buttons for message in channel.answers(alice))


async def test_a_growing_answer_of_which_messages_are_purged_is_not_remembered(discord, path, place):
    _, channel, alice = place
    hold = asyncio.Event()
    async with parley(discord, ScriptedEngine(["word " * 500, hold, "and its end"]), path) as running:
        await alice.say(channel, f"{discord.bot.mention} hi")
        await discord.until(lambda: len(channel.answers(alice)) == 2)
        await discord.owner.purge(channel.answers(alice)[0])
        await discord.quiet()
        hold.set()
        await discord.quiet(1.5)
        assert await running.stored(channel.id) == []
        assert await running.turns.unfinished() == []


async def test_a_question_edited_so_that_it_is_not_for_the_bot_is_forgotten(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(), path) as running:
        question = (await running.ask(channel, alice, "my password is secret")).reference
        await alice.edit(question, "never mind")
        await until_gone(running, channel)


async def test_what_was_deleted_or_left_while_the_bot_was_away_is_forgotten(discord, path, place):
    guild, channel, alice = place
    other, left = guild.channel("other"), discord.guild("Left")
    there = left.channel("there")
    async with parley(discord, ScriptedEngine(), path) as running:
        for where in (channel, other, there):
            await running.ask(where, alice if where is not there else left.member("Bob"))
    guild.remove(other)
    left.expel_bot()
    async with parley(discord, ScriptedEngine(), path) as running:
        await until_gone(running, other)
        await until_gone(running, there)
        assert len(await running.stored(channel.id)) == 1


async def test_another_answer_with_fewer_messages_keeps_its_turn(discord, path, place):
    _, channel, alice = place
    hold = asyncio.Event()
    engine = ScriptedEngine(["word " * 500], ["something that is ", hold, "shorter"])
    async with parley(discord, engine, path) as running:
        await alice.say(channel, f"{discord.bot.mention} hi")
        await discord.until(lambda: len(channel.shows(alice)) == 3)
        last = channel.shows(alice)[-1]
        await discord.until(lambda: last.labels == ["Regenerate"])
        await discord.quiet()
        await alice.press(last, "Regenerate")
        await discord.until(lambda: last.deleted_at is not None)
        await discord.quiet()
        hold.set()
        await running.until_stored(channel.id, ("hi", "something that is shorter"))


async def test_an_edited_question_is_remembered_as_it_is_now(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(), path) as running:
        question = (await running.ask(channel, alice, "helo")).reference
        await alice.edit(question, f"{discord.bot.mention} hello")
        await running.until_stored(channel.id, ("hello", "ok"))


async def test_a_question_edited_while_it_waits_is_answered_as_it_is_then(discord, path, place):
    guild, channel, alice = place
    bob, hold = guild.member("Bob"), asyncio.Event()
    engine = ScriptedEngine([hold, "one"], ["two"])
    async with parley(discord, engine, path) as running:
        first = await alice.say(channel, f"{discord.bot.mention} first")
        second = await bob.say(channel, f"{discord.bot.mention} helo")
        await discord.until(lambda: engine.prompts)
        await alice.edit(first, f"{discord.bot.mention} too late")
        await bob.edit(second, f"{discord.bot.mention} hello")
        await discord.quiet()
        hold.set()
        await running.until_stored(channel.id, ("too late", "one"), ("hello", "two"))
        assert [prompt.question for prompt in engine.prompts] == ["first", "hello"]


async def test_an_edit_in_a_thread_and_the_message_that_it_grew_from_both_hold(discord, path, place):
    _, channel, alice = place
    said = await alice.say(channel, "the topic")
    thread = channel.thread("topic", thread_id=said.id)
    async with parley(discord, ScriptedEngine(), path) as running:
        discord.fault("GET", f"/channels/{channel.id}/messages/*", delay=1)
        question = await alice.say(thread, f"{discord.bot.mention} my number is 555")
        await discord.until(lambda: discord.asked("GET", "/channels/{channel_id}/messages/{message_id}"))
        await alice.edit(question, f"{discord.bot.mention} never mind")
        await running.until_stored(thread.id, ("Alice wrote: the topic\nnever mind", "ok"))
        await alice.edit(question, f"{discord.bot.mention} good morning")
        await running.until_stored(thread.id, ("Alice wrote: the topic\ngood morning", "ok"))
        await running.ask(thread, alice, "and you?")
        second = next(message for message in thread.shows(alice) if "and you?" in message.content)
        await alice.edit(second, f"{discord.bot.mention} and they?")
        await running.until_stored(thread.id, ("Alice wrote: the topic\ngood morning", "ok"), ("and they?", "ok"))


async def test_a_slow_network_does_not_have_an_older_edit_win(discord, path, place):
    _, channel, alice = place
    said = await alice.say(channel, "the topic")
    thread = channel.thread("topic", thread_id=said.id)
    async with parley(discord, ScriptedEngine(), path) as running:
        question = (await running.ask(thread, alice)).reference
        asked = len(discord.requests)
        discord.fault("GET", f"/channels/{channel.id}/messages/*", delay=1)
        await alice.edit(question, f"{discord.bot.mention} second")
        await discord.until(lambda: len(discord.requests) > asked)
        await alice.edit(question, f"{discord.bot.mention} third")
        await running.until_stored(thread.id, ("Alice wrote: the topic\nthird", "ok"))
        await discord.quiet(1)
        assert await running.stored(thread.id) == [("Alice wrote: the topic\nthird", "ok")]


async def test_a_deleted_channel_and_a_left_server_are_forgotten_with_their_threads(discord, path, place):
    guild, channel, alice = place
    second = guild.channel("second")
    thread, other = channel.thread("talk"), second.thread("talk")
    async with parley(discord, ScriptedEngine(), path) as running:
        for where in (channel, thread, second, other):
            await running.ask(where, alice)
        guild.remove(thread)
        await until_gone(running, thread)
        guild.remove(channel)
        await until_gone(running, channel)
        assert await running.stored(other.id)
        guild.expel_bot()
        for where in (second, other):
            await until_gone(running, where)


async def test_forget_erases_what_one_person_asked_everywhere(discord, path, place):
    guild, channel, alice = place
    second, bob = guild.channel("second"), guild.member("Bob")
    async with parley(discord, ScriptedEngine(), path) as running:
        for where, who in ((channel, alice), (channel, bob), (second, alice)):
            await running.ask(where, who, f"I am {who.name}")
        asked = await alice.command(second, "forget")
        await asked.wait_for("2 turns")
        assert asked.ephemeral
        assert await running.stored(channel.id) == [("I am Bob", "ok")]
        assert await running.stored(second.id) == []
    on_disk = b"".join(file.read_bytes() for file in path.parent.iterdir() if file.name.startswith(path.name))
    assert b"I am Bob" in on_disk
    assert b"I am Alice" not in on_disk


async def test_an_export_holds_the_channels_turns(discord, path, place):
    guild, channel, alice = place
    moderator = guild.member("Mo", roles=[guild.role("mods", permissions=Permission.MANAGE_MESSAGES)])
    async with parley(discord, ScriptedEngine(['say "hi",\nfriend']), path) as running:
        empty = await moderator.command(channel, "export")
        await empty.wait_for(NOTHING_TO_EXPORT)
        await running.ask(channel, alice, "grüß dich")
        expected = {
            "asker": str(alice.id),
            "asker_name": "Alice",
            "question": "grüß dich",
            "answer": 'say "hi",\nfriend',
        }
        for form, read in (
            ("json", json.loads),
            ("csv", lambda text: list(csv.DictReader(io.StringIO(text, newline="")))),
        ):
            asked = await moderator.command(channel, "export", format=form)
            message = await asked.wait_for("1 turn.")
            assert asked.ephemeral
            (turn,) = read(message.attachments[0].data.decode())
            assert expected.items() <= turn.items()


async def test_an_export_contains_no_formula_for_a_spreadsheet(discord, path, place):
    _, channel, _ = place
    mallory = channel.guild.member("=cmd|' /C calc'!A1")
    async with parley(discord, ScriptedEngine(["+1 and @SUM(1)"]), path) as running:
        await running.ask(channel, mallory, "-2+3")
        asked = await discord.owner.command(channel, "export", format="csv")
        content = (await asked.wait_for("1 turn.")).attachments[0].data.decode()
        cells = [cell for row in csv.reader(io.StringIO(content, newline="")) for cell in row]
        assert {"'-2+3", "'+1 and @SUM(1)", "'=cmd|' /C calc'!A1"} <= set(cells)
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)


async def test_an_export_is_offered_to_moderators_and_in_direct_messages(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(), path):
        names = [command["name"] for command in discord.commands.offered(alice, channel)]
        assert "forget" in names
        assert "export" not in names
        await (await alice.command(discord.bot, "export")).wait_for(NOTHING_TO_EXPORT)
