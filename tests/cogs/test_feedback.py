"""Votes, corrections and reviews in Discord, and what people decide about keeping what they write."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from bot.storage.example import Example
from bot.texts import (
    APPROVED,
    CORRECT_ANSWER,
    CORRECTED,
    CORRECTED_HERE,
    CORRECTED_NOT_HERE,
    CORRECTION_EVERYWHERE,
    CORRECTOR_REFUSED,
    CORRECTOR_UNDECIDED,
    DECIDED,
    DISCARDED,
    MAY_I_KEEP,
    MODERATORS_ONLY,
    NO_LONGER_KEPT,
    NOT_CORRECTABLE,
    NOT_KEPT,
    NOT_YOURS,
    REPLACED,
    TOO_LONG_TO_CORRECT,
    UNDECIDED,
    VOTED,
    WAS_CORRECTED,
)
from tests.discord_stand_in import Permission
from tests.support.databases import locked, on_disk
from tests.support.parley import parley
from tests.support.scripted import ScriptedEngine
from tests.support.waiting import until

VOTES = ["👍", "👎"]
NEWEST = ["Regenerate", *VOTES]


@pytest.fixture
def review(place):
    """The review channel."""
    return place[0].channel("review")


@pytest.fixture
def moderator(place):
    guild = place[0]
    return guild.member("Moderator", roles=[guild.role("mods", permissions=Permission.MANAGE_MESSAGES)])


@pytest.fixture
def bot(discord, path, review):
    """Runs the bot with feedback."""

    @asynccontextmanager
    async def run(*scripts, **settings):
        settings = {"feedback": True, "feedback_channel": review.id} | settings
        async with parley(discord, ScriptedEngine(*scripts), path, **settings) as running:
            yield running

    return run


async def decide(person, interaction, word: str):
    """Press Yes or No in the bot's private response to an interaction."""
    message = await interaction.wait_for(MAY_I_KEEP)
    assert message.ephemeral
    return await person.press(message, word)


async def agree(*people) -> None:
    for person in people:
        asked = await person.command(person.direct, "privacy")
        message = await asked.wait_for(UNDECIDED)
        await person.press(message, "Yes")
        await asked.wait_for(DECIDED[True])


async def examples(running) -> list[Example]:
    return [example async for example in running.bot.core.examples.all()]


async def noted(running, shown) -> bool:
    return [each.review_message for each in await examples(running)] == [shown.id]


async def shown_in(review, reader, count: int = 1) -> list:
    await review.discord.until(lambda: len(review.answers(reader)) == count)
    return review.answers(reader)


# Votes


async def test_a_whole_answer_can_be_voted_on(bot, place):
    _, channel, alice = place
    hold = asyncio.Event()
    async with bot(["Once ", hold, "more"]) as running:
        await alice.say(channel, f"{channel.discord.bot.mention} hi")
        answer = await channel.wait_for("Once")
        assert answer.labels == ["Stop"]
        hold.set()
        await channel.discord.until(lambda: answer.labels == NEWEST)
        await running.settled()


async def test_without_feedback_there_are_no_votes(bot, place):
    _, channel, alice = place
    async with bot(feedback=False) as running:
        answer = await running.ask(channel, alice)
        assert answer.labels == ["Regenerate"]
        names = {command["name"] for command in channel.discord.commands.registered[None]}
        assert not {"feedback", CORRECT_ANSWER} & names
        assert "privacy" in names, "what was agreed to before can be taken back"


async def test_an_older_answer_can_still_be_voted_on_after_a_restart(bot, place):
    _, channel, alice = place
    async with bot() as running:
        await agree(alice)
        first = await running.ask(channel, alice, "first")
        await running.ask(channel, alice, "second")
        assert first.labels == VOTES
    async with bot() as running:
        pressed = await alice.press(first, "👍")
        await pressed.wait_for(VOTED[True])
        assert [each.votes for each in await examples(running)] == [{alice.id: True}, {}]


async def test_a_vote_is_acknowledged_privately_can_be_changed_and_shows_nowhere(bot, place):
    guild, channel, alice = place
    bob = guild.member("Bob")
    async with bot() as running:
        await agree(alice)
        answer = await running.ask(channel, alice)
        before = (answer.content, answer.labels)
        for vote, liked in (("👍", True), ("👎", False)):
            pressed = await bob.press(answer, vote)
            assert (await pressed.wait_for(VOTED[liked])).ephemeral
        await (await alice.press(answer, "👍")).wait_for(VOTED[True])
        assert (await examples(running))[0].votes == {bob.id: False, alice.id: True}
        assert (answer.content, answer.labels) == before


