"""/persona and /settings: those who manage a channel decide how the model answers there, within limits."""

import sqlite3

import pytest

from bot.engine.prompt import QuestionTooLong
from bot.settings import Settings
from bot.texts import (
    BLOCKED,
    DATABASE_UNAVAILABLE,
    NO_PERSONA,
    NOT_HERE,
    PERSONA_BLANK,
    PERSONA_OF_PARENT,
    PERSONA_OF_THIS,
    REGENERATE,
    STOP,
    question_too_long,
)
from tests.discord_stand_in import NotPossible, Permission
from tests.discord_stand_in.messages import SUPPRESS_EMBEDS
from tests.support.databases import full_disk, locked
from tests.support.parley import parley
from tests.support.scripted import ScriptedEngine
from tests.support.waiting import until

PIRATE = "You are a pirate.\n- Say arr.\n- Greet <@&1> @everyone, see https://example.com"


@pytest.fixture
def manager(place):
    guild, _, _ = place
    return guild.member("Mo", roles=[guild.role("keepers", permissions=Permission.MANAGE_CHANNELS)])


async def open_form(person, where):
    """The form that /persona set opens, and its text field."""
    opened = await person.command(where, "persona set")
    assert opened.modal is not None, opened.messages
    return opened, opened.modal["components"][0]["components"][0]


async def write(person, where, text):
    """Set a persona by the form; returns the interaction."""
    opened, field = await open_form(person, where)
    return await person.submit(opened, **{field["custom_id"]: text})


async def test_the_persona_of_a_channel_is_in_every_prompt_there(discord, path, place, manager):
    guild, channel, alice = place
    other = guild.channel("other")
    engine = ScriptedEngine()
    async with parley(discord, engine, path) as running:
        written = await write(manager, channel, f"  {PIRATE}\n")
        await written.wait_for(f"{len(PIRATE)} characters")
        assert written.ephemeral
        answer = await running.ask(channel, alice)
        await alice.press(answer, REGENERATE)
        await discord.until(lambda: len(engine.prompts) == 2)
        await discord.quiet()
        for private in (False, True):
            await (await manager.command(channel, "ask", prompt="hi", private=private)).wait_for("ok")
        await discord.quiet(1.5)
        assert [prompt.system for prompt in engine.prompts] == [PIRATE] * 4
        await running.ask(other, alice)
        assert engine.prompts[-1].system == Settings.system_prompt


async def test_a_persona_survives_a_restart_and_a_clear_until_it_is_removed(discord, path, place, manager):
    _, channel, alice = place
    engine = ScriptedEngine()
    async with parley(discord, engine, path):
        await (await write(manager, channel, PIRATE)).wait_for("From now on")
    async with parley(discord, engine, path) as running:
        await (await alice.command(channel, "clear")).wait_for("0 turns")
        await (await alice.command(channel, "forget")).wait_for("0 turns")
        await running.ask(channel, alice)
        taken = await manager.command(channel, "persona clear")
        await taken.wait_for(NO_PERSONA)
        assert taken.ephemeral
        await running.ask(channel, alice, "and now?")
    assert [prompt.system for prompt in engine.prompts] == [PIRATE, Settings.system_prompt]


async def test_a_persona_is_shown_to_the_asker_alone_without_pings_and_previews(discord, path, place, manager):
    _, channel, _ = place
    async with parley(discord, ScriptedEngine(), path):
        none = await manager.command(channel, "persona show")
        await none.wait_for(NO_PERSONA)
        for text in (PIRATE, "x" * 2000):
            await (await write(manager, channel, text)).wait_for("From now on")
            shown = await manager.command(channel, "persona show")
            await shown.wait_for(PERSONA_OF_THIS)
            message = await shown.wait_for(lambda m, text=text: m.content == text)
            assert all(m.ephemeral for m in shown.messages)
            assert message.flags & SUPPRESS_EMBEDS
            assert not message.pings


async def test_the_form_shows_the_current_persona_and_takes_2000_characters(discord, path, place, manager):
    _, channel, _ = place
    async with parley(discord, ScriptedEngine(), path):
        _, field = await open_form(manager, channel)
        assert (field.get("value"), field["max_length"]) == (None, 2000)
        await (await write(manager, channel, PIRATE)).wait_for("From now on")
        opened, field = await open_form(manager, channel)
        assert field["value"] == PIRATE
        await (await manager.submit(opened, **{field["custom_id"]: " \n "})).wait_for(PERSONA_BLANK)
        assert (await open_form(manager, channel))[1]["value"] == PIRATE


