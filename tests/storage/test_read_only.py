"""A database that is only read stays as it is, also while the bot writes to it."""

import sqlite3
from contextlib import closing

import pytest

from bot.storage.channel_ref import ChannelRef
from bot.storage.database import DatabaseError, open_database
from bot.storage.read_only import read_database
from bot.storage.turns import TurnStore
from tests.support.databases import create_old


async def refusal(path) -> str:
    with pytest.raises(DatabaseError) as refused:
        async with read_database(path):
            pass
    return str(refused.value)


async def test_the_bot_writes_and_erases_meanwhile(path, caplog):
    async with open_database(path) as database, read_database(path) as reader:
        async with database.transaction() as connection:
            await connection.execute("INSERT INTO consents (person, agreed) VALUES (1, TRUE)")
        async with reader.connection() as connection:
            assert list(await connection.execute_fetchall("SELECT person FROM consents")) == [(1,)]
        async with database.transaction() as connection:
            await connection.execute("DELETE FROM consents")
        async with reader.connection() as connection:
            assert list(await connection.execute_fetchall("SELECT person FROM consents")) == []
    assert "may still be in the database" not in caplog.text


async def test_nothing_can_be_written(path):
    async with open_database(path):
        pass
    async with read_database(path) as reader:
        with pytest.raises(DatabaseError, match="readonly"):
            await TurnStore(reader).clear(ChannelRef(7))


async def test_what_cannot_be_read_is_refused_and_left_alone(path, tmp_path):
    assert "no database at" in await refusal(path)
    assert not path.exists()
    create_old(path, 3, "one")
    before = path.read_bytes()
    assert "older Parley" in await refusal(path)
    assert path.read_bytes() == before
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA user_version = 99")
    assert "newer Parley" in await refusal(path)
    path.write_text("no database " * 100)
    assert "not a database" in await refusal(path)
    assert "cannot be used" in await refusal(tmp_path)
