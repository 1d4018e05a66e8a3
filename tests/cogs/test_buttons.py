"""Stop and Regenerate: who may press them, what they do, and that stale ones do nothing."""

import asyncio
from typing import Any

import pytest

from bot.storage.channel_ref import ChannelRef
from bot.texts import NOT_YOURS, REFUSED_BY_DISCORD, STALE
from tests.discord_stand_in import Channel, Message, Permission, User
from tests.messages.test_recovery import left
from tests.support.parley import parley
from tests.support.scripted import CUT, ScriptedEngine


async def test_stop_ends_an_answer_with_what_was_said(discord, path, place):
    _, channel, alice = place
    engine = ScriptedEngine(["Once upon a time there ", asyncio.Event()])
    async with parley(discord, engine, path) as running:
        answer = await channel.reply_to(await alice.say(channel, f"{discord.bot.mention} tell"))
        assert answer.labels == ["Stop"]
        pressed = await alice.press(answer, "Stop")
        assert pressed.failed is None
        await discord.until(lambda: answer.labels == ["Regenerate"])
        assert engine.streams[0].stopped
        assert answer.content == "Once upon a time there"
        await running.until_stored(channel.id, ("tell", "Once upon a time there"))


async def test_only_the_asker_and_moderators_may_press(discord, path, place):
    guild, channel, alice = place
    bob = guild.member("Bob")
    moderator = guild.member("Moderator", roles=[guild.role("mods", permissions=Permission.MANAGE_MESSAGES)])
    async with parley(discord, ScriptedEngine(["Once upon a time there ", asyncio.Event()]), path):
        answer = await channel.reply_to(await alice.say(channel, f"{discord.bot.mention} tell"))
        refused = await bob.press(answer, "Stop")
        assert refused.ephemeral
        assert refused.response.content == NOT_YOURS
        assert answer.labels == ["Stop"]
        await moderator.press(answer, "Stop")
        await discord.until(lambda: answer.labels == ["Regenerate"])


async def test_regenerate_replaces_the_answer_in_discord_and_in_the_history(discord, path, place):
    _, channel, alice = place
    hold = asyncio.Event()
    engine = ScriptedEngine(["first answer"], ["second, which takes ", hold, "a while"])
    async with parley(discord, engine, path) as running:
        answer = await channel.reply_to(await alice.say(channel, f"{discord.bot.mention} tell"))
        await discord.until(lambda: answer.labels == ["Regenerate"])
        await discord.quiet()
        assert (await alice.press(answer, "Regenerate")).failed is None
        await discord.until(lambda: answer.content == "second, which takes")
        assert answer.labels == ["Stop"]
        hold.set()
        await discord.until(lambda: answer.labels == ["Regenerate"])
        assert answer.content == "second, which takes a while"
        assert engine.prompts[1] == engine.prompts[0]
        await running.until_stored(channel.id, ("tell", "second, which takes a while"))
        assert len(channel.shows(alice)) == 2


@pytest.mark.parametrize(("old", "new"), [(900, 10), (10, 900)], ids=["shorter", "longer"])
async def test_a_replacement_may_have_another_length(discord, path, place, old, new):
    _, channel, alice = place
    engine = ScriptedEngine(["old " * old], ["new " * new])
    async with parley(discord, engine, path) as running:
        await alice.say(channel, f"{discord.bot.mention} tell")
        await discord.until(lambda: channel.shows(alice)[-1].labels == ["Regenerate"])
        await discord.quiet()
        await alice.press(channel.shows(alice)[-1], "Regenerate")
        await discord.until(lambda: sum(m.content.count("new") for m in channel.shows(alice)) == new)
        await discord.until(lambda: channel.shows(alice)[-1].labels == ["Regenerate"])
        await discord.quiet()
        answers = channel.shows(alice)[1:]
        assert not any("old" in message.content for message in answers)
        assert [label for message in answers for label in message.labels] == ["Regenerate"]
        await running.settled()
        (turn,) = await running.turns.recent(channel.id)
        assert turn.answer_messages == tuple(message.id for message in answers)


async def test_stop_before_the_first_word_of_a_replacement_leaves_the_answer(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(["first answer"], [asyncio.Event()]), path) as running:
        answer = await channel.reply_to(await alice.say(channel, f"{discord.bot.mention} tell"))
        await discord.until(lambda: answer.labels == ["Regenerate"])
        await discord.quiet()
        await alice.press(answer, "Regenerate")
        await discord.until(lambda: answer.labels == ["Stop"])
        await alice.press(answer, "Stop")
        await discord.until(lambda: answer.labels == ["Regenerate"])
        assert answer.content == "first answer"
        await running.until_stored(channel.id, ("tell", "first answer"))


