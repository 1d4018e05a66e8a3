"""Answers kept as examples for training, and the consent of those whose words they hold.

Nobody's words are kept without their consent. An example holds only those earlier turns whose authors all agree, and
there is none if an author of the question itself does not. The summary of older turns is never part of one, as it may
hold anybody's words.
"""

import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, replace

import aiosqlite

from bot.storage.database import Database
from bot.storage.example import COLUMNS, Example, dump, load
from bot.storage.turns import NO_QUOTE, Person, Quote, Turn, read_current

_UNDECIDED = 1000  # examples that wait, in memory alone, for the consent of their askers
_BATCH = 200  # rows that are read at once, so that the event loop stays free
_SELECT = f"SELECT {', '.join(COLUMNS)} FROM examples"  # noqa: S608 - constants
_ALL = f"{_SELECT} WHERE id > ? ORDER BY id"
_BY_ID = f"{_SELECT} WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id"  # noqa: S608 - constants
_WRITE = f"INSERT OR REPLACE INTO examples ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608
# These two read an index alone. What they find may hold a longer number with these digits in it.
_OF_MESSAGE = "SELECT id FROM examples WHERE channel IN (?1, ?2) AND instr(messages, ?2)"
_OF_PERSON = "SELECT id FROM examples WHERE instr(people, ?)"
_OLDEST_UNRATED = (
    "SELECT id FROM examples WHERE votes = '{}' AND correction IS NULL AND NOT reviewed ORDER BY id LIMIT ?"
)
_OLDEST = "SELECT id FROM examples ORDER BY id LIMIT ?"
_COUNTS = """
SELECT
    model,
    count(*),
    sum((SELECT count(*) FROM json_each(votes) WHERE value)),
    sum((SELECT count(*) FROM json_each(votes) WHERE NOT value)),
    count(correction),
    sum(reviewed)
FROM examples GROUP BY model ORDER BY model
"""
_CONSENTS = """
SELECT person, agreed FROM consents WHERE agreed IS NOT NULL AND person IN (SELECT value FROM json_each(?))
"""
_DECIDE = "INSERT INTO consents (person, agreed) VALUES (?1, ?2) ON CONFLICT (person) DO UPDATE SET agreed = ?2"


@dataclass(frozen=True)
class Count:
    """How many examples there are of a model: in all, of each vote, corrected and reviewed ones."""

    model: str
    examples: int
    likes: int
    dislikes: int
    corrected: int
    reviewed: int


