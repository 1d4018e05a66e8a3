"""What is kept of an answer as an example: exactly what the model was given, and what it said."""

import asyncio

import pytest

from bot.conversation.conversations import Question
from bot.engine import NoAnswer, Sampling
from bot.storage.channel_settings import ChannelOverrides
from bot.storage.examples import ExampleStore
from bot.storage.turns import Person
from tests.conversation.test_conversations import HERE, Screen, ask, channel_settings, database, talk, turns

__all__ = ["channel_settings", "database", "talk", "turns"]  # fixtures
ALICE, BOB = 1, 2


@pytest.fixture
async def examples(database):
    store = ExampleStore(database, 100)
    await store.agree(ALICE)
    await store.agree(BOB)
    return store


async def test_an_example_is_what_the_model_was_given_and_said(talk, examples, channel_settings):
    await channel_settings.change(HERE, ChannelOverrides(persona="Rhyme on {server}.", temperature=0.1))
    conversations, _ = talk(["one"], ["two"], sampling=Sampling(seed=3), examples=examples)
    await Screen(12).show(conversations.answering(ask("first")))
    await Screen(22).show(conversations.answering(ask("second", name="Bob", asker=BOB)))
    _, last = [example async for example in examples.all()]
    assert [(turn.asker_name, turn.question, turn.answer) for turn in last.turns] == [
        ("Alice", "first", "one"),
        ("Bob", "second", "two"),
    ]
    assert (last.system, last.model, last.turn.answer_messages) == (
        "Rhyme on this computer.",
        "scripted",
        (22,),
    )
    assert (last.sampling["temperature"], last.sampling["seed"], last.sampling["top_k"]) == (0.1, 3, 50)


async def test_turns_that_the_model_had_no_room_for_are_not_part_of_it(talk, examples):
    hold = asyncio.Event()
    conversations, engine = talk(["one"], ["two"], ["th", hold, "ree"], examples=examples)
    for text in ("first", "second"):
        await Screen().show(conversations.answering(ask(text)))
    third = asyncio.create_task(Screen().show(conversations.answering(ask("third"))))
    while len(engine.streams) < 3:
        await asyncio.sleep(0)
    engine.streams[2].turns_read = 1
    hold.set()
    await third
    *_, last = [example async for example in examples.all()]
    assert [turn.question for turn in last.turns] == ["second", "third"]


async def test_a_question_edited_meanwhile_is_kept_as_it_is_by_then(talk, examples, turns):
    hold = asyncio.Event()
    conversations, _ = talk(["one ", hold, "two"], examples=examples)
    screen = Screen(12)
    answering = asyncio.create_task(screen.show(conversations.answering(ask("helo"))))
    await screen.grown.wait()
    await turns.edit_question(7, 11, "hello", people=(Person(BOB, "Bob", quoted=True),))
    hold.set()
    await answering
    (only,) = [example async for example in examples.all()]
    assert (only.turn.question, only.turn.answer, only.people) == ("hello", "one two", {ALICE, BOB})


async def test_a_question_notes_whom_it_quotes(talk, examples, turns):
    conversations, _ = talk(examples=examples)
    quoted = (Person(3, "Carol", quoted=True),)
    await Screen().show(conversations.answering(Question(HERE, ALICE, "Alice", "Carol wrote: x\nwhy?", 11, quoted)))
    assert [turn.authors for turn in await turns.recent(7)] == [{ALICE, 3}]
    assert [example async for example in examples.all()] == [], "Carol has not agreed"


async def test_a_regenerated_answer_is_an_example_of_its_own(talk, examples):
    conversations, _ = talk(["one"], ["two"], examples=examples)
    await Screen(12).show(conversations.answering(ask("hi")))
    await Screen(12).show(conversations.regenerating(HERE, 12, BOB))
    assert [(each.turn.asker, each.turn.answer) async for each in examples.all()] == [(ALICE, "one"), (ALICE, "two")]


async def test_with_no_turns_remembered_examples_are_kept_all_the_same(talk, examples, channel_settings):
    await channel_settings.change(HERE, ChannelOverrides(turns=0))
    conversations, _ = talk(["one"], examples=examples)
    await Screen(12).show(conversations.answering(ask("hi")))
    assert [(each.turn.question, each.turn.answer) async for each in examples.all()] == [("hi", "one")]


async def test_what_failed_or_was_forgotten_meanwhile_is_no_example(talk, examples, turns):
    hold = asyncio.Event()
    conversations, _ = talk([NoAnswer()], ["one ", hold, "two"], examples=examples)
    with pytest.raises(NoAnswer):
        await Screen().show(conversations.answering(ask("fails")))
    screen = Screen(12)
    answering = asyncio.create_task(screen.show(conversations.answering(ask("cleared"))))
    await screen.grown.wait()
    await turns.clear(HERE)
    hold.set()
    await answering
    assert [example async for example in examples.all()] == []


async def test_a_question_by_itself_is_no_example(talk, examples):
    conversations, _ = talk(examples=examples)
    await Screen().show(conversations.asking(ask("hi")))
    assert [example async for example in examples.all()] == []


async def test_without_feedback_nothing_is_kept(talk, examples):
    conversations, _ = talk()
    await Screen().show(conversations.answering(ask("hi")))
    assert [example async for example in examples.all()] == []
