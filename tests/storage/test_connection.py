"""A connection that could not be opened leaves no thread that outlives the event loop."""

import asyncio
import sqlite3
import threading

import pytest

from bot.storage.connection import Connection


async def fail(path):
    with pytest.raises(sqlite3.OperationalError):
        await Connection(path)


async def cancel(path):
    opening = asyncio.ensure_future(Connection(path))
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening


def test_a_thread_ends_before_the_event_loop_does(tmp_path, monkeypatch):
    died = []
    monkeypatch.setattr(threading, "excepthook", died.append)
    for _ in range(300):
        asyncio.run(fail(tmp_path / "no folder" / "file.db"))
        asyncio.run(cancel(":memory:"))
    assert not died