class ExampleStore:
    """Keeps at most `limit` examples: beyond that the oldest goes, first of those that nobody has rated.

    An example whose asker has not decided about consent waits in memory until they do. All methods raise DatabaseError
    when the file cannot be used.
    """

    def __init__(self, database: Database, limit: int) -> None:
        self._database = database
        self._limit = limit
        self._undecided: deque[Example] = deque(maxlen=_UNDECIDED)

    # Consent.

    async def consent(self, person: int) -> bool | None:
        """Whether somebody lets their words be kept; None if they have not decided."""
        async with self._database.connection() as connection:
            return (await _consents(connection, {person})).get(person)

    async def may_ask(self, person: int) -> bool:
        """Whether somebody has neither decided nor been asked to; notes that they are asked now."""
        async with self._database.transaction() as connection:
            asked = await connection.execute("INSERT OR IGNORE INTO consents (person) VALUES (?)", (person,))
            return asked.rowcount > 0

    async def agree(self, person: int) -> list[Example]:
        """Note that somebody lets their words be kept, and keep what waits for that; returns it."""
        waiting: list[Example] = []
        try:
            async with self._database.transaction() as connection:
                waiting = [example for example in self._undecided if example.turn.asker == person]
                self._forget_undecided(lambda example: example.turn.asker == person)
                await connection.execute(_DECIDE, (person, True))
                for example in waiting:
                    await self._insert(connection, example)
        except BaseException:
            self._undecided = deque((*waiting, *self._undecided), _UNDECIDED)
            raise
        return waiting

    async def refuse(self, person: int) -> list[Example]:
        """Note that somebody does not let their words be kept, and remove them; returns the examples that went."""
        async with self._database.transaction() as connection:
            await connection.execute(_DECIDE, (person, False))
            self._forget_undecided(lambda example: person in example.people)
            return await self._remove_person(connection, person)

    async def numbers(self) -> dict[int, int]:
        """A number for each person who was asked for consent, the same for ever."""
        async with self._database.connection() as connection:
            rows = await connection.execute_fetchall("SELECT person, number FROM consents")
            return {person: number for person, number in rows}  # noqa: C416 - its rows have no type

    # Examples.

    async def add(self, example: Example) -> None:
        """Keep what the authors let be kept of an example; nothing of what has been forgotten while it was answered."""
        async with self._database.transaction() as connection:
            current = await _current(connection, example)
            if current and await _consents(connection, {current.turn.asker}):
                await self._insert(connection, current)
            elif current:
                self._undecided.append(current)

    async def extend(self, beginning: Turn, example: Example) -> None:
        """Keep an example of an answer that was continued, in place of the one of its beginning.

        Votes and a correction stay. An approval does not: the moderator saw less than there is now.
        """

        answered = example.turn

        def extended(it: Example) -> Example:
            return replace(
                it,
                turns=(*it.turns[:-1], replace(answered, question=it.turn.question, people=it.turn.people)),
                system=example.system,
                model=example.model,
                digest=example.digest,
                sampling=example.sampling,
                reviewed=it.reviewed and (it.correction is not None or it.turn.answer == answered.answer),
            )

        shown_in = beginning.answer_messages
        old = await self.find(beginning.channel.channel, shown_in[-1]) if shown_in else None
        if old is None or old.turn.answer != beginning.answer or not await self._change(old, extended):
            await self.add(example)

    async def find(self, channel: int, message: int) -> Example | None:
        """The example whose answer a message shows; the newest, if the answer was regenerated in place."""
        for example in reversed(self._undecided):
            if example.shown_in(channel, message):
                return example
        async with self._database.connection() as connection:
            found = [it async for it in _of_message(connection, channel, message) if it.shown_in(channel, message)]
            return found[-1] if found else None

    async def holds(self, channel: int, message: int) -> bool:
        """Whether anything in a message is part of an example."""
        if any(message in example.messages for example in self._undecided):
            return True
        async with self._database.connection() as connection:
            return bool([it async for it in _of_message(connection, channel, message)])

    async def vote(self, channel: int, message: int, person: int, liked: bool) -> Example | None:
        """Note somebody's vote on the answer that a message shows, in place of their last; returns the example."""
        example = await self.find(channel, message)
        return await self._change(example, lambda it: replace(it, votes={**it.votes, person: liked}))

    async def correct(self, channel: int, message: int, person: int, text: str) -> Example | None:
        """Note how the answer that a message shows should have been, which makes it reviewed; returns the example.

        The correction is not stored unless `person` lets their words be kept.
        """
        example = await self.find(channel, message)
        return await self._change(example, lambda it: replace(it, correction=text, corrector=person, reviewed=True))

    async def approve(self, channel: int, message: int) -> Example | None:
        """Note that the answer that a message shows is fine as it is; returns the example."""
        example = await self.find(channel, message)
        return await self._change(example, lambda it: replace(it, correction=None, corrector=None, reviewed=True))

    async def discard(self, channel: int, message: int) -> Example | None:
        """Remove the example of the answer that a message shows; returns it as it was."""
        example = await self.find(channel, message)
        await self._change(example, lambda it: None)
        return example

    async def note_review(self, example: Example, message: int) -> bool:
        """Note which message shows an example in the review channel; returns False if the example has gone."""
        return bool(await self._change(example, lambda it: replace(it, review_message=message)))

    async def move(self, example: Example, messages: tuple[int, ...]) -> None:
        """Note which messages show an example's answer now."""

        def moved(it: Example) -> Example:
            *earlier, last = it.turns
            return replace(it, turns=(*earlier, replace(last, answer_messages=messages)))

        await self._change(example, moved)

    async def counts(self) -> list[Count]:
        """How many examples there are, by model."""
        async with self._database.connection() as connection:
            return [Count(*row) for row in await connection.execute_fetchall(_COUNTS)]

    async def all(self) -> AsyncIterator[Example]:
        """All stored examples, oldest first."""
        async for row in self._database.pages(_ALL):
            yield load(row)

    # What leaves Discord, or a person takes back, leaves the examples.

    async def forget_person(self, person: int) -> list[Example]:
        """Remove all that somebody wrote, and their votes; returns the examples that went."""
        async with self._database.transaction() as connection:
            self._forget_undecided(lambda example: person in example.people)
            return await self._remove_person(connection, person)

    async def forget_message(self, channel: int, message: int) -> list[Example]:
        """Remove the turn that a message is part of; returns the examples that went."""
        async with self._database.transaction() as connection:
            self._forget_undecided(lambda example: message in example.messages)
            removed = []
            async for example in _of_message(connection, channel, message):
                if not await _save(connection, example, example.without(lambda turn: message in turn.messages)):
                    removed.append(example)
            return removed

    async def edit_question(
        self, channel: int, message: int, question: str, people: tuple[Person, ...] = (), beginning: Quote = NO_QUOTE
    ) -> tuple[list[Example], list[Example]]:
        """Replace the text of the question that a message asks, as `TurnStore.edit_question` does.

        Returns the examples whose own question it is, as they are now, and those that went, because the text now
        quotes somebody who does not let their words be kept.
        """

        def edit(turn: Turn) -> Turn:
            if turn.question_message != message:
                return turn
            start = beginning if turn.question.startswith(beginning.text) else NO_QUOTE
            return replace(turn, question=start.text + question, people=(*start.people, *people))

        changed, removed = [], []
        async with self._database.transaction() as connection:
            self._undecided = deque((_edited(it, edit) for it in self._undecided), _UNDECIDED)
            async for example in _of_message(connection, channel, message):
                kept = await _save(connection, example, await _allowed(connection, _edited(example, edit)))
                if not kept:
                    removed.append(example)
                elif kept.turn.question_message == message:
                    changed.append(kept)
        return changed, removed

    async def forget_place(self, *, channel: int | None = None, guild: int | None = None) -> list[Example]:
        """Remove the examples of a channel and its threads, or of a guild; returns those in the review channel."""
        where = "channel = ?1 OR parent = ?1 OR guild = ?2"
        async with self._database.transaction() as connection:
            self._forget_undecided(
                lambda example: (
                    channel in (example.turn.channel.channel, example.turn.channel.parent)
                    if channel
                    else guild == example.turn.channel.guild
                )
            )
            statement = f"{_SELECT} WHERE review_message > 0 AND ({where})"
            shown = [load(row) for row in await connection.execute_fetchall(statement, (channel, guild))]
            await connection.execute(f"DELETE FROM examples WHERE {where}", (channel, guild))  # noqa: S608 - constants
            return shown

    def _forget_undecided(self, condition: Callable[[Example], bool]) -> None:
        self._undecided = deque((it for it in self._undecided if not condition(it)), _UNDECIDED)

    async def _change(self, example: Example | None, change: Callable[[Example], Example | None]) -> Example | None:
        """Apply a change to an example as it is by now; returns what it has become, None if nothing."""
        if example is None:
            return None
        if not example.id:
            changed = change(example)
            self._undecided = deque(
                filter(None, (changed if it is example else it for it in self._undecided)), _UNDECIDED
            )
            return changed
        async with self._database.transaction() as connection:
            async for current in _read(connection, [example.id]):
                changed = change(current)
                return await _save(connection, current, changed and await _allowed(connection, changed))
        return None

    async def _remove_person(self, connection: aiosqlite.Connection, person: int) -> list[Example]:
        removed = []
        ids = await connection.execute_fetchall(_OF_PERSON, (str(person),))
        async for example in _read(connection, [number for (number,) in ids]):
            votes = {voter: liked for voter, liked in example.votes.items() if voter != person}
            without = replace(_uncorrected(example) if example.corrector == person else example, votes=votes)
            if not await _save(connection, example, without.without(lambda turn: person in (turn.authors or ()))):
                removed.append(example)
        return removed

    async def _insert(self, connection: aiosqlite.Connection, example: Example) -> None:
        if allowed := await _allowed(connection, example):
            await connection.execute(_WRITE, dump(allowed))
            ((count,),) = await connection.execute_fetchall("SELECT count(*) FROM examples")
            for oldest in (_OLDEST_UNRATED, _OLDEST):
                statement = f"DELETE FROM examples WHERE id IN ({oldest})"  # noqa: S608 - constants
                count -= (await connection.execute(statement, (max(0, count - self._limit),))).rowcount


