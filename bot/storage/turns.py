"""The newest turns of each channel, and a summary of the older ones.

A turn is written in three steps, so that a process killed at any moment leaves no doubt: the question when it is asked,
the answer when it is whole, and the ids of the messages that show it once all of them do.
"""

import json
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import astuple, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import aiosqlite

from bot.storage.channel_ref import ChannelRef
from bot.storage.database import Database

_COLUMNS = (
    "id, channel, parent, guild, asker, asker_name, question, answer, at, question_message, answer_messages, people,"
    " beginning"
)
_ALL = -1  # SQLite's "without a limit"
_RECENT = f"SELECT {_COLUMNS} FROM turns WHERE channel = ? AND answer <> '' ORDER BY id DESC LIMIT ?"  # noqa: S608
# An answer under way, or recovery, still writes to a turn that has been deleted, so an id must never name another turn.
# The file remembers the largest id that it gave, this process the last one, in case the file is replaced by an older
# copy; and the time is beyond both in whatever file is new to this process.
_INSERT = f"""
INSERT INTO turns ({_COLUMNS}) VALUES (
    max(ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'turns'), 0), ?, ?) + 1,
    ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?
)
"""  # noqa: S608 - columns are constants of this module
_CHANNELS = "SELECT channel, max(parent), max(guild) FROM turns WHERE channel > ? GROUP BY channel ORDER BY channel"
_THREADS = "SELECT DISTINCT channel, parent, guild FROM turns WHERE parent = ?"
# There is a summary for each channel: this reads the lists of askers from their index alone, and few of them as JSON.
_FORGET_SUMMARIES = """
DELETE FROM summaries WHERE channel IN (
    SELECT channel FROM summaries
    WHERE instr(askers, ?1) AND EXISTS (SELECT 1 FROM json_each(askers) WHERE value = ?1)
)
"""
_UNFINISHED = f"""
SELECT {_COLUMNS} FROM turns WHERE question_message > 0 AND answer_messages = '[]' ORDER BY id DESC
"""  # noqa: S608
# A question may have had a thread opened for it, which has its id.
_EDIT = """
UPDATE turns
SET question = iif(instr(question, ?5) = 1, ?5, '') || ?3, people = iif(instr(question, ?5) = 1, ?6, ?4)
WHERE channel IN (?1, ?2) AND question_message = ?2
"""
# The channel's turns but for the `?2` newest answered ones and what came after them.
_OLD = """
channel = ?1 AND question <> ''
AND id <= (SELECT id FROM turns WHERE channel = ?1 AND answer <> '' ORDER BY id DESC LIMIT 1 OFFSET ?2)
"""
_PRUNE = f"DELETE FROM turns WHERE {_OLD}"  # noqa: S608
# Below an answer that was interrupted, there is a button in any place; else only below the newest.
_REGENERABLE = """
question <> '' AND answer_messages <> '[]' AND (answer = '' OR id = (
    SELECT max(id) FROM turns AS others WHERE others.channel = turns.channel AND others.answer <> ''
))
"""
_CONTAINS_MESSAGE = """
channel IN (?1, ?2) AND (question_message = ?2 OR ?2 IN (SELECT value FROM json_each(answer_messages)))
"""


@dataclass(frozen=True)
class Person:
    """Somebody whom a question names, or `quoted`: whose words are part of it."""

    id: int
    name: str
    quoted: bool = False


UNKNOWN = Person(0, "", quoted=True)
"""Whoever wrote what somebody forwarded: Discord does not say."""


@dataclass(frozen=True)
class Quote:
    """A text of others before a question, and whom it names and quotes."""

    text: str = ""
    people: tuple[Person, ...] = ()


NO_QUOTE = Quote()


