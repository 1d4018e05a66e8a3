"""/ask: a single question without memory, streamed, shown to everybody or to the asker alone."""

import asyncio

import pytest

from bot.texts import ABOUT_MESSAGE, GOES_ON_BELOW, OUT_OF_TIME, UNEXPECTED
from tests.discord_stand_in import Permission
from tests.support.databases import locked
from tests.support.parley import parley
from tests.support.scripted import ScriptedEngine
from tests.support.waiting import until


async def test_an_answer_reads_and_stores_no_turns(discord, path, place):
    _, channel, alice = place
    engine = ScriptedEngine(["remembered"], ["one-off"])
    async with parley(discord, engine, path) as running:
        await channel.reply_to(await alice.say(channel, f"{discord.bot.mention} hi"))
        await discord.quiet()
        asked = await alice.command(channel, "ask", prompt="what is up?")
        await asked.wait_for("one-off")
        assert (engine.prompts[1].turns, engine.prompts[1].speaker) == ((), None)
        assert engine.prompts[1].question == "what is up?"
        await running.until_stored(channel.id, ("hi", "remembered"))


async def test_the_answer_streams(discord, path, place):
    _, channel, alice = place
    hold = asyncio.Event()
    async with parley(discord, ScriptedEngine(["Once ", hold, "more"]), path):
        asked = await alice.command(channel, "ask", prompt="tell")
        await asked.wait_for(lambda message: message.content == "Once")
        hold.set()
        await asked.wait_for(lambda message: message.content == "Once more")
        assert not asked.response.ephemeral


async def test_a_private_answer_is_seen_by_the_asker_alone(discord, path, place):
    guild, channel, alice = place
    bob = guild.member("Bob")
    async with parley(discord, ScriptedEngine(["secret " * 400]), path):
        asked = await alice.command(channel, "ask", prompt="tell", private=True)
        await discord.until(lambda: len(asked.messages) == 2)
        await discord.quiet()
        assert all(message.ephemeral for message in asked.messages)
        assert "secret" in channel.transcript(alice)
        assert "secret" not in channel.transcript(bob)


async def test_a_long_answer_goes_on_in_followups(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(["word " * 900]), path):
        asked = await alice.command(channel, "ask", prompt="a lot")
        await discord.until(lambda: sum(m.content.count("word") for m in asked.messages) == 900)
        assert len(asked.messages) == 3


@pytest.mark.parametrize("private", [False, True])
async def test_an_answer_whose_response_was_lost_does_not_appear_twice(discord, path, place, private):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(["one answer"]), path):
        discord.fault("*", "/webhooks/*", status=503, too_late=True)
        asked = await alice.command(channel, "ask", prompt="tell", private=private)
        await asked.wait_for("one answer")
        await discord.quiet(1.5)  # discord.py asks again after a second
        assert [message.content for message in asked.messages] == ["one answer"]
        assert asked.ephemeral == private
        assert not asked.response.buttons


async def test_it_is_acknowledged_while_the_model_is_busy_or_loading(discord, path, place):
    _, channel, alice = place
    engine = ScriptedEngine(["at last"])
    engine.loaded.clear()
    async with parley(discord, engine, path):
        asked = await alice.command(channel, "ask", prompt="hello?")
        assert asked.failed is None
        assert asked.ack_seconds < 3
        engine.loaded.set()
        await asked.wait_for("at last")


async def test_an_error_is_shown_in_place_of_the_answer(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine([RuntimeError("broken")]), path):
        asked = await alice.command(channel, "ask", prompt="hello?")
        await asked.wait_for(UNEXPECTED)


@pytest.mark.parametrize("said", [[], ["The beginning of it "]], ids=["nothing said", "something said"])
async def test_a_private_answer_that_outlasts_the_interaction_says_so_before_it_expires(discord, path, place, said):
    _, channel, alice = place
    engine = ScriptedEngine([*said, asyncio.Event()])
    async with parley(discord, engine, path, timing={"token_lifetime": 1.5}):
        asked = await alice.command(channel, "ask", prompt="hello?", private=True)
        await asked.wait_for(OUT_OF_TIME)
        assert engine.streams[0].stopped
        assert not asked.response.loading
        assert not asked.response.buttons


