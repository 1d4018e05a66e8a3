"""What a killed program left unfinished is finished, or marked as interrupted with a button to ask again."""

from datetime import UTC, datetime

import pytest

from bot.messages.pages import pages
from bot.messages.recovery import interrupted
from bot.storage.channel_ref import ChannelRef
from bot.storage.channel_settings import ChannelOverrides
from bot.storage.database import open_database
from bot.storage.turns import Turn, TurnStore
from bot.texts import INTERRUPTED, REGENERATE, STALE
from tests.discord_stand_in import Channel, Discord, Message, User
from tests.support.parley import parley
from tests.support.scripted import ScriptedEngine


async def left(discord: Discord, path, channel: Channel, asker: User, text: str, answer: str = "") -> Message:
    """A question, as left by a program that was killed after storing it and, if there is one, the answer."""
    question = await asker.say(channel, f"{discord.bot.mention} {text}")
    async with open_database(path) as database:
        turns = TurnStore(database)
        turn = await turns.begin(
            Turn(ChannelRef(channel.id), asker.id, asker.name, text, "", datetime.now(UTC), question.id)
        )
        if answer:
            await turns.save_answer(turn, answer)
    return question


async def test_an_unanswered_question_is_marked_and_can_be_asked_again(discord, path, place):
    _, channel, alice = place
    question = await left(discord, path, channel, alice, "what is left?")
    async with parley(discord, ScriptedEngine(["Something newer."], ["This is left."]), path) as running:
        answer = await channel.reply_to(question)
        assert (answer.content, answer.labels) == (INTERRUPTED, [REGENERATE])
        await alice.say(channel, f"{discord.bot.mention} something else")
        await running.until_stored(channel.id, ("something else", "Something newer."))
        await alice.press(answer, REGENERATE)
        await running.until_stored(
            channel.id, ("what is left?", "This is left."), ("something else", "Something newer.")
        )
        assert answer.content == "This is left."


async def test_a_complete_answer_that_was_only_partly_shown_is_shown(discord, path, place):
    _, channel, alice = place
    said = "All of it, at some length. " * 150
    question = await left(discord, path, channel, alice, "tell", said.strip())
    async with parley(discord, ScriptedEngine(), path) as running:
        await running.until_stored(channel.id, ("tell", said.strip()))
        first, second, third = channel.answers(alice)
        assert first.reference is question
        assert [m.content for m in (first, second, third)] == [page.content.strip() for page in pages(said.strip())]
        assert [message.labels for message in (first, second, third)] == [[], [], [REGENERATE]]


async def test_a_turn_finished_late_is_not_kept_in_a_channel_without_memory(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(), path) as running:
        await running.channel_settings.change(ChannelRef(channel.id), ChannelOverrides(turns=0))
    question = await left(discord, path, channel, alice, "tell", "All of it.")
    async with parley(discord, ScriptedEngine(), path) as running:
        await channel.reply_to(question, wanted=lambda message: message.content == "All of it.")
        await discord.quiet()
        assert await running.stored(channel.id) == []


async def test_an_interruption_is_told_once(discord, path, place):
    _, channel, alice = place
    await left(discord, path, channel, alice, "what is left?")
    for _ in range(2):
        async with parley(discord, ScriptedEngine(), path):
            assert len(channel.answers(alice)) == 1


async def test_what_cannot_be_told_is_forgotten_and_does_not_prevent_the_start(discord, path, place, caplog):
    guild, channel, alice = place
    await left(discord, path, channel, alice, "what is left?")
    guild.remove(channel)
    async with parley(discord, ScriptedEngine(), path) as running:
        assert await running.turns.unfinished() == []
    assert "cannot be finished" in caplog.text
    assert "what is left?" not in caplog.text


async def test_while_discord_fails_recovery_is_left_to_the_next_start(discord, path, place):
    _, channel, alice = place
    question = await left(discord, path, channel, alice, "what is left?")
    trouble = discord.fault("GET", "/channels/*/messages", times=None, status=503)
    async with parley(discord, ScriptedEngine(), path) as running:
        assert len(await running.turns.unfinished()) == 1
    trouble.times = 0
    async with parley(discord, ScriptedEngine(), path):
        await channel.reply_to(question)


async def test_an_interrupted_question_that_is_cleared_is_not_answered_again(discord, path, place):
    _, channel, alice = place
    question = await left(discord, path, channel, alice, "what is left?")
    async with parley(discord, ScriptedEngine(), path):
        answer = await channel.reply_to(question)
        await alice.command(channel, "clear")
        pressed = await alice.press(answer, REGENERATE)
        await pressed.wait_for(STALE)


@pytest.mark.parametrize(
    ("shown", "marked"),
    [
        ([], [INTERRUPTED]),
        (["Once upon"], [f"Once upon\n\n{INTERRUPTED}"]),
        (["page", "```py\nx = 1"], ["page", f"```py\nx = 1\n```\n\n{INTERRUPTED}"]),
        (["x" * 1990], ["x" * 1990, INTERRUPTED]),
        ([f"Once upon\n\n{INTERRUPTED}"], [f"Once upon\n\n{INTERRUPTED}"]),
    ],
)
def test_the_text_shown_so_far_stays_before_the_mark(shown, marked):
    assert interrupted(shown) == marked
