"""The history keeps the newest turns of each channel, whatever happens to the process, and harms no other file."""

import asyncio
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot import history
from bot.history import History, HistoryError, Turn, open_history

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def turn(text: str) -> Turn:
    return Turn(1, "Alice", text, f"{text}!", NOW, 11, (12, 13))


async def store(turns: History, channel: int, said: Turn) -> None:
    """A turn in its three steps."""
    begun = await turns.begin(channel, replace(said, answer="", answer_messages=()))
    await turns.answer(begun, said.answer)
    await turns.show(begun, said.answer_messages)


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "new folder" / "parley.db"


async def test_a_turn_comes_back_as_it_was(path):
    said = Turn(2**62, "Zoë 👋", "一二\n'; DROP TABLE turns", "naïve 👩‍👩‍👧", NOW, None, ())
    async with open_history(path, 5) as turns:
        await store(turns, 7, said)
    async with open_history(path, 5) as turns:
        assert await turns.recent(7) == [said]


async def test_only_the_newest_turns_of_a_channel_are_kept(path):
    async with open_history(path, 3) as turns:
        for number in range(5):
            await store(turns, 7, turn(f"seven {number}"))
            await store(turns, 8, turn(f"eight {number}"))
        assert [said.question for said in await turns.recent(7)] == ["seven 2", "seven 3", "seven 4"]
        assert len(await turns.recent(8)) == 3
    with sqlite3.connect(path) as file:
        assert file.execute("SELECT count(*) FROM turns").fetchone() == (6,)
    file.close()


async def test_a_smaller_limit_reads_fewer_turns(path):
    async with open_history(path, 5) as turns:
        for number in range(5):
            await store(turns, 7, turn(str(number)))
    async with open_history(path, 2) as turns:
        assert [said.question for said in await turns.recent(7)] == ["3", "4"]


async def test_without_turns_nothing_is_kept(path):
    async with open_history(path, 0) as turns:
        await store(turns, 7, turn("one"))
        assert await turns.recent(7) == []
        assert await turns.clear(7) == []


async def test_clear_forgets_one_channel_and_counts(path):
    async with open_history(path, 5) as turns:
        for channel in (7, 7, 8):
            await store(turns, channel, turn("x"))
        assert len(await turns.clear(7)) == 2
        assert await turns.recent(7) == []
        assert len(await turns.recent(8)) == 1


async def test_many_writers_do_not_get_into_each_others_transactions(path):
    async with open_history(path, 5) as turns:
        writes = [store(turns, n % 10, turn(str(n))) for n in range(100)]
        clears = [turns.clear(n) for n in range(10, 20)]
        await asyncio.gather(*writes, *clears)
        assert [len(await turns.recent(channel)) for channel in range(10)] == [5] * 10


async def test_a_write_that_fails_or_is_cancelled_leaves_nothing_behind(path):
    async with open_history(path, 5) as turns:
        with pytest.raises(HistoryError):
            await store(turns, 7, Turn(1, "A", None, "x", NOW))  # type: ignore[arg-type]
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
from bot.history import Turn, open_history
async def main():
    async with open_history(sys.argv[1], 5) as turns:
        for number in range(100000):
            turn = await turns.begin(7, Turn(1, "A", str(number), "", datetime.now(UTC)))
            await turns.answer(turn, "x")
            await turns.show(turn, ())
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
        async with open_history(path, 5) as turns:
            kept = [int(said.question) for said in await turns.recent(7)]
            assert stored in kept
            assert kept == list(range(kept[-1] - 4, kept[-1] + 1))

    asyncio.run(check())


def test_reading_uses_the_index(path):
    async def make() -> None:
        async with open_history(path, 5):
            pass

    asyncio.run(make())
    with sqlite3.connect(path) as file:
        plan = [row[3] for row in file.execute(f"EXPLAIN QUERY PLAN {history._RECENT}", (7, 5))]
        pruning = [row[3] for row in file.execute(f"EXPLAIN QUERY PLAN {history._PRUNE}", (7, 5))]
    file.close()
    assert plan == ["SEARCH turns USING INDEX turns_of_channel (channel=?)"]
    assert not any(step.startswith("SCAN") for step in pruning)


