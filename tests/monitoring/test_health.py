"""/healthz: 200 while all is well, 503 with the reason otherwise, and no response from a bot that hangs."""

import asyncio
import socket
import threading
import time

import pytest

from bot.monitoring.http import AddressError, served
from bot.texts import DATABASE_UNAVAILABLE
from tests.support.databases import gone, locked
from tests.support.outside import free_port, outside
from tests.support.parley import parley
from tests.support.scripted import ScriptedEngine

GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


async def test_all_is_well_with_a_bot_that_is_connected_and_idle(discord, path):
    async with parley(discord, ScriptedEngine(), path, timing={"engine_limit": 0}) as running, outside(running) as seen:
        await running.gateway.online.wait()
        status, text = await seen.health()
        assert status == 200
        assert text.splitlines()[0] == "well"
        assert "gateway: connected" in text
        well, parts = await seen.parts()
        assert well
        assert list(parts) == ["event loop", "gateway", "engine", "database"]
        assert all(part["well"] and part["since"] is None for part in parts.values())


async def test_a_bot_that_hangs_gives_no_answer(discord, path):
    asked, heard = threading.Event(), threading.Event()
    replies = []

    def ask(port: int) -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=0.5) as connection:
            connection.sendall(GET)
            try:
                replies.append(connection.recv(100))
            except TimeoutError:
                replies.append(b"")
            asked.set()
            connection.settimeout(30)
            replies.append(connection.recv(100))
            heard.set()

    async with parley(discord, ScriptedEngine(), path) as running, outside(running) as seen:
        threading.Thread(target=ask, args=(seen.port,), daemon=True).start()
        asked.wait(30)  # blocks the event loop
        await discord.until(heard.is_set)
        assert replies[0] == b""
        assert replies[1].startswith(b"HTTP/1.1 200")
        _, text = await seen.health()
        assert "stood still for 0.0 s" not in text


async def test_a_gateway_may_be_away_for_a_while(discord, path, quick_reconnects):
    async with parley(discord, ScriptedEngine(), path) as running, outside(running) as seen:
        await running.gateway.online.wait()
        with discord.gateway.refusing():
            discord.gateway.drop()
            await discord.until(lambda: running.gateway.away)
            well, parts = await seen.parts()
            assert well
            assert "not connected for 0 s; at most 600 s is normal" in parts["gateway"]["says"]
            assert parts["gateway"]["since"]


async def test_a_gateway_that_is_away_too_long_is_not_well_until_it_is_back(discord, path, quick_reconnects):
    async with (
        parley(discord, ScriptedEngine(), path, timing={"gateway_limit": 0.2}) as running,
        outside(running) as seen,
    ):
        await running.gateway.online.wait()
        with discord.gateway.refusing():
            discord.gateway.drop()
            text = await seen.until_health(503)
            assert text.splitlines()[0] == "not well"
            assert "gateway: shard 0 not connected" in text
            since = running.gateway.away[0]
            await discord.until(lambda: discord.gateway.attempts > 2)
            assert running.gateway.away[0] == since, "a failed attempt does not reset it"
        await seen.until_health(200)


async def test_a_gateway_that_was_never_connected_counts_from_the_start(discord, path, quick_reconnects):
    with discord.gateway.refusing():
        trying = parley(discord, ScriptedEngine(), path, wait=False, timing={"gateway_limit": 0.2})
        running = await trying.__aenter__()
        async with outside(running) as seen:
            assert "gateway: shard 0 not connected" in await seen.until_health(503)
    await discord.gateway.ready()
    await trying.__aexit__(None, None, None)


async def test_a_shard_that_has_never_connected_is_missed(discord, path, quick_reconnects):
    discord.gateway.shards = 2
    async with (
        parley(discord, ScriptedEngine(), path, timing={"gateway_limit": 0.2}) as running,
        outside(running) as seen,
    ):
        with discord.gateway.refusing():
            assert "gateway: shard 1 not connected" in await seen.until_health(503)
            assert not running.gateway.online.is_set()
        await seen.until_health(200)
        assert running.gateway.online.is_set()


