"""End to end with the real model: people talk in Discord, and five turns of memory reach the model."""

import asyncio
import signal
import threading
import time

import pytest

from bot.engine.local.scheduler import Scheduler
from bot.engine.local.sequence import Sequence
from tests.discord_stand_in import Channel, User
from tests.support.models import save_model
from tests.support.parley import WITHOUT_A_MODEL, Running, parley, program


async def test_a_name_is_remembered_for_five_turns_and_until_it_is_cleared(discord, path, place, demo_engine):
    _, channel, alice = place
    async with parley(discord, demo_engine, path) as running:
        await running.ask(channel, alice, "my name is Wendolyn")
        for text in ("hello", "tell me a joke", "thanks", "how are you?"):
            await running.ask(channel, alice, text)
        assert "Wendolyn" in (await running.ask(channel, alice, "what is my name?")).content, "five turns back"
        await alice.command(channel, "clear")
        answer = (await running.ask(channel, alice, "what is my name?")).content
        assert "Wendolyn" not in answer
        assert "don't know" in answer


@pytest.mark.slow
async def test_what_is_older_than_five_turns_is_forgotten(discord, path, place, demo_engine):
    _, channel, alice = place
    async with parley(discord, demo_engine, path) as running:
        await running.ask(channel, alice, "my favourite colour is teal")
        for text in ("hello", "tell me a joke", "thanks", "how are you?", "bye"):
            await running.ask(channel, alice, text)
        answer = (await running.ask(channel, alice, "what is my favourite colour?")).content
        assert "teal" not in answer
        assert "don't know" in answer


async def test_two_people_in_two_channels_at_once_and_the_event_loop_stays_free(
    discord, path, place, demo_engine, monkeypatch
):
    guild, channel, alice = place
    other, bob = guild.channel("other"), guild.member("Bob")
    longest = 0.0
    step, may_go_on = Scheduler.step, threading.Event()

    def held_step(scheduler: Scheduler) -> list[Sequence]:
        may_go_on.wait(30)
        return step(scheduler)

    monkeypatch.setattr(Scheduler, "step", held_step)

    async def watch() -> None:
        nonlocal longest
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.005)
            longest = max(longest, time.perf_counter() - before - 0.005)

    async def chat(running: Running, place: Channel, person: User, name: str) -> str:
        await running.ask(place, person, f"my name is {name}")
        return (await running.ask(place, person, "what is my name?")).content

    async with parley(discord, demo_engine, path) as running:
        watching = asyncio.create_task(watch())
        talking = asyncio.gather(chat(running, channel, alice, "Zara"), chat(running, other, bob, "Oskar"))
        await discord.until(lambda: demo_engine.status().running > 0)
        commands = [await alice.command(guild.channel("third"), name) for name in ("clear", "clear", "clear")]
        may_go_on.set()
        names = await talking
        watching.cancel()
    print(f"The event loop's longest stall while two channels were answered: {longest * 1000:.0f} ms")
    assert "Zara" in names[0]
    assert "Oskar" in names[1]
    assert all(command.failed is None for command in commands), "they were acknowledged while the model was blocked"


@pytest.mark.slow
async def test_everything_is_acknowledged_in_time_with_the_machine_fully_busy(discord, path, place, demo_engine):
    guild, channel, alice = place
    busy = [guild.channel(f"busy-{number}") for number in range(16)]
    async with parley(discord, demo_engine, path):
        long = f"{discord.bot.mention} repeat after me: {'one two three four ' * 10}"
        questions = [await guild.member(where.name).say(where, long) for where in busy]
        acknowledged = []
        for _ in range(5):
            for name in ("status", "help", "clear"):
                acknowledged.append(await alice.command(channel, name))
            acknowledged.append(await alice.command(channel, "ask", prompt="hello", private=True))
        answer = await busy[0].reply_to(questions[0])
        acknowledged.append(await alice.press(answer, answer.buttons[0].label))
        assert demo_engine.status().running or demo_engine.status().waiting
    slowest = max(interaction.ack_seconds for interaction in acknowledged)
    print(
        f"The slowest of {len(acknowledged)} acknowledgements with 16 channels being answered: {slowest * 1000:.0f} ms"
    )
    assert all(interaction.failed is None for interaction in acknowledged)


