"""Continue: below an answer that its length has ended, which then goes on growing in its messages."""

import asyncio

import pytest

from bot.engine import NotContinuable, Thought
from bot.messages.pages import pages
from bot.texts import CANNOT_CONTINUE, NOT_YOURS, STALE, STILL_THINKING
from tests.discord_stand_in import Permission
from tests.support.parley import parley
from tests.support.scripted import CUT, ScriptedEngine

BOTH = ["Regenerate", "Continue"]
LONG = "word " * 380  # nearly a page


async def test_the_answer_grows_on_in_the_same_message_until_it_is_complete(discord, path, place):
    _, channel, alice = place
    hold = asyncio.Event()
    engine = ScriptedEngine(["Once upon ", CUT], ["a time ", hold, "there ", CUT], ["was a fox."])
    async with parley(discord, engine, path) as running:
        answer = await running.ask(channel, alice, "tell")
        assert (answer.content, answer.labels) == ("Once upon", BOTH)
        await alice.press(answer, "Continue")
        await discord.until(lambda: answer.content == "Once upon a time" and answer.labels == ["Stop"])
        hold.set()
        await discord.until(lambda: answer.content == "Once upon a time there" and answer.labels == BOTH)
        await running.until_stored(channel.id, ("tell", "Once upon a time there"))
        await alice.press(answer, "Continue")
        await running.until_stored(channel.id, ("tell", "Once upon a time there was a fox."))
        await discord.until(lambda: answer.labels == ["Regenerate"])
        assert channel.answers(alice) == [answer]


@pytest.mark.parametrize("length", [1, 2], ids=["one message", "two messages"])
async def test_what_has_no_room_in_the_last_message_goes_on_below(discord, path, place, length):
    _, channel, alice = place
    engine = ScriptedEngine([LONG * length, CUT], [LONG * 2, CUT], ["the end."])
    async with parley(discord, engine, path) as running:
        await running.ask(channel, alice, "tell")
        before = channel.answers(alice)
        assert len(before) == length
        versions = [len(message.versions) for message in before[:-1]]
        await alice.press(before[-1], "Continue")
        whole = (LONG * (length + 2)).strip()
        await running.until_stored(channel.id, ("tell", whole))
        shown = channel.answers(alice)
        assert shown[:length] == before
        assert [len(message.versions) for message in before[:-1]] == versions, "full messages stay as they are"
        assert [message.content for message in shown] == [page.content.strip() for page in pages(whole)]
        assert [message.labels for message in shown] == [[]] * (len(shown) - 1) + [BOTH]
        (turn,) = await running.turns.recent(channel.id)
        assert turn.answer_messages == tuple(message.id for message in shown)


async def test_thoughts_that_are_shown_stay_before_the_answer(discord, path, place):
    _, channel, alice = place
    engine = ScriptedEngine([Thought("hm"), "Once ", CUT], [Thought("hm"), "upon"])
    async with parley(discord, engine, path, show_thinking=True) as running:
        answer = await running.ask(channel, alice, "tell")
        assert answer.content == "> hm\n\nOnce"
        await alice.press(answer, "Continue")
        await running.until_stored(channel.id, ("tell", "Once upon"))
        assert answer.content.startswith("> hm\n\nOnce")


async def test_a_model_that_ran_out_of_room_while_thinking_can_go_on(discord, path, place):
    _, channel, alice = place
    engine = ScriptedEngine([Thought("hm"), CUT], [Thought("hm"), CUT], [Thought("hm"), "Yes."])
    async with parley(discord, engine, path) as running:
        question = await alice.say(channel, f"{discord.bot.mention} why?")
        answer = await channel.reply_to(question, wanted=lambda message: message.labels == BOTH)
        assert answer.content == STILL_THINKING
        await running.settled()
        await alice.press(answer, "Continue")
        await discord.until(lambda: answer.labels == ["Stop"])
        await discord.until(lambda: answer.labels == BOTH)
        assert answer.content == STILL_THINKING
        await running.settled()
        await alice.press(answer, "Continue")
        await running.until_stored(channel.id, ("why?", "Yes."))
        assert (answer.content, answer.labels) == ("Yes.", ["Regenerate"])


async def test_only_the_asker_and_moderators_may_press(discord, path, place):
    guild, channel, alice = place
    bob = guild.member("Bob")
    moderator = guild.member("Moderator", roles=[guild.role("mods", permissions=Permission.MANAGE_MESSAGES)])
    async with parley(discord, ScriptedEngine(["Once ", CUT], ["upon"]), path) as running:
        answer = await running.ask(channel, alice, "tell")
        refused = await bob.press(answer, "Continue")
        assert refused.response.content == NOT_YOURS
        await moderator.press(answer, "Continue")
        await running.until_stored(channel.id, ("tell", "Once upon"))


async def test_it_works_after_a_restart_and_says_when_it_is_stale(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(["Once ", CUT]), path) as running:
        answer = await running.ask(channel, alice, "tell")
        await discord.quiet()
    async with parley(discord, ScriptedEngine(["upon ", CUT]), path) as running:
        await alice.press(answer, "Continue")
        await running.until_stored(channel.id, ("tell", "Once upon"))
        (turn,) = await running.turns.recent(channel.id)
        await running.turns.save_answer(turn, "Once upon")  # as if another program had completed it
        stale = await alice.press(answer, "Continue")
        await stale.wait_for(STALE)
        await discord.until(lambda: answer.labels == ["Regenerate"])


