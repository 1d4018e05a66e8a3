"""The history keeps the newest turns of each channel, whatever happens to the process."""

import asyncio
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.storage import database
from bot.storage.channel_ref import ChannelRef
from bot.storage.database import DatabaseError, open_database
from bot.storage.turns import Turn, TurnStore
from tests.support.databases import on_disk, read
from tests.support.waiting import until

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def turn(text: str) -> Turn:
    return Turn(ChannelRef(7), 1, "Alice", text, f"{text}!", NOW, 11, (12, 13))


@asynccontextmanager
async def open_history(path: Path) -> AsyncIterator[TurnStore]:
    async with open_database(path) as database:
        yield TurnStore(database)


async def store(turns: TurnStore, channel: int, said: Turn, *, keep: int = 5) -> None:
    """Store a turn in its three steps."""
    begun = await turns.begin(
        replace(said, channel=replace(said.channel, channel=channel), answer="", answer_messages=())
    )
    await turns.save_answer(begun, said.answer)
    await turns.save_messages(begun, said.answer_messages, keep)


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "new folder" / "parley.db"


async def test_a_turn_comes_back_as_it_was(path):
    said = Turn(ChannelRef(7, 6, 5), 2**62, "Zoë 👋", "一二\n'; DROP TABLE turns", "naïve 👩‍👩‍👧", NOW, None, ())
    async with open_history(path) as turns:
        await store(turns, 7, said)
    async with open_history(path) as turns:
        assert await turns.recent(7) == [said]


async def test_only_the_newest_turns_of_a_channel_are_kept(path):
    async with open_history(path) as turns:
        for number in range(5):
            await store(turns, 7, turn(f"seven {number}"), keep=3)
            await store(turns, 8, turn(f"eight {number}"), keep=3)
        assert [said.question for said in await turns.recent(7)] == ["seven 2", "seven 3", "seven 4"]
        assert len(await turns.recent(8)) == 3
    with sqlite3.connect(path) as file:
        assert file.execute("SELECT count(*) FROM turns").fetchone() == (6,)
    file.close()


async def test_a_channel_can_read_and_keep_fewer_turns(path):
    async with open_history(path) as turns:
        for number in range(5):
            await store(turns, 7, turn(str(number)))
        assert [said.question for said in await turns.recent(7, 2)] == ["3", "4"]
        await turns.prune(7, 2)
        assert [said.question for said in await turns.recent(7)] == ["3", "4"]


async def test_a_channel_without_memory_keeps_nothing(path):
    async with open_history(path) as turns:
        await store(turns, 7, turn("one"), keep=0)
        assert await turns.recent(7) == []
        assert (await turns.clear(ChannelRef(7))).count == 0


async def test_clear_forgets_one_channel_and_counts(path):
    async with open_history(path) as turns:
        for channel in (7, 7, 8):
            await store(turns, channel, turn("x"))
        assert (await turns.clear(ChannelRef(7))).count == 2
        assert await turns.recent(7) == []
        assert len(await turns.recent(8)) == 1


async def test_concurrent_writers_do_not_share_a_transaction(path):
    async with open_history(path) as turns:
        writes = [store(turns, n % 10, turn(str(n))) for n in range(100)]
        clears = [turns.clear(ChannelRef(n)) for n in range(10, 20)]
        await asyncio.gather(*writes, *clears)
        assert [len(await turns.recent(channel)) for channel in range(10)] == [5] * 10


async def test_a_write_that_fails_or_is_cancelled_leaves_nothing_behind(path):
    async with open_history(path) as turns:
        with pytest.raises(DatabaseError):
            await store(turns, 7, Turn(ChannelRef(7), 1, "A", None, "x", NOW))  # type: ignore[arg-type]
        cancelled = asyncio.create_task(store(turns, 7, turn("x")))
        await asyncio.sleep(0)
        cancelled.cancel()
        await asyncio.wait([cancelled])
        await store(turns, 7, turn("last"))
        assert (await turns.recent(7))[-1].question == "last"


def test_a_stored_turn_survives_kill(path):
    program = """
import asyncio, sys
from dataclasses import replace
from datetime import UTC, datetime
from bot.storage.database import open_database
from bot.storage.channel_ref import ChannelRef
from bot.storage.turns import TurnStore, Turn
async def main():
    async with open_database(sys.argv[1]) as database:
        turns = TurnStore(database)
        for number in range(100000):
            turn = await turns.begin(Turn(ChannelRef(7), 1, "A", str(number), "", datetime.now(UTC)))
            await turns.save_answer(turn, "x")
            await turns.save_messages(turn, (), 5)
            print(number, flush=True)
asyncio.run(main())
"""
    writer = subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout
    for _ in range(20):
        stored = int(writer.stdout.readline())
    writer.send_signal(signal.SIGKILL)
    stored = max([stored, *map(int, writer.stdout.read().split())])
    writer.wait()
    writer.stdout.close()

    async def check() -> None:
        async with open_history(path) as turns:
            kept = [int(said.question) for said in await turns.recent(7)]
            assert stored in kept
            assert kept == list(range(kept[-1] - 4, kept[-1] + 1))

    asyncio.run(check())


