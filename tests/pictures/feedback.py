"""A disliked answer, and what a moderator sees of it in the review channel. Only the model's answers are scripted."""

from pathlib import Path

from bot.texts import DECIDED, UNDECIDED, VOTED
from tests.discord_stand_in import Discord, Permission
from tests.pictures.conversation import advance_to_evening
from tests.pictures.pages import page
from tests.support.parley import parley
from tests.support.scripted import ScriptedEngine

_RIGHT = "The workshop is open on Tuesdays and Fridays from 18:00, and on the first Saturday of each month."
_WRONG = "You can solder at home, Tom: any old iron and a well-aired room will do."


async def feedback(discord: Discord, path: Path) -> str:
    """The page that shows the channel and the review channel; `path` is the database."""
    guild = discord.guild("Hilltop Makers")
    workshop, review = guild.channel("workshop"), guild.channel("parley-review")
    maya, tom = guild.member("Maya"), guild.member("Tom")
    ines = guild.member("Inés", roles=[guild.role("mods", permissions=Permission.MANAGE_MESSAGES)])
    advance_to_evening(discord)

    engine = ScriptedEngine([_RIGHT], [_WRONG])
    async with parley(discord, engine, path, feedback=True, feedback_channel=review.id) as running:
        for person in (maya, tom):
            asked = await person.command(person.direct, "privacy")
            await person.press(await asked.wait_for(UNDECIDED), "Yes")
            await asked.wait_for(DECIDED[True])
        for person, question in ((maya, "when is the workshop open?"), (tom, "where can I learn to solder?")):
            answer = await running.ask(workshop, person, question)
            discord.clock.advance(120)
        await (await ines.press(answer, "👎")).wait_for(VOTED[False])
        await discord.until(lambda: review.answers(ines))
        return page("discord.html", channels=[workshop, review], reader=tom)