async def test_votes_work_in_direct_messages(bot, place):
    _, _, alice = place
    async with bot() as running:
        answer = await running.ask(alice.direct, alice)
        pressed = await alice.press(answer, "👍")
        await decide(alice, pressed, "Yes")
        await pressed.wait_for(DECIDED[True])
        assert [each.votes for each in await examples(running)] == [{alice.id: True}]


async def test_a_vote_on_an_answer_that_is_not_kept_says_so(bot, place):
    _, channel, alice = place
    async with bot(feedback=True) as running:
        answer = await running.ask(channel, alice)
    async with bot() as running:  # what waits for consent is in memory alone
        await (await alice.press(answer, "👍")).wait_for(NOT_KEPT)
    async with bot(feedback=False) as running:
        await (await alice.press(answer, "👎")).wait_for(NOT_KEPT)
        assert await examples(running) == []


async def test_a_vote_while_the_database_is_locked_says_so(bot, place, path):
    _, channel, alice = place
    async with bot() as running:
        await agree(alice)
        answer = await running.ask(channel, alice)
        await until(lambda: examples_are(running, 1))
        with locked(path):
            pressed = await alice.press(answer, "👍")
            await pressed.wait_for("I can't use my database right now", within=20)
        await (await alice.press(answer, "👍")).wait_for(VOTED[True])


# Consent


@pytest.mark.parametrize(("word", "agreed"), [("Yes", True), ("No", False)])
async def test_the_asker_is_asked_when_they_vote(bot, place, path, word, agreed):
    _, channel, alice = place
    async with bot() as running:
        answer = await running.ask(channel, alice, "a secret of Alice's")
        assert await examples(running) == []
        pressed = await alice.press(answer, "👍")
        decided = await decide(alice, pressed, word)
        await pressed.wait_for(DECIDED[agreed])
        assert not decided.failed
        assert [(each.turn.question, each.votes) for each in await examples(running)] == (
            [("a secret of Alice's", {alice.id: True})] if agreed else []
        )
        again = await alice.press(answer, "👍")
        assert MAY_I_KEEP not in (await again.wait_for(VOTED[True] if agreed else NOT_KEPT)).content
        await running.ask(channel, alice, "another")
        await channel.discord.quiet()
        await until(lambda: examples_are(running, 2 if agreed else 0))


async def test_somebody_elses_vote_asks_the_asker_once_in_a_direct_message(bot, place):
    guild, channel, alice = place
    bob = guild.member("Bob")
    async with bot() as running:
        answer = await running.ask(channel, alice)
        for vote in VOTES:
            assert MAY_I_KEEP not in (await (await bob.press(answer, vote)).wait_for("Thank you")).content
        asked = await alice.direct.wait_for(MAY_I_KEEP)
        await channel.discord.quiet()
        assert len(alice.direct.answers(alice)) == 1
        assert await examples(running) == []
        await alice.press(asked, "Yes")
        await alice.direct.wait_for(DECIDED[True])
        assert [each.votes for each in await examples(running)] == [{bob.id: False}]
        assert asked.buttons == []


async def test_an_asker_who_takes_no_direct_messages_is_asked_when_they_vote(bot, place):
    guild, channel, alice = place
    bob = guild.member("Bob")
    alice.blocks_direct_messages = True
    async with bot() as running:
        answer = await running.ask(channel, alice)
        await (await bob.press(answer, "👍")).wait_for(VOTED[True])
        await decide(alice, await alice.press(answer, "👍"), "Yes")
        await until(lambda: examples_are(running, 1))


async def examples_are(running, count: int) -> bool:
    return len(await examples(running)) == count


async def test_privacy_shows_and_changes_the_decision(bot, place, path):
    _, channel, alice = place
    async with bot() as running:
        await agree(alice)
        await running.ask(channel, alice, "a secret of Alice's")
        shown = await alice.command(channel, "privacy")
        message = await shown.wait_for(DECIDED[True])
        assert message.ephemeral
        assert message.labels == ["Yes", "No"]
        assert len(await examples(running)) == 1
        await alice.press(message, "No")
        await shown.wait_for(DECIDED[False])
        assert await examples(running) == []
        assert [turn for turn, _ in await running.stored(channel.id)] == ["a secret of Alice's"], "it is no /forget"
        await running.ask(channel, alice, "another")
        await channel.discord.quiet()
        assert await examples(running) == []