@dataclass(frozen=True)
class Turn:
    """A question and its answer: where and by whom it was asked, when, and the Discord messages of both.

    `answer` is empty until it is whole, `answer_messages` until Discord shows all of it. For a slash command, whose
    text is not remembered, `question` is empty and `question_message` is the command's id. `people` are the others
    whom the question names; None in turns from before they were noted. `beginning` is what the engine needs to continue
    an answer that its length has ended. `id` is the store's: it names one turn for ever.
    """

    channel: ChannelRef
    asker: int
    asker_name: str
    question: str
    answer: str
    at: datetime
    question_message: int | None = None
    answer_messages: tuple[int, ...] = ()
    people: tuple[Person, ...] | None = ()
    beginning: str | None = None
    id: int = field(default=0, compare=False)

    @property
    def messages(self) -> set[int]:
        """The ids of its Discord messages."""
        return {*self.answer_messages, *filter(None, [self.question_message])}

    @property
    def authors(self) -> frozenset[int] | None:
        """The ids of those who wrote the question; None where it is not known whom it quotes."""
        if self.people is None:
            return None
        return frozenset({self.asker, *(person.id for person in self.people if person.quoted)})


@dataclass(frozen=True)
class Forgotten:
    """How many answered turns were forgotten, and those of all whose answers had a button to regenerate them."""

    count: int
    regenerable: list[Turn]


