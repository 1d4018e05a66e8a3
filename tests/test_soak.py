"""A long run with hundreds of channels, joins and leaves: nothing keeps growing.

`SOAK_SECONDS=3600 python -m pytest -m slow tests/test_soak.py --timeout 4000` runs for an hour.
"""

import asyncio
import os
import random
import time

import pytest

from tests.discord_stand_in import Channel, Discord, Guild
from tests.support.forked import nursery
from tests.support.waiting import until

pytestmark = pytest.mark.slow

SECONDS = float(os.environ.get("SOAK_SECONDS", "16"))
CHANNELS = 200
_AT_ONCE = 12
_TASKS_AT_REST = 20
_FILES_AT_REST = 20


def _at_rest(figures: dict[str, float]) -> bool:
    return figures["tasks"] <= _TASKS_AT_REST and figures["files"] <= _FILES_AT_REST


async def test_memory_files_threads_tasks_and_database_level_off(path):
    rng = random.Random(1)
    async with Discord(validate=False) as discord, nursery(discord) as births:
        discord.limits.global_requests = None
        guilds = [discord.guild(f"Server {number}") for number in range(10)]
        channels = [guild.channel(f"channel-{number}") for guild in guilds for number in range(CHANNELS // len(guilds))]
        child = await births.start(path)
        asked = answered = 0

        def leave_and_join() -> None:
            """The bot leaves a server with its channels, and joins another."""
            left: Guild = guilds.pop(0)
            channels[:] = [channel for channel in channels if channel.guild is not left]
            left.expel_bot()
            guilds.append(discord.guild("Another"))
            channels.extend(guilds[-1].channel(f"channel-{number}") for number in range(CHANNELS // len(guilds)))

        async def talk(deadline: float) -> None:
            nonlocal asked
            while time.monotonic() < deadline:
                channel: Channel = rng.choice(channels)
                assert channel.guild
                asked += 1
                person = channel.guild.member(f"Person {asked}")
                question = await person.say(channel, f"{discord.bot.mention} 200 #{asked}")
                await asyncio.sleep(0.3)
                if channel in channels and rng.random() < 0.2:
                    await person.delete(question)

        async def live(seconds: float) -> dict[str, float]:
            nonlocal answered
            deadline = time.monotonic() + seconds
            talking = asyncio.gather(*(talk(deadline) for _ in range(_AT_ONCE)))
            while time.monotonic() < deadline:
                await asyncio.sleep(0.5)
                leave_and_join()
                for channel in discord.channels.values():  # the stand-in keeps every message
                    answered += sum(m.author is discord.bot for m in channel.messages.values())
                    channel.messages.clear()
            await talking
            # aiohttp closes a connection that was idle for 15 to 30 seconds.
            await until(lambda: _at_rest(child.figures()), within=60, every=0.5)
            return child.figures() | {"database": path.stat().st_size}

        before = await live(SECONDS / 2)
        half = asked
        after = await live(SECONDS / 2)
    print(f"After {half} questions {before}\nAfter {asked} questions {after}")
    assert answered > asked / 4, "it does answer; what is deleted with a server is not counted"
    assert after["memory"] < before["memory"] * 1.2
    assert after["threads"] <= before["threads"] + 6, "a thread pool grows up to its size"
    assert after["database"] < max(before["database"] * 1.5, 1_000_000)