def _edited(example: Example, edit: Callable[[Turn], Turn]) -> Example:
    return replace(example, turns=tuple(map(edit, example.turns)))


def _uncorrected(example: Example) -> Example:
    return replace(example, correction=None, corrector=None, reviewed=False)


async def _current(connection: aiosqlite.Connection, example: Example) -> Example | None:
    """The turns of an example that are still stored, with their questions as they are now; None without the last."""
    turns = [(turn, await read_current(connection, turn)) for turn in example.turns]
    kept = tuple(replace(turn, question=now.question, people=now.people) for turn, now in turns if now)
    return replace(example, turns=kept) if turns[-1][1] else None


async def _allowed(connection: aiosqlite.Connection, example: Example) -> Example | None:
    """What the authors of an example let be kept of it; None if that is not even the question."""
    consents = await _consents(connection, example.people)
    if example.corrector and not consents.get(example.corrector):
        example = _uncorrected(example)
    return example.without(
        lambda turn: turn.authors is None or not all(consents.get(author) for author in turn.authors)
    )


async def _consents(connection: aiosqlite.Connection, people: Iterable[int]) -> dict[int, bool]:
    """What those of the people who have decided have said."""
    rows = await connection.execute_fetchall(_CONSENTS, (json.dumps([*people]),))
    return {person: bool(agreed) for person, agreed in rows}


async def _read(connection: aiosqlite.Connection, ids: list[int]) -> AsyncIterator[Example]:
    """The examples with these ids, in order."""
    for start in range(0, len(ids), _BATCH):
        for row in await connection.execute_fetchall(_BY_ID, (json.dumps(ids[start : start + _BATCH]),)):
            yield load(row)


async def _of_message(connection: aiosqlite.Connection, channel: int, message: int) -> AsyncIterator[Example]:
    """The examples that anything in a message is part of, in order."""
    ids = await connection.execute_fetchall(_OF_MESSAGE, (channel, message))
    async for example in _read(connection, sorted(number for (number,) in ids)):
        if message in example.messages:
            yield example


async def _save(connection: aiosqlite.Connection, old: Example, new: Example | None) -> Example | None:
    """Store what an example has become; returns that."""
    if new is None:
        await connection.execute("DELETE FROM examples WHERE id = ?", (old.id,))
    elif new != old:
        await connection.execute(_WRITE, dump(new))
    return new
