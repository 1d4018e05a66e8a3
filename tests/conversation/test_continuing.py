"""An answer that its length has ended is continued in the same turn, from where it ended."""

import asyncio
from dataclasses import replace

import pytest

from bot.conversation.conversations import Stale
from bot.conversation.summary import Summaries
from bot.engine import Beginning, NoAnswer, NotContinuable, Thought
from bot.storage.channel_ref import ChannelRef
from bot.storage.channel_settings import ChannelOverrides
from bot.storage.examples import ExampleStore
from bot.texts import STILL_THINKING
from tests.conversation.test_conversations import HERE, Screen, ask, channel_settings, database, stored, talk, turns
from tests.support.scripted import CUT

__all__ = ["channel_settings", "database", "talk", "turns"]  # fixtures
ALICE, BOB = 1, 2


async def test_a_cut_answer_goes_on_again_and_again_in_its_turn(talk, turns):
    conversations, engine = talk(["Once ", CUT], ["upon ", CUT], ["a time."])
    first, second, third = Screen(12), Screen(12), Screen(12, 13)
    await first.show(conversations.answering(ask("tell")))
    assert first.answer.cut
    await second.show(conversations.continuing(HERE, 12, ALICE))
    assert (second.text, second.answer.cut) == ("Once upon ", True)
    await third.show(conversations.continuing(HERE, 12, BOB))
    assert (third.text, third.answer.cut) == ("Once upon a time.", False)
    (turn,) = await turns.recent(7)
    assert (turn.asker, turn.answer, turn.answer_messages, turn.beginning) == (ALICE, third.text, (12, 13), None)
    assert [prompt.beginning and prompt.beginning.said for prompt in engine.prompts] == [None, "Once ", "Once upon "]
    assert engine.prompts[1].beginning == Beginning("Once ", (1, 2, 3), "text")
    assert replace(engine.prompts[2], beginning=None) == engine.prompts[0]


async def test_what_is_complete_or_not_the_newest_is_not_continued(talk, turns):
    conversations, engine = talk(["one ", CUT], ["two"])
    await Screen(12).show(conversations.answering(ask("1")))
    await Screen(13).show(conversations.answering(ask("2")))
    for message in (12, 13, None):
        with pytest.raises(Stale):
            await Screen().show(conversations.continuing(HERE, message, ALICE))
    assert len(engine.prompts) == 2
    assert await stored(turns) == [("1", "one"), ("2", "two")]


async def test_the_prompt_is_the_same_also_in_a_channel_that_is_full(talk, turns):
    conversations, engine = talk(
        *[[str(number)] for number in range(6)], ["cut ", CUT], ["again ", CUT], ["end"], ["x"]
    )
    for number in range(7):
        await Screen(12).show(conversations.answering(ask(str(number))))
    await Screen(12).show(conversations.regenerating(HERE, 12, ALICE))
    await Screen(12).show(conversations.continuing(HERE, 12, ALICE))
    given = [replace(prompt, beginning=None) for prompt in engine.prompts[-3:]]
    assert given[0] == given[1] == given[2]
    assert len(given[0].turns) == 5
    assert len(await stored(turns)) == 5, "the turn before them has gone, as it is not needed any more"
    await Screen(12).show(conversations.answering(ask("next")))
    assert len(await stored(turns)) == 5


async def test_a_turn_that_a_cut_answer_needs_is_not_folded_yet(talk, turns, channel_settings):
    conversations, engine = talk(["1"], ["2 ", CUT], ["3"])
    await channel_settings.change(HERE, ChannelOverrides(turns=1))
    summaries = Summaries(engine, turns, channel_settings, max_new_tokens=9, retry_interval=0)
    for text in ("one", "two"):
        await Screen(12).show(conversations.answering(ask(text)))
    assert not await summaries._fold(HERE)
    assert len(engine.prompts) == 2
    await Screen(12).show(conversations.continuing(HERE, 12, ALICE))
    assert [turn.question for turn in engine.prompts[-1].turns] == ["one"]


async def test_it_goes_on_with_the_question_and_the_settings_as_they_are_now(talk, turns, channel_settings):
    conversations, engine = talk(["Once ", CUT], ["upon"])
    await Screen(12).show(conversations.answering(ask("tel")))
    await turns.edit_question(7, 11, "tell")
    await channel_settings.change(HERE, ChannelOverrides(persona="Rhyme.", temperature=0.1, answer_length=7))
    await Screen(12).show(conversations.continuing(HERE, 12, ALICE))
    prompt, sampling = engine.prompts[1], engine.samplings[1]
    assert (prompt.question, prompt.system) == ("tell", "Rhyme.")
    assert (sampling.temperature, sampling.max_new_tokens) == (0.1, 7)


async def test_a_stop_keeps_what_was_said_and_is_the_end(talk, turns):
    conversations, _ = talk(["Once ", CUT], ["upon ", asyncio.Event()])
    await Screen(12).show(conversations.answering(ask("tell")))
    async with conversations.continuing(HERE, 12, ALICE) as answer:
        while answer.text != "Once upon ":
            await answer.changed()
        answer.stop()
        answer.shown_in = (12,)
    assert not answer.cut
    (turn,) = await turns.recent(7)
    assert (turn.answer, turn.beginning) == ("Once upon", None)