async def test_only_the_newest_answer_of_a_channel_has_a_button(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(["one"], ["two"]), path):
        first = await channel.reply_to(await alice.say(channel, f"{discord.bot.mention} 1"))
        await discord.until(lambda: first.labels == ["Regenerate"])
        second = await channel.reply_to(await alice.say(channel, f"{discord.bot.mention} 2"))
        await discord.until(lambda: second.labels == ["Regenerate"] and first.labels == [])
        await alice.command(channel, "clear")
        await discord.until(lambda: second.labels == [])


async def test_buttons_work_after_a_restart_and_stale_ones_say_so(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(["first"]), path):
        answer = await channel.reply_to(await alice.say(channel, f"{discord.bot.mention} tell"))
        await discord.until(lambda: answer.labels == ["Regenerate"])
        await discord.quiet()
    async with parley(discord, ScriptedEngine(["second"]), path) as running:
        await alice.press(answer, "Regenerate")
        await discord.until(lambda: answer.content == "second" and answer.labels == ["Regenerate"])
        await discord.quiet()
        # As if another program had done it: the button still stands.
        await running.turns.clear(ChannelRef(channel.id))
        stale = await alice.press(answer, "Regenerate")
        await stale.wait_for(STALE)
        assert all(message.ephemeral for message in stale.followups)
        assert answer.labels == []


async def test_a_stop_button_that_a_crash_left_behind_says_that_it_is_stale(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(["Once upon a time there ", asyncio.Event()]), path):
        answer = await channel.reply_to(await alice.say(channel, f"{discord.bot.mention} tell"))
        await discord.until(lambda: answer.labels == ["Stop"])
        crashed = discord.fault("PATCH", "/channels/*/messages/*", status=403, times=None)
    crashed.times = 0
    async with parley(discord, ScriptedEngine(), path):
        stale = await alice.press(answer, "Stop")
        await stale.wait_for(STALE)
        assert answer.labels == []


async def test_an_answer_to_ask_can_be_stopped_too(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(["Once upon a time there ", asyncio.Event()]), path):
        asked = await alice.command(channel, "ask", prompt="tell")
        await asked.wait_for(lambda message: message.labels == ["Stop"])
        await alice.press(asked.response, "Stop")
        await asked.wait_for(lambda message: message.content == "Once upon a time there" and not message.buttons)


async def test_no_button_stays_under_an_answer_that_was_cleared_while_it_grew(discord, path, place):
    _, channel, alice = place
    hold = asyncio.Event()
    async with parley(discord, ScriptedEngine(["Once upon a time there ", hold, "was."]), path):
        answer = await channel.reply_to(await alice.say(channel, f"{discord.bot.mention} tell"))
        await (await alice.command(channel, "clear")).wait_for("I have forgotten")
        hold.set()
        await discord.until(lambda: answer.content == "Once upon a time there was." and answer.labels == [])


async def test_no_button_stays_under_an_answer_that_was_cleared_while_it_was_replaced(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(["one"], [asyncio.Event()]), path) as running:
        answer = await channel.reply_to(await alice.say(channel, f"{discord.bot.mention} 1"))
        await running.until_stored(channel.id, ("1", "one"))
        await alice.press(answer, "Regenerate")
        await discord.until(lambda: answer.labels == ["Stop"])
        await (await alice.command(channel, "clear")).wait_for("I have forgotten")
        await alice.press(answer, "Stop")
        await discord.until(lambda: answer.labels == [])


async def test_no_stop_stays_under_an_answer_that_discord_refuses(discord, path, place):
    _, channel, alice = place
    hold = asyncio.Event()
    async with parley(discord, ScriptedEngine(["Once upon a time there ", hold, "was."]), path):
        answer = await channel.reply_to(await alice.say(channel, f"{discord.bot.mention} tell"))
        discord.fault("PATCH", "/channels/*/messages/*", status=400)
        hold.set()
        await channel.wait_for(REFUSED_BY_DISCORD)
        await discord.until(lambda: answer.labels == [])