class TurnStore:
    """Stores turns; how many a channel keeps is given with each one that becomes whole.

    `spare` is how many more stay for a while, until they are folded into the channel's summary.
    A change survives the process being killed once its method has returned. All methods raise DatabaseError when the
    file cannot be used.
    """

    def __init__(self, database: Database, spare: int = 0) -> None:
        self._database = database
        self._spare = spare
        self._last_id = 0  # given by this process

    async def recent(self, channel: int, limit: int = _ALL) -> list[Turn]:
        """The channel's newest answered turns, at most `limit`, oldest first."""
        async with self._database.connection() as connection:
            return await _read(connection, _RECENT, channel, limit)

    async def newest(self, channel: int) -> Turn | None:
        """The channel's newest turn that is answered, or whose answer can be continued."""
        statement = f"""
            SELECT {_COLUMNS} FROM turns WHERE channel = ? AND (answer <> '' OR beginning IS NOT NULL)
            ORDER BY id DESC LIMIT 1
        """  # noqa: S608 - constants of this module
        async with self._database.connection() as connection:
            return next(iter(await _read(connection, statement, channel)), None)

    async def find(self, channel: int, message: int) -> Turn | None:
        """The turn that a message is part of."""
        statement = f"SELECT {_COLUMNS} FROM turns WHERE {_CONTAINS_MESSAGE}"  # noqa: S608 - parameters are bound
        async with self._database.connection() as connection:
            return next(iter(await _read(connection, statement, channel, message)), None)

    async def current(self, turn: Turn) -> Turn:
        """A turn as it is now, as its question may have been edited; as it was if it has been forgotten."""
        async with self._database.connection() as connection:
            return await read_current(connection, turn) or turn

    async def unfinished(self) -> list[Turn]:
        """The turns asked in Discord that it does not show whole, oldest first."""
        async with self._database.connection() as connection:
            return await _read(connection, _UNFINISHED)

    async def begin(self, turn: Turn) -> Turn:
        """Store a question when it is asked; returns the turn with its id."""
        ref = turn.channel
        values = (
            *(ref.channel, ref.parent, ref.guild),
            *(turn.asker, turn.asker_name, turn.question, turn.answer),
            turn.at.astimezone(UTC).isoformat(timespec="seconds"),
            turn.question_message,
            json.dumps(turn.answer_messages),
            dump_people(turn.people),
            turn.beginning,
        )
        async with self._database.transaction() as connection:
            microseconds = time.time_ns() // 1000
            turn_id = (await connection.execute(_INSERT, (self._last_id, microseconds, *values))).lastrowid
            assert turn_id is not None
            self._last_id = turn_id
            return replace(turn, id=turn_id)

    async def save_question(self, turn: Turn, question: str) -> None:
        """Store the whole text of a turn's question, unless the turn has been edited or forgotten meanwhile."""
        update = "UPDATE turns SET question = ? WHERE id = ? AND channel = ? AND question = ?"
        async with self._database.transaction() as connection:
            await connection.execute(update, (question, turn.id, turn.channel.channel, turn.question))

    async def save_answer(self, turn: Turn, answer: str, beginning: str | None = None) -> None:
        """Store the whole answer of a turn, unless the turn has been forgotten meanwhile.

        `beginning`: its length has ended it, and this is what the engine needs to continue it.
        """
        update = "UPDATE turns SET answer = ?, beginning = ? WHERE id = ? AND channel = ?"
        async with self._database.transaction() as connection:
            await connection.execute(update, (answer, beginning, turn.id, turn.channel.channel))

    async def save_messages(self, turn: Turn, messages: Sequence[int], keep: int) -> bool:
        """Store which messages show the whole turn, none if no longer; then prune the channel to `keep` turns.

        If the turn can be continued, one more stays: its prompt had as many before it. Returns False if the turn has
        been forgotten meanwhile.
        """
        spare = max(self._spare, turn.beginning is not None)
        values = (json.dumps([*messages]), turn.id, turn.channel.channel)
        async with self._database.transaction() as connection:
            update = "UPDATE turns SET answer_messages = ? WHERE id = ? AND channel = ?"
            stored = (await connection.execute(update, values)).rowcount > 0
            if stored:
                await connection.execute(_PRUNE, (turn.channel.channel, keep and keep + spare))
            return stored

    async def outdated(self, channel: int, keep: int) -> list[Turn]:
        """The channel's turns whose answers lose their button to one more answer, when the channel keeps `keep`."""
        values = (channel, keep + self._spare - 1) if keep else (channel,)
        old = f"(answer <> '' OR {_OLD})" if keep else "channel = ?1"
        statement = f"SELECT {_COLUMNS} FROM turns WHERE channel = ?1 AND {_REGENERABLE} AND {old} ORDER BY id DESC"  # noqa: S608
        async with self._database.connection() as connection:
            return await _read(connection, statement, *values)

    async def prune(self, channel: int, keep: int) -> Forgotten:
        """Drop all but the channel's `keep` newest answered turns at once; with 0, its summary too."""
        async with self._database.transaction() as connection:
            if not keep:
                await connection.execute("DELETE FROM summaries WHERE channel = ?", (channel,))
            return await _delete(connection, _OLD, channel, keep)

    async def drop(self, turn: Turn) -> None:
        """Forget a turn that came to nothing."""
        async with self._database.transaction() as connection:
            await connection.execute("DELETE FROM turns WHERE id = ? AND channel = ?", (turn.id, turn.channel.channel))

    async def prepend(self, turn: Turn, beginning: Quote) -> None:
        """Put a quote before a turn's question, which may have been edited meanwhile."""
        async with self._database.transaction() as connection:
            statement = f"SELECT {_COLUMNS} FROM turns WHERE id = ? AND channel = ?"  # noqa: S608 - constants
            for stored in await _read(connection, statement, turn.id, turn.channel.channel):
                people = None if stored.people is None else (*beginning.people, *stored.people)
                await connection.execute(
                    "UPDATE turns SET question = ? || question, people = ? WHERE id = ?",
                    (beginning.text, dump_people(people), turn.id),
                )

    async def edit_question(
        self, channel: int, message: int, question: str, people: tuple[Person, ...] = (), beginning: Quote = NO_QUOTE
    ) -> None:
        """Replace the text of the question that a message asks, if it is stored, and whom it names.

        The `beginning` stays if it is there.
        """
        both = (*beginning.people, *people)
        values = (channel, message, question, dump_people(people), beginning.text, dump_people(both))
        async with self._database.transaction() as connection:
            await connection.execute(_EDIT, values)

    async def forget_message(self, channel: int, message: int, under_way: Turn | None = None) -> Forgotten:
        """Forget the turn that a message is part of, or is about to be: the one `under_way`."""
        async with self._database.transaction() as connection:
            condition = f"({_CONTAINS_MESSAGE} OR id = ?3)"
            return await _delete(connection, condition, channel, message, under_way.id if under_way else 0)

    async def forget_person(self, asker: int) -> Forgotten:
        """Forget all that somebody asked, in all channels, and the summaries of it."""
        async with self._database.transaction() as connection:
            await connection.execute(_FORGET_SUMMARIES, (asker,))
            return await _delete(connection, "asker = ?", asker)

    async def summary(self, channel: int) -> str:
        """The summary of the turns before the stored ones; empty if there is none."""
        async with self._database.connection() as connection:
            rows = await connection.execute_fetchall("SELECT text FROM summaries WHERE channel = ?", (channel,))
            return next((str(text) for (text,) in rows), "")

    async def channels(self) -> AsyncIterator[ChannelRef]:
        """The channels that have turns."""
        async for row in self._database.pages(_CHANNELS):
            yield ChannelRef(*row)

    async def threads(self, channel: int) -> list[ChannelRef]:
        """The threads of a channel that have turns."""
        async with self._database.connection() as connection:
            return [ChannelRef(*row) for row in await connection.execute_fetchall(_THREADS, (channel,))]

    async def fold(self, turn: Turn, old: str, new: str) -> None:
        """Replace a turn and its channel's `old` summary by a `new` one, if both are still as they were."""
        ref = turn.channel
        async with self._database.transaction() as connection:
            found = await connection.execute_fetchall(
                "SELECT text, askers FROM summaries WHERE channel = ?", (ref.channel,)
            )
            text, askers = next(((text, askers) for text, askers in found), ("", "[]"))
            delete = "DELETE FROM turns WHERE id = ? AND channel = ? AND question = ? AND answer = ?"
            values = (turn.id, ref.channel, turn.question, turn.answer)
            if text == old and (await connection.execute(delete, values)).rowcount:
                askers = json.dumps(sorted({*json.loads(askers), turn.asker}))
                await connection.execute(
                    "INSERT OR REPLACE INTO summaries VALUES (?, ?, ?, ?, ?)",
                    (ref.channel, ref.parent, ref.guild, new, askers),
                )

    async def clear(self, ref: ChannelRef, command: int | None = None) -> Forgotten:
        """Forget the channel's turns and its summary; in a guild, note the Discord `command` that asked for it."""
        async with self._database.transaction() as connection:
            await connection.execute("DELETE FROM summaries WHERE channel = ?", (ref.channel,))
            if command and ref.guild:
                await connection.execute("INSERT OR REPLACE INTO clears VALUES (?, ?, ?, ?)", (*astuple(ref), command))
            return await _delete(connection, "channel = ?", ref.channel)

    async def cleared(self, channel: int) -> int:
        """The id of the newest command that cleared the channel: messages with lower ids came before. 0 for none."""
        async with self._database.connection() as connection:
            rows = await connection.execute_fetchall("SELECT command FROM clears WHERE channel = ?", (channel,))
            return next((int(command) for (command,) in rows), 0)


