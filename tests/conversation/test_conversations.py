"""One turn at a time per channel, in order; stored whole or not at all."""

import asyncio
from collections.abc import Callable

import pytest

from bot.conversation.conversations import Answer, Conversations, Question, ShuttingDown, Stale
from bot.engine import NoAnswer, Sampling
from bot.storage.channel_settings import ChannelOverrides, ChannelRef, ChannelSettings, ChannelSettingsStore, Limits
from bot.storage.database import open_database
from bot.storage.turns import TurnStore
from tests.support.scripted import ScriptedEngine


@pytest.fixture
async def database(tmp_path):
    async with open_database(tmp_path / "parley.db") as database:
        yield database


@pytest.fixture
def history(database):
    return TurnStore(database)


@pytest.fixture
def channels(database):
    return ChannelSettingsStore(database, ChannelSettings("Be brief.", 0.7, 200, 5), Limits(1.5, 200, 20))


@pytest.fixture
async def talk(history, channels):
    engines = []

    def make(*scripts) -> tuple[Conversations, ScriptedEngine]:
        engines.append(ScriptedEngine(*scripts))
        return Conversations(engines[-1], history, channels, sampling=Sampling(), grace=0.05), engines[-1]

    yield make
    for engine in engines:
        await engine.close()


class Screen:
    """Shows an answer like Discord does, to be read by a test."""

    def __init__(self, *messages: int) -> None:
        self.text = ""
        self.grown = asyncio.Event()
        self.messages = messages

    async def show(self, answer: Answer) -> tuple[int, ...]:
        self.answer = answer
        async for piece in answer:
            self.text += piece
            self.grown.set()
        return self.messages


def ask(text: str, channel: int = 7, name: str = "Alice", *, asker: int = 1, shared: bool = True) -> Question:
    return Question(channel, asker, name, text, shared, 11)


async def stored(history: TurnStore, channel: int = 7) -> list[tuple[str, str]]:
    return [(turn.question, turn.answer) for turn in await history.recent(channel)]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


async def test_the_model_is_told_the_channels_turns_and_who_speaks(talk):
    conversations, engine = talk(["Hel", "lo "], ["yes"])
    await conversations.converse(ask("hi"), Screen().show)
    await conversations.converse(ask("again", name="Bob"), Screen().show)
    await conversations.converse(ask("elsewhere", channel=8), Screen().show)
    first, second, elsewhere = engine.prompts
    assert (first.system, first.turns, first.speaker, first.question) == ("Be brief.", (), "Alice", "hi")
    assert [(turn.speaker, turn.question, turn.answer) for turn in second.turns] == [("Alice", "hi", "Hello")]
    assert second.speaker == "Bob"
    assert elsewhere.turns == ()


async def test_the_engine_is_told_the_channel_that_an_answer_is_for(talk):
    conversations, engine = talk()
    await conversations.converse(ask("hi"), Screen().show)
    await conversations.regenerate(7, None, 1, Screen().show, shared=True)
    await conversations.ask("hi", 1, Screen().show, channel=8)
    assert engine.channels == [7, 7, 8]


async def test_nobody_is_named_where_one_person_talks(talk):
    conversations, engine = talk()
    for text in ("one", "two"):
        await conversations.converse(ask(text, shared=False), Screen().show)
    assert engine.prompts[1].speaker is None
    assert engine.prompts[1].turns[0].speaker is None


async def test_a_channel_may_remember_more_or_fewer_turns_than_the_others(talk, history, channels):
    conversations, engine = talk()
    await channels.change(ChannelRef(7), ChannelOverrides(turns=7))
    await channels.change(ChannelRef(8), ChannelOverrides(turns=0))
    for number in range(8):
        for channel in (7, 8, 9):
            await conversations.converse(ask(str(number), channel=channel), Screen(number).show)
    assert [len(prompt.turns) for prompt in engine.prompts[-3:]] == [7, 0, 5]
    kept = [[question for question, _ in await stored(history, channel)] for channel in (7, 8, 9)]
    assert kept == [list("1234567"), [], list("34567")]
    with pytest.raises(Stale):
        await conversations.regenerate(8, 7, 1, Screen().show, shared=True)


async def test_the_turn_is_stored_with_its_messages(talk, history):
    conversations, _ = talk()
    await conversations.converse(ask("hi"), Screen(21, 22).show)
    (turn,) = await history.recent(7)
    assert (turn.asker, turn.asker_name, turn.question, turn.answer) == (1, "Alice", "hi", "ok")
    assert (turn.question_message, turn.answer_messages) == (11, (21, 22))


async def test_a_channel_answers_in_the_order_asked_and_others_do_not_wait(talk, history):
    hold = asyncio.Event()
    conversations, engine = talk([hold, "first"], ["other channel"], ["second"], ["third"])
    asked = [asyncio.create_task(conversations.converse(ask("1"), Screen().show))]
    await until(lambda: len(engine.prompts) == 1)
    other = Screen()
    await conversations.converse(ask("x", channel=8), other.show)
    assert other.text == "other channel"
    for asker, text in enumerate(("2", "3"), start=2):
        asked.append(asyncio.create_task(conversations.converse(ask(text, asker=asker), Screen().show)))
        await asyncio.sleep(0)
    assert len(engine.prompts) == 2, "the channel's next waits for its first"
    hold.set()
    await asyncio.gather(*asked)
    assert await stored(history) == [("1", "first"), ("2", "second"), ("3", "third")]


async def test_a_stop_keeps_what_was_said(talk, history):
    conversations, engine = talk(["Once ", asyncio.Event()])
    screen = Screen()
    asked = asyncio.create_task(conversations.converse(ask("tell"), screen.show))
    await screen.grown.wait()
    screen.answer.stop()
    await asked
    assert engine.streams[0].stopped
    assert await stored(history) == [("tell", "Once")]


