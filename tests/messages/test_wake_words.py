"""Words that count as a mention: whole, in any case, and said rather than shown."""

import pytest

from bot.messages.wake_words import WakeWords
from bot.texts import ONE_AT_A_TIME
from tests.discord_stand_in import Permission
from tests.support.parley import parley
from tests.support.scripted import ScriptedEngine
from tests.support.timing import assert_linear

WORDS = ("Parley", "hey bot", "C++", "Straße", "小明", "パーレイ")


@pytest.mark.parametrize(
    "text",
    [
        "Parley, are you there?",
        "what does PARLEY think",
        "ask parley.",
        "Parley's idea",
        "**Parley**",
        "_Parley_ and ___Parley___",
        "__Parley__?",
        "||parley||",
        "Ｐａｒｌｅｙ",  # noqa: RUF001
        "Hey  Bot!",
        "hey\nbot",
        "I like C++.",
        "STRASSE",
        "小明你好",
        "ねえパーレイ",
        "パーレイは？",
        "> a quote\nparley, is that so?",
        "`code` Parley ```more```",
        "`open, parley?",
        "https://a.example/x parley",
    ],
)
def test_a_word_is_heard(text):
    assert WakeWords(WORDS).are_in(text)


@pytest.mark.parametrize(
    "text",
    [
        "parleys and parleying",
        "unparley",
        "they bot",
        "hey, bot",
        "`parley`",
        "``a ` parley``",
        "```py\nparley()\n```",
        "https://parley.example/parley",
        "<https://parley.example>",
        "www.parley.example discord.gg/parley steam://parley parley.example/x",
        "parley@a.example",
        "my_parley_var parley_x x__parley",
        "[Parley](https://a.example)",
        "[a](<https://a.example/parley>)",
        "> Parley said so",
        " > parley",
        "yes\n>>> he asked\nParley",
        "<:parley:123> <a:parley:123> </parley:123> </parley set:123>",
        "",
    ],
)
def test_what_is_only_shown_or_part_of_another_word_is_not_heard(text):
    assert not WakeWords(WORDS).are_in(text)


def test_without_words_nothing_is_heard():
    assert not WakeWords(()).are_in("anything, even nothing")


@pytest.mark.parametrize("unit", ["`", "` ``", "[", "[a](https://", "> ", "<:a:", "parle "])
def test_odd_text_is_read_in_linear_time(unit):
    assert_linear(lambda size: WakeWords(WORDS).are_in(unit * (size // len(unit))), 4000)


async def test_a_call_counts_as_a_mention(discord, path, place):
    guild, channel, alice = place
    thread, engine = channel.thread("talk"), ScriptedEngine()
    async with parley(discord, engine, path, wake_words=("Parley", "hey bot")) as running:
        for where, text in ((channel, "what do you say, parley?"), (thread, "Hey bot, and here?")):
            await where.reply_to(await alice.say(where, text))
            await running.until_stored(where.id, (text, "ok"))
        await alice.say(channel, "`parley` is a program")
        await guild.member("Robot", bot=True).say(channel, "Parley?")
        helped = await (await alice.command(channel, "help")).wait_for("Mention me")
        assert "Calling me (Parley, hey bot) is enough, too." in helped.content
    assert [prompt.question for prompt in engine.prompts] == ["what do you say, parley?", "Hey bot, and here?"]


async def test_a_call_where_the_bot_may_not_answer_is_left_alone(discord, path, place, caplog):
    guild, channel, alice = place
    closed, elsewhere = guild.channel("closed"), guild.channel("elsewhere")
    closed.overwrite(discord.bot, deny=Permission.SEND_MESSAGES)
    role = guild.role("friends")
    bob, mallory = guild.member("Bob"), guild.member("Mallory", roles=[role])
    engine = ScriptedEngine()
    settings = {
        "wake_words": ("Parley",),
        "allowed_channels": frozenset({channel.id, closed.id}),
        "allowed_roles": frozenset({role.id}),
        "blocked_users": frozenset({mallory.id}),
    }
    guild.member(alice, roles=[role])
    async with parley(discord, engine, path, **settings) as running:
        for person, where in ((alice, closed), (alice, elsewhere), (bob, channel), (mallory, channel)):
            await person.say(where, "Parley?")
        await discord.quiet()
        assert (engine.prompts, alice.direct.messages, bob.direct.messages) == ([], {}, {})
        assert "the bot lacks" not in caplog.text
        await channel.reply_to(await alice.say(channel, "Parley?"))
        await running.until_stored(channel.id, ("Parley?", "ok"))


async def test_who_calls_too_often_is_told(discord, path, place):
    _, channel, alice = place
    engine = ScriptedEngine()
    engine.loaded.clear()
    async with parley(discord, engine, path, wake_words=("Parley",)):
        for _ in range(3):
            question = await alice.say(channel, "Parley?")
        assert (await channel.reply_to(question)).content == ONE_AT_A_TIME
        engine.loaded.set()
