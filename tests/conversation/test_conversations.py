"""A channel's turns run one at a time, in order, and are stored completely or not at all."""

import asyncio
from contextlib import AbstractAsyncContextManager

import pytest

from bot.conversation.admission import Admission
from bot.conversation.answer import Answer, State
from bot.conversation.conversations import Conversations, Question, ShuttingDown, Stale
from bot.engine import NoAnswer, Sampling
from bot.storage.channel_ref import ChannelRef
from bot.storage.channel_settings import ChannelLimits, ChannelOverrides, ChannelSettings, ChannelSettingsStore
from bot.storage.database import open_database
from bot.storage.turns import TurnStore
from tests.support.scripted import ScriptedEngine
from tests.support.waiting import until

HERE, THERE, ELSEWHERE = (ChannelRef(number, guild=1) for number in (7, 8, 9))


@pytest.fixture
async def database(tmp_path):
    async with open_database(tmp_path / "parley.db") as database:
        yield database


@pytest.fixture
def turns(database):
    return TurnStore(database)


@pytest.fixture
def channel_settings(database):
    return ChannelSettingsStore(database, ChannelSettings("Be brief.", 0.7, 200, 5), ChannelLimits(1.5, 200, 20))


@pytest.fixture
async def talk(turns, channel_settings):
    engines = []

    def make(*scripts, **options) -> tuple[Conversations, ScriptedEngine]:
        engine = ScriptedEngine(*scripts)
        engines.append(engine)
        admission = Admission(engine, queue_limit=50, cooldown=0)
        options = {"sampling": Sampling(), "grace": 0.05, "last_words": 10} | options
        return Conversations(engine, turns, channel_settings, admission, **options), engine

    yield make
    for engine in engines:
        await engine.close()


class Screen:
    """Shows an answer as Discord does, for a test to read."""

    def __init__(self, *messages: int) -> None:
        self.text = ""
        self.grown = asyncio.Event()
        self.messages = messages

    async def show(self, answering: AbstractAsyncContextManager[Answer]) -> None:
        async with answering as self.answer:
            while self.answer.state < State.FINISHED:
                await self.answer.changed()
                self.text = self.answer.text
                if self.text:
                    self.grown.set()
            self.answer.shown_in = self.messages


def ask(text: str, channel: ChannelRef = HERE, name: str = "Alice", *, asker: int = 1) -> Question:
    return Question(channel, asker, name, text, 11)


async def stored(turns: TurnStore, channel: int = 7) -> list[tuple[str, str]]:
    return [(turn.question, turn.answer) for turn in await turns.recent(channel)]


async def test_the_prompt_has_the_channels_turns_and_the_speakers(talk):
    conversations, engine = talk(["Hel", "lo "], ["yes"])
    await Screen().show(conversations.answering(ask("hi")))
    await Screen().show(conversations.answering(ask("again", name="Bob")))
    await Screen().show(conversations.answering(ask("elsewhere", THERE)))
    first, second, elsewhere = engine.prompts
    assert (first.system, first.turns, first.speaker, first.question) == ("Be brief.", (), "Alice", "hi")
    assert [(turn.speaker, turn.question, turn.answer) for turn in second.turns] == [("Alice", "hi", "Hello")]
    assert second.speaker == "Bob"
    assert elsewhere.turns == ()


async def test_the_engine_is_told_the_channel_that_an_answer_is_for(talk):
    conversations, engine = talk()
    await Screen().show(conversations.answering(ask("hi")))
    await Screen().show(conversations.regenerating(HERE, None, 1))
    await Screen().show(conversations.asking(Question(THERE, 1, "Alice", "hi")))
    assert engine.channels == [7, 7, 8]


async def test_speakers_are_not_named_in_direct_messages(talk):
    conversations, engine = talk()
    for text in ("one", "two"):
        await Screen().show(conversations.answering(ask(text, ChannelRef(7))))
    assert engine.prompts[1].speaker is None
    assert engine.prompts[1].turns[0].speaker is None


