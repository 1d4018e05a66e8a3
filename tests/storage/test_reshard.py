"""Resharding moves each server's rows to the file of its new process, without losing or doubling any."""

import asyncio
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from bot.cli import _parse, _run
from bot.shards import read_ids, shard_of
from bot.storage.database import TABLES, open_database
from bot.storage.reshard import Part, ReshardError, reshard
from tests.support.databases import create_old

GUILDS = [(5 << 22) + (number << 22) for number in range(6)]  # each of the next of six shards
TURN = 12  # columns of a turn, without its id
Rows = dict[str, list[tuple[Any, ...]]]


def parley(arguments: list[str]) -> int:
    """Run a command in this process; returns its exit status."""
    return _run(_parse(arguments))


def rows(*paths: Path) -> Rows:
    """All rows of the files without the ids of turns; each channel's in their order."""
    found: Rows = {table: [] for table in TABLES}
    for path in paths:
        with closing(sqlite3.connect(path)) as file:
            for table in TABLES:
                info = file.execute("SELECT name FROM pragma_table_info(?) WHERE name <> 'id'", (table,))
                names = ", ".join(name for (name,) in info)
                found[table] += file.execute(f"SELECT {names} FROM {table} ORDER BY rowid").fetchall()
    return {table: sorted(each, key=lambda row: row[0]) for table, each in found.items()}  # sorting is stable


async def write(path: Path, contents: Rows) -> None:
    async with open_database(path) as database, database.transaction() as file:
        for table, each in contents.items():
            info = await file.execute_fetchall("SELECT name FROM pragma_table_info(?) WHERE name <> 'id'", (table,))
            names = [name for (name,) in info]
            marks = ", ".join("?" * len(names))
            await file.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", each)


def turn(
    channel: int,
    guild: int | None,
    number: int = 0,
    *,
    answer: str = "a",
    shown: str = "[1]",
    parent: int | None = None,
) -> tuple[Any, ...]:
    at = f"2026-01-01T00:00:{number % 60:02}+00:00"
    return (channel, 7, "Alice", f"question {number}", answer, at, 1000 + number, shown, parent, guild, "[]", "so far")


def example(channel: int, parent: int | None, guild: int | None) -> tuple[Any, ...]:
    return (channel, parent, guild, "", "[]", "model", "", "{}", "{}", None, None, 0, None, "[7]", "[1]")


def parts(folder: Path, **shards: str) -> list[Part]:
    return [Part(folder / f"{name}.db", read_ids(ids)) for name, ids in shards.items()]


@st.composite
def contents(draw: st.DrawFn) -> list[Rows]:
    """The contents of some files; each channel is in one of them."""
    files: list[Rows] = [{table: [] for table in TABLES} for _ in range(draw(st.integers(1, 3)))]
    number = count(1)
    for channel in range(1, draw(st.integers(1, 12)) + 1):
        guild = draw(st.sampled_from([*GUILDS, None]))
        parent = 100 + guild if guild and draw(st.booleans()) else None
        file = draw(st.sampled_from(files))
        for _ in range(draw(st.integers(0, 3))):
            answer, shown = draw(st.sampled_from([("whole", "[5, 6]"), ("whole", "[]"), ("", "[]")]))
            noted = guild if draw(st.booleans()) else None
            file["turns"].append(turn(channel, noted, next(number), answer=answer, shown=shown, parent=parent))
        if draw(st.booleans()):
            file["channels"].append((channel, parent, guild, draw(st.text(max_size=5)), 0.5, None, 3, None))
        if draw(st.booleans()):
            file["summaries"].append((channel, parent, guild, "they talked", "[7]"))
        if draw(st.booleans()):
            file["clears"].append((channel, parent, guild, 99))
        file["examples"] += [example(channel, parent, guild)] * draw(st.integers(0, 2))
    return files


@st.composite
def layouts(draw: st.DrawFn) -> list[list[int]]:
    """One to six shards, divided among one to three files."""
    shards = list(range(draw(st.integers(1, 6))))
    owners = [draw(st.integers(0, 2)) for _ in shards]
    return [held for file in range(3) if (held := [shard for shard in shards if owners[shard] == file])]


@pytest.mark.slow
@settings(max_examples=20, phases=set(Phase) - {Phase.shrink})  # each example takes a while
@given(files=contents(), layouts=st.lists(layouts(), min_size=1, max_size=2))
def test_resharding_and_merging_again_loses_and_doubles_nothing(tmp_path_factory, files, layouts):
    async def go() -> None:
        folder = tmp_path_factory.mktemp("reshard")
        old = [folder / f"old-{number}.db" for number in range(len(files))]
        for path, each in zip(old, files, strict=True):
            await write(path, each)
        before, bytes_before = rows(*old), [path.read_bytes() for path in old]
        for step, layout in enumerate([*layouts, [[0]]]):
            shards = sum(map(len, layout))
            new = [Part(folder / f"new-{step}-{number}.db", frozenset(held)) for number, held in enumerate(layout)]
            await reshard(old, new, shards)
            assert rows(*(part.path for part in new)) == before
            check_places(new, shards)
            assert step or [path.read_bytes() for path in old] == bytes_before
            old = [part.path for part in new]

    asyncio.run(go())


