"""All text of a message reaches the model, wherever it stands; what cannot be read is told."""

import asyncio

import pytest

from bot.text_files import LONGEST_FILE
from bot.texts import ABOUT_MESSAGE, ONLY_TEXT, answered_without
from tests.discord_stand_in import Channel, Discord, Message, User
from tests.support.parley import parley
from tests.support.scripted import ScriptedEngine
from tests.support.waiting import until

PNG = {"cat.png": b"\x89PNG\r\n\x1a\n\0\0"}
LONG = "\n".join(f"line {number} of a paste" for number in range(300))
EMBED = {
    "author": {"name": "Weather bot"},
    "title": "Tomorrow",
    "description": "Rain in <@&1>.",
    "fields": [{"name": "Wind", "value": "strong", "inline": True}],
    "footer": {"text": "From the station"},
}
RAIN = "Weather bot\nTomorrow\nRain in <@&1>.\nWind: strong\nFrom the station"
TEXT = {"type": 10, "content": "Deployed **v2**."}
PANEL = {
    "type": 17,
    "spoiler": False,
    "accent_color": 255,
    "components": [
        {
            "type": 9,
            "components": [{"type": 10, "content": "By Bob"}],
            "accessory": {"type": 2, "style": 5, "url": "x"},
        },
        {"type": 14, "spacing": 1, "divider": True},
        {"type": 1, "components": [{"type": 2, "style": 1, "label": "Press", "custom_id": "other"}]},
        {"type": 10, "content": "All tests passed."},
    ],
}


async def ask_about(person: User, message: Message, question: str = "what is it?"):
    """Asks about a message in the form that its menu opens."""
    opened = await person.menu(message, ABOUT_MESSAGE)
    field = opened.modal["components"][0]["components"][0]["custom_id"]
    return await person.submit(opened, **{field: question})


async def said_by_others(discord: Discord, channel: Channel) -> dict[str, Message]:
    """Messages whose text stands elsewhere than in their content, by what they should be read as."""
    bob, robot, hook = channel.guild.member("Bob"), channel.guild.member("Robot", bot=True), channel.webhook("Hook")
    source = await bob.say(channel, "The meeting is on Friday.")
    return {
        "Bob wrote: Forwarded message: The meeting is on Friday.": await bob.forward(source, channel),
        "Bob wrote: Poll: Lunch? - Pizza - Soup": await bob.poll(channel, "Lunch?", "Pizza", "Soup"),
        f"Robot wrote: {' '.join(RAIN.split())}": await robot.say(channel, embeds=[EMBED]),
        f"Hook wrote: See: {' '.join(RAIN.split())}": await hook.say(channel, "See:", embeds=[EMBED]),
        "Robot wrote: Deployed **v2**. By Bob All tests passed.": await robot.say(channel, components=[TEXT, PANEL]),
        f"Bob sent:\nmessage.txt:\n```\n{LONG}\n```": await bob.say(channel, files={"message.txt": LONG.encode()}),
    }


async def test_a_reply_reads_all_of_the_message_it_replies_to(discord, path, place):
    _, channel, alice = place
    engine = ScriptedEngine()
    said = await said_by_others(discord, channel)
    async with parley(discord, engine, path) as running:
        for message in said.values():
            await channel.reply_to(await alice.reply(message, f"{discord.bot.mention} what is it?"))
            await running.settled()
    assert [prompt.question for prompt in engine.prompts] == [f"{text}\nwhat is it?" for text in said]


async def test_a_question_about_a_message_reads_all_of_it(discord, path, place):
    _, channel, alice = place
    engine = ScriptedEngine()
    said = await said_by_others(discord, channel)
    async with parley(discord, engine, path):
        for message in said.values():
            await (await ask_about(alice, message)).wait_for("ok")
    assert [prompt.question for prompt in engine.prompts] == [f"{text}\nwhat is it?" for text in said]


