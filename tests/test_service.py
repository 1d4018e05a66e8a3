"""The unit and the image in operating.md, tried as far as possible without systemd and containers."""

import asyncio
import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tomllib
from contextlib import closing
from dataclasses import fields

import pytest

from bot.settings import Settings
from tests.support.engine_stand_in import EngineServer, serving
from tests.support.outside import Systemd, free_port
from tests.support.parley import ROOT, program

TEXT = (ROOT / "bot" / "docs" / "operating.md").read_text()
PYTHON = "/opt/parley/.venv/bin/python"
FOREIGN = {"HF_HOME", "TMPDIR"}  # not Parley's settings


def block(kind: str) -> str:
    (text,) = re.findall(rf"^```{kind}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    return text


UNIT = [line.split("=", 1) for line in block("ini").splitlines() if re.match(r"\w+=", line)]
IMAGE = block("Dockerfile").replace("\\\n", " ").splitlines()


def unit(name: str) -> list[str]:
    return [value for key, value in UNIT if key == name]


def image(instruction: str) -> list[str]:
    return [line.split(maxsplit=1)[1] for line in IMAGE if line.split(maxsplit=1)[:1] == [instruction]]


def seconds(text: str) -> float:
    return float(text.removesuffix("s"))


def test_each_directive_is_there_once():
    names = [name for name, _ in UNIT]
    assert {name for name in names if names.count(name) > 1} == {"Environment", "SystemCallFilter"}


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_systemd_understands_the_unit(tmp_path):
    text = block("ini").replace(PYTHON, "/bin/true").replace("User=parley", "User=root")
    file = tmp_path / "parley.service"
    file.write_text(text)
    seen = subprocess.run(["systemd-analyze", "verify", str(file)], capture_output=True, text=True)
    assert (seen.returncode, [line for line in seen.stderr.splitlines() if "parley" in line]) == (0, [])


@pytest.mark.slow
async def test_the_service_starts_says_so_and_ends(discord, place, tmp_path):
    command = shlex.split(*unit("ExecStart"))
    assert command[0] == PYTHON
    async with serving(EngineServer()) as server:
        settings = tmp_path / "env"
        settings.write_text(f"ENGINE_URL={server.url}\n")
        settings.chmod(0o600)
        arguments = [str(settings) if word == "/etc/parley/env" else word for word in command[1:]]
        with closing(Systemd(str(tmp_path / "notify"))) as systemd:
            told = {"NOTIFY_SOCKET": systemd.address, "WATCHDOG_USEC": "200000"}
            async with program(discord, tmp_path, arguments, **told) as service:
                assert [await systemd.told() for _ in range(2)] == ["READY=1", "WATCHDOG=1"]
                assert discord.gateway.connected
                service.send_signal(signal.SIGTERM)
                assert await service.wait() == 0
    assert unit("Type") == ["notify"]
    assert unit("NotifyAccess") == ["main"]


@pytest.mark.slow
async def test_a_wrong_setting_is_not_tried_again(discord, tmp_path):
    async with program(discord, tmp_path, HISTORY_TURNS="many") as service:
        assert [str(await service.wait())] == unit("RestartPreventExitStatus")
    assert unit("Restart") == ["on-failure"]


def test_the_stop_timeout_leaves_room_for_the_grace_period():
    (stop,), (docker_stop,) = unit("TimeoutStopSec"), re.findall(r"--stop-timeout (\d+)", TEXT)
    assert seconds(stop) == seconds(docker_stop) >= Settings().shutdown_grace + 20


def test_all_variables_are_parleys_settings():
    assigned = " ".join([*unit("Environment"), *image("ENV"), *re.findall(r"^printf.*$", TEXT, re.MULTILINE)])
    names = set(re.findall(r"\b([A-Z][A-Z_]+)=", assigned))
    assert names
    assert names <= {option.name.upper() for option in fields(Settings)} | FOREIGN


@pytest.mark.slow
async def test_the_containers_health_check_recognizes_a_healthy_bot(discord, tmp_path):
    (check,) = (json.loads(text.split("CMD", 1)[1]) for text in image("HEALTHCHECK"))
    assert check[0] == PYTHON
    port = str(free_port())

    async def checked() -> int:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *check[1:], env={"HEALTH_ADDRESS": port}, stderr=asyncio.subprocess.DEVNULL
        )
        return await process.wait()

    async with (
        serving(EngineServer()) as server,
        program(discord, tmp_path, ENGINE_URL=server.url, HEALTH_ADDRESS=port) as bot,
    ):
        await discord.gateway.ready()
        assert await checked() == 0
        bot.terminate()
        await bot.wait()
    assert await checked() != 0


def test_the_image_copies_files_that_exist():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (torch,) = (text for text in project["dependencies"] if text.startswith("torch"))
    assert any(torch in line for line in image("RUN"))
    for line in image("COPY"):
        if not line.startswith("--from"):
            for source in line.split()[:-1]:
                assert (ROOT / source).exists(), source
    (entry,) = (json.loads(text) for text in image("ENTRYPOINT"))
    assert [PYTHON, *entry[1:]] == shlex.split(*unit("ExecStart"))
    assert "-v /etc/parley/env:/etc/parley/env:ro" in TEXT
    (user,) = image("USER")
    assert user == "10001:10001"