async def test_a_clear_during_an_answer_wins(talk, history):
    hold = asyncio.Event()
    conversations, _ = talk(["before"], ["during", hold], ["waiting"], ["after"])
    await conversations.converse(ask("1"), Screen().show)
    screen = Screen()
    running = asyncio.create_task(conversations.converse(ask("2"), screen.show))
    await screen.grown.wait()
    waiting = asyncio.create_task(conversations.converse(ask("3"), Screen().show))
    await asyncio.sleep(0)
    assert len(await conversations.clear(7)) == 1
    hold.set()
    await asyncio.gather(running, waiting)
    assert screen.text == "during", "the answer itself is shown to its end"
    assert await stored(history) == []
    await conversations.converse(ask("4"), Screen().show)
    assert await stored(history) == [("4", "after")]


async def test_a_failed_answer_is_not_stored_and_the_channel_works_on(talk, history):
    conversations, engine = talk(["half", RuntimeError("broken")], [], ["fine"])
    screen = Screen()
    with pytest.raises(RuntimeError, match="broken"):
        await conversations.converse(ask("1"), screen.show)
    assert screen.text == "half"
    with pytest.raises(NoAnswer):
        await conversations.converse(ask("2"), Screen().show)
    await conversations.converse(ask("3"), Screen().show)
    assert await stored(history) == [("3", "fine")]
    assert all(stream.stopped for stream in engine.streams)


async def test_generation_stops_when_nobody_can_be_shown_the_answer(talk, history):
    conversations, engine = talk(["text", asyncio.Event()])

    async def gone(answer: Answer) -> tuple[int, ...]:
        await anext(answer)
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await conversations.converse(ask("1"), gone)
    assert engine.streams[0].stopped
    assert await stored(history) == []


async def test_a_newest_answer_is_replaced_by_another_to_the_same_question(talk, history):
    conversations, engine = talk(["first"], ["second"], ["third"])
    await conversations.converse(ask("1"), Screen(21).show)
    await conversations.converse(ask("2", name="Bob"), Screen(22, 23).show)
    screen = Screen(22)
    await conversations.regenerate(7, 23, 1, screen.show, shared=True)
    assert screen.text == "third"
    again = engine.prompts[2]
    assert (again.speaker, again.question) == ("Bob", "2")
    assert [turn.question for turn in again.turns] == ["1"], "the answer that is replaced is not shown to the model"
    assert await stored(history) == [("1", "first"), ("2", "third")]
    assert (await history.recent(7))[-1].answer_messages == (22,)


async def test_only_the_newest_answer_can_be_replaced(talk, history):
    conversations, _ = talk()
    await conversations.converse(ask("1"), Screen(21).show)
    await conversations.converse(ask("2"), Screen(22).show)
    for channel, message in ((7, 21), (8, 22)):
        with pytest.raises(Stale):
            await conversations.regenerate(channel, message, 1, Screen().show, shared=True)


async def test_a_clear_while_an_answer_is_replaced_wins(talk, history):
    hold = asyncio.Event()
    conversations, _ = talk(["old"], ["new", hold])
    await conversations.converse(ask("1"), Screen(21).show)
    screen = Screen(21)
    again = asyncio.create_task(conversations.regenerate(7, 21, 1, screen.show, shared=True))
    await screen.grown.wait()
    await conversations.clear(7)
    hold.set()
    await again
    assert await stored(history) == []


async def test_a_one_off_question_reads_and_stores_nothing(talk, history):
    conversations, engine = talk()
    await conversations.converse(ask("remember"), Screen().show)
    screen = Screen()
    await conversations.ask("one-off", 1, screen.show)
    assert screen.text == "ok"
    assert (engine.prompts[1].turns, engine.prompts[1].speaker) == ((), None)
    assert await stored(history) == [("remember", "ok")]


async def test_close_stops_what_runs_refuses_what_waits_and_returns_when_all_is_done(talk, history):
    conversations, _ = talk(["half", asyncio.Event()], [asyncio.Event()])
    running, waiting, silent = Screen(), Screen(), Screen()
    asked = [asyncio.create_task(conversations.converse(ask("runs"), running.show))]
    await running.grown.wait()
    asked += [
        asyncio.create_task(conversations.converse(ask("waits"), waiting.show)),
        asyncio.create_task(conversations.ask("no word yet", 2, silent.show)),
    ]
    await asyncio.sleep(0)
    await conversations.close()
    assert all(task.done() for task in asked)
    assert [type(task.exception()) for task in asked] == [type(None), ShuttingDown, ShuttingDown]
    assert await stored(history) == [("runs", "half")]
    with pytest.raises(ShuttingDown):
        await conversations.converse(ask("late"), Screen().show)


async def test_close_does_not_wait_for_ever_for_a_discord_out_of_reach(talk, monkeypatch):
    monkeypatch.setattr("bot.conversation.conversations._LAST_WORDS", 0.1)
    conversations, _ = talk()

    async def hangs(answer: Answer) -> tuple[int, ...]:
        await asyncio.Event().wait()
        return ()

    asked = asyncio.create_task(conversations.converse(ask("1"), hangs))
    await asyncio.sleep(0.05)
    async with asyncio.timeout(5):
        await conversations.close()
    asked.cancel()


async def test_nothing_is_kept_of_a_channel_at_rest(talk):
    conversations, _ = talk()
    for channel in range(100):
        await conversations.converse(ask("x", channel=channel), Screen().show)
    assert len(conversations._channels) == 0
    assert not conversations._answers