async def test_a_thread_has_the_persona_and_settings_of_its_channel_until_it_has_its_own(discord, path, place, manager):
    _, channel, alice = place
    thread = channel.thread("talk")
    engine = ScriptedEngine()
    async with parley(discord, engine, path) as running:
        await (await write(manager, channel, PIRATE)).wait_for("From now on")
        await (await manager.command(channel, "settings", turns=0)).wait_for("Turns remembered: 0")
        question = await alice.say(thread, f"{discord.bot.mention} hi")
        await thread.reply_to(question, wanted=lambda answer: answer.content == "ok" and STOP not in answer.labels)
        await running.settled()
        assert await running.stored(thread.id) == []
        await (await alice.command(thread, "ask", prompt="hi")).wait_for("ok")
        await (await alice.command(thread, "help")).wait_for("Here I remember nothing")
        shown = await manager.command(thread, "persona show")
        await shown.wait_for(PERSONA_OF_PARENT)
        await shown.wait_for(PIRATE)
        told = await manager.command(thread, "settings")
        await told.wait_for("Turns remembered: 0 (set in this thread's channel; allowed: 0 to 20)")

        await (await write(manager, thread, "You are a cook.")).wait_for("From now on")
        await (await manager.command(thread, "settings", turns=1)).wait_for("Turns remembered: 1 (set here;")
        answer = await running.ask(thread, alice)
        await alice.press(answer, REGENERATE)
        await discord.until(lambda: len(engine.prompts) == 4)
        await alice.say(channel, f"{discord.bot.mention} hi")
        await discord.until(lambda: len(engine.prompts) == 5)
        personas = [prompt.system for prompt in engine.prompts]
        assert personas == [PIRATE, PIRATE, "You are a cook.", "You are a cook.", PIRATE]


async def test_fewer_turns_are_forgotten_in_the_threads_of_a_channel_too(discord, path, place, manager):
    _, channel, alice = place
    thread, own = channel.thread("talk"), channel.thread("own")
    async with parley(discord, ScriptedEngine(), path) as running:
        await (await manager.command(own, "settings", turns=3)).wait_for("Turns remembered: 3")
        for where in (channel, thread, own):
            await running.ask(where, alice)
            assert len(await running.stored(where.id)) == 1
        await (await manager.command(channel, "settings", turns=0)).wait_for("Turns remembered: 0")
        assert [len(await running.stored(where.id)) for where in (channel, thread, own)] == [0, 0, 1]


async def test_in_direct_messages_the_person_sets_their_own(discord, path, place):
    _, _, alice = place
    engine = ScriptedEngine()
    async with parley(discord, engine, path):
        await (await write(alice, discord.bot, PIRATE)).wait_for("From now on")
        await (await alice.command(discord.bot, "settings", temperature=0.5)).wait_for("Temperature: 0.5 (set here")
        await alice.say(discord.bot, "hi")
        await alice.direct.wait_for("ok")
    assert (engine.prompts[0].system, engine.samplings[0].temperature) == (PIRATE, 0.5)


async def test_only_those_who_may_manage_the_channel_can_use_the_commands(discord, path, place, manager):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(), path):
        offered = {command["name"] for command in discord.commands.offered(manager, channel)}
        assert {"persona", "settings"} <= offered
        for command in ("persona set", "persona show", "persona clear", "settings"):
            with pytest.raises(NotPossible):
                await alice.command(channel, command)


async def test_the_commands_are_refused_wherever_the_bot_does_not_answer(discord, path, place, manager):
    guild, channel, _ = place
    elsewhere = guild.channel("elsewhere")
    allowed, blocked = frozenset({channel.id}), frozenset({discord.owner.id})
    async with parley(discord, ScriptedEngine(), path, allowed_channels=allowed, blocked_users=blocked):
        for command in ("persona set", "persona show", "persona clear", "settings"):
            assert (await manager.command(elsewhere, command)).response.content == NOT_HERE
            assert (await discord.owner.command(channel, command)).response.content == BLOCKED


async def test_settings_change_how_answers_are_generated_and_can_be_reset(discord, path, place, manager):
    _, channel, alice = place
    engine = ScriptedEngine()
    async with parley(discord, engine, path) as running:
        told = await manager.command(channel, "settings", temperature=1.2, answer_length=50)
        assert told.ephemeral
        text = (await told.wait_for("How I answer here")).content
        assert "Temperature: 1.2 (set here; allowed: 0 to 1.5)" in text
        assert "Longest answer in tokens: 50 (set here; allowed: 1 to 200)" in text
        assert "Turns remembered: 5 (the default; allowed: 0 to 20)" in text
        assert "Persona: the default" in text
        await running.ask(channel, alice)
        await (await alice.command(channel, "ask", prompt="hi")).wait_for("ok")
        await (await write(manager, channel, PIRATE)).wait_for("From now on")
    async with parley(discord, engine, path) as running:
        told = await manager.command(channel, "settings", answer_length=60, reset=True)
        text = (await told.wait_for("How I answer here")).content
        assert "Temperature: 0 (the default" in text
        assert "Longest answer in tokens: 60 (set here" in text
        assert "Persona: set here" in text
        await running.ask(channel, alice)
    used = [(sampling.temperature, sampling.max_new_tokens) for sampling in engine.samplings]
    assert used == [(1.2, 50), (1.2, 50), (0, 60)]
    assert {(sampling.top_p, sampling.top_k) for sampling in engine.samplings} == {(0.9, 50)}


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("temperature", 1.51, "Temperature must be between 0 and 1.5,"),
        ("answer_length", 201, "Longest answer in tokens must be between 1 and 200,"),
        ("turns", 21, "Turns remembered must be between 0 and 20,"),
    ],
)
async def test_a_value_out_of_range_changes_nothing_and_the_limit_is_shown(
    discord, path, place, manager, option, value, sentence
):
    _, channel, _ = place
    async with parley(discord, ScriptedEngine(), path):
        refused = await manager.command(channel, "settings", reset=True, **{option: value})
        message = await refused.wait_for(sentence)
        assert message.ephemeral
        assert "set here" not in (await (await manager.command(channel, "settings")).wait_for("How I")).content


