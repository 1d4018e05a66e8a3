"""Two people talk with the bot in a channel and a thread. Only the model's answers are scripted."""

import asyncio
from pathlib import Path

from tests.discord_stand_in import Discord
from tests.pictures.pages import page
from tests.support.parley import parley
from tests.support.scripted import ScriptedEngine

_WELCOME = "Welcome, Nimbus! A fine name for a weather station, Maya. What does it measure?"
_CODE = """\
Her station is called **Nimbus**. This finds its warmest moment:
```python
import csv

with open("nimbus.csv") as file:
    rows = list(csv.DictReader(file))

warmest = max(rows, key=lambda row: float(row["temp"]))
print(warmest["time"], warmest["temp"])
```
`max` compares the rows by their `temp` and keeps the highest."""
_BEGINNING_OF_A_POEM = """\
Up on the hill where the west wind blows,
little Nimbus counts all that it knows:
the frost before dawn, the first drop of rain,
the sun coming"""
_MINUTE = 60  # seconds
_DAY = 24 * 60 * _MINUTE
_EVENING = (18 * 60 + 50) * _MINUTE


def advance_to_evening(discord: Discord) -> None:
    """Let it be always the same time of the day, so that the pictures do not change."""
    discord.clock.advance((_EVENING - discord.clock.now()) % _DAY)


async def conversation(discord: Discord, path: Path) -> str:
    """The page that shows it while one answer is being written and another one waits; `path` is the database."""
    guild = discord.guild("Hilltop Makers")
    workshop, maya, tom = guild.channel("workshop"), guild.member("Maya"), guild.member("Tom")
    to_parley = discord.bot.mention
    advance_to_evening(discord)

    engine = ScriptedEngine([_WELCOME], [_CODE], [_BEGINNING_OF_A_POEM, asyncio.Event()])
    async with parley(discord, engine, path) as running:
        station = await maya.say(workshop, f"{to_parley} my weather station is alive! I called it Nimbus 🌦️")
        await workshop.reply_to(station)
        await running.settled()

        discord.clock.advance(2 * _MINUTE)
        question = "what is Maya's station called? And how do I find the warmest moment in its CSV file?"
        await workshop.reply_to(await tom.say(workshop, f"{to_parley} {question}"))
        await running.settled()

        discord.clock.advance(_MINUTE)
        thread = workshop.thread("A poem for Nimbus", owner=tom, thread_id=station.id)
        await thread.reply_to(await tom.say(thread, f"{to_parley} write a short poem about it, please"))
        await thread.reply_to(await maya.say(thread, f"{to_parley} and would a black case get too hot for the sensor?"))
        await tom.type(thread)
        return page("discord.html", channels=[workshop, thread], reader=maya)
