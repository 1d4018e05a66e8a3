"""A summary, written while nobody waits, keeps what the turns no longer hold."""

import asyncio
import json
import re
from datetime import UTC, datetime

import pytest

from bot.conversation.summary import SPARE
from bot.engine import NoAnswer, OutOfReach, Sampling, Stream, Thought
from bot.engine.prompt import Prompt, messages
from bot.storage.channel_ref import ChannelRef
from bot.storage.database import open_database
from bot.storage.turns import Turn, TurnStore
from bot.texts import SUMMARY_LABEL
from tests.discord_stand_in import Permission
from tests.support.parley import parley
from tests.support.scripted import ScriptedEngine
from tests.support.waiting import until

TURNS = 5  # that are remembered word for word
NAME = re.compile(r"my name is (\w+)")


class Reader(ScriptedEngine):
    """Knows only the name that its prompt mentions, and puts that into summaries."""

    def submit(self, prompt: Prompt, sampling: Sampling, channel: int | None = None) -> Stream:
        said = " ".join(message["content"] for message in messages(prompt))
        name = NAME.search(said)
        if is_summary(prompt):
            said = f"Alice said: my name is {name[1]}" if name else "They said hello."
        elif "what is my name" in prompt.question:
            said = name[1] if name else "I don't know."
        else:
            said = "Hello."
        self._scripts = [[said]]
        return super().submit(prompt, sampling, channel)


def is_summary(prompt: Prompt) -> bool:
    return "Write the summary anew" in prompt.question


async def past(path, channel, person, *texts: str) -> None:
    """Stores turns, as if they were from before the start."""
    async with open_database(path) as database:
        turns = TurnStore(database, SPARE)
        for number, text in enumerate(texts, start=len(await turns.recent(channel.id))):
            where = ChannelRef(channel.id, guild=channel.guild.id)
            turn = await turns.begin(Turn(where, person.id, person.name, text, "", datetime.now(UTC), number))
            await turns.save_answer(turn, "ok")
            await turns.save_messages(turn, [1000 + number], TURNS)


async def until_folded(running, channel) -> None:
    """Until the excess turns have been folded into the summary."""

    async def folded() -> bool:
        return len(await running.turns.recent(channel.id)) == TURNS

    await until(folded)


@pytest.mark.parametrize("summary", [True, False])
async def test_what_was_said_twelve_turns_ago_is_known_only_with_a_summary(discord, path, place, summary):
    _, channel, alice = place
    await past(path, channel, alice, "my name is Wendolyn", *(f"hello {n}" for n in range(10)))
    async with parley(discord, Reader(), path, summary=summary) as running:
        await running.ask(channel, alice, "hello again")
        await until_folded(running, channel)
        answer = (await running.ask(channel, alice, "what is my name?")).content
        assert answer == ("Wendolyn" if summary else "I don't know.")


async def test_what_was_left_is_folded_at_the_next_start(discord, path, place):
    _, channel, alice = place
    hold = asyncio.Event()
    engine = ScriptedEngine(["ok"], [hold])
    await past(path, channel, alice, *"12345")
    async with parley(discord, engine, path, summary=True) as running:
        await running.ask(channel, alice, "6")
        await discord.until(lambda: is_summary(engine.prompts[-1]))
        assert len(await running.turns.recent(channel.id)) == TURNS + 1
    async with parley(discord, ScriptedEngine(["They counted."]), path, summary=True) as running:
        await until_folded(running, channel)
        assert await running.turns.summary(channel.id) == "They counted."


async def test_a_summary_is_interrupted_for_a_question_and_written_after_it(discord, path, place):
    guild, channel, alice = place
    bob, other = guild.member("Bob"), guild.channel("other")
    hold = asyncio.Event()
    engine = ScriptedEngine(["Half a", asyncio.Event()], ["Well, ", hold, "here."], ["They counted."])
    await past(path, channel, alice, *"123456")
    async with parley(discord, engine, path, summary=True) as running:
        await discord.until(lambda: engine.prompts)
        question = await bob.say(other, f"{discord.bot.mention} hello?")
        await other.reply_to(question)
        assert engine.streams[0].stopped
        assert [is_summary(prompt) for prompt in engine.prompts] == [True, False]
        assert len(await running.turns.recent(channel.id)) == TURNS + 1
        hold.set()
        await until_folded(running, channel)
        assert await running.turns.summary(channel.id) == "They counted."


