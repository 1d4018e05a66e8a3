"""Examples hold nobody's words without their consent, and lose what is forgotten, deleted, edited or taken back."""

import asyncio
import random
import sqlite3
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from bot.storage.channel_ref import ChannelRef
from bot.storage.database import open_database
from bot.storage.examples import _OF_MESSAGE, _OF_PERSON, _OLDEST_UNRATED, Count, ExampleStore
from bot.storage.reshard import Part, reshard
from bot.storage.turns import Person, Quote, Turn, TurnStore
from tests.support.databases import create_old, on_disk
from tests.support.examples import ALICE, BOB, CAROL, HOME, example, keep, turn


@pytest.fixture
async def database(tmp_path):
    async with open_database(tmp_path / "parley.db") as opened:
        yield opened


@pytest.fixture
async def examples(database):
    store = ExampleStore(database, limit=100)
    for person in (ALICE, BOB):
        await store.agree(person)
    return store


async def kept(store: ExampleStore) -> list[list[str]]:
    """The questions of each example."""
    return [[turn.question for turn in each.turns] async for each in store.all()]


async def test_an_example_comes_back_as_it_was(examples):
    said = example(
        turn(BOB, "first", 10), turn(ALICE, "hi Dora", 20, Person(4, "Dora"), Person(BOB, "Bob", quoted=True))
    )
    await keep(examples, said)
    assert [each async for each in examples.all()] == [said]
    assert await examples.find(7, 21) == said
    assert await examples.find(8, 21) is None
    assert await examples.find(7, 20) is None, "the question's message shows no answer"


async def test_only_turns_whose_authors_all_agree_are_kept(examples):
    await examples.refuse(CAROL)
    dora = 4  # never asked
    await keep(
        examples,
        example(
            turn(CAROL, "refused", 10),
            turn(dora, "never asked", 20),
            turn(BOB, "quotes Carol", 30, Person(CAROL, "Carol", quoted=True)),
            replace(turn(BOB, "from an older Parley", 40), people=None),
            turn(BOB, "names Carol", 50, Person(CAROL, "Carol")),
            turn(ALICE, "mine", 60),
        ),
    )
    assert await kept(examples) == [["names Carol", "mine"]]


@pytest.mark.parametrize(
    "asked",
    [
        turn(CAROL, "refused", 60),
        turn(ALICE, "quotes Carol", 60, Person(CAROL, "Carol", quoted=True)),
        replace(turn(ALICE, "from an older Parley", 60), people=None),
    ],
)
async def test_without_consent_to_the_question_there_is_no_example(examples, asked, tmp_path):
    await examples.refuse(CAROL)
    await keep(examples, example(turn(BOB, "first", 10), asked))
    assert await kept(examples) == []
    assert await examples.find(7, 61) is None
    assert asked.question.encode() not in on_disk(tmp_path / "parley.db")


async def test_an_example_waits_in_memory_for_a_decision(examples, tmp_path):
    await keep(examples, example(turn(CAROL, "a secret", 10)))
    await examples.vote(7, 11, BOB, True)
    await examples.vote(7, 11, ALICE, False)
    assert await kept(examples) == []
    assert b"a secret" not in on_disk(tmp_path / "parley.db")
    await examples.agree(CAROL)
    assert [(each.turn.question, each.votes) async for each in examples.all()] == [
        ("a secret", {BOB: True, ALICE: False})
    ]
    assert await examples.agree(CAROL) == []
    assert len(await kept(examples)) == 1


@pytest.mark.parametrize("how", ["refused", "forgotten", "deleted"])
async def test_what_waits_can_be_refused_forgotten_and_deleted(examples, how):
    await keep(examples, example(turn(BOB, "first", 10), turn(CAROL, "a secret", 20)))
    match how:
        case "refused":
            await examples.refuse(CAROL)
        case "forgotten":
            await examples.forget_person(CAROL)
        case "deleted":
            await examples.forget_message(7, 20)
    assert await examples.find(7, 21) is None
    await examples.agree(CAROL)
    assert await kept(examples) == []


