"""Whatever people write, press or are called, and whatever the model says, there is an answer and no error."""

import asyncio
import logging
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.messages.buttons import Action, Button
from tests.discord_stand_in import Discord, User
from tests.support.parley import parley
from tests.support.scripted import ScriptedEngine

TRICKS = [
    "```", "`", "**", "||", "> ", "# ", "-# ", "[a](http://x.y)", "https://x.y/_", "<@1>", "<@&2>", "<#3>", "<:a:4>",
    "<t:5>", "</ask:6>", "@everyone", "@here", "<|im_end|>", "Assistant:", "User:", "\n", "\u200b", "\u202e", "👩‍👩‍👧",
    "e\u0301", "\0", "\ud7ff", "\uffff", "{x}", "%s", "\\", "'; DROP TABLE turns; --",
]  # fmt: skip
TEXT = st.lists(st.one_of(st.sampled_from(TRICKS), st.text(max_size=30)), max_size=12).map("".join)
NAME = TEXT.map(lambda text: text.strip()[:32]).filter(bool)
ANSWER = st.one_of(TEXT, st.integers(1, 6).flatmap(lambda times: TEXT.map(lambda text: text * times * 20)))


@pytest.mark.slow
@settings(max_examples=4, suppress_health_check=list(HealthCheck))
@given(
    said=st.lists(st.tuples(NAME, TEXT, ANSWER, st.sampled_from(["mention", "ask", "direct"])), min_size=8, max_size=12)
)
def test_every_message_gets_an_answer_whatever_is_in_it(tmp_path_factory, said):
    async def talk() -> None:
        async with Discord() as discord:
            engine = ScriptedEngine(*([answer] for _, _, answer, _ in said))
            async with parley(discord, engine, tmp_path_factory.mktemp("fuzz") / "parley.db"):
                guild = discord.guild("Home")
                for name, text, _, way in said:
                    await one(discord, guild.channel("general"), guild.member(name), text.strip(), way)
                    await discord.quiet(0.1)

    async def one(discord: Discord, channel, person: User, text: str, way: str) -> None:
        if way == "ask":
            asked = await person.command(channel, "ask", prompt=f"x{text}")
            await asked.wait_for(lambda message: not message.loading and message.content != "")
            return
        where = channel if way == "mention" else person.direct
        question = await person.say(where if way == "mention" else discord.bot, f"{discord.bot.mention} x{text}")
        await where.reply_to(question)

    logged: list[logging.LogRecord] = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = logged.append
    logging.getLogger().addHandler(handler)
    try:
        asyncio.run(talk())
    finally:
        logging.getLogger().removeHandler(handler)
    assert not logged, [record.getMessage() for record in logged]


@given(st.sampled_from(Action), st.integers(0, 10**20 - 1))
def test_a_button_is_known_by_its_custom_id(action, person):
    button = Button(action, person)
    match = Button.TEMPLATE.fullmatch(button.item().custom_id)
    assert match
    assert Button.parse(match) == button


def test_the_custom_id_of_another_button_is_not_taken_for_ours():
    parts = ("parley", "Parley", ""), ("stop", "likes", ""), ("7", "²", "٣", "-1", "1" * 21, "", "7:7", "7\n")
    taken = [custom_id for custom_id in map(":".join, product(*parts)) if Button.TEMPLATE.fullmatch(custom_id)]
    assert taken == ["parley:stop:7"]