async def test_nothing_reads_a_whole_table(path):
    async with open_database(path, erase_interval=9) as database:
        turns = TurnStore(database)
        (turn,) = [await turns.begin(Turn(ChannelRef(7, 6, 5), 1, "A", "x", "", NOW, 11))]
        assert database._connection
        said: list[str] = []
        await database._connection.set_trace_callback(said.append)
        await turns.recent(7)
        await turns.find(7, 12)
        await turns.unfinished()
        await turns.save_answer(turn, "y")
        await turns.save_messages(turn, (12,), 5)
        await turns.edit_question(7, 11, "z")
        await turns.summary(7)
        await turns.threads(6)
        await turns.fold(turn, "", "")
        await turns.prune(7, 0)
        await turns.forget_message(7, 11)
        await turns.forget_person(1)
        await turns.clear(ChannelRef(7))
        await turns.drop(turn)
        assert [guild async for guild in database.guilds()] == []
        await database.channels_of_guild(5)
        await database.forget_channel(6)
        await database.forget_guild(5)
        assert [channel async for channel in turns.channels()] == []
        await database._connection.set_trace_callback(None)
        plans = {
            row[3]: statement
            for statement in said
            if statement.split()[0] in ("SELECT", "UPDATE", "DELETE")
            for row in await database._connection.execute_fetchall(f"EXPLAIN QUERY PLAN {statement}")
        }
    scans = {step for step in plans if step.startswith("SCAN") and "json_each" not in step}
    assert scans == {"SCAN summaries USING COVERING INDEX summaries_askers", "SCAN turns USING INDEX turns_unfinished"}


async def test_what_is_read_in_pages_is_complete(path, monkeypatch):
    monkeypatch.setattr(database, "_PAGE", 3)
    async with open_database(path) as file:
        turns = TurnStore(file)
        refs = [ChannelRef(number, guild=number % 7 or None) for number in range(20)]
        for ref in refs:
            await turns.begin(Turn(ref, 1, "A", "x", "", NOW))
        assert [ref async for ref in turns.channels()] == refs
        assert [guild async for guild in file.guilds()] == [1, 2, 3, 4, 5, 6]


async def test_deleted_text_is_erased_from_the_disk_at_once(path):
    async with open_history(path) as turns:
        await store(turns, 7, turn("something private"))
        await store(turns, 8, turn("something public"))
        await turns.clear(ChannelRef(7))
        found = on_disk(path)
    assert b"something public" in found
    assert b"something private" not in found


async def test_a_reader_delays_nothing_and_what_it_keeps_is_erased_when_it_ends(path, caplog):
    caplog.set_level("INFO", "bot")
    async with open_database(path, erase_interval=0.05) as database:
        turns = TurnStore(database)
        await store(turns, 7, turn("something private"))
        begun = time.monotonic()
        with read(path):
            await turns.clear(ChannelRef(7))
            for _ in range(3):
                await store(turns, 8, turn("something public"))
            assert time.monotonic() - begun < 3, "each write would wait for five seconds"
            assert b"something private" in on_disk(path)
            await asyncio.sleep(0.2)
        await until(lambda: b"something private" not in on_disk(path))
        assert len(await turns.recent(8)) == 3
    assert [record.message.split(" the database")[0] for record in caplog.records] == [
        "Deleted text may still be in",
        "Deleted text has been erased from",
    ]


async def test_a_task_that_is_cancelled_while_text_is_erased_alarms_nobody(path, caplog):
    caplog.set_level("INFO", "bot")
    loop = asyncio.get_running_loop()
    async with open_database(path, erase_interval=0.05) as database:
        turns = TurnStore(database)
        await store(turns, 7, turn("something private"))

        def cancel(statement: str) -> None:
            if "wal_checkpoint" in statement:
                loop.call_soon_threadsafe(clearing.cancel)

        async with database.connection() as connection:
            await connection.set_trace_callback(cancel)
        clearing = asyncio.create_task(turns.clear(ChannelRef(7)))
        with pytest.raises(asyncio.CancelledError):
            await clearing
        assert database._unerased, "nobody knows whether it was"
        await until(lambda: not database._unerased)
        assert b"something private" not in on_disk(path)
    assert not caplog.records


async def test_what_a_reader_keeps_is_erased_at_the_end(path):
    async with open_history(path) as turns:
        await store(turns, 7, turn("something private"))
        with read(path):
            await turns.clear(ChannelRef(7))
        with read(path):  # one that lets it be erased, but is there when the database is closed
            await turns._database.close()
            assert b"something private" not in on_disk(path)