@pytest.mark.parametrize("said", [[], ["The beginning of it "]], ids=["nothing said", "something said"])
async def test_an_answer_that_outlasts_the_interaction_goes_on_in_the_channel(discord, path, place, said):
    _, channel, alice = place
    hold = asyncio.Event()
    async with parley(discord, ScriptedEngine([*said, hold, "and its end"]), path, timing={"token_lifetime": 1.5}):
        asked = await alice.command(channel, "ask", prompt="hello?")
        await asked.wait_for(GOES_ON_BELOW)
        discord.clock.advance(15 * 60)
        hold.set()
        whole = await channel.wait_for(lambda message: message.content == "".join([*said, "and its end"]))
        assert whole.reference is asked.response
        assert asked.response.content == GOES_ON_BELOW
        assert not asked.response.buttons


async def test_complete_pages_stay_when_the_interaction_expires(discord, path, place):
    _, channel, alice = place
    hold = asyncio.Event()
    async with parley(
        discord, ScriptedEngine(["word " * 500, hold, "and the end"]), path, timing={"token_lifetime": 2.5}
    ):
        asked = await alice.command(channel, "ask", prompt="a lot")
        await asked.wait_for(GOES_ON_BELOW)
        hold.set()
        last = await channel.wait_for(lambda message: message.content.endswith("and the end"))
        shown = [asked.response.content, last.content]
        assert sum(content.count("word") for content in shown) == 500


async def test_where_the_bot_may_not_write_an_answer_that_outlasts_the_interaction_says_so(discord, path, place):
    _, channel, alice = place
    channel.overwrite(discord.bot, deny=Permission.SEND_MESSAGES)
    async with parley(
        discord, ScriptedEngine(["The beginning of it ", asyncio.Event()]), path, timing={"token_lifetime": 1.0}
    ):
        await (await alice.command(channel, "ask", prompt="hello?")).wait_for(OUT_OF_TIME)


@pytest.mark.parametrize("fault", [{"status": 429, "retry_after": 0.1}, {"status": 503}, {"status": 400}])
async def test_an_interaction_is_never_logged_with_its_token(discord, path, place, caplog, fault):
    _, channel, alice = place
    caplog.set_level("INFO")  # below which the program lets no library log
    async with parley(discord, ScriptedEngine(["an answer that is long enough"]), path):
        for trouble in (fault, {}, fault):  # the answer, its repetition, and the request for no link previews
            discord.fault("PATCH", "/webhooks/*", **trouble)
        asked = await alice.command(channel, "ask", prompt="hello?")
        await asked.wait_for(lambda message: not message.loading)
        await discord.quiet()
    assert ("/webhooks/" in caplog.text) == (fault["status"] == 429)
    assert asked.token not in caplog.text


async def test_a_question_may_be_long_and_its_mentions_are_names(discord, path, place):
    guild, channel, alice = place
    role, other, bob = guild.role("mods"), guild.channel("rules"), guild.member("Bob", nick="Bobby")
    text = f"{bob.mention} <@&{role.id}> wrote in <#{other.id}>: " + "x" * 5900
    engine = ScriptedEngine()
    async with parley(discord, engine, path):
        await (await alice.command(channel, "ask", prompt=text)).wait_for("ok")
    assert engine.prompts[0].question == "@Bobby @mods wrote in #rules: " + "x" * 5900


async def test_a_message_can_be_asked_about_in_private(discord, path, place):
    guild, channel, alice = place
    bob = guild.member("Bob")
    said = await bob.say(channel, "the sky is green")
    engine = ScriptedEngine(["no, blue"])
    async with parley(discord, engine, path) as running:
        opened = await alice.menu(said, ABOUT_MESSAGE)
        sent = await alice.submit(opened, **{opened.modal["components"][0]["components"][0]["custom_id"]: "Is it?"})
        await sent.wait_for("no, blue")
        assert sent.ephemeral
        assert engine.prompts[0].question == "Bob wrote: the sky is green\nIs it?"
        assert await running.stored(channel.id) == []


@pytest.mark.slow
async def test_an_answer_that_was_shown_says_nothing_of_a_locked_database(discord, path, place):
    _, channel, alice = place
    hold = asyncio.Event()
    async with parley(discord, ScriptedEngine(["The beginning of it ", hold, "and its end"]), path) as running:
        asked = await alice.command(channel, "ask", prompt="hello?")
        await asked.wait_for("The beginning of it")
        with locked(path):
            hold.set()
            await asked.wait_for("The beginning of it and its end")
            await until(lambda: running.database.unusable_since)
            await discord.quiet()
        assert [message.content for message in asked.messages] == ["The beginning of it and its end"]