async def test_an_engine_without_progress_is_not_well_until_it_goes_on(discord, path, place):
    _, channel, alice = place
    hold = asyncio.Event()
    engine = ScriptedEngine(["The first few words ", hold, "and the rest."])
    async with parley(discord, engine, path, timing={"engine_limit": 0.2}) as running, outside(running) as seen:
        await alice.say(channel, f"{discord.bot.mention} tell")
        await channel.wait_for("The first few words")
        text = await seen.until_health(503)
        assert "engine: no progress for" in text
        assert "1 running, 0 waiting, since" in text
        hold.set()
        await running.until_stored(channel.id, ("tell", "The first few words and the rest."))
        await seen.until_health(200)


async def test_a_model_may_load_for_as_long_as_it_takes(discord, path, place):
    _, channel, alice = place
    engine = ScriptedEngine()
    engine.loaded.clear()
    async with parley(discord, engine, path, timing={"engine_limit": 0}) as running, outside(running) as seen:
        await alice.say(channel, f"{discord.bot.mention} tell")
        await discord.until(lambda: engine.status().running)
        status, text = await seen.health()
        assert status == 200
        assert "engine: the model is loading" in text
        engine.loaded.set()
        await running.until_stored(channel.id, ("tell", "ok"))


async def test_a_database_that_is_gone_is_not_well_until_it_is_back(discord, path):
    async with parley(discord, ScriptedEngine(), path) as running, outside(running) as seen:
        with gone(path):
            status, text = await seen.health()
            assert status == 503
            assert "database: cannot be used; the log says why, since 20" in text
        assert (await seen.health())[0] == 200


async def test_a_database_that_cannot_be_written_is_not_well_though_it_can_be_read(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(), path) as running, outside(running) as seen:
        await running.database._connection.execute("PRAGMA busy_timeout = 20")  # instead of five seconds
        with locked(path):
            assert (await seen.health())[0] == 200, "nothing was to be written yet"
            question = await alice.say(channel, f"{discord.bot.mention} tell")
            await channel.reply_to(question, wanted=lambda message: message.content == DATABASE_UNAVAILABLE)
            before = await seen.parts()
            assert before[0] is False
            await running.turns.recent(channel.id)
            assert (await seen.parts())[0] is False
        assert (await seen.health())[0] == 200
        assert running.database.unusable_since is None


async def test_a_database_that_does_not_answer_is_not_well(discord, path):
    async with (
        parley(discord, ScriptedEngine(), path, timing={"database_limit": 0.1}) as running,
        outside(running) as seen,
    ):
        async with running.database.transaction():
            status, text = await seen.health()
            assert status == 503
            assert "database: does not answer, since 20" in text
            first = running.health._probe
            await seen.health()
            assert running.health._probe is first, "no second probe waits behind it"
        await seen.until_health(200)


async def test_an_address_in_use_is_reported(discord, path):
    async with parley(discord, ScriptedEngine(), path) as running, outside(running) as seen:
        with pytest.raises(AddressError, match=r"HEALTH_ADDRESS cannot be used: .*address already in use\. Set it to"):
            async with served(("127.0.0.1", seen.port), running.health, running.metrics.registry):
                pass


@pytest.mark.skipif(not socket.has_ipv6, reason="needs IPv6")
async def test_it_is_served_where_the_setting_says(discord, path):
    port = free_port()
    async with (
        parley(discord, ScriptedEngine(), path) as running,
        served(("::1", port), running.health, running.metrics.registry),
    ):
        reader, writer = await asyncio.open_connection("::1", port)
        writer.write(GET)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)


async def test_since_is_the_time_of_day(discord, path):
    async with parley(discord, ScriptedEngine(), path) as running:
        with gone(path):
            begun = time.time()
            database = (await running.health.check())[-1]
            assert database.since
            assert begun - 1 < database.since.timestamp() < time.time() + 1