async def test_a_person_is_asked_once(examples):
    assert await examples.may_ask(CAROL)
    assert not await examples.may_ask(CAROL)
    assert await examples.consent(CAROL) is None
    await examples.refuse(CAROL)
    assert await examples.consent(CAROL) is False
    assert not await examples.may_ask(CAROL)
    assert not await examples.may_ask(ALICE)


async def test_consent_taken_back_removes_all_that_a_person_wrote(examples, tmp_path):
    await keep(examples, example(turn(BOB, "of Bob", 10)))
    await keep(examples, example(turn(BOB, "of Bob", 10), turn(ALICE, "of Alice", 20)))
    await keep(
        examples, example(turn(ALICE, "quotes Bob", 30, Person(BOB, "Bob", quoted=True)), turn(ALICE, "last", 40))
    )
    await examples.vote(7, 21, BOB, True)
    await examples.correct(7, 21, BOB, "a word of Bob's")
    removed = await examples.refuse(BOB)
    assert [each.turn.question for each in removed] == ["of Bob"]
    assert await kept(examples) == [["of Alice"], ["last"]]
    assert [(each.votes, each.correction, each.reviewed) async for each in examples.all()] == [({}, None, False)] * 2
    assert b"of Bob" not in on_disk(tmp_path / "parley.db")
    await keep(examples, example(turn(BOB, "again", 50)))
    assert len(await kept(examples)) == 2


async def test_forgetting_a_person_removes_their_words_but_not_their_decision(examples):
    await keep(examples, example(turn(BOB, "first", 10), turn(ALICE, "second", 20)))
    await examples.vote(7, 21, ALICE, True)
    await examples.vote(7, 21, BOB, True)
    await examples.forget_person(BOB)
    (only,) = [each async for each in examples.all()]
    assert ([each.question for each in only.turns], only.votes) == (["second"], {ALICE: True})
    assert await examples.consent(BOB) is True
    assert [each.id for each in await examples.forget_person(ALICE)] == [only.id]


async def test_a_number_within_a_longer_one_is_not_taken_for_it(examples):
    await examples.agree(12)
    await keep(examples, example(turn(12, "of another", 110)))
    await examples.forget_person(1)
    await examples.forget_person(2)
    await examples.forget_message(7, 11)
    assert await kept(examples) == [["of another"]]


@pytest.mark.parametrize(
    ("message", "left"), [(10, ["second"]), (11, ["second"]), (20, None), (21, None), (99, ["first", "second"])]
)
async def test_a_deleted_message_takes_its_turn_along(examples, message, left):
    await keep(examples, example(turn(BOB, "first", 10), turn(ALICE, "second", 20)))
    await examples.forget_message(8, message)
    removed = await examples.forget_message(7, message)
    assert await kept(examples) == ([left] if left else [])
    assert len(removed) == (left is None)


async def test_an_edited_question_is_edited_wherever_it_stands(examples):
    first = turn(BOB, "Carol wrote: x\nhelo", 10)
    await keep(examples, example(first))
    await keep(examples, example(first, turn(ALICE, "second", 20)))
    changed, removed = await examples.edit_question(7, 10, "hello", (), Quote("Carol wrote: x\n"))
    assert await kept(examples) == [["Carol wrote: x\nhello"], ["Carol wrote: x\nhello", "second"]]
    assert ([len(each.turns) for each in changed], removed) == ([1], [])
    await examples.edit_question(7, 10, "all new", (), Quote("Carol said: y\n"))
    assert await kept(examples) == [["all new"], ["all new", "second"]]


async def test_an_edited_question_that_quotes_somebody_needs_their_consent(examples):
    first = turn(BOB, "first", 10)
    await keep(examples, example(first))
    await keep(examples, example(first, turn(ALICE, "second", 20)))
    quoted = (Person(CAROL, "Carol", quoted=True),)
    changed, removed = await examples.edit_question(7, 10, "Carol wrote: x\nfirst", people=quoted)
    assert await kept(examples) == [["second"]]
    assert (changed, len(removed)) == ([], 1)