async def test_a_newer_answer_a_clear_and_a_deletion_take_it_away(discord, path, place):
    guild, channel, alice = place
    async with parley(discord, ScriptedEngine(["1 ", CUT], ["2 ", CUT], ["3 " * 1500, CUT]), path) as running:
        first = await running.ask(channel, alice, "1")
        second = await running.ask(channel, alice, "2")
        await discord.until(lambda: second.labels == BOTH and not first.labels)
        await alice.command(channel, "clear")
        await discord.until(lambda: not second.labels)
        other = guild.channel("other")
        third = await running.ask(other, alice, "3")
        last = other.answers(alice)[-1]
        assert last.labels == BOTH
        await discord.owner.delete(third)
        await discord.until(lambda: not last.labels)


async def test_a_message_deleted_while_the_answer_goes_on_takes_all_of_it_along(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(["Once ", CUT], ["upon ", asyncio.Event()]), path) as running:
        answer = await running.ask(channel, alice, "tell")
        await alice.press(answer, "Continue")
        await discord.until(lambda: answer.content == "Once upon")
        await discord.owner.delete(answer)
        await discord.quiet(1.5)
        assert await running.stored(channel.id) == []
        assert await running.turns.unfinished() == []


async def test_a_stop_ends_it_with_what_was_said(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(["Once ", CUT], ["upon ", asyncio.Event()]), path) as running:
        answer = await running.ask(channel, alice, "tell")
        await alice.press(answer, "Continue")
        await discord.until(lambda: answer.content == "Once upon")
        await alice.press(answer, "Stop")
        await running.until_stored(channel.id, ("tell", "Once upon"))
        await discord.until(lambda: answer.labels == ["Regenerate"])


async def test_a_stop_before_the_first_word_leaves_the_answer_with_both_buttons(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(["Once upon a time ", CUT], [asyncio.Event()]), path) as running:
        answer = await running.ask(channel, alice, "tell")
        await alice.press(answer, "Continue")
        await discord.until(lambda: answer.labels == ["Stop"])
        await alice.press(answer, "Stop")
        await discord.until(lambda: answer.labels == BOTH)
        await running.until_stored(channel.id, ("tell", "Once upon a time"))


async def test_a_failure_leaves_the_turn_its_messages_and_both_buttons(discord, path, place):
    _, channel, alice = place
    engine = ScriptedEngine([LONG, CUT], [LONG, RuntimeError("broken")], ["the end."])
    async with parley(discord, engine, path) as running:
        answer = await running.ask(channel, alice, "tell")
        pressed = await alice.press(answer, "Continue")
        await pressed.wait_for("Something went wrong")
        await discord.until(lambda: answer.labels == BOTH and channel.answers(discord.owner) == [answer])
        await running.until_stored(channel.id, ("tell", LONG.strip()))
        await alice.press(answer, "Continue")
        await running.until_stored(channel.id, ("tell", f"{LONG}the end."))
        assert channel.answers(alice)[0] is answer


async def test_what_the_engine_cannot_go_on_with_is_not_offered_any_more(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(["Once ", CUT], [NotContinuable(CANNOT_CONTINUE)]), path) as running:
        answer = await running.ask(channel, alice, "tell")
        pressed = await alice.press(answer, "Continue")
        await pressed.wait_for(CANNOT_CONTINUE)
        await discord.until(lambda: answer.labels == ["Regenerate"])
        await running.until_stored(channel.id, ("tell", "Once"))
        (turn,) = await running.turns.recent(channel.id)
        assert turn.beginning is None


async def test_a_stop_that_comes_too_late_leaves_both(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(["one ", CUT]), path) as running:
        answer = await running.ask(channel, alice)
        row = answer.components[0]
        stop = row["components"][0] | {"label": "Stop", "custom_id": f"parley:stop:{alice.id}"}
        answer.edit(components=[row | {"components": [stop]}])
        pressed = await alice.press(answer, "Stop")
        await pressed.wait_for(STALE)
        await discord.until(lambda: answer.labels == BOTH)


async def test_votes_stand_beside_it(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(["one ", CUT], ["two"]), path, feedback=True) as running:
        answer = await running.ask(channel, alice)
        assert len(answer.buttons) == 4
        assert answer.labels[:2] == BOTH
        await alice.press(answer, "Continue")
        await running.until_stored(channel.id, ("hi", "one two"))
        await discord.until(lambda: len(answer.buttons) == 3)


@pytest.mark.parametrize("shown", [False, True], ids=["before new text is shown", "after that"])
async def test_a_kill_while_it_goes_on_leaves_what_was_there(discord, path, place, shown):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(["Once ", CUT]), path) as running:
        answer = await running.ask(channel, alice, "tell")
        (turn,) = await running.turns.recent(channel.id)
        await running.turns.save_messages(turn, (), 5)  # as `continuing` does when it begins
    if shown:
        answer.edit(content="Once upon")
    async with parley(discord, ScriptedEngine(["upon a time."]), path) as running:
        await discord.until(lambda: answer.content == "Once" and answer.labels == BOTH)
        await running.settled()
        await alice.press(answer, "Continue")
        await running.until_stored(channel.id, ("tell", "Once upon a time."))