async def test_a_turn_that_cannot_be_summarized_does_not_hold_up_the_others(discord, path, place, caplog):
    _, channel, alice = place
    engine = ScriptedEngine([NoAnswer()], ["ok"], ["They counted to seven."])
    await past(path, channel, alice, *"123456")
    async with parley(discord, engine, path, summary=True) as running:
        await until_folded(running, channel)
        assert await running.turns.summary(channel.id) == ""
        await running.ask(channel, alice, "7")
        await until_folded(running, channel)
        assert await running.turns.summary(channel.id) == "They counted to seven."
    assert "is not part of its channel's summary" in caplog.text


async def test_a_turn_is_kept_for_later_while_the_engine_is_out_of_reach(discord, path, place):
    _, channel, alice = place
    await past(path, channel, alice, *(f"hello {n}" for n in range(6)))
    engine = ScriptedEngine([OutOfReach("away")], [OutOfReach("away")], ["They said hello."])
    async with parley(discord, engine, path, summary=True, timing={"summary_retry_interval": 0.01}) as running:
        await until_folded(running, channel)
        assert await running.turns.summary(channel.id) == "They said hello."


@pytest.mark.parametrize("command", ["clear", "forget"])
async def test_clear_and_forget_erase_the_summary_and_one_being_written(discord, path, place, command):
    _, channel, alice = place
    hold = asyncio.Event()
    engine = ScriptedEngine(["They counted to six."], ["ok"], ["They counted", hold, " to seven."])
    await past(path, channel, alice, *"123456")
    async with parley(discord, engine, path, summary=True) as running:
        await until_folded(running, channel)
        assert await running.turns.summary(channel.id) == "They counted to six."
        await running.ask(channel, alice, "7")
        await discord.until(lambda: is_summary(engine.prompts[-1]))
        assert "They counted to six." in engine.prompts[-1].question
        ended = await alice.command(channel, command)
        await ended.wait_for(lambda message: "forgotten" in message.content)
        hold.set()
        await discord.quiet()
        assert await running.turns.summary(channel.id) == ""
    assert all(b"They counted" not in file.read_bytes() for file in path.parent.glob(f"{path.name}*"))


async def test_a_summary_being_written_is_started_again_without_what_somebody_forgets(discord, path, place):
    guild, channel, alice = place
    bob, hold = guild.member("Bob"), asyncio.Event()
    engine = ScriptedEngine(["Bob counted."], ["ok"], ["Bob counted", hold, " on."], ["Alice counted."])
    await past(path, channel, bob, "1")
    await past(path, channel, alice, *"23456")
    async with parley(discord, engine, path, summary=True) as running:
        await until_folded(running, channel)
        await running.ask(channel, alice, "7")
        await discord.until(lambda: is_summary(engine.prompts[-1]))
        ended = await bob.command(channel, "forget")
        await ended.wait_for(lambda message: "forgotten" in message.content)
        hold.set()
        await until_folded(running, channel)
        assert "Bob" not in engine.prompts[-1].question
        assert await running.turns.summary(channel.id) == "Alice counted."


async def test_the_summary_stays_when_somebody_forgets_who_is_not_in_it(discord, path, place):
    guild, channel, alice = place
    bob = guild.member("Bob")
    await past(path, channel, alice, *"123456")
    async with parley(discord, ScriptedEngine(["They counted."]), path, summary=True) as running:
        await until_folded(running, channel)
        ended = await bob.command(channel, "forget")
        await ended.wait_for(lambda message: "forgotten" in message.content)
        assert await running.turns.summary(channel.id) == "They counted."
        guild.remove(channel)

        async def no_summary() -> bool:
            return await running.turns.summary(channel.id) == ""

        await until(no_summary)


async def test_an_export_contains_the_summary(discord, path, place):
    guild, channel, _ = place
    mona = guild.member("Mona", roles=[guild.role("mods", permissions=Permission.MANAGE_MESSAGES)])
    await past(path, channel, mona, *"123456")
    async with parley(discord, ScriptedEngine([Thought("How far? "), "They counted."]), path, summary=True) as running:
        await until_folded(running, channel)
        asked = await mona.command(channel, "export")
        (file,) = (await asked.wait_for(lambda message: message.attachments)).attachments
        rows = json.loads(file.data)
        assert (rows[0]["asker_name"], rows[0]["answer"]) == (SUMMARY_LABEL, "They counted.")
        assert [row["question"] for row in rows[1:]] == [*"23456"]
