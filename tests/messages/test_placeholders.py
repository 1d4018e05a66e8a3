"""A persona knows the day, and the names of the place where it is asked."""

from datetime import date

from bot.texts import REGENERATE
from tests.support.parley import parley
from tests.support.scripted import ScriptedEngine

PERSONA = "{date}|{server}|{channel}|{topic}|{bot}|{unknown}"


def filled(*values: str) -> str:
    today = date.today()
    return "|".join([f"{today:%A}, {today.day} {today:%B} {today.year}", *values, "{unknown}"])


async def test_a_persona_knows_the_server_the_channel_and_its_topic(discord, path, place):
    guild, channel, alice = place
    guild.member(discord.bot, nick="Polly:\n the parrot")
    channel.describe(name="general", topic="All things {bot},\nand more")
    thread = channel.thread("a walk: User")
    engine = ScriptedEngine()
    async with parley(discord, engine, path, system_prompt=PERSONA) as running:
        answer = await running.ask(channel, alice, "{date} {server}")
        await alice.press(answer, REGENERATE)
        await discord.until(lambda: len(engine.prompts) == 2)
        await running.settled()
        for private, bob in ((False, guild.member("Bob")), (True, guild.member("Bea"))):
            await (await bob.command(channel, "ask", prompt="{topic}", private=private)).wait_for("ok")
        await running.ask(thread, alice)
        channel.describe(name="lounge", topic=None)
        await running.ask(channel, alice)
    there = ("All things {bot}, and more", "Polly the parrot")
    here = filled("Home", "general", *there)
    assert [prompt.system for prompt in engine.prompts] == [
        *[here] * 4,
        filled("Home", "a walk User", *there),
        filled("Home", "lounge", "none", "Polly the parrot"),
    ]
    assert [prompt.question for prompt in engine.prompts[1:3]] == ["{date} {server}", "{topic}"]


async def test_a_persona_knows_that_it_talks_to_one_person(discord, path, place):
    _, _, alice = place
    engine = ScriptedEngine()
    async with parley(discord, engine, path, system_prompt=PERSONA) as running:
        await running.ask(alice.direct, alice)
    assert engine.prompts[0].system == filled("Discord", "a direct message", "none", "Parley")