async def test_a_limit_that_is_lowered_holds_for_what_was_set_before(discord, path, place, manager):
    _, channel, alice = place
    engine = ScriptedEngine()
    lowered = {"channel_max_temperature": 0.9, "max_new_tokens": 100, "channel_max_turns": 1}
    async with parley(discord, engine, path):
        await (await manager.command(channel, "settings", temperature=1.5, answer_length=200, turns=20)).wait_for(
            "Turns remembered: 20"
        )
    async with parley(discord, engine, path, **lowered) as running:
        told = await (await manager.command(channel, "settings")).wait_for("How I answer here")
        assert "Temperature: 0.9 (set here to 1.5; allowed: 0 to 0.9)" in told.content
        assert "Longest answer in tokens: 100 (set here to 200; allowed: 1 to 100)" in told.content
        assert "Turns remembered: 1 (set here to 20; allowed: 0 to 1)" in told.content
        for text in ("one", "two"):
            await running.ask(channel, alice, text)
        assert await running.stored(channel.id) == [("two", "ok")]
    assert (engine.samplings[-1].temperature, engine.samplings[-1].max_new_tokens) == (0.9, 100)


async def test_a_channel_keeps_as_many_turns_as_its_setting_says(discord, path, place, manager):
    _, channel, alice = place
    engine = ScriptedEngine()
    async with parley(discord, engine, path) as running:
        await (await manager.command(channel, "settings", turns=2)).wait_for("Turns remembered: 2")
        await (await alice.command(channel, "help")).wait_for("the last 2 questions")
        for text in ("1", "2", "3"):
            await running.ask(channel, alice, text)
        assert [question for question, _ in await running.stored(channel.id)] == ["2", "3"]
        await (await manager.command(channel, "settings", turns=1)).wait_for("Turns remembered: 1")
        assert [question for question, _ in await running.stored(channel.id)] == ["3"], "forgotten at once"
        await running.ask(channel, alice, "4")
        assert [turn.question for turn in engine.prompts[-1].turns] == ["3"]


async def guild_channels(database):
    return {ref.channel async for guild in database.guilds() for ref in await database.channels_of_guild(guild)}


async def test_settings_are_deleted_with_their_channel_thread_or_server(discord, path, place, manager):
    guild, channel, _ = place
    second, left = guild.channel("second"), discord.guild("Left")
    thread, there = second.thread("talk"), left.channel("there")

    async def until_left(running, *expected):
        async def left():
            return await guild_channels(running.database) == {where.id for where in expected}

        await until(left)

    async with parley(discord, ScriptedEngine(), path) as running:
        for where in (channel, second, thread, there):
            who = discord.owner if where is there else manager
            await (await who.command(where, "settings", turns=1)).wait_for("Turns remembered: 1")
        await until_left(running, channel, second, thread, there)
        guild.remove(thread)
        await until_left(running, channel, second, there)
        guild.remove(second)
        await until_left(running, channel, there)
        left.expel_bot()
        await until_left(running, channel)
    guild.remove(channel)
    async with parley(discord, ScriptedEngine(), path) as running:
        await until_left(running)
    with sqlite3.connect(path) as file:
        assert file.execute("SELECT count(*) FROM channels").fetchone() == (0,)
    file.close()


async def test_commands_are_acknowledged_while_another_program_locks_the_database(discord, path, place, manager):
    _, channel, _ = place
    async with parley(discord, ScriptedEngine(), path, timing={"form_patience": 0.1}):
        with locked(path):
            sent = await write(manager, channel, PIRATE)
            asked = await manager.command(channel, "settings", turns=1)
            opened = await manager.command(channel, "persona set")
            await opened.wait_for(DATABASE_UNAVAILABLE)
            assert (sent.failed, asked.failed, opened.failed) == (None, None, None)
        await sent.wait_for("From now on")
        await asked.wait_for("Turns remembered: 1")


