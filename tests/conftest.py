"""What many tests stand on."""

import os

import pytest
from hypothesis import settings

from bot import demo
from tests.discord_stand_in import Discord

os.environ.setdefault(
    "OMP_NUM_THREADS", "1"
)  # each core has a test of its own; torch's threads would wait in each other's way

settings.register_profile("parley", deadline=None)  # the machine may be busy
settings.load_profile("parley")


@pytest.fixture(autouse=True)
def apart(tmp_path, monkeypatch):
    """Bots of other tests share no times of sessions with a test's own."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@pytest.fixture
async def discord():
    """Discord, with nobody in it."""
    async with Discord() as discord:
        yield discord


@pytest.fixture
def place(discord):
    """A server, its channel, and somebody in it."""
    guild = discord.guild("Home")
    return guild, guild.channel("general"), guild.member("Alice")


@pytest.fixture
async def demo_engine():
    """The real engine with the demo model, loaded."""
    from bot.engine.local.engine import LocalEngine  # imports torch, which most tests do without

    async with LocalEngine(str(demo.MODEL), max_prompt_tokens=2048, max_new_tokens=200) as engine:
        await engine.ready()
        yield engine


@pytest.fixture
def path(tmp_path):
    """Where the history goes."""
    return tmp_path / "parley.db"
