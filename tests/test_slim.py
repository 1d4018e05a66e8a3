"""An install without torch, for a remote engine, with exactly the packages that engine.md names."""

import asyncio
import importlib.metadata
import re
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.support.engine_stand_in import EngineServer, serving
from tests.support.parley import ROOT, program

LOCAL_ONLY = {"torch", "transformers", "jinja2"}


def documented_packages() -> list[str]:
    text = (ROOT / "bot" / "docs" / "engine.md").read_text()
    (packages,) = re.findall(r"pip install --no-deps \. && \.venv/bin/pip install (.+)", text)
    return packages.split()


def test_the_documentation_names_the_packages_that_are_needed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = [*project["dependencies"], *project["optional-dependencies"]["remote"]]
    names = {Requirement(text).name for text in needed} - LOCAL_ONLY
    assert {Requirement(text).name for text in documented_packages()} == names


def closure(names: list[str]) -> set[str]:
    """The packages and their dependencies."""
    found: set[str] = set()
    left = [Requirement(name) for name in names]
    while left:
        wanted = left.pop()
        if wanted.name.lower() in found or (wanted.marker and not wanted.marker.evaluate({"extra": ""})):
            continue
        found.add(wanted.name.lower())
        left += [Requirement(text) for text in importlib.metadata.requires(wanted.name) or ()]
    return found


@pytest.fixture(scope="module")
def slim_python(tmp_path_factory) -> str:
    """A virtual environment with only these packages, linked from this one."""
    place = tmp_path_factory.mktemp("slim")
    venv.create(place, symlinks=True)
    (site,) = place.glob("lib/*/site-packages")
    for name in closure(documented_packages()):
        for file in importlib.metadata.files(name) or ():
            top = Path(file.parts[0])
            if top.name != ".." and not (site / top).exists():
                (site / top).symlink_to(Path(str(file.locate())).parents[len(file.parts) - 1] / top)
    python = str(place / "bin" / "python")
    assert subprocess.run([python, "-c", "import torch"], capture_output=True).returncode
    return python


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_the_bot_talks_without_torch(slim_python, discord, place, tmp_path, monkeypatch):
    _, channel, alice = place
    monkeypatch.setattr(sys, "executable", slim_python)
    async with (
        serving(EngineServer(["Hello ", "Alice."])) as server,
        program(discord, tmp_path, ENGINE_URL=server.url) as bot,
    ):
        await discord.gateway.ready()
        await alice.say(channel, f"{discord.bot.mention} hi")
        await channel.wait_for("Hello Alice.")
        bot.terminate()
        assert await bot.wait() == 0


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_the_terminal_works_without_torch(slim_python, tmp_path):
    async def parley(*arguments: str, url: str) -> tuple[str, str, int | None]:
        process = await asyncio.create_subprocess_exec(
            *(slim_python, "-m", "bot", *arguments),
            cwd=tmp_path,
            env={"PYTHONPATH": str(ROOT), "ENGINE_URL": url},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, errors = await process.communicate(b"my name is Bo\nwhat is my name?\n")
        return out.decode(), errors.decode(), process.returncode

    async with serving(EngineServer(["fine"])) as server:
        out, errors, status = await parley("ask", "how", "are", "you?", url=server.url)
        assert (out, status) == ("fine\n", 0), errors
        out, errors, status = await parley("chat", url=server.url)
        assert status == 0, errors
        said = [message["content"] for message in server.requests[-1]["messages"][1:]]
        assert said == ["my name is Bo", "ok", "what is my name?"]
        out, errors, status = await parley("check", url=server.url)
        assert f"✓ Found {server.url}, where the model is the-model" in out
        assert "Its answer" in out
    out, errors, status = await parley("ask", "hi", url=server.url)
    assert (out.strip(), status) == ("", 1)
    assert "can't reach the server" in errors
    assert "Traceback" not in errors