def place_of(row: tuple[Any, ...]) -> tuple[int | None, int | None]:
    """A row's parent and server: in the last columns of a turn, after the channel in others."""
    return row[-4:-2] if len(row) == TURN else row[1:3]


def check_places(new: Sequence[Part], shards: int) -> None:
    """Assert that each channel is in one file: its server's, or the first shard's if it has no server."""
    seen: set[int] = set()
    for part in new:
        each = [row for each in rows(part.path).values() for row in each]
        here = {row[0] for row in each}
        assert not here & seen
        seen |= here
        homeless = here - {row[0] for row in each if any(place_of(row))}
        assert not homeless or 0 in part.shards
        assert {shard_of(guild, shards) for row in each if (guild := place_of(row)[1])} <= part.shards


async def test_direct_messages_and_channels_of_unknown_servers_go_to_the_first_shard(tmp_path):
    guild = next(guild for guild in GUILDS if shard_of(guild, 2) == 1)
    old, (a, b) = tmp_path / "old.db", parts(tmp_path, a="1", b="0")
    threads = [turn(21, guild, 1, parent=20), turn(20, None, 2), turn(22, None, 3, parent=20)]
    await write(old, {"turns": [turn(10, None), turn(11, guild), *threads]})
    lines = await reshard([old], [a, b], 2)
    assert rows(b.path)["turns"] == [turn(10, None)]
    assert {row[0] for row in rows(a.path)["turns"]} == {11, 20, 21, 22}, "one thread tells the server of the others"
    assert any(line.startswith("Channels of no known server") and "shard 0: 1." in line for line in lines)


async def test_a_channel_in_two_files_is_taken_from_the_one_used_last(tmp_path):
    older, newer = {"turns": [turn(1, GUILDS[0], 1)]}, {"turns": [turn(1, GUILDS[0], 2)], "channels": []}
    settings = {"channels": [(1, None, GUILDS[0], "forgotten since", None, None, None, None)]}
    for number, (first, second) in enumerate([(older | settings, newer), (newer, older | settings)]):
        folder = tmp_path / str(number)
        old, (new,) = [folder / "1.db", folder / "2.db"], parts(folder, new="0")
        await write(old[0], first)
        await write(old[1], second)
        lines = await reshard(old, [new], 1)
        assert rows(new.path) == {**{table: [] for table in TABLES}, "turns": newer["turns"]}
        assert "Channels in more than one old file, taken from where each was used last: 1." in lines


async def test_every_table_is_divided_or_copied(path):
    async with open_database(path) as database, database.connection() as file:
        tables = await file.execute_fetchall("SELECT name FROM sqlite_schema WHERE type = 'table'")
        assert {name for (name,) in tables} == {*TABLES, "consents", "sqlite_sequence"}


async def test_a_file_from_an_older_parley_is_divided_too(tmp_path):
    old, (new,) = tmp_path / "old.db", parts(tmp_path, new="0")
    create_old(old, 1, "q")
    before = old.read_bytes()
    await reshard([old], [new], 1)
    assert [row[:4] for row in rows(new.path)["turns"]] == [(7, 1, "Alice", "q")]
    assert old.read_bytes() == before


async def test_turns_that_moved_have_ids_that_no_file_has_given(tmp_path):
    old, (new,) = tmp_path / "old.db", parts(tmp_path, new="0")
    await write(old, {"turns": [turn(1, GUILDS[0], number) for number in range(3)]})
    await reshard([old], [new], 1)
    with closing(sqlite3.connect(old)) as before, closing(sqlite3.connect(new.path)) as after:
        (given,), (ids,) = before.execute("SELECT max(id) FROM turns"), after.execute("SELECT min(id) FROM turns")
    assert ids > given


async def test_what_a_killed_bot_left_in_the_wal_is_included(tmp_path):
    old, (new,) = tmp_path / "old.db", parts(tmp_path, new="0")
    await write(old, {"turns": [turn(1, GUILDS[0], 1)]})
    add = f"INSERT INTO channels VALUES (1, NULL, {GUILDS[0]}, 'said last', NULL, NULL, NULL, NULL)"
    killed = f"import os, sqlite3; f = sqlite3.connect({str(old)!r}); f.execute({add!r}); f.commit(); os._exit(9)"
    await asyncio.to_thread(subprocess.run, [sys.executable, "-c", killed], check=False)
    assert old.with_name("old.db-wal").stat().st_size
    await reshard([old], [new], 1)
    assert [row[3] for row in rows(new.path)["channels"]] == ["said last"]
    assert rows(old) == rows(new.path)