async def _delete(connection: aiosqlite.Connection, condition: str, *values: int) -> Forgotten:
    """Delete the turns that meet a condition, which is a constant of this module."""
    regenerable = f"SELECT {_COLUMNS} FROM turns WHERE {condition} AND {_REGENERABLE} ORDER BY id DESC"  # noqa: S608
    answered = f"SELECT count(*) FROM turns WHERE {condition} AND answer <> ''"  # noqa: S608
    turns = await _read(connection, regenerable, *values)
    ((count,),) = await connection.execute_fetchall(answered, values)
    await connection.execute(f"DELETE FROM turns WHERE {condition}", values)  # noqa: S608
    return Forgotten(count, turns)


def dump_people(people: tuple[Person, ...] | None) -> str | None:
    """A turn's people as they are stored: a JSON list of their ids, names, and whether they are quoted."""
    return None if people is None else json.dumps([astuple(person) for person in people])


def load_people(stored: str | None) -> tuple[Person, ...] | None:
    """The people that `dump_people` has made text of."""
    return None if stored is None else tuple(Person(*values) for values in json.loads(stored))


async def read_current(connection: aiosqlite.Connection, turn: Turn) -> Turn | None:
    """A turn as it is stored now, or None if it has been forgotten."""
    statement = f"SELECT {_COLUMNS} FROM turns WHERE id = ? AND channel = ?"  # noqa: S608 - constants of this module
    return next(iter(await _read(connection, statement, turn.id, turn.channel.channel)), None)


async def _read(connection: aiosqlite.Connection, statement: str, *values: int) -> list[Turn]:
    """The turns that a statement selects newest first, oldest first."""
    return [_turn(row) for row in reversed(list(await connection.execute_fetchall(statement, values)))]


def _turn(row: Sequence[Any]) -> Turn:
    turn_id, channel, parent, guild, asker, name, question, answer, at, message, messages, people, beginning = row
    return Turn(
        ChannelRef(channel, parent, guild),
        asker,
        name,
        question,
        answer,
        datetime.fromisoformat(at),
        message,
        tuple(json.loads(messages)),
        load_people(people),
        beginning,
        turn_id,
    )
