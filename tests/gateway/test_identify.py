"""Shards with the same rate-limit key identify one after the other, in whichever process they are."""

import asyncio
import os
import sqlite3
import stat
import tempfile
import time
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from bot.gateway import identify
from bot.gateway.identify import may_identify


@pytest.fixture
def clock(monkeypatch):
    """A clock that moves only when somebody waits."""
    clock = SimpleNamespace(now=1000.0)

    async def sleep(seconds: float) -> None:
        clock.now += seconds

    monkeypatch.setattr(identify, "time", SimpleNamespace(time=lambda: clock.now))
    monkeypatch.setattr(identify, "asyncio", SimpleNamespace(sleep=sleep, to_thread=asyncio.to_thread))
    return clock


def file() -> Path:
    (path,) = Path(tempfile.gettempdir()).glob("parley-*/identify-*")
    return path


async def test_the_next_one_waits_for_the_pause_to_be_over(clock):
    await may_identify(1, 0, 1, pause=5.0)
    assert clock.now == 1000
    clock.now += 2
    await may_identify(1, 1, 1, pause=5.0)
    assert 1005 <= clock.now < 1006


async def test_after_the_pause_nobody_waits(clock):
    await may_identify(1, 0, 1, pause=5.0)
    clock.now = 1005
    await may_identify(1, 1, 1, pause=5.0)
    assert clock.now == 1005


async def test_only_shards_of_the_same_key_and_bot_wait_for_each_other(clock):
    for shard in range(3):
        await may_identify(1, shard, 3, pause=5.0)
    await may_identify(2, 0, 1, pause=5.0)
    assert clock.now == 1000
    await may_identify(1, 3, 3, pause=5.0)
    assert clock.now >= 1005


async def test_those_that_wait_go_one_at_a_time():
    begun = time.time()
    await asyncio.gather(*(may_identify(1, shard, 1, pause=0.05) for shard in range(6)))
    assert time.time() - begun >= 5 * 0.05


async def test_a_clock_that_was_set_back_keeps_nobody_waiting(clock):
    await may_identify(1, 0, 1, pause=5.0)
    clock.now = 10
    await may_identify(1, 1, 1, pause=5.0)
    assert clock.now == 10


async def test_a_cancelled_wait_leaves_no_gap(clock, monkeypatch):
    await may_identify(1, 0, 1, pause=5.0)

    async def ends(seconds: float) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as ending:
        ending.setattr(identify.asyncio, "sleep", ends)
        with pytest.raises(asyncio.CancelledError):
            await may_identify(1, 1, 1, pause=5.0)
    clock.now = 1005
    await may_identify(1, 2, 1, pause=5.0)
    assert clock.now == 1005


async def test_an_unusable_file_is_logged_and_the_pause_is_kept(clock, caplog):
    await may_identify(1, 0, 1, pause=5.0)
    file().write_bytes(b"no database " * 100)
    clock.now = 2000
    await may_identify(1, 1, 1, pause=5.0)
    assert clock.now == 2005
    assert "cannot tell each other" in caplog.text


@pytest.mark.skipif(os.name != "posix", reason="modes of files")
async def test_the_file_is_its_owners_alone_and_says_nothing_of_the_bot(clock):
    await may_identify(123456789, 0, 1, pause=5.0)
    assert stat.S_IMODE(file().stat().st_mode) == 0o600
    assert "123456789" not in file().name
    with closing(sqlite3.connect(file())) as database:
        assert database.execute("SELECT * FROM identifies").fetchall() == [(0, 1000.0)]
    assert stat.S_IMODE(file().parent.stat().st_mode) == 0o700


@pytest.mark.skipif(os.name != "posix", reason="owners of files")
@pytest.mark.parametrize("owner", ["another", "a link"])
async def test_a_folder_that_another_user_made_first_is_not_trusted(clock, caplog, monkeypatch, tmp_path, owner):
    await may_identify(1, 0, 1, pause=5.0)
    if owner == "another":
        mine = Path.lstat
        monkeypatch.setattr(Path, "lstat", lambda path: os.stat_result([*mine(path)[:4], 12345, *mine(path)[5:]]))
    else:
        folder = file().parent.rename(tmp_path / "elsewhere")
        (Path(tempfile.gettempdir()) / f"parley-{os.geteuid()}").symlink_to(folder)
    await may_identify(1, 1, 1, pause=5.0)
    assert clock.now == 1005
    assert "It belongs to another user" in caplog.text