async def test_of_several_people_only_those_who_agree_are_in_an_example(bot, place, path):
    guild, channel, alice = place
    bob, carol = guild.member("Bob"), guild.member("Carol")
    async with bot() as running:
        await agree(alice, bob)
        for person in (alice, bob, carol, alice):
            answer = await running.ask(channel, person, f"words of {person.name}")
        await (await bob.press(answer, "👍")).wait_for(VOTED[True])
        kept = [[turn.question for turn in each.turns] for each in await examples(running)]
        assert kept == [
            ["words of Alice"],
            ["words of Alice", "words of Bob"],
            ["words of Alice", "words of Bob", "words of Alice"],
        ]


@pytest.mark.parametrize("how", ["reply", "forward", "thread"])
async def test_a_question_that_holds_words_of_somebody_needs_their_consent(bot, place, how):
    guild, channel, alice = place
    bob = guild.member("Bob")
    mention = f"{channel.discord.bot.mention} why?"
    async with bot() as running:
        await agree(alice)

        async def kept() -> list[str]:
            """What is kept of another such question."""
            said = await bob.say(channel, "words of Bob")
            where = channel
            if how == "reply":
                question = await alice.reply(said, mention)
            elif how == "forward":
                forwarded = await alice.forward(said, alice.direct)
                where, question = alice.direct, forwarded
            else:
                where = channel.thread("about it", thread_id=said.id)
                question = await alice.say(where, mention)
            await where.reply_to(question)
            await running.settled()
            await channel.discord.quiet()
            return [each.turn.question for each in await examples(running)]

        assert await kept() == []
        await agree(bob)
        again = await kept()
        # Discord does not say who wrote what is forwarded.
        assert ["words of Bob" in question for question in again] == ([] if how == "forward" else [True])


# Corrections


async def correct(person, answer, text: str, **more: str):
    opened = await person.menu(answer, CORRECT_ANSWER)
    return await person.submit(opened, text=text, **more)


async def test_the_asker_corrects_an_answer(bot, place):
    _, channel, alice = place
    async with bot(["It is Lyon."]) as running:
        await agree(alice)
        answer = await running.ask(channel, alice, "What is the capital of France?")
        opened = await alice.menu(answer, CORRECT_ANSWER)
        (text,) = opened.modal["components"][0]["components"]
        assert text["value"] == "It is Lyon."
        sent = await alice.submit(opened, text="It is Paris.")
        assert (await sent.wait_for(CORRECTED)).ephemeral
        (example,) = await examples(running)
        assert (example.correction, example.corrector, example.reviewed) == ("It is Paris.", alice.id, True)
        assert example.turn.answer == "It is Lyon."
        assert answer.content == "It is Lyon."
        assert await running.stored(channel.id) == [("What is the capital of France?", "It is Lyon.")]


async def test_a_correction_cannot_make_the_bot_say_blocked_words(bot, place, moderator, tmp_path):
    (tmp_path / "words.txt").write_text("darn\n")
    _, channel, alice = place
    async with bot(["It is Lyon."], blocked_words_file=str(tmp_path / "words.txt")) as running:
        await agree(alice, moderator)
        answer = await running.ask(channel, alice)
        sent = await correct(moderator, answer, "Paris, darn!", where=CORRECTION_EVERYWHERE)
        await sent.wait_for(CORRECTED_HERE)
        assert answer.content == f"Paris, {REPLACED}!"
        await running.until_stored(channel.id, ("hi", f"Paris, {REPLACED}!"))
        (example,) = await examples(running)
        assert example.correction == f"Paris, {REPLACED}!"