@pytest.mark.parametrize("shown", [False, True], ids=["while it grows", "once it is shown"])
async def test_no_button_stays_when_a_proxy_bot_repeats_the_question_by_a_webhook(discord, path, place, shown):
    _, channel, alice = place
    hold = asyncio.Event()
    engine = ScriptedEngine(["Once upon a time there ", hold, "was."])
    async with parley(discord, engine, path) as running:
        question = await alice.say(channel, f"{discord.bot.mention} tell")
        answer = await channel.reply_to(question)
        if shown:
            hold.set()
            await running.until_stored(channel.id, ("tell", "Once upon a time there was."))
        question.delete()
        await channel.webhook("Alice's other self").say(channel, question.content)
        hold.set()
        await discord.until(lambda: answer.content == "Once upon a time there was." and not answer.buttons)
        assert await running.stored(channel.id) == []
    assert len(engine.prompts) == 1, "a webhook is not answered"


async def test_no_button_stays_under_what_is_forgotten(discord, path, place):
    guild, channel, alice = place
    bob, other = guild.member("Bob"), guild.channel("other")
    thread = channel.thread("talk")
    async with parley(discord, ScriptedEngine(*[["word " * 500]] * 6), path) as running:

        async def asked(where: Channel, person: User) -> Message:
            """The last message of an answer, under which the button is."""
            await running.ask(where, person)
            return where.answers()[-1]

        by_alice, by_bob = await asked(other, alice), await asked(channel, bob)
        in_thread = await asked(thread, bob)
        discord.fault("PATCH", "/channels/*/messages/*", status=521)  # Cloudflare's, which discord.py does not repeat
        await alice.command(channel, "forget")
        await discord.until(lambda: not by_alice.buttons)
        assert by_bob.labels == ["Regenerate"]
        await discord.owner.command(channel, "settings", turns=0)
        await discord.until(lambda: not (by_bob.buttons or in_thread.buttons))
        first = await running.ask(other, bob)
        last = other.answers()[-1]
        assert last.labels == ["Regenerate"]
        await discord.owner.delete(first)
        await discord.until(lambda: not last.buttons)


async def test_an_older_answer_that_is_given_after_all_has_no_button(discord, path, place):
    _, channel, alice = place
    question = await left(discord, path, channel, alice, "what is left?")
    async with parley(discord, ScriptedEngine(["Something newer."], ["This is left."]), path) as running:
        answer = await channel.reply_to(question)
        newer = await running.ask(channel, alice)
        await alice.press(answer, "Regenerate")
        await discord.until(lambda: answer.content == "This is left." and not answer.buttons)
        assert newer.labels == ["Regenerate"]


async def test_an_interrupted_answer_keeps_its_button_until_newer_ones_push_it_out(discord, path, place):
    _, channel, alice = place
    question = await left(discord, path, channel, alice, "what is left?")
    async with parley(discord, ScriptedEngine(), path, history_turns=2) as running:
        interrupted = await channel.reply_to(question)
        for count in range(1, 4):
            await running.ask(channel, alice)
            kept = bool(await running.turns.find(channel.id, question.id))
            assert bool(interrupted.buttons) == kept, f"after {count}"
        assert not interrupted.buttons


async def test_a_stop_that_comes_too_late_leaves_regenerate(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(["one"]), path) as running:
        answer = await running.ask(channel, alice)
        answer.edit(components=[dict(row, components=[stop_of(row)]) for row in answer.components])
        pressed = await alice.press(answer, "Stop")
        await pressed.wait_for(STALE)
        await discord.until(lambda: answer.labels == ["Regenerate"])


def stop_of(row: dict[str, Any]) -> dict[str, Any]:
    """The button of a row as it was while the answer grew."""
    (button,) = row["components"]
    return button | {"label": "Stop", "custom_id": button["custom_id"].replace("regenerate", "stop")}


@pytest.mark.parametrize(("button", "script"), [("Regenerate", ["a"]), ("Continue", ["a", CUT])])
async def test_a_double_click_counts_once(discord, path, place, button, script):
    _, channel, alice = place
    hold = asyncio.Event()
    engine = ScriptedEngine(script, [hold, "b"])
    async with parley(discord, engine, path) as running:
        answer = await running.ask(channel, alice, "hi")
        await asyncio.gather(alice.press(answer, button), alice.press(answer, button))
        hold.set()
        await discord.until(lambda: "b" in answer.content and answer.labels == ["Regenerate"])
        await running.settled()
    assert len(engine.prompts) == 2