@pytest.mark.parametrize("replaced", [True, False])
async def test_the_log_of_a_file_that_was_removed_while_it_was_read_does_not_spoil_the_next_one(path, replaced):
    async with open_history(path) as turns:
        await store(turns, 7, turn("first"))
        copy = path.with_name("copy.db")
        with closing(sqlite3.connect(path)) as file:
            file.execute("VACUUM INTO ?", (str(copy),))
        with read(path):
            for number in range(3):
                await store(turns, 7, turn(f"later {number}"))
            copy.replace(path) if replaced else path.unlink()
            assert [said.question for said in await turns.recent(7)] == ["first"] * replaced
            await store(turns, 8, turn("new"))
    assert b"later" not in on_disk(path)
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


async def test_what_a_killed_process_left_is_erased_at_the_next_start(path):
    async with open_history(path) as turns:
        await store(turns, 7, turn("something private"))
    killed = f"import os, sqlite3; f = sqlite3.connect({str(path)!r}); f.execute('DELETE FROM turns'); f.commit()"
    await asyncio.to_thread(subprocess.run, [sys.executable, "-c", f"{killed}; os._exit(9)"], check=False)
    assert b"something private" in on_disk(path)
    async with open_history(path):
        assert b"something private" not in on_disk(path)


async def test_the_note_of_a_running_command_is_not_pruned(path):
    async with open_history(path) as turns:
        command = await turns.begin(Turn(ChannelRef(7), 1, "", "", "", NOW, 5))
        for number in range(3):
            await store(turns, 7, turn(str(number)), keep=1)
        assert command.id in [unfinished.id for unfinished in await turns.unfinished()]


async def test_fewer_turns_are_forgotten_at_once_and_with_none_the_summary_too(path):
    async with open_database(path) as database:
        turns = TurnStore(database, spare=20)
        for number in range(4):
            await store(turns, 7, turn(str(number)), keep=2)
        oldest = (await turns.recent(7))[0]
        await turns.fold(oldest, "", "They counted.")
        await turns.prune(7, 2)
        assert [kept.question for kept in await turns.recent(7)] == ["2", "3"]
        assert await turns.summary(7) == "They counted."
        await turns.prune(7, 0)
        assert (await turns.recent(7), await turns.summary(7)) == ([], "")


@pytest.mark.parametrize(("keep", "spare"), [(0, 0), (0, 2), (2, 0), (2, 2)])
async def test_one_more_turn_takes_the_button_from_the_newest_and_from_those_that_it_pushes_out(path, keep, spare):
    async with open_database(path) as database:
        turns = TurnStore(database, spare=spare)
        interrupted = await turns.begin(replace(turn("left"), answer="", question_message=99))
        await turns.save_messages(interrupted, (98,), 5)
        for number in range(5):
            outdated = [each.question for each in await turns.outdated(7, keep)]
            await store(turns, 7, turn(str(number)), keep=keep)
            gone = await turns.find(7, 98) is None
            newest = [str(number - 1)] if number and keep else []
            assert outdated == (["left"] if gone and interrupted else []) + newest
            if gone:
                interrupted = None
        assert interrupted is None, "it is gone in the end"


async def test_what_is_forgotten_names_the_turns_with_a_button(path):
    async with open_history(path) as turns:
        for number in range(3):
            await store(turns, 7, turn(str(number)))
        forgotten = await turns.forget_person(1)
        assert (forgotten.count, [each.question for each in forgotten.regenerable]) == (3, ["2"])


async def ask(turns: TurnStore, channel: int = 7) -> int:
    """Store a question; returns the id of its turn."""
    return (await turns.begin(replace(turn("x"), channel=ChannelRef(channel)))).id


@pytest.mark.parametrize("clock", [None, 0])
async def test_an_id_is_never_given_again(path, monkeypatch, clock):
    async with open_history(path) as turns:
        given = [await ask(turns)]
        if clock is not None:
            monkeypatch.setattr("time.time_ns", lambda: clock)
        copy = path.with_name("copy.db")
        with closing(sqlite3.connect(path)) as file:
            file.execute("VACUUM INTO ?", (str(copy),))
        for forget in (
            lambda: turns.forget_message(7, 11),
            lambda: turns.clear(ChannelRef(7)),
            lambda: turns.forget_person(1),
            lambda: turns.drop(Turn(ChannelRef(7), 1, "Alice", "x", "", NOW, id=given[-1])),
        ):
            given.append(await ask(turns))
            await forget()
        given.append(await ask(turns, 8))
        copy.replace(path)
        given.append(await ask(turns, 9))
        path.unlink()
        given.append(await ask(turns))
        await turns.clear(ChannelRef(7))
    async with open_history(path) as turns:
        given.append(await ask(turns, 10))
    assert given == sorted(set(given)), "each beyond those before"


async def test_a_turn_edited_meanwhile_is_not_folded_with_its_old_text(path):
    async with open_database(path) as database:
        turns = TurnStore(database)
        await store(turns, 7, turn("old"))
        (old,) = await turns.recent(7)
        await turns.edit_question(7, old.question_message, "new")
        await turns.fold(old, "", "They said old.")
        assert ([kept.question for kept in await turns.recent(7)], await turns.summary(7)) == (["new"], "")