@pytest.mark.parametrize("newest", [True, False])
async def test_a_correction_can_replace_the_answer_and_what_is_remembered(bot, place, moderator, newest):
    _, channel, alice = place
    async with bot(["word " * 600], ["later"]) as running:
        await agree(alice, moderator)
        await alice.say(channel, f"{channel.discord.bot.mention} hi")
        await running.until_stored(channel.id, ("hi", ("word " * 600).strip()))
        first, last = channel.answers(alice)
        if not newest:
            await running.ask(channel, alice, "and?")
        await (await correct(moderator, first, "short", where=CORRECTION_EVERYWHERE)).wait_for(CORRECTED_HERE)
        assert (first.content, last.deleted_at is None) == ("short", False)
        assert first.labels == (NEWEST if newest else VOTES)
        assert (await running.stored(channel.id))[0] == ("hi", "short")
        await channel.discord.quiet()
        assert len(await running.stored(channel.id)) == 2 - newest, "deleting our own message is no deletion"
        await (await alice.press(first, "👍")).wait_for(VOTED[True])
        if newest:
            await alice.press(first, "Regenerate")
            await running.until_stored(channel.id, ("hi", "later"))


async def test_a_correction_that_does_not_fit_into_the_messages_is_noted_all_the_same(bot, place):
    _, channel, alice = place
    async with bot(["short"]) as running:
        await agree(alice)
        answer = await running.ask(channel, alice)
        sent = await correct(alice, answer, "word " * 700, where=CORRECTION_EVERYWHERE)
        await sent.wait_for(CORRECTED_NOT_HERE)
        assert answer.content == "short"
        assert (await examples(running))[0].correction == ("word " * 700).strip()


async def test_a_correction_does_not_disturb_an_answer_that_grows(bot, place):
    _, channel, alice = place
    hold = asyncio.Event()
    async with bot(["old"], [hold, "new"]) as running:
        await agree(alice)
        answer = await running.ask(channel, alice)
        opened = await alice.menu(answer, CORRECT_ANSWER)
        await alice.press(answer, "Regenerate")
        await channel.discord.until(lambda: answer.labels == ["Stop"])
        await (await alice.submit(opened, text="x", where=CORRECTION_EVERYWHERE)).wait_for(CORRECTED_NOT_HERE)
        hold.set()
        await running.until_stored(channel.id, ("hi", "new"))
        await until(lambda: examples_are(running, 2))
        assert [each.correction for each in await examples(running)] == ["x", None]


async def test_only_the_asker_and_moderators_correct(bot, place, moderator):
    guild, channel, alice = place
    bob = guild.member("Bob")
    async with bot() as running:
        await agree(alice, bob, moderator)
        answer = await running.ask(channel, alice)
        await (await bob.menu(answer, CORRECT_ANSWER)).wait_for(NOT_YOURS)
        await (await correct(moderator, answer, "better")).wait_for(CORRECTED)


async def test_who_corrects_is_asked_first(bot, place):
    _, channel, alice = place
    async with bot() as running:
        answer = await running.ask(channel, alice)
        asked = await alice.menu(answer, CORRECT_ANSWER)
        assert CORRECTOR_UNDECIDED in (await asked.wait_for(MAY_I_KEEP)).content
        await decide(alice, asked, "Yes")
        await asked.wait_for(DECIDED[True])
        await (await correct(alice, answer, "better")).wait_for(CORRECTED)
        assert [each.correction for each in await examples(running)] == ["better"]
        shown = await alice.command(channel, "privacy")
        await alice.press(await shown.wait_for(DECIDED[True]), "No")
        await shown.wait_for(DECIDED[False])
        await (await alice.menu(answer, CORRECT_ANSWER)).wait_for(NOT_CORRECTABLE)


async def test_who_refused_cannot_correct(bot, place, moderator, path):
    _, channel, alice = place
    async with bot() as running:
        await agree(alice)
        answer = await running.ask(channel, alice)
        await agree(moderator)
        opened = await moderator.menu(answer, CORRECT_ANSWER)
        shown = await moderator.command(channel, "privacy")
        await moderator.press(await shown.wait_for(DECIDED[True]), "No")
        await shown.wait_for(DECIDED[False])
        await (await moderator.submit(opened, text="words of the moderator")).wait_for(NOT_CORRECTABLE)
        assert [each.correction for each in await examples(running)] == [None]
        assert b"words of the moderator" not in on_disk(path)
        await (await moderator.menu(answer, CORRECT_ANSWER)).wait_for(CORRECTOR_REFUSED)