WORD = {ALICE: "alpha", BOB: "bravo", CAROL: "carol", 4: "delta"}


class Talk:
    """People who talk, quote each other, vote, correct, decide and forget by chance."""

    def __init__(self, store: ExampleStore, rng: random.Random) -> None:
        self._store = store
        self._rng = rng
        self._turns: list[Turn] = []
        self.agreed: dict[int, bool] = {}

    async def act(self) -> None:
        acts = (self.ask, self.ask, self.ask, self.vote, self.correct, self.decide, self.forget, self.delete, self.edit)
        await self._rng.choice(acts)(self._rng.choice([*WORD]))

    def _message(self) -> int:
        return 10 * self._rng.randint(1, max(1, len(self._turns)))

    def _text(self, person: int) -> tuple[str, tuple[Person, ...]]:
        """What somebody says, at times with a quote of somebody else."""
        other = self._rng.choice([*WORD])
        quotes = (Person(other, "Somebody", quoted=True),) if self._rng.random() < 0.3 else ()
        return " ".join([*(WORD[quoted.id] for quoted in quotes), WORD[person]]), quotes

    async def ask(self, person: int) -> None:
        text, people = self._text(person)
        said = replace(turn(person, text, 10 * (len(self._turns) + 1), *people), answer="yes")
        self._turns.append(said)
        await keep(self._store, example(*self._turns[-3:]))

    async def vote(self, person: int) -> None:
        await self._store.vote(7, self._message() + 1, person, self._rng.random() < 0.5)

    async def correct(self, person: int) -> None:
        await self._store.correct(7, self._message() + 1, person, WORD[person])

    async def decide(self, person: int) -> None:
        self.agreed[person] = self._rng.random() < 0.75
        await (self._store.agree if self.agreed[person] else self._store.refuse)(person)

    async def forget(self, person: int) -> None:
        await self._store.forget_person(person)
        assert person not in {one async for each in self._store.all() for one in each.people}

    async def delete(self, person: int) -> None:
        message = self._message()
        await self._store.forget_message(7, message)
        assert message not in {one async for each in self._store.all() for one in each.messages}

    async def edit(self, person: int) -> None:
        message = self._message()
        asker = self._turns[message // 10 - 1].asker if self._turns else person
        text, people = self._text(asker)
        await self._store.edit_question(7, message, text, people)


async def test_what_is_forgotten_or_edited_while_an_answer_is_made_is_not_kept(database, examples):
    turns = TurnStore(database)
    asked = [await turns.begin(turn(person, f"of {person}", 10 * person)) for person in (BOB, ALICE, 5, BOB)]
    await turns.forget_message(7, 10 * ALICE)
    await turns.edit_question(7, 10 * BOB, "edited")
    await examples.add(example(*asked))
    assert await kept(examples) == [["edited", "edited"]]
    await turns.forget_person(BOB)
    await examples.add(example(*asked))
    assert await kept(examples) == [["edited", "edited"]], "nothing was added"


@pytest.mark.parametrize("steps", range(8))
async def test_nothing_comes_between_an_answer_and_a_decision(database, steps):
    """An example is added while its asker agrees, refuses, is forgotten, or edits or deletes the question."""
    turns, store = TurnStore(database), ExampleStore(database, limit=100)
    asked = [await turns.begin(turn(person, "secret", 10 * person)) for person in (ALICE, BOB, CAROL, 4, 5)]
    edit, delete = partial(store.edit_question, 7, 40, "edited"), partial(store.forget_message, 7, 50)
    acts = [partial(store.agree, ALICE), partial(store.refuse, BOB), partial(store.forget_person, CAROL), edit, delete]
    for one, act in zip(asked, acts, strict=True):
        adding = asyncio.create_task(store.add(example(one)))
        for _ in range(steps):
            await asyncio.sleep(0)
        await asyncio.gather(adding, act())
    for person in (BOB, CAROL, 4, 5):
        await store.agree(person)
    assert await kept(store) == [["secret"], ["edited"]]


async def test_votes_are_noted_while_its_asker_agrees(database):
    turns, store = TurnStore(database), ExampleStore(database, limit=100)
    for message in range(10, 60, 10):
        await store.add(example(await turns.begin(turn(ALICE, "x", message))))
    agreeing, voted = asyncio.create_task(store.agree(ALICE)), {}
    while not agreeing.done():
        voted[len(voted)] = True
        await store.vote(7, 51, len(voted) - 1, True)
        await asyncio.sleep(0)
    assert [each.votes async for each in store.all()][-1] == voted


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_people_do_no_word_is_kept_without_consent(database, tmp_path, seed):
    rng = random.Random(f"consent {seed}")
    store = ExampleStore(database, limit=20)
    talk = Talk(store, rng)
    for person in WORD:
        await talk.decide(person)
    kept = 0
    for _ in range(60):
        await talk.act()
        stored = on_disk(tmp_path / "parley.db")
        for person, word in WORD.items():
            assert talk.agreed.get(person) or word.encode() not in stored, f"{word} is kept without consent"
        kept += len([each async for each in store.all()])
    assert kept, "or the test shows nothing"


async def test_a_vote_can_be_changed_and_belongs_to_one_person(examples):
    await keep(examples, example(turn(ALICE, "x", 10)))
    await examples.vote(7, 11, ALICE, True)
    await examples.vote(7, 11, BOB, True)
    assert (await examples.vote(7, 11, ALICE, False)).votes == {ALICE: False, BOB: True}
    assert await examples.vote(7, 99, ALICE, True) is None


async def test_the_newest_answer_in_a_message_is_voted_on(examples):
    await keep(examples, example(turn(ALICE, "x", 10)))
    await keep(examples, example(replace(turn(ALICE, "x", 10), answer="better")))
    await examples.vote(7, 11, ALICE, True)
    assert [each.votes async for each in examples.all()] == [{}, {ALICE: True}]


async def test_a_correction_needs_the_consent_of_its_author(examples):
    await keep(examples, example(turn(ALICE, "x", 10)))
    assert (await examples.correct(7, 11, CAROL, "words of Carol")).correction is None
    corrected = await examples.correct(7, 11, BOB, "words of Bob")
    assert (corrected.correction, corrected.corrector, corrected.reviewed) == ("words of Bob", BOB, True)
    assert await examples.find(7, 11) == corrected


async def test_a_review_approves_or_discards(examples):
    for message in (10, 20):
        await keep(examples, example(turn(ALICE, "x", message)))
    assert (await examples.approve(7, 11)).reviewed
    assert (await examples.discard(7, 21)).turn.question_message == 20
    assert await examples.discard(7, 21) is None
    assert [each.turn.question_message async for each in examples.all()] == [10]


@pytest.mark.parametrize(("where", "left"), [({"channel": 7}, [8]), ({"channel": 70}, [7, 8]), ({"guild": 5}, [8])])
async def test_a_place_that_is_left_takes_its_examples_along(examples, where, left):
    thread = ChannelRef(70, 7, 5)
    for ref, message in ((HOME, 10), (thread, 20), (ChannelRef(8, None, 6), 30)):
        await keep(examples, example(replace(turn(ALICE, "x", message), channel=ref)))
        found = await examples.find(ref.channel, message + 1)
        assert await examples.note_review(found, 1000 + message)
        await keep(examples, example(replace(turn(CAROL, "undecided", message + 2), channel=ref)))
    removed = await examples.forget_place(**where)
    await examples.agree(CAROL)
    assert sorted({each.turn.channel.channel async for each in examples.all()}) == left
    shown = {7: 1010, 70: 1020, 8: 1030}
    assert {each.review_message for each in removed} == {shown[channel] for channel in shown.keys() - {*left}}


async def test_beyond_the_limit_the_oldest_unrated_goes_first(database):
    examples = ExampleStore(database, limit=3)
    await examples.agree(ALICE)
    for message in (10, 20, 30):
        await keep(examples, example(turn(ALICE, str(message), message)))
    await examples.vote(7, 11, BOB, False)
    for message in (40, 50):
        await keep(examples, example(turn(ALICE, str(message), message)))
    assert await kept(examples) == [["10"], ["40"], ["50"]]
    for message in (41, 51):
        await examples.vote(7, message, BOB, True)
    await keep(examples, example(turn(ALICE, "60", 60)))
    assert await kept(examples) == [["10"], ["40"], ["50"]], "the new one is the only one that nobody rated"


async def test_a_guild_that_is_left_and_a_channel_that_is_deleted_take_their_examples_along(examples, database):
    for ref in (HOME, ChannelRef(70, 7, 5), ChannelRef(8, None, 6)):
        await keep(examples, example(replace(turn(ALICE, str(ref.channel), 10), channel=ref)))
    await database.forget_channel(7)
    assert await kept(examples) == [["8"]]
    await database.forget_guild(6)
    assert await kept(examples) == []


async def test_counts_are_by_model(examples):
    for message in (10, 20):
        await keep(examples, example(turn(ALICE, "x", message)))
    await keep(examples, replace(example(turn(ALICE, "x", 30)), model="other"))
    await examples.vote(7, 11, ALICE, True)
    await examples.vote(7, 11, BOB, False)
    await examples.correct(7, 21, BOB, "better")
    assert await examples.counts() == [Count("model", 2, 1, 1, 1, 1), Count("other", 1, 0, 0, 0, 0)]


async def test_votes_at_the_same_time_are_all_counted(examples):
    await keep(examples, example(turn(ALICE, "x", 10)))
    await asyncio.gather(*(examples.vote(7, 11, person, True) for person in range(50, 70)))
    assert len((await examples.find(7, 11)).votes) == 20


async def test_people_keep_their_numbers(examples):
    before = await examples.numbers()
    await examples.agree(CAROL)
    await examples.refuse(ALICE)
    assert {**before, CAROL: 3} == await examples.numbers() == {ALICE: 1, BOB: 2, CAROL: 3}


async def test_searches_read_an_index(examples, database):
    async def plan(statement: str, *values: object) -> str:
        async with database.connection() as connection:
            rows = await connection.execute_fetchall(f"EXPLAIN QUERY PLAN {statement}", values)
            return " ".join(row[3] for row in rows)

    assert "COVERING INDEX examples_messages" in await plan(_OF_MESSAGE, 7, "10")
    assert "COVERING INDEX examples_people" in await plan(_OF_PERSON, "1")
    assert "INDEX examples_unrated" in await plan(_OLDEST_UNRATED, 1)


async def test_turns_of_a_version_that_did_not_note_people_are_not_kept(tmp_path):
    path = tmp_path / "old.db"
    create_old(path, 3, "one")
    async with open_database(path):
        pass
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("SELECT people FROM turns").fetchall() == [(None,)]


async def test_resharding_keeps_examples_and_the_strictest_decision(tmp_path):
    old = [tmp_path / "a.db", tmp_path / "b.db"]
    decisions: list[dict[int, bool]] = [{ALICE: True, BOB: False}, {ALICE: False, BOB: True, CAROL: True}]
    for path, decided in zip(old, decisions, strict=True):
        async with open_database(path) as database:
            store = ExampleStore(database, 100)
            await store.may_ask(4)
            for person, agreed in decided.items():
                await (store.agree if agreed else store.refuse)(person)
            if path == old[1]:
                await keep(store, example(turn(CAROL, "kept", 10)))
    await reshard(old, [Part(Path(tmp_path / "new.db"), frozenset({0}))], 1)
    async with open_database(tmp_path / "new.db") as database:
        store = ExampleStore(database, 100)
        assert [await store.consent(person) for person in (ALICE, BOB, CAROL, 4)] == [False, False, True, None]
        assert not await store.may_ask(4)
        assert await kept(store) == [["kept"]]