async def test_a_thread_begins_with_all_of_its_starter_message(discord, path, place):
    _, channel, alice = place
    engine = ScriptedEngine()
    said = await said_by_others(discord, channel)
    async with parley(discord, engine, path):
        for message in said.values():
            thread = channel.thread("topic", thread_id=message.id)
            await thread.reply_to(await alice.say(thread, f"{discord.bot.mention} what is it?"))
    assert [prompt.question for prompt in engine.prompts] == [f"{text}\nwhat is it?" for text in said]


async def test_a_question_is_all_of_its_message(discord, path, place):
    guild, channel, alice = place
    source = await guild.member("Bob").say(channel, f"Nine <#{channel.id}>", files={"when.md": b"at **nine**"})
    engine = ScriptedEngine()
    async with parley(discord, engine, path, chat_channels=frozenset({channel.id})) as running:
        asked = {
            "Forwarded message:\nNine #general\nwhen.md:\n```\nat **nine**\n```": alice.forward(source, channel),
            "Poll: Lunch?\n- Pizza\n- Soup": alice.poll(channel, "Lunch?", "Pizza", "Soup"),
            f"message.txt:\n```\n{LONG}\n```": alice.say(channel, files={"message.txt": LONG.encode()}),
            "notes.md:\n````\n```\nx\n```\n````": alice.say(channel, files={"notes.md": b"```\nx\n```"}),
            "compare\na.py:\n```\n1\n```\nb.unknown:\n```\n\u00e9\n```": alice.say(
                channel, "compare", files={"a.py": b"1\r\n", "b.unknown": b"\xef\xbb\xbf\xc3\xa9"}
            ),
        }
        for message in asked.values():
            await channel.reply_to(await message)
            await running.settled()
        assert [prompt.question for prompt in engine.prompts] == [*asked]
        assert [question for question, _ in await running.stored(channel.id)] == [*asked]
        assert len(channel.answers(alice)) == len(asked), "there is nothing that was not read"
    direct = ScriptedEngine()
    async with parley(discord, direct, path):
        await alice.direct.reply_to(await alice.forward(source, discord.bot))
    assert direct.prompts[0].question.startswith("Forwarded message:\nNine")


async def test_what_cannot_be_read_is_told_beside_what_can(discord, path, place):
    guild, channel, alice = place
    bob = guild.member("Bob")
    engine = ScriptedEngine()
    picture = {"type": "rich", "title": "Chart", "image": {"url": "https://example.com/chart.png"}}
    gallery = {"type": 12, "items": [{"media": {"url": "https://example.com/x.png"}, "description": "a dog"}]}
    robot = guild.member("Robot", bot=True)
    async with parley(discord, engine, path):
        question = await alice.say(
            channel,
            f"{discord.bot.mention} look",
            files=PNG | {"voice-message.ogg": b"OggS", "big.txt": b"x" * (LONGEST_FILE + 1), "zip.txt": b"PK\0"},
            stickers=["Wave"],
        )
        names = ["cat.png", "voice-message.ogg", "big.txt", "the sticker Wave", "zip.txt"]
        await channel.wait_for(answered_without(names), after=question)
        replied_to = await bob.say(channel, "mine", files=PNG)
        question = await alice.reply(replied_to, f"{discord.bot.mention} what is it?")
        await channel.wait_for(answered_without(["cat.png"]), after=question)
        asked = await ask_about(alice, await robot.say(channel, embeds=[picture]))
        told = await asked.wait_for(answered_without(["a picture"]))
        assert told.ephemeral
        asked = await ask_about(alice, await robot.say(channel, components=[TEXT, gallery]))
        await asked.wait_for(answered_without(["a picture"]))
        thread = channel.thread("topic", thread_id=replied_to.id)
        await alice.say(thread, f"{discord.bot.mention} what is it?")
        await thread.wait_for(answered_without(["cat.png"]))
    assert [prompt.question for prompt in engine.prompts] == [
        "look\n(not readable: cat.png, voice-message.ogg, big.txt, zip.txt, the sticker Wave)",
        "Bob wrote: mine\n(not readable: cat.png)\nwhat is it?",
        "Robot wrote: Chart\n(not readable: a picture)\nwhat is it?",
        "Robot wrote: Deployed **v2**.\n(not readable: a picture (a dog))\nwhat is it?",
        "Bob wrote: mine\n(not readable: cat.png)\nwhat is it?",
    ]