async def test_an_answer_of_somebody_undecided_can_be_corrected_and_waits_for_them(bot, place, moderator):
    _, channel, alice = place
    async with bot() as running:
        await agree(moderator)
        answer = await running.ask(channel, alice)
        await (await correct(moderator, answer, "better")).wait_for(CORRECTED)
        assert await examples(running) == []
        await alice.press(await alice.direct.wait_for(MAY_I_KEEP), "Yes")
        await alice.direct.wait_for(DECIDED[True])
        assert [each.correction for each in await examples(running)] == ["better"]


async def test_what_is_not_kept_or_too_long_cannot_be_corrected(bot, place):
    _, channel, alice = place
    async with bot(["word " * 900]) as running:
        await agree(alice)
        await alice.say(channel, f"{channel.discord.bot.mention} hi")
        await running.until_stored(channel.id, ("hi", ("word " * 900).strip()))
        await (await alice.menu(channel.answers(alice)[0], CORRECT_ANSWER)).wait_for(TOO_LONG_TO_CORRECT)
        question = channel.shows(alice)[0]
        await (await alice.menu(question, CORRECT_ANSWER)).wait_for(NOT_CORRECTABLE)


# Reviews


async def disliked(running, channel, asker, text: str = "hi"):
    """An answer that its asker, who has agreed, dislikes."""
    answer = await running.ask(channel, asker, text)
    await (await asker.press(answer, "👎")).wait_for(VOTED[False])
    return answer


async def test_a_disliked_answer_is_shown_once_in_the_review_channel(bot, place, review, moderator):
    guild, channel, alice = place
    bob = guild.member("Bob")
    async with bot(["It is Lyon."]) as running:
        await agree(alice)
        answer = await disliked(running, channel, alice, "What is the\ncapital?")
        for _ in range(2):
            await asyncio.gather(bob.press(answer, "👎"), moderator.press(answer, "👎"))
        await channel.discord.quiet()
        (shown,) = await shown_in(review, moderator)
        assert f"/{channel.id}/{answer.id}" in shown.content
        assert "> What is the\n> capital?\nIt is Lyon." in shown.content
        assert "Alice" not in shown.content
        assert shown.labels == ["Correct", "Discard", "Fine as it is"]


async def test_a_liked_answer_and_one_without_consent_are_not_shown(bot, place, review):
    guild, channel, alice = place
    bob = guild.member("Bob")
    async with bot() as running:
        await agree(alice)
        liked = await running.ask(channel, alice)
        await (await alice.press(liked, "👍")).wait_for(VOTED[True])
        undecided = await running.ask(channel, bob, "words of Bob")
        await (await alice.press(undecided, "👎")).wait_for(VOTED[False])
        await channel.discord.quiet()
        assert review.answers(alice) == []
        await bob.press(await bob.direct.wait_for(MAY_I_KEEP), "Yes")
        (shown,) = await shown_in(review, alice)
        assert "words of Bob" in shown.content


async def test_a_reviewer_approves(bot, place, review, moderator):
    _, channel, alice = place
    async with bot(["It is Paris."]) as running:
        await agree(alice)
        answer = await disliked(running, channel, alice)
        (shown,) = await shown_in(review, moderator)
        await moderator.press(shown, "Fine as it is")
        await channel.discord.until(lambda: APPROVED in shown.content)
        assert "It is Paris." in shown.content
        assert shown.buttons == []
        assert (await examples(running))[0].reviewed
        await (await moderator.press(answer, "👎")).wait_for(VOTED[False])
        await channel.discord.quiet()
        assert len(review.answers(moderator)) == 1, "it has been reviewed"


async def test_a_reviewer_discards(bot, place, review, moderator):
    _, channel, alice = place
    async with bot(["It is Lyon."]) as running:
        await agree(alice)
        answer = await disliked(running, channel, alice)
        (shown,) = await shown_in(review, moderator)
        await moderator.press(shown, "Discard")
        await channel.discord.until(lambda: shown.content == DISCARDED)
        assert shown.buttons == []
        assert await examples(running) == []
        assert answer.content == "It is Lyon."


async def test_a_reviewer_corrects_after_a_restart(bot, place, review, moderator):
    _, channel, alice = place
    async with bot(["It is Lyon."]) as running:
        await agree(alice, moderator)
        answer = await disliked(running, channel, alice)
        (shown,) = await shown_in(review, moderator)
    async with bot() as running:
        opened = await moderator.press(shown, "Correct")
        await (await moderator.submit(opened, text="It is Paris.", where=CORRECTION_EVERYWHERE)).wait_for(
            CORRECTED_HERE
        )
        await channel.discord.until(lambda: WAS_CORRECTED in shown.content)
        assert "It is Paris." in shown.content
        assert answer.content == "It is Paris."
        assert [each.correction for each in await examples(running)] == ["It is Paris."]