async def test_a_channel_may_remember_more_or_fewer_turns_than_the_others(talk, turns, channel_settings):
    conversations, engine = talk()
    await channel_settings.change(HERE, ChannelOverrides(turns=7))
    await channel_settings.change(THERE, ChannelOverrides(turns=0))
    for number in range(8):
        for channel in (HERE, THERE, ELSEWHERE):
            await Screen(number).show(conversations.answering(ask(str(number), channel)))
    assert [len(prompt.turns) for prompt in engine.prompts[-3:]] == [7, 0, 5]
    kept = [[question for question, _ in await stored(turns, channel)] for channel in (7, 8, 9)]
    assert kept == [list("1234567"), [], list("34567")]
    with pytest.raises(Stale):
        await Screen().show(conversations.regenerating(THERE, 7, 1))


async def test_the_turn_is_stored_with_its_messages(talk, turns):
    conversations, _ = talk()
    await Screen(21, 22).show(conversations.answering(ask("hi")))
    (turn,) = await turns.recent(7)
    assert (turn.asker, turn.asker_name, turn.question, turn.answer) == (1, "Alice", "hi", "ok")
    assert (turn.question_message, turn.answer_messages) == (11, (21, 22))


async def test_a_channel_answers_in_the_order_asked_and_others_do_not_wait(talk, turns):
    hold = asyncio.Event()
    conversations, engine = talk([hold, "first"], ["other channel"], ["second"], ["third"])
    asked = [asyncio.create_task(Screen().show(conversations.answering(ask("1"))))]
    await until(lambda: len(engine.prompts) == 1)
    other = Screen()
    await other.show(conversations.answering(ask("x", THERE)))
    assert other.text == "other channel"
    for asker, text in enumerate(("2", "3"), start=2):
        asked.append(asyncio.create_task(Screen().show(conversations.answering(ask(text, asker=asker)))))
        await asyncio.sleep(0)
    assert len(engine.prompts) == 2, "the second question waits for the first"
    hold.set()
    await asyncio.gather(*asked)
    assert await stored(turns) == [("1", "first"), ("2", "second"), ("3", "third")]


async def test_a_stop_keeps_what_was_said(talk, turns):
    conversations, engine = talk(["Once ", asyncio.Event()])
    screen = Screen()
    asked = asyncio.create_task(screen.show(conversations.answering(ask("tell"))))
    await screen.grown.wait()
    screen.answer.stop()
    await asked
    assert engine.streams[0].stopped
    assert await stored(turns) == [("tell", "Once")]


async def both_noted(turns: TurnStore) -> bool:
    return len([turn for turn in await turns.unfinished() if not turn.answer]) == 2


async def test_a_clear_during_an_answer_wins(talk, turns):
    hold = asyncio.Event()
    conversations, _ = talk(["before"], ["during", hold], ["waiting"], ["after"])
    await Screen().show(conversations.answering(ask("1")))
    screen = Screen()
    running = asyncio.create_task(screen.show(conversations.answering(ask("2"))))
    await screen.grown.wait()
    waiting = asyncio.create_task(Screen().show(conversations.answering(ask("3"))))
    await until(lambda: both_noted(turns))
    assert (await conversations.clear(HERE)).count == 1
    hold.set()
    await asyncio.gather(running, waiting)
    assert screen.text == "during", "the answer itself is shown completely"
    assert await stored(turns) == []
    await Screen().show(conversations.answering(ask("4")))
    assert await stored(turns) == [("4", "after")]


async def test_a_failed_answer_is_not_stored_and_the_channel_goes_on(talk, turns):
    conversations, engine = talk(["half", RuntimeError("broken")], [], ["fine"])
    screen = Screen()
    with pytest.raises(RuntimeError, match="broken"):
        await screen.show(conversations.answering(ask("1")))
    assert screen.text == "half"
    with pytest.raises(NoAnswer):
        await Screen().show(conversations.answering(ask("2")))
    await Screen().show(conversations.answering(ask("3")))
    assert await stored(turns) == [("3", "fine")]
    assert all(stream.stopped for stream in engine.streams)


async def test_generation_stops_when_nobody_can_be_shown_the_answer(talk, turns):
    conversations, engine = talk(["text", asyncio.Event()])
    with pytest.raises(ConnectionError):
        async with conversations.answering(ask("1")) as answer:
            while not answer.text:
                await answer.changed()
            raise ConnectionError
    assert engine.streams[0].stopped
    assert await stored(turns) == []


