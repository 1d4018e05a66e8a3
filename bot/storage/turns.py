"""The newest turns of each channel, and a summary of those before, in SQLite. Knows no model and no Discord.

A turn is written in three steps, so that a program that is killed at any moment leaves nothing in doubt: the question
when it is asked, the answer when it is whole, and the messages that show it when all of them do.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiosqlite

from bot.storage.database import Database

_COLUMNS = "id, asker, asker_name, question, answer, at, question_message, answer_messages, parent, guild"
_ALL = -1  # SQLite's "without a limit"
_RECENT = f"SELECT {_COLUMNS} FROM turns WHERE channel = ? AND answer <> '' ORDER BY id DESC LIMIT ?"  # noqa: S608
_INSERT = """
INSERT INTO turns (channel, asker, asker_name, question, answer, at, question_message, answer_messages, parent, guild)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_PRUNE = """
DELETE FROM turns WHERE channel = ?1 AND question <> ''
AND id <= (SELECT id FROM turns WHERE channel = ?1 AND answer <> '' ORDER BY id DESC LIMIT 1 OFFSET ?2)
"""
_SHOWN_IN = "channel = ?1 AND (question_message = ?2 OR ?2 IN (SELECT value FROM json_each(answer_messages)))"


@dataclass(frozen=True)
class Turn:
    """One exchange: who asked, the question, the answer, when it was asked, and the Discord messages of both.

    The answer is empty until it is whole, and `answer_messages` are until Discord shows all of it. The question is
    empty for a command, of which nothing is to be remembered, and `question_message` its id. `id` is the history's.
    """

    asker: int
    asker_name: str
    question: str
    answer: str
    at: datetime
    question_message: int | None = None
    answer_messages: tuple[int, ...] = ()
    parent: int | None = None
    guild: int | None = None
    id: int = field(default=0, compare=False)