async def test_only_moderators_review(bot, place, review, moderator):
    _, channel, alice = place
    async with bot() as running:
        await agree(alice)
        await disliked(running, channel, alice)
        (shown,) = await shown_in(review, moderator)
        for button in shown.labels:
            await (await alice.press(shown, button)).wait_for(MODERATORS_ONLY)
        assert not (await examples(running))[0].reviewed


@pytest.mark.parametrize("how", ["forget", "privacy", "question deleted", "answer deleted", "channel deleted"])
async def test_what_is_taken_back_during_a_review_disappears_from_it(bot, place, review, moderator, path, how):
    guild, channel, alice = place
    async with bot() as running:
        await agree(alice, moderator)
        answer = await disliked(running, channel, alice, "a secret of Alice's")
        (shown,) = await shown_in(review, moderator)
        opened = await moderator.press(shown, "Correct")
        match how:
            case "forget":
                await alice.command(review, "forget")
            case "privacy":
                decision = await alice.command(review, "privacy")
                await alice.press(await decision.wait_for(DECIDED[True]), "No")
            case "question deleted":
                await alice.delete(answer.reference)
            case "answer deleted":
                await moderator.delete(answer)
            case "channel deleted":
                guild.remove(channel)
        await channel.discord.until(lambda: shown.deleted_at is not None)
        await (await moderator.submit(opened, text="x", where=CORRECTION_EVERYWHERE)).wait_for(NOT_CORRECTABLE)
        assert await examples(running) == []
        if how != "privacy":
            await until(lambda: gone_from(path, b"a secret of Alice's"))


async def gone_from(path, text: bytes) -> bool:
    return text not in on_disk(path)


async def test_a_press_on_what_was_forgotten_says_so(bot, place, review, moderator):
    _, channel, alice = place
    async with bot() as running:
        await agree(alice, moderator)
        await disliked(running, channel, alice)
        (shown,) = await shown_in(review, moderator)
        await until(lambda: noted(running, shown))
        await running.bot.core.examples.forget_person(alice.id)
        await (await moderator.press(shown, "Correct")).wait_for(NOT_CORRECTABLE)
        await moderator.press(shown, "Fine as it is")
        await channel.discord.until(lambda: shown.content == NO_LONGER_KEPT)
        assert shown.buttons == []


async def test_an_edited_question_is_edited_in_the_review_and_the_example(bot, place, review, moderator):
    _, channel, alice = place
    async with bot() as running:
        await agree(alice)
        answer = await disliked(running, channel, alice, "helo")
        (shown,) = await shown_in(review, moderator)
        await alice.edit(answer.reference, f"{channel.discord.bot.mention} hello")
        await channel.discord.until(lambda: "> hello" in shown.content)
        assert (await examples(running))[0].turn.question == "hello"
        await alice.edit(answer.reference, "not for the bot")
        await channel.discord.until(lambda: shown.deleted_at is not None)
        assert await examples(running) == []


async def test_a_review_channel_that_takes_nothing_keeps_nobody_from_voting(bot, place, review, discord):
    _, channel, alice = place
    async with bot() as running:
        await agree(alice)
        discord.fault("POST", f"/channels/{review.id}/messages", status=403, times=1)
        answer = await disliked(running, channel, alice)
        assert (await examples(running))[0].votes == {alice.id: False}
        await (await alice.press(answer, "👎")).wait_for(VOTED[False])
        await shown_in(review, alice)


async def test_feedback_counts_for_those_who_manage_the_server(bot, place):
    guild, channel, alice = place
    async with bot() as running:
        await agree(alice)
        answer = await running.ask(channel, alice)
        await (await alice.press(answer, "👍")).wait_for(VOTED[True])
        told = await guild.owner.command(channel, "feedback")
        assert (await told.wait_for("scripted")).ephemeral
        assert "1 answers kept, 1 👍, 0 👎, 0 corrected, 0 reviewed" in told.response.content
        offered = {command["name"] for command in channel.discord.commands.offered(alice, channel)}
        assert "feedback" not in offered