async def test_a_reader_that_leaves_early_stops_the_answer_and_keeps_what_was_said(talk, turns):
    conversations, engine = talk(["half", asyncio.Event()])
    async with conversations.answering(ask("1")) as answer:
        while not answer.text:
            await answer.changed()
    assert engine.streams[0].stopped
    assert await stored(turns) == [("1", "half")]


async def test_the_text_is_saved_before_readers_see_the_end(talk, turns):
    conversations, _ = talk(["all of it"])
    async with conversations.answering(ask("1")) as answer:
        while answer.state < State.FINISHED:
            await answer.changed()
        assert await stored(turns) == [("1", "all of it")]


async def test_the_newest_answer_can_be_regenerated(talk, turns):
    conversations, engine = talk(["first"], ["second"], ["third"])
    await Screen(21).show(conversations.answering(ask("1")))
    await Screen(22, 23).show(conversations.answering(ask("2", name="Bob")))
    screen = Screen(22)
    await screen.show(conversations.regenerating(HERE, 23, 1))
    assert screen.text == "third"
    again = engine.prompts[2]
    assert (again.speaker, again.question) == ("Bob", "2")
    assert [turn.question for turn in again.turns] == ["1"], "the answer that is replaced is not in the prompt"
    assert await stored(turns) == [("1", "first"), ("2", "third")]
    assert (await turns.recent(7))[-1].answer_messages == (22,)


async def test_only_the_newest_answer_can_be_replaced(talk, turns):
    conversations, _ = talk()
    await Screen(21).show(conversations.answering(ask("1")))
    await Screen(22).show(conversations.answering(ask("2")))
    for channel, message in ((HERE, 21), (THERE, 22)):
        with pytest.raises(Stale):
            await Screen().show(conversations.regenerating(channel, message, 1))


async def test_a_clear_while_an_answer_is_replaced_wins(talk, turns):
    hold = asyncio.Event()
    conversations, _ = talk(["old"], ["new", hold])
    await Screen(21).show(conversations.answering(ask("1")))
    screen = Screen(21)
    again = asyncio.create_task(screen.show(conversations.regenerating(HERE, 21, 1)))
    await screen.grown.wait()
    await conversations.clear(HERE)
    hold.set()
    await again
    assert await stored(turns) == []


async def test_a_one_off_question_reads_and_stores_nothing(talk, turns):
    conversations, engine = talk()
    await Screen().show(conversations.answering(ask("remember")))
    screen = Screen()
    await screen.show(conversations.asking(Question(HERE, 1, "Alice", "one-off")))
    assert screen.text == "ok"
    assert (engine.prompts[1].turns, engine.prompts[1].speaker) == ((), None)
    assert await stored(turns) == [("remember", "ok")]


async def test_close_stops_what_runs_refuses_what_waits_and_returns_when_all_is_done(talk, turns):
    conversations, _ = talk(["half", asyncio.Event()], [asyncio.Event()])
    running, waiting, silent = Screen(), Screen(), Screen()
    asked = [asyncio.create_task(running.show(conversations.answering(ask("runs"))))]
    await running.grown.wait()
    asked += [
        asyncio.create_task(waiting.show(conversations.answering(ask("waits")))),
        asyncio.create_task(silent.show(conversations.asking(Question(HERE, 2, "Alice", "no word yet")))),
    ]
    await asyncio.sleep(0)
    await conversations.close()
    assert all(task.done() for task in asked)
    assert [type(task.exception()) for task in asked] == [type(None), ShuttingDown, ShuttingDown]
    assert await stored(turns) == [("runs", "half")]
    with pytest.raises(ShuttingDown):
        await Screen().show(conversations.answering(ask("late")))


async def test_close_does_not_wait_for_ever_for_an_unreachable_discord(talk):
    conversations, _ = talk(last_words=0.1)

    async def hang() -> None:
        async with conversations.answering(ask("1")):
            await asyncio.Event().wait()

    asked = asyncio.create_task(hang())
    await asyncio.sleep(0.05)
    async with asyncio.timeout(5):
        await conversations.close()
    asked.cancel()


async def test_an_idle_channel_takes_no_memory(talk):
    conversations, _ = talk()
    for channel in range(100):
        await Screen().show(conversations.answering(ask("x", ChannelRef(channel))))
    assert len(conversations._admission._lines) == 0
    assert not conversations._admission.answers
