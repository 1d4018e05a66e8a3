"""Killed at any moment, the bot loses no answer that was shown completely, and leaves none unfinished in Discord."""

import asyncio
import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.messages.pages import pages
from bot.texts import COMMAND_INTERRUPTED, INTERRUPTED, ONE_AT_A_TIME, REGENERATE, STOP
from tests.discord_stand_in import Channel, Message, User
from tests.support.forked import answer, nursery

pytestmark = pytest.mark.slow

CHUNKS, KILLS = 4, 25
TURNS = 5  # that a channel keeps


def answers(channel: Channel, reader: User) -> dict[int, list[Message]]:
    """The bot's answers by question: its reply, and the messages that continue it."""
    found: dict[int, list[Message]] = {}
    for message in channel.answers(reader):
        if message.content == ONE_AT_A_TIME:
            continue
        if message.reference:
            assert message.reference.id not in found, "answered twice"
            found[message.reference.id] = []
        found[list(found)[-1]].append(message)
    return found


def buttons(messages: list[Message]) -> list[str]:
    return [label for message in messages for label in message.labels]


def text(messages: list[Message]) -> str:
    return "".join(message.content for message in messages)


def check_file(path: Path) -> dict[int, str]:
    """Assert that the database is intact, with no turn partial or doubled; returns its answers by question."""
    with sqlite3.connect(path) as file:
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        turns = file.execute("SELECT question_message, question, answer FROM turns").fetchall()
    file.close()
    assert len({message for message, _, _ in turns}) == len(turns)
    assert all(said in ("", answer(question)) for _, question, said in turns)
    return {message: said for message, _, said in turns if said}


@pytest.mark.parametrize("chunk", range(CHUNKS))
async def test_a_kill_at_any_moment_leaves_no_answer_lost_partial_or_doubled(discord, path, chunk):
    rng = random.Random(f"killed {chunk}")
    guild = discord.guild("Home")
    channels = [guild.channel(f"channel-{number}") for number in range(3)]
    people = [guild.member(f"Person {number}") for number in range(4)]
    asked: dict[int, str] = {}
    seen_whole: set[int] = set()
    interrupted = 0

    async def chat() -> None:
        for _ in range(rng.randint(1, 6)):
            length = rng.choice((20, 300, 300, 2500, 5000))
            question = f"{length} #{len(asked)}"
            message = await rng.choice(people).say(rng.choice(channels), f"{discord.bot.mention} {question}")
            asked[message.id] = question
            await asyncio.sleep(rng.uniform(0, 0.1))

    def whole(question: int, shown: list[Message]) -> bool:
        said = "".join(page.content.strip() for page in pages(answer(asked[question])))
        return text(shown) == said and STOP not in buttons(shown)

    def check_after_start() -> None:
        for channel in channels:
            found = answers(channel, people[0])
            for question, shown in found.items():
                assert STOP not in buttons(shown), "no answer seems to be still under way"
                if not whole(question, shown):
                    assert question not in seen_whole
                    assert text(shown).count(INTERRUPTED) == 1
                    newer = sum(other > question for other in found)
                    assert buttons(shown) == [REGENERATE] or (newer >= TURNS and not buttons(shown))

    def check_after_kill() -> None:
        nonlocal interrupted
        stored = check_file(path)
        for channel in channels:
            shown = answers(channel, people[0])
            interrupted += sum(STOP in buttons(messages) for messages in shown.values())
            seen = [question for question, messages in shown.items() if whole(question, messages)]
            seen_whole.update(seen)
            assert set(sorted(seen)[-5:]) <= stored.keys()

    discord.limits.global_requests = None  # the bot is faster here than Discord allows
    async with nursery(discord) as births:
        for _ in range(KILLS):
            if rng.random() < 0.2:  # killed again while it still repairs what the last one left
                (await births.start(path, online=False)).kill_after(rng.uniform(0.05, 0.3))
                await asyncio.sleep(0.35)
                await discord.gateway.gone()
            child = await births.start(path)
            check_after_start()
            talking = asyncio.create_task(chat())
            await asyncio.sleep(rng.uniform(0, 0.6))
            child.kill()
            await talking
            await discord.gateway.gone()
            discord.clock.advance(10)  # lets the rate limits of the killed bot expire
            check_after_kill()
        await births.start(path)
        check_after_start()
    print(f"{KILLS} kills, {len(asked)} questions, {len(seen_whole)} seen whole, {interrupted} cut off")
    assert interrupted


async def test_an_interrupted_answer_to_a_command_says_so(discord, path, place):
    _, channel, alice = place

    def noted() -> list[tuple[str, str]]:
        with closing(sqlite3.connect(path)) as file:
            return file.execute("SELECT question, answer FROM turns").fetchall()

    async with nursery(discord) as births:
        child = await births.start(path)
        for number, seconds in enumerate((0, 0.1, 0.3)):
            asked = await alice.command(channel, "ask", prompt=f"20000 #{number}")
            await discord.until(lambda: noted() == [("", "")])
            await asyncio.sleep(seconds)
            child.kill()
            await discord.gateway.gone()
            before = [message.content for message in asked.messages]
            assert STOP in buttons(asked.messages) or asked.response.loading
            child = await births.start(path)
            assert text(asked.messages) == "".join([*before, "\n\n" if any(before) else "", COMMAND_INTERRUPTED])
            assert buttons(asked.messages) == []
            assert noted() == []