async def test_a_persona_that_cannot_be_stored_is_reported(discord, path, place, manager):
    _, channel, _ = place
    async with parley(discord, ScriptedEngine(), path) as running:
        opened, field = await open_form(manager, channel)
        async with full_disk(running.database):
            refused = await manager.submit(opened, **{field["custom_id"]: "漢" * 2000})
            await refused.wait_for(DATABASE_UNAVAILABLE)
            assert all(message.ephemeral for message in refused.messages)


async def test_a_persona_that_leaves_no_room_for_a_question_is_reported(discord, path, place, manager):
    _, channel, alice = place
    too_long = QuestionTooLong(question_too_long(3, -500))
    async with parley(discord, ScriptedEngine([too_long]), path):
        question = await alice.say(channel, f"{discord.bot.mention} hi")
        await channel.reply_to(question, wanted=lambda message: "shorten it with /persona set" in message.content)


PERSONAS = """
pirate = "You are a pirate."
"Captain Hook" = '''
You fear {channel}.
'''
cook = "You cook."
"""


@pytest.fixture
def personas(tmp_path):
    """PERSONAS_FILE, for `parley`."""
    file = tmp_path / "personas.toml"
    file.write_text(PERSONAS)
    return {"personas_file": str(file)}


async def test_a_prepared_persona_is_chosen_by_its_name(discord, path, place, manager, personas):
    _, channel, alice = place
    engine = ScriptedEngine()
    async with parley(discord, engine, path, **personas) as running:
        used = await manager.command(channel, "persona use", name="captain hook")
        assert (await used.wait_for("I am **Captain Hook** here")).ephemeral
        await running.ask(channel, alice)
        shown = await manager.command(channel, "persona show")
        await shown.wait_for(f"{PERSONA_OF_THIS} **Captain Hook**")
        await shown.wait_for(lambda message: message.content == "You fear {channel}.")
        listed = (await manager.command(channel, "persona list")).response
        await discord.until(lambda: not listed.loading)
        assert listed.ephemeral
        assert listed.content.splitlines() == [
            "**pirate**: You are a pirate.",
            "**Captain Hook** (here): You fear {channel}.",
            "**cook**: You cook.",
        ]
        await (await manager.command(channel, "persona use", name="parrot")).wait_for("There is no persona parrot.")
        helped = await alice.command(channel, "help")
        assert "persona use" in (await helped.wait_for("picks a prepared persona")).content
    async with parley(discord, engine, path, **personas) as running:
        await running.ask(channel, alice)
        await (await manager.command(channel, "persona clear")).wait_for(NO_PERSONA)
        listed = await manager.command(channel, "persona list")
        await listed.wait_for("**Captain Hook**: ")
    assert [prompt.system for prompt in engine.prompts] == ["You fear general."] * 2


async def test_names_are_completed_while_they_are_typed(discord, path, place, manager, personas, caplog):
    _, channel, _ = place
    blocked = frozenset({discord.owner.id})
    async with parley(discord, ScriptedEngine(), path, blocked_users=blocked, **personas):

        async def offered(typed):
            choices = await manager.autocomplete(channel, "persona use", "name", typed)
            return [choice["value"] for choice in choices]

        assert await offered("") == ["pirate", "Captain Hook", "cook"]
        assert await offered("C") == ["Captain Hook", "cook"]
        assert await offered("oo") == ["Captain Hook", "cook"]
        assert await offered("k") == ["Captain Hook", "cook"]
        assert await offered("x") == []
        discord.limits.acknowledge = 0.3
        assert await discord.owner.autocomplete(channel, "persona use", "name", "") == []
    assert "Traceback" not in caplog.text


async def test_as_many_personas_as_there_are_fit_into_what_discord_shows(discord, path, place, manager, tmp_path):
    _, channel, _ = place
    file = tmp_path / "many.toml"
    file.write_text("".join(f'name-{number} = "{"x" * 200}"\n' for number in range(60)))
    async with parley(discord, ScriptedEngine(), path, personas_file=str(file)):
        assert len(await manager.autocomplete(channel, "persona use", "name", "name")) == 25
        listed = await manager.command(channel, "persona list")
        text = (await listed.wait_for("**name-0**")).content
        shown = text.count("**name-")
        assert text.endswith(f"\n… and {60 - shown} more")
        assert shown >= 15
        assert len(text) <= 2000


async def test_without_prepared_personas_there_are_no_commands_for_them(discord, path, place, manager):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(), path):
        for command in ("persona use", "persona list"):
            with pytest.raises(NotPossible):
                await manager.command(channel, command)
        helped = await alice.command(channel, "help")
        assert "persona use" not in (await helped.wait_for("I answer with")).content
