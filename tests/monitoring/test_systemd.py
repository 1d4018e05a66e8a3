"""Notifications to systemd, received on a socket like its own."""

import asyncio
import os
import socket
from contextlib import closing

import pytest

from bot.monitoring.systemd import notified
from tests.support.outside import Systemd
from tests.support.parley import Running, parley
from tests.support.scripted import ScriptedEngine
from tests.support.waiting import until

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="needs Unix sockets")


@pytest.fixture
def systemd(tmp_path):
    with closing(Systemd(str(tmp_path / "notify"))) as listening:
        yield listening


def told_of(running: Running, systemd: Systemd, **environment: str):
    return notified(
        {"NOTIFY_SOCKET": systemd.address, **environment}, running.health, running.gateway, running.quitting
    )


async def several_checks(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until its health has been checked a few more times."""
    checks, check = 0, running.health.check

    async def counted():
        nonlocal checks
        checks += 1
        return await check()

    monkeypatch.setattr(running.health, "check", counted)
    await until(lambda: checks >= 5)


async def test_systemd_is_told_when_the_bot_is_online_and_when_it_stops(discord, path, systemd):
    with discord.gateway.refusing():
        trying = parley(discord, ScriptedEngine(), path, wait=False)
        running = await trying.__aenter__()
        telling = told_of(running, systemd)
        await telling.__aenter__()
        await discord.until(lambda: discord.gateway.attempts)
        assert systemd.all_told() == []
    assert await systemd.told() == "READY=1"
    running.quitting.set()
    assert await systemd.told() == "STOPPING=1"
    await telling.__aexit__(None, None, None)
    await trying.__aexit__(None, None, None)
    assert systemd.all_told() == [], "the watchdog is off"


async def test_a_bot_that_ends_by_an_error_is_stopping_too(discord, path, systemd):
    async with parley(discord, ScriptedEngine(), path) as running:
        with pytest.raises(RuntimeError):
            async with told_of(running, systemd):
                assert await systemd.told() == "READY=1"
                raise RuntimeError
        assert systemd.all_told() == ["STOPPING=1"]


async def test_only_a_healthy_bot_feeds_the_watchdog(discord, path, systemd, quick_reconnects, monkeypatch):
    async with (
        parley(discord, ScriptedEngine(), path, timing={"gateway_limit": 0}) as running,
        told_of(running, systemd, WATCHDOG_USEC="40000", WATCHDOG_PID=str(os.getpid())),
    ):
        assert [await systemd.told() for _ in range(3)] == ["READY=1", "WATCHDOG=1", "WATCHDOG=1"]
        with discord.gateway.refusing():
            discord.gateway.drop()
            await discord.until(lambda: running.gateway.away)
            await several_checks(running, monkeypatch)
            systemd.all_told()
            await several_checks(running, monkeypatch)
            assert systemd.all_told() == []
        assert await systemd.told() == "WATCHDOG=1"


async def test_the_watchdog_of_another_process_is_not_fed(discord, path, systemd):
    async with (
        parley(discord, ScriptedEngine(), path) as running,
        told_of(running, systemd, WATCHDOG_USEC="1000", WATCHDOG_PID="1"),
    ):
        assert await systemd.told() == "READY=1"
        for _ in range(3):
            await running.health.check()
        running.quitting.set()
        assert await systemd.told() == "STOPPING=1"


async def test_an_abstract_socket_works(discord, path):
    with closing(Systemd(f"@parley-{os.getpid()}")) as systemd:
        async with parley(discord, ScriptedEngine(), path) as running, told_of(running, systemd):
            assert await systemd.told() == "READY=1"


async def test_a_socket_that_is_gone_does_no_harm(discord, path, systemd):
    async with parley(discord, ScriptedEngine(), path) as running:
        systemd.close()
        async with told_of(running, systemd):
            await running.gateway.online.wait()


async def test_without_systemd_nothing_is_sent(discord, path):
    async with parley(discord, ScriptedEngine(), path) as running:
        before = len(asyncio.all_tasks())
        async with notified({}, running.health, running.gateway, running.quitting):
            assert len(asyncio.all_tasks()) == before