@pytest.mark.skipif(os.name != "posix", reason="modes of files")
async def test_the_new_files_are_readable_for_their_owner_alone_and_nothing_else_is_left(tmp_path):
    old, new = tmp_path / "old.db", parts(tmp_path / "deep" / "down", a="0", b="1")
    await write(old, {"turns": [turn(1, GUILDS[0])]})
    await reshard([old], new, 2)
    assert [stat.S_IMODE(part.path.stat().st_mode) for part in new] == [0o600, 0o600]
    assert {path.name for path in tmp_path.rglob("*")} == {"old.db", "deep", "down", "a.db", "b.db"}


# From the command line


@pytest.fixture
def old(tmp_path, monkeypatch):
    """A database with one turn, in the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", None)
    on_sigterm = signal.getsignal(signal.SIGTERM)
    asyncio.run(write(Path("old.db"), {"turns": [turn(1, GUILDS[0])]}))
    yield Path("old.db")
    signal.signal(signal.SIGTERM, on_sigterm)


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_command_tells_what_went_where(old, capsys):
    assert parley(["reshard", "old.db", "--shards", "2", "--into", "a.db=0", "b.db=1"]) == 0
    here, there = ("a.db", "b.db") if shard_of(GUILDS[0], 2) == 0 else ("b.db", "a.db")
    out = capsys.readouterr().out
    assert f"{here}, shards {int(here == 'b.db')} of 2: 1 channels; 1 of turns, 0 of channels, 0 of summaries, " in out
    assert f"{there}, shards {int(there == 'b.db')} of 2: 0 channels; 0 of turns" in out
    assert "SHARD_COUNT=2" in out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["old.db", "--shards", "2", "--into", "a.db=0"], "missing is 1"),
        (["old.db", "--shards", "2", "--into", "a.db=0-1", "b.db=1"], "one new file only, not in several: 1"),
        (["old.db", "--shards", "2", "--into", "a.db=0-3"], "numbered from 0 to 1; there is no 2-3"),
        (["old.db", "--shards", "2", "--into", "a.db=0", "a.db=1"], "named twice"),
        (["old.db", "./old.db", "--shards", "1", "--into", "a.db=0"], "named twice"),
    ],
)
def test_invalid_shards_are_a_usage_error(old, tmp_path, capsys, arguments, told):
    assert parley(["reshard", *arguments]) == 2
    assert told in capsys.readouterr().err
    assert left(tmp_path) == ["old.db"]


@pytest.mark.parametrize("into", ["a.db", "a.db=", "=0", "a.db=x", "a.db=3-1"])
def test_an_invalid_target_is_refused_with_an_example(old, capsys, into):
    with pytest.raises(SystemExit) as ended:
        parley(["reshard", "old.db", "--shards", "1", "--into", into])
    assert ended.value.code == 2
    assert "such as a.db=0-1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("none.db", None, "There is no file none.db"),
        ("text.db", b"no database " * 100, "text.db cannot be used"),
        ("other.db", "PRAGMA application_id = 5; CREATE TABLE t (x)", "other.db is the database of another program"),
        ("newer.db", "PRAGMA application_id = 1346458188; PRAGMA user_version = 99", "written by a newer Parley"),
    ],
)
def test_a_file_that_is_not_ours_is_refused(old, tmp_path, capsys, name, content, told):
    if isinstance(content, bytes):
        Path(name).write_bytes(content)
    elif content:
        with closing(sqlite3.connect(name)) as file:
            file.executescript(content)
    before = left(tmp_path)
    assert parley(["reshard", "old.db", name, "--shards", "2", "--into", "a.db=0", "b.db=1"]) == 1
    assert told in capsys.readouterr().err
    assert left(tmp_path) == before


def test_an_existing_file_is_never_written_to(old, tmp_path, capsys):
    Path("b.db").write_text("mine")
    assert parley(["reshard", "old.db", "--shards", "2", "--into", "a.db=0", "b.db=1"]) == 1
    assert "b.db is there already" in capsys.readouterr().err
    assert left(tmp_path) == ["b.db", "old.db"]
    assert Path("b.db").read_text() == "mine"


async def test_a_database_that_a_bot_has_open_is_refused(tmp_path):
    old = tmp_path / "old.db"
    async with open_database(old):
        with pytest.raises(ReshardError, match="in use"):
            await reshard([old], parts(tmp_path, a="0"), 1)
    assert left(tmp_path) == ["old.db"]


def test_if_one_file_cannot_be_created_none_is(old, tmp_path, monkeypatch, capsys):
    rename = Path.rename

    def fails_for_b(path: Path, target: Path) -> Path:
        if target.name == "b.db":
            raise OSError(28, "No space left on device")
        return rename(path, target)

    monkeypatch.setattr("pathlib.Path.rename", fails_for_b)
    assert parley(["reshard", "old.db", "--shards", "2", "--into", "a.db=0", "b.db=1"]) == 1
    assert "b.db cannot be opened: [Errno 28] No space left on device" in capsys.readouterr().err
    assert left(tmp_path) == ["old.db"]