@pytest.mark.parametrize("repeated", [False, True], ids=["at once", "after the beginning"])
async def test_a_stop_before_anything_new_leaves_all_as_it_was(talk, turns, repeated):
    conversations, engine = talk(["Once ", CUT], [asyncio.Event()])
    await Screen(12).show(conversations.answering(ask("tell")))
    before = await turns.recent(7)
    async with conversations.continuing(HERE, 12, ALICE) as answer:
        while (repeated and not answer.text) or len(engine.streams) < 2:
            await asyncio.sleep(0)
        answer.stop()
        answer.shown_in = (12,)
    assert answer.cut
    assert await turns.recent(7) == before
    assert before[0].beginning


@pytest.mark.parametrize("error", [RuntimeError("broken"), NotContinuable("No.")])
async def test_a_failure_leaves_the_answer_as_it_was(talk, turns, error):
    conversations, _ = talk(["Once ", CUT], ["upon ", error])
    await Screen(12).show(conversations.answering(ask("tell")))
    with pytest.raises(type(error)):
        await Screen(12, 13).show(conversations.continuing(HERE, 12, ALICE))
    (turn,) = await turns.recent(7)
    assert (turn.answer, turn.answer_messages) == ("Once", (12,))
    assert (turn.beginning is None) == isinstance(error, NotContinuable), (
        "what cannot be continued is not offered again"
    )


async def test_a_clear_meanwhile_wins(talk, turns):
    hold = asyncio.Event()
    conversations, _ = talk(["Once ", CUT], ["upon ", hold, CUT])
    await Screen(12).show(conversations.answering(ask("tell")))
    screen = Screen(12)
    continuing = asyncio.create_task(screen.show(conversations.continuing(HERE, 12, ALICE)))
    await screen.grown.wait()
    await conversations.clear(HERE)
    hold.set()
    await continuing
    assert screen.answer.forgotten
    assert await stored(turns) == []


async def test_a_regenerated_answer_is_continued_and_a_continued_one_regenerated(talk, turns):
    conversations, _ = talk(["one ", CUT], ["two ", CUT], ["more"], ["three"])
    await Screen(12).show(conversations.answering(ask("tell")))
    await Screen(12).show(conversations.regenerating(HERE, 12, ALICE))
    await Screen(12).show(conversations.continuing(HERE, 12, ALICE))
    assert await stored(turns) == [("tell", "two more")]
    await Screen(12).show(conversations.regenerating(HERE, 12, ALICE))
    assert await stored(turns) == [("tell", "three")]


async def test_a_model_that_has_not_thought_to_the_end_can_go_on(talk, turns):
    conversations, engine = talk([Thought("hm "), CUT], [Thought("hm"), CUT], ["newer"], [Thought("hm"), "Yes."])
    screen = Screen(12)
    await screen.show(conversations.answering(ask("why?")))
    assert (screen.text, screen.answer.cut, screen.answer.regenerable) == (STILL_THINKING, True, True)
    assert await stored(turns) == [], "there is no answer yet, which later prompts would show"
    await Screen(12).show(conversations.continuing(HERE, None, ALICE))
    await Screen(13).show(conversations.answering(ask("next")))
    assert engine.prompts[-1].turns == ()
    again = Screen(12)
    await again.show(conversations.continuing(HERE, 12, ALICE))
    assert (again.text, again.answer.cut, again.answer.regenerable) == ("Yes.", False, False)
    assert await stored(turns) == [("why?", "Yes."), ("next", "newer")]


async def test_an_answer_is_not_given_up_for_thoughts_without_an_end(talk, turns):
    conversations, _ = talk(["Yes."], [Thought("hm"), CUT])
    await Screen(12).show(conversations.answering(ask("why?")))
    with pytest.raises(NoAnswer):
        await Screen(12).show(conversations.regenerating(HERE, 12, ALICE))
    assert await stored(turns) == [("why?", "Yes.")]


async def test_the_example_is_the_whole_answer_and_keeps_its_votes(talk, turns, database):
    examples = ExampleStore(database, 100)
    await examples.agree(ALICE)
    conversations, _ = talk(["Once ", CUT], ["upon ", CUT], ["a time."], examples=examples)
    await Screen(12).show(conversations.answering(ask("tell")))
    await examples.vote(7, 12, BOB, True)
    await examples.approve(7, 12)
    await Screen(12).show(conversations.continuing(HERE, 12, ALICE))
    await Screen(12, 13).show(conversations.continuing(HERE, 12, ALICE))
    (example,) = [example async for example in examples.all()]
    assert (example.turn.answer, example.turn.answer_messages) == ("Once upon a time.", (12, 13))
    assert (example.votes, example.reviewed) == ({BOB: True}, False)


async def test_of_an_answer_that_was_corrected_the_correction_stays(talk, turns, database):
    examples = ExampleStore(database, 100)
    await examples.agree(ALICE)
    conversations, _ = talk(["Once ", CUT], ["upon"], examples=examples)
    await Screen(12).show(conversations.answering(ask("tell")))
    await examples.correct(7, 12, ALICE, "No.")
    await Screen(12).show(conversations.continuing(HERE, 12, ALICE))
    (example,) = [example async for example in examples.all()]
    assert (example.turn.answer, example.correction, example.reviewed) == ("Once upon", "No.", True)


async def test_without_memory_there_is_nothing_to_continue(talk, turns, channel_settings):
    await channel_settings.change(HERE, ChannelOverrides(turns=0))
    conversations, _ = talk(["Once ", CUT])
    screen = Screen(12)
    await screen.show(conversations.answering(ask("tell")))
    assert not screen.answer.regenerable
    with pytest.raises(Stale):
        await Screen().show(conversations.continuing(ChannelRef(7, guild=1), 12, ALICE))
