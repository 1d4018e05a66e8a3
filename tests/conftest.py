"""Fixtures that many tests use."""

import os
import signal

import pytest
from hypothesis import settings

from bot import demo
from tests.discord_stand_in import Discord

# Each core runs a test; more threads of torch would only get in each other's way.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A shell starts jobs in the background deaf to SIGINT, and nohup to SIGHUP; the programs under test would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

settings.register_profile("parley", deadline=None)  # the machine may be busy
settings.load_profile("parley")


@pytest.fixture(autouse=True)
def apart(tmp_path, monkeypatch):
    """Keeps the files that pace sessions apart from those of other tests."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@pytest.fixture
async def discord():
    """An empty Discord."""
    async with Discord() as discord:
        yield discord


@pytest.fixture
def place(discord):
    """A server, its channel and a member."""
    guild = discord.guild("Home")
    return guild, guild.channel("general"), guild.member("Alice")


@pytest.fixture
def quick_reconnects(monkeypatch):
    """Has discord.py try again almost at once, instead of after seconds."""
    monkeypatch.setattr("discord.backoff.ExponentialBackoff.delay", lambda self: 0.05)


@pytest.fixture
async def demo_engine():
    """The real engine with the demo model, loaded."""
    from bot.engine.local.engine import LocalEngine  # imports torch, which most tests don't need

    async with LocalEngine(str(demo.MODEL), max_prompt_tokens=2048, max_new_tokens=200) as engine:
        await engine.ready()
        yield engine


@pytest.fixture
def path(tmp_path):
    """The database's file."""
    return tmp_path / "parley.db"