async def test_the_file_is_its_owners_alone(path):
    async with open_history(path, 5) as turns:
        await store(turns, 7, turn("x"))
        files = list(path.parent.iterdir())
        assert len(files) == 3, "the database, its WAL and the WAL's index"
        assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    path.chmod(0o644)
    async with open_history(path, 5):
        assert path.stat().st_mode & 0o777 == 0o600


async def test_what_is_deleted_is_gone_from_the_disk_at_once(path):
    async with open_history(path, 5) as turns:
        await store(turns, 7, turn("something private"))
        await store(turns, 8, turn("something public"))
        await turns.clear(7)
        on_disk = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"something public" in on_disk
    assert b"something private" not in on_disk


async def test_a_file_of_the_first_version_is_brought_up_to_date(path):
    columns = "channel INTEGER NOT NULL, asker INTEGER NOT NULL, asker_name TEXT NOT NULL, question TEXT NOT NULL"
    columns += ", answer TEXT NOT NULL, at TEXT NOT NULL, question_message INTEGER, answer_messages TEXT NOT NULL"
    path.parent.mkdir()
    with sqlite3.connect(path) as file:
        file.executescript(f"CREATE TABLE turns (id INTEGER PRIMARY KEY, {columns}) STRICT;")
        file.execute("INSERT INTO turns VALUES (1, 7, 1, 'A', 'old', 'x', '2026-01-01T00:00:00+00:00', NULL, '[]')")
        file.execute(f"PRAGMA application_id = {history._APPLICATION_ID}")
        file.execute("PRAGMA user_version = 1")
    file.close()
    for _ in range(2):
        async with open_history(path, 5) as turns:
            assert (await turns.recent(7))[0].question == "old"
    async with open_history(path, 5) as turns:
        await store(turns, 7, replace(turn("new"), guild=3))
        await turns.forget_guild(3)
        assert [kept.question for kept in await turns.recent(7)] == ["old"]


def other_program(path: Path) -> None:
    with sqlite3.connect(path) as file:
        file.execute("CREATE TABLE theirs (x)")
    file.close()


def newer_parley(path: Path) -> None:
    with sqlite3.connect(path) as file:
        file.execute(f"PRAGMA application_id = {history._APPLICATION_ID}")
        file.execute("PRAGMA user_version = 99")
    file.close()


def no_database(path: Path) -> None:
    path.write_text("Dear diary, " * 500)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [(other_program, "another program"), (newer_parley, "newer Parley"), (no_database, "not a database")],
)
async def test_a_file_that_is_not_ours_is_refused_and_left_alone(tmp_path, make, sentence):
    path = tmp_path / "file.db"
    make(path)
    path.chmod(0o644)
    before = path.read_bytes()
    with pytest.raises(HistoryError, match=sentence):
        async with open_history(path, 5):
            pass
    assert path.read_bytes() == before
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [path]


async def test_a_file_that_another_program_holds_is_told(path):
    async with open_history(path, 5):
        pass
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(HistoryError, match="locked"):
        async with open_history(path, 5):
            pass
    other.close()


async def test_a_turn_is_on_the_disk_when_it_is_stored(path):
    async with open_history(path, 5) as turns:
        (settings,) = await turns._connection.execute_fetchall(
            "SELECT journal_mode, synchronous FROM pragma_journal_mode, pragma_synchronous"
        )
    assert settings == ("wal", 2), "2 is FULL: also after a power failure"


async def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(HistoryError, match="DATABASE_PATH"):
        async with open_history(tmp_path / "file" / "parley.db", 5):
            pass


async def test_an_error_inside_the_block_is_not_mistaken_for_one_of_the_file(path):
    with pytest.raises(ConnectionError):
        async with open_history(path, 5):
            raise ConnectionError


async def test_what_comes_after_the_end_does_not_open_the_file_again(path):
    async with open_history(path, 5) as turns:
        pass
    with pytest.raises(HistoryError):
        await turns.recent(7)
    assert turns._connection is None
