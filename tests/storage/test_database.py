"""The database harms no other file, is readable for its owner alone, and says why it cannot be used."""

import re
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from bot.storage import database
from bot.storage.channel_ref import ChannelRef
from bot.storage.channel_settings import ChannelLimits, ChannelOverrides, ChannelSettings, ChannelSettingsStore
from bot.storage.database import DatabaseError, open_database
from bot.storage.turns import TurnStore
from tests.storage.test_turns import store, turn
from tests.support.databases import create_old, locked


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "new folder" / "parley.db"


async def test_the_file_is_readable_for_its_owner_alone(path):
    async with open_database(path) as file:
        await store(TurnStore(file), 7, turn("x"))
        files = list(path.parent.iterdir())
        assert len(files) == 3, "the database, its WAL and the WAL's index"
        assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


@pytest.mark.parametrize("side_files", [True, False])
async def test_a_file_that_was_copied_becomes_readable_for_its_owner_alone(path, side_files):
    copy = path.parent.with_name("copy") / path.name
    async with open_database(path) as file:
        await store(TurnStore(file), 7, turn("x"))
        shutil.copytree(path.parent, copy.parent)
    for each in copy.parent.iterdir():
        each.chmod(0o644)
        if each != copy and not side_files:
            each.unlink()
    async with open_database(copy) as file:
        await store(TurnStore(file), 7, turn("y"))
        assert {each.stat().st_mode & 0o777 for each in copy.parent.iterdir()} == {0o600}
        assert len(await TurnStore(file).recent(7)) == 2


@pytest.mark.parametrize("version", [1, 2, 3, 4])
async def test_a_file_of_an_older_version_is_migrated(path, version):
    create_old(path, version, "one", "two", "three")
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("DELETE FROM turns WHERE question = 'two'")
    for _ in range(2):
        async with open_database(path) as opened:
            assert [(kept.id, kept.question) for kept in await TurnStore(opened).recent(7)] == [
                (1, "one"),
                (3, "three"),
            ]
    async with open_database(path) as opened:
        settings = ChannelSettingsStore(opened, ChannelSettings("Be brief.", 0.7, 200, 5), ChannelLimits(1, 200, 5))
        persona = None if version < 3 else "Be a pirate."
        assert await settings.overrides(7) == ChannelOverrides(persona)
        turns = TurnStore(opened)
        await store(turns, 7, replace(turn("new"), channel=ChannelRef(7, guild=3)))
        await opened.forget_guild(3)
        assert [kept.question for kept in await turns.recent(7)] == ["one", "three"]
    new = path.with_name("new.db")
    async with open_database(new):
        pass
    assert schema(path) == schema(new)


def schema(path: Path) -> dict[str, str | int]:
    """The SQL of all tables and indices, without comments, and the version."""
    with closing(sqlite3.connect(path)) as file:
        found = file.execute("SELECT name, sql FROM sqlite_schema WHERE sql <> ''").fetchall()
        ((version,),) = file.execute("PRAGMA user_version")
    return {name: re.sub(r"--.*|\s", "", sql) for name, sql in found} | {"version": version}


async def test_a_migration_that_fails_changes_nothing(path):
    create_old(path, 3, "one")
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("CREATE TABLE old_turns (id)")
    before = schema(path)
    with pytest.raises(DatabaseError):
        async with open_database(path):
            pass
    assert schema(path) == before


def other_program(path: Path) -> None:
    with sqlite3.connect(path) as file:
        file.execute("CREATE TABLE theirs (x)")
    file.close()


def newer_parley(path: Path) -> None:
    with sqlite3.connect(path) as file:
        file.execute(f"PRAGMA application_id = {database._APPLICATION_ID}")
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
    with pytest.raises(DatabaseError, match=sentence):
        async with open_database(path):
            pass
    assert path.read_bytes() == before
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [path]


async def test_a_file_that_another_program_locks_is_reported(path):
    async with open_database(path):
        pass
    with locked(path), pytest.raises(DatabaseError, match="locked"):
        async with open_database(path):
            pass


async def test_what_is_written_is_on_the_disk_at_once(path):
    async with open_database(path) as file:
        (settings,) = await file._connection.execute_fetchall(
            "SELECT journal_mode, synchronous FROM pragma_journal_mode, pragma_synchronous"
        )
    assert settings == ("wal", 2), "2 is FULL: durable after a power failure, too"


async def test_a_folder_that_cannot_be_written_is_reported(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DatabaseError, match="DATABASE_PATH"):
        async with open_database(tmp_path / "file" / "parley.db"):
            pass


async def test_an_error_inside_the_block_is_not_mistaken_for_a_database_error(path):
    with pytest.raises(ConnectionError):
        async with open_database(path):
            raise ConnectionError


async def test_a_closed_database_is_not_opened_again(path):
    async with open_database(path) as file:
        pass
    with pytest.raises(DatabaseError):
        await TurnStore(file).recent(7)
    assert file._connection is None