@pytest.mark.parametrize("files", [PNG, {"data.bin": b"\xff\xfe"}, {"big.txt": b"x" * (LONGEST_FILE + 1)}])
async def test_where_there_is_no_text_at_all_that_is_told_instead_of_an_answer(discord, path, place, files):
    guild, channel, alice = place
    engine = ScriptedEngine()
    bobs = await guild.member("Bob").say(channel, files=files)
    async with parley(discord, engine, path, timing={"refusal_interval": 0}) as running:
        question = await alice.say(channel, discord.bot.mention, files=files)
        assert (await channel.reply_to(question)).content == ONLY_TEXT
        question = await alice.reply(bobs, discord.bot.mention)
        assert (await channel.reply_to(question)).content == ONLY_TEXT
        await running.settled()
        assert await running.stored(channel.id) == []
    assert engine.prompts == []


async def test_a_message_without_text_cannot_be_asked_about(discord, path, place):
    guild, channel, alice = place
    bobs = await guild.member("Bob").say(channel, files=PNG)
    async with parley(discord, ScriptedEngine(), path):
        opened = await alice.menu(bobs, ABOUT_MESSAGE)
        assert opened.modal is None
        assert (await opened.wait_for(ONLY_TEXT)).ephemeral


@pytest.mark.parametrize("trouble", [{"status": 404}, {"status": 503}, {"delay": float("inf")}])
async def test_a_file_that_discord_does_not_deliver_neither_fails_an_answer_nor_holds_it_up(
    discord, path, place, monkeypatch, trouble
):
    _, channel, alice = place
    monkeypatch.setattr("bot.messages.lookups._PATIENCE", 0.2)
    engine = ScriptedEngine()
    discord.fault("GET", "/attachments/*", **trouble)
    async with parley(discord, engine, path):
        question = await alice.say(channel, f"{discord.bot.mention} sum up", files={"message.txt": LONG.encode()})
        await channel.wait_for(answered_without(["message.txt, which Discord did not deliver"]), after=question)
    assert engine.prompts[0].question == "sum up\n(not readable: message.txt)"


async def test_files_do_not_change_the_order_of_questions(discord, path, place):
    guild, channel, alice = place
    discord.fault("GET", "/attachments/*", delay=0.3)
    async with parley(discord, ScriptedEngine(["first"], ["second"]), path) as running:
        await alice.say(channel, f"{discord.bot.mention} one", files={"a.txt": b"A"})
        await guild.member("Bob").say(channel, f"{discord.bot.mention} two")
        await running.until_stored(channel.id, ("one\na.txt:\n```\nA\n```", "first"), ("two", "second"))


async def test_a_question_that_is_edited_or_deleted_while_its_file_is_read_is_that_afterwards(discord, path, place):
    _, channel, alice = place
    slow = discord.fault("GET", "/attachments/*", delay=0.5, times=2)
    async with parley(discord, ScriptedEngine(["first"], ["second"]), path) as running:
        question = await alice.say(channel, f"{discord.bot.mention} one", files={"a.txt": b"A"})
        await until(running.turns.unfinished)
        await alice.edit(question, f"{discord.bot.mention} two")
        await running.until_stored(channel.id, ("two\na.txt:\n```\nA\n```", "first"))
        slow.times = 1
        question = await alice.say(channel, f"{discord.bot.mention} three", files={"a.txt": b"A"})
        await until(running.turns.unfinished)
        await alice.delete(question)
        await channel.wait_for("second")
        await asyncio.sleep(0)
        await running.until_stored(channel.id, ("two\na.txt:\n```\nA\n```", "first"))


async def test_a_file_counts_towards_the_length_of_a_question(discord, path, place, demo_engine):
    _, channel, alice = place
    async with parley(discord, demo_engine, path):
        question = await alice.say(channel, f"{discord.bot.mention} sum up", files={"message.txt": b"word " * 8000})
        refusal = await channel.reply_to(question, wanted=lambda message: message.content)
        assert refusal.content.startswith("That message is too long for me")