async def test_two_people_in_one_channel_are_told_apart(discord, path, place, demo_engine):
    guild, channel, alice = place
    bob = guild.member("Bob")
    async with parley(discord, demo_engine, path) as running:
        await running.ask(channel, alice, "I live in Lisbon")
        await running.ask(channel, bob, "I live in Oslo")
        assert "Lisbon" in (await running.ask(channel, alice, "where do I live?")).content
        assert "Oslo" in (await running.ask(channel, bob, "where do I live?")).content


async def test_emoji_and_cjk_go_through_the_model(discord, path, place, demo_engine):
    _, channel, alice = place
    async with parley(discord, demo_engine, path):
        question = await alice.say(channel, f"{discord.bot.mention} repeat after me: 你好 👋")
        await channel.reply_to(question, wanted=lambda message: message.content == "你好 👋")


async def test_a_very_long_question_is_refused_with_its_length(discord, path, place, demo_engine):
    _, channel, alice = place
    async with parley(discord, demo_engine, path) as running:
        asked = await alice.command(channel, "ask", prompt="🎈 " * 3000)
        await asked.wait_for("too long")
        await discord.quiet()
        assert "Hello" in (await running.ask(channel, alice, "hello")).content
        assert len(await running.stored(channel.id)) == 1


@pytest.mark.slow
async def test_the_program_remembers_after_being_killed_and_ends_when_told(discord, tmp_path, place):
    _, channel, alice = place

    async def asks(text: str) -> str:
        """An answer is complete when no edit comes for longer than edits are apart."""
        answer = await channel.reply_to(await alice.say(channel, f"{discord.bot.mention} {text}"))
        await channel.quiet(1.4)
        return answer.content

    async with program(discord, tmp_path) as process:
        await discord.gateway.ready()
        await asks("hello, my name is Ottilie")
        await asks("I live in Bergen")
        process.send_signal(signal.SIGKILL)
        assert await process.wait() == -signal.SIGKILL
    await discord.gateway.gone()

    async with program(discord, tmp_path) as process:
        await discord.gateway.ready()
        assert "Ottilie" in await asks("what is my name?")
        await discord.owner.command(channel, "quit")
        _, log = await process.communicate()
        assert process.returncode == 0
    assert discord.application.token not in log.decode()
    assert "Ottilie" not in log.decode()
    assert "Traceback" not in log.decode()


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_program_normally(discord, tmp_path, place, ending):
    async with program(discord, tmp_path, WITHOUT_A_MODEL) as process:
        await discord.gateway.ready()
        process.send_signal(ending)
        _, log = await process.communicate()
        assert process.returncode == 0
        assert "Traceback" not in log.decode()
    await discord.gateway.gone()
    assert discord.gateway.closes == [1000], "so that nobody sees it online any more"


async def test_a_token_that_discord_refuses_ends_the_program_with_a_sentence(discord, tmp_path):
    token, discord.application.token = discord.application.token, "another.token"
    async with program(discord, tmp_path, WITHOUT_A_MODEL) as process:
        discord.application.token = token
        _, log = await process.communicate()
        assert process.returncode == 1
        assert "Discord rejects the token" in log.decode()
        assert "Traceback" not in log.decode()
        assert "another.token" not in log.decode()


@pytest.mark.slow
async def test_a_broken_model_is_reported_before_the_bot_goes_online(discord, tmp_path):
    folder = save_model(tmp_path / "model")
    weights = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(weights[:-100])
    async with program(discord, tmp_path, ["-m", "bot", "--model", str(folder)]) as process:
        _, log = await process.communicate()
    assert process.returncode == 1
    assert f"The model {folder}" in log.decode()
    assert "Traceback" not in log.decode()
    assert discord.gateway.identifies == 0


@pytest.mark.slow
async def test_debug_shows_where_an_error_came_from(discord, tmp_path):
    async with program(discord, tmp_path, ["-m", "bot", "--debug", "--model", "nothing"]) as process:
        _, log = await process.communicate()
    assert process.returncode == 1
    assert "Traceback" in log.decode()
    assert log.decode().splitlines()[-1].startswith("There is no model folder nothing.")
