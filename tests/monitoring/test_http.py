"""The whole program, monitored while somebody talks with the real model."""

import asyncio
import socket
from contextlib import closing

import pytest

from tests.support.outside import Systemd, entries, free_port, outside
from tests.support.parley import WITHOUT_A_MODEL, program


@pytest.mark.slow
async def test_a_program_is_monitored_from_start_to_end(discord, tmp_path, place):
    _, channel, alice = place
    port = free_port()
    with closing(Systemd(str(tmp_path / "notify"))) as systemd:
        watched = {"NOTIFY_SOCKET": systemd.address, "WATCHDOG_USEC": "200000"}
        async with (
            program(discord, tmp_path, HEALTH_ADDRESS=f":{port}", LOG_FORMAT="json", **watched) as process,
            outside(port=port) as seen,
        ):
            log = asyncio.create_task(process.communicate())
            with discord.gateway.refusing():
                await seen.until_up()
                assert "gateway: connected" not in (await seen.health())[1], "up before the gateway lets the bot in"
                assert systemd.all_told() == []
            assert [await systemd.told() for _ in range(2)] == ["READY=1", "WATCHDOG=1"]
            for count in (1, 2):
                await alice.say(channel, f"{discord.bot.mention} my name is Wendolyn")
                await seen.until_metric("parley_answer_seconds_count", count)
            assert await seen.metric("parley_time_to_first_text_seconds_count") == 2
            assert await seen.metric("parley_requests_total") == 2
            assert await seen.metric("parley_tokens_total") > 2
            assert await seen.metric("parley_tokens_per_second") > 0
            assert await seen.metric("parley_prompt_tokens_total", source="cache") > 0
            assert await seen.metric("parley_prompt_tokens_total", source="read") > 0
            assert await seen.metric("parley_history_operation_seconds_count", kind="write") > 0
            assert "Wendolyn" not in await seen.text()
            well, parts = await seen.parts()
            assert well, parts
            systemd.all_told()  # the kernel keeps only ten and drops the rest
            process.terminate()
            while await systemd.told() != "STOPPING=1":
                pass
            _, written = await log
            assert process.returncode == 0
    told = [entry["message"] for entry in entries(written.decode())]
    assert any(f"http://127.0.0.1:{port}/healthz" in message for message in told)
    assert "Wendolyn" not in written.decode()
    assert discord.application.token not in written.decode()


@pytest.mark.slow
async def test_a_port_in_use_is_reported_in_one_sentence(discord, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with program(discord, tmp_path, WITHOUT_A_MODEL, HEALTH_ADDRESS=str(port), LOG_LEVEL="ERROR") as process:
            _, log = await process.communicate()
    assert process.returncode == 1
    (sentence,) = log.decode().splitlines()
    assert sentence.startswith(
        f"HEALTH_ADDRESS cannot be used: error while attempting to bind on address ('127.0.0.1', {port})"
    )
    assert discord.gateway.attempts == 0