class TurnStore:
    """Turns by channel; how many of them are kept is told with each that becomes whole.

    `spare` is how many more stay for a while, until they are folded into the channel's summary.
    When a method that writes has returned, its change survives the process being killed. All methods raise
    DatabaseError when the file cannot be used.
    """

    def __init__(self, database: Database, spare: int = 0) -> None:
        self._database = database
        self._spare = spare

    async def recent(self, channel: int, limit: int = _ALL) -> list[Turn]:
        """The channel's answered turns, or the newest so many, oldest first, after whatever is being written now."""
        async with self._database.connection() as file:
            return await _read(file, _RECENT, channel, limit)

    async def find(self, channel: int, message: int) -> Turn | None:
        """The turn that a message is a part of."""
        async with self._database.connection() as file:
            statement = f"SELECT {_COLUMNS} FROM turns WHERE {_SHOWN_IN}"  # noqa: S608 - ours, but for the parameters
            return next(iter(await _read(file, statement, channel, message)), None)

    async def unfinished(self) -> list[tuple[int, Turn]]:
        """The turns asked in Discord that it does not show whole, with their channels, oldest first."""
        statement = f"SELECT {_COLUMNS}, channel FROM turns WHERE question_message > 0 AND answer_messages = '[]'"  # noqa: S608
        async with self._database.connection() as file:
            rows = await file.execute_fetchall(f"{statement} ORDER BY id")
            return [(row[-1], _turn(row[:-1])) for row in rows]

    async def begin(self, channel: int, turn: Turn) -> int:
        """Note a question when it is asked; returns the turn's id."""
        values = (
            channel,
            turn.asker,
            turn.asker_name,
            turn.question,
            turn.answer,
            turn.at.astimezone(UTC).isoformat(timespec="seconds"),
            turn.question_message,
            json.dumps(turn.answer_messages),
            turn.parent,
            turn.guild,
        )
        async with self._database.transaction() as file:
            turn_id = (await file.execute(_INSERT, values)).lastrowid
            assert turn_id is not None
            return turn_id

    async def answer(self, turn_id: int, answer: str) -> None:
        """Note the whole answer of a turn, unless the turn was forgotten meanwhile."""
        async with self._database.transaction() as file:
            await file.execute("UPDATE turns SET answer = ? WHERE id = ?", (answer, turn_id))

    async def show(self, turn_id: int, messages: Sequence[int], keep: int) -> None:
        """Note that these messages show all that there is of a turn, or none any more; as `prune` does, drop others."""
        async with self._database.transaction() as file:
            shown = "UPDATE turns SET answer_messages = ? WHERE id = ? RETURNING channel"
            for (channel,) in await file.execute_fetchall(shown, (json.dumps([*messages]), turn_id)):
                await file.execute(_PRUNE, (channel, keep and keep + self._spare))

    async def prune(self, channel: int, keep: int) -> None:
        """Drop the channel's answered turns but for the newest so many, at once; with none, its summary too."""
        async with self._database.transaction() as file:
            await file.execute(_PRUNE, (channel, keep))
            if not keep:
                await file.execute("DELETE FROM summaries WHERE channel = ?", (channel,))

    async def drop(self, turn_id: int) -> None:
        """Forget a turn that came to nothing."""
        await self._delete("id = ?", turn_id)

    async def edit(self, channel: int, message: int, question: str) -> None:
        """Put another text in the place of the question that a message asks, if it is there."""
        async with self._database.transaction() as file:
            await file.execute(
                "UPDATE turns SET question = ? WHERE channel = ? AND question_message = ?", (question, channel, message)
            )

    async def forget_message(self, channel: int, message: int) -> None:
        """Forget the turn that a message is a part of."""
        await self._delete(_SHOWN_IN, channel, message)

    async def forget_person(self, asker: int) -> int:
        """Forget all that somebody asked, in all channels, and the summaries of it; returns how many turns it was."""
        async with self._database.transaction() as file:
            await file.execute(
                "DELETE FROM summaries WHERE EXISTS (SELECT 1 FROM json_each(askers) WHERE value = ?)", (asker,)
            )
            return (await file.execute("DELETE FROM turns WHERE asker = ?", (asker,))).rowcount

    async def summary(self, channel: int) -> str:
        """What was said in the channel before its turns, in short; empty where there is no summary."""
        async with self._database.connection() as file:
            rows = await file.execute_fetchall("SELECT text FROM summaries WHERE channel = ?", (channel,))
            return next((str(text) for (text,) in rows), "")

    async def channels(self) -> list[tuple[int, int | None]]:
        """The channels that there are turns of, and the channel that each is a thread of."""
        async with self._database.connection() as file:
            rows = await file.execute_fetchall("SELECT DISTINCT channel, parent FROM turns")
            return [(channel, parent) for channel, parent in rows]

    async def fold(self, channel: int, turn: Turn, old: str, new: str) -> None:
        """Have a summary take the place of the one before and of a turn, if both are still as they were."""
        async with self._database.transaction() as file:
            found = await file.execute_fetchall("SELECT text, askers FROM summaries WHERE channel = ?", (channel,))
            text, askers = next(((text, askers) for text, askers in found), ("", "[]"))
            same = "id = ? AND question = ? AND answer = ?"
            values = (turn.id, turn.question, turn.answer)
            if text == old and (await file.execute(f"DELETE FROM turns WHERE {same}", values)).rowcount:  # noqa: S608
                askers = json.dumps(sorted({*json.loads(askers), turn.asker}))
                await file.execute(
                    "INSERT OR REPLACE INTO summaries VALUES (?, ?, ?, ?, ?)",
                    (channel, turn.parent, turn.guild, new, askers),
                )

    async def _delete(self, which: str, *values: int) -> int:
        async with self._database.transaction() as file:
            statement = f"DELETE FROM turns WHERE {which}"  # noqa: S608 - all of it is ours, the values are parameters
            return (await file.execute(statement, values)).rowcount

    async def clear(self, channel: int) -> list[Turn]:
        """Forget the channel's turns, which it returns, oldest first, and its summary."""
        async with self._database.transaction() as file:
            forgotten = await _read(file, _RECENT, channel, _ALL)
            await file.execute("DELETE FROM turns WHERE channel = ?", (channel,))
            await file.execute("DELETE FROM summaries WHERE channel = ?", (channel,))
            return forgotten


async def _read(file: aiosqlite.Connection, statement: str, *values: int) -> list[Turn]:
    return [_turn(row) for row in reversed(list(await file.execute_fetchall(statement, values)))]


def _turn(row: Sequence[Any]) -> Turn:
    turn_id, asker, name, question, answer, at, message, messages, parent, guild = row
    return Turn(
        asker,
        name,
        question,
        answer,
        datetime.fromisoformat(at),
        message,
        tuple(json.loads(messages)),
        parent,
        guild,
        turn_id,
    )
