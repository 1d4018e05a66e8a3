"""Blocked words are never shown nor stored, however the text of an answer is cut into pieces."""

import asyncio
import logging
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.answer import Answer, State
from bot.conversation.blocked_words import NO_WORDS, BlockedWords
from bot.conversation.text_filter import LONGEST, UNFILTERED
from bot.engine import Stream, Thought
from bot.settings import SettingsError
from bot.texts import REPLACED
from tests.conversation.test_conversations import HERE, Screen, ask, channel_settings, database, stored, talk, turns
from tests.conversation.test_examples import examples
from tests.support.engine_stand_in import EngineServer
from tests.support.parley import parley, run, without_a_model
from tests.support.remote import asking
from tests.support.scripted import CUT, ScriptedEngine
from tests.support.timing import assert_linear

__all__ = ["channel_settings", "database", "examples", "talk", "turns"]  # fixtures
DARN = BlockedWords({"darn", "oh my"}, {1: r"(?i)secret\w*"})
X = REPLACED


@pytest.fixture
def words_file(tmp_path) -> str:
    file = tmp_path / "words.txt"
    file.write_text("# What nobody should read\n\ndarn\nOh my \n/(?i)secret\\w*/\n", encoding="utf-8-sig")
    return str(file)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Darn! _DARN_ **darn**", f"{X}! _{X}_ **{X}**"),
        ("darning, undarn", "darning, undarn"),
        ("darn's", f"{X}'s"),
        ("Oh\n  my, oh, my", f"{X}, oh, my"),
        ("Secrets are SECRET.", f"{X} are {X}."),
        ("nothing", "nothing"),
        ("", ""),
        ("darn", X),
    ],
)
@given(cuts=st.lists(st.integers(0, 40)))
def test_words_match_as_a_whole_and_expressions_as_they_are(text, shown, cuts):
    assert pieces_shown(DARN, text, cuts) == shown


def pieces_shown(blocked: BlockedWords, text: str, cuts: list[int]) -> str:
    """What is shown of a text that comes in pieces."""
    words = blocked.filter()
    at = sorted({cut for cut in cuts if 0 < cut < len(text)})
    pieces = [text[a:b] for a, b in zip([0, *at], [*at, len(text)], strict=True)]
    return "".join([*map(words.push, pieces), words.finish()])


@pytest.mark.parametrize(
    ("word", "text", "shown"),
    [
        ("c++", "C++ and c+", f"{X} and c+"),
        ("猫", "黒猫が", f"黒{X}が"),
        ("darn", "猫darn猫", f"猫{X}猫"),
        ("ばか", "ばかな", f"{X}な"),
        ("$", "5$", f"5{X}"),
    ],
)
def test_the_boundaries_of_a_word_are_those_of_its_script(word, text, shown):
    assert BlockedWords({word}, {}).replace(text) == shown


EXPRESSIONS = r"ab a+b a.*b a.*?b \bab\b a(?=b) a(?!b) (?<!c)ab? (a|ab)(c|bcd) (?m)^a aa".split()


@given(
    st.lists(st.sampled_from(EXPRESSIONS), min_size=1, max_size=3, unique=True),
    st.text("abcd \n", max_size=30),
    st.lists(st.integers(0, 30)),
)
def test_text_in_pieces_is_shown_as_the_whole_text_would_be(expressions, text, cuts):
    spans = sorted(match.span() for each in expressions for match in re.finditer(each, text))
    shown, at = "", 0
    for first, last in spans:
        shown += text[at:first] + X if first >= at else ""
        at = max(at, last)
    assert pieces_shown(BlockedWords((), dict(enumerate(expressions))), text, cuts) == shown + text[at:]


@pytest.mark.parametrize(
    "expression",
    [
        *("a{e}", "a{i}", "(?:ab){e<=1}", "a{s}", "a{d}", "[a{]{2}", "a{,2}b", "a{1,}", "a{,}b", "a{}", "a{1", "a{ 1}"),
        *(r"\N{DIGIT ONE}+", r"\\{e}", r"\{e}", "(?x)a {e} # {e}", "a{2}{e}"),
    ],
)
def test_braces_are_those_of_python(expression):
    text = r"a a{e} a{i} ab{e<=1} abb a{s} a{d} [a{ {{ aab aaa a{} a{1 a{ 1} 11 \{e} \\{e} aa{e} x"
    expected = re.sub(expression, lambda match: match[0] and X, text)
    assert expected != text
    assert BlockedWords((), {1: expression}).replace(text) == expected


def test_nothing_is_shown_that_may_still_become_part_of_a_match():
    words = DARN.filter()
    pieces = ["I ", "d", "a", "re", " not say ", "dar", "n", "!", " sec", "re", "ts", " oh", " no"]
    shown = [words.push(piece) for piece in pieces]
    assert shown == ["I ", "", "", "dare", " not say ", "", "", f"{X}!", " ", "", "", X + " ", "oh no"]


def test_a_match_waits_for_another_that_may_overlap_it():
    words = BlockedWords((), {1: "abc", 2: "cd+e", 3: "fab"}).filter()
    assert [words.push(piece) for piece in ("f", "abc", "dd", "e", "!")] == ["", "", "", "", f"{X}!"]
    assert [words.push(piece) for piece in ("abc", "d", "f", "!")] == ["", "", f"{X}d", "f!"]


def test_only_so_much_is_held_back():
    words = BlockedWords({"darn"}, {1: "<.*>"}).filter()
    assert words.push("<" + "a" * (LONGEST - 1)) == ""
    assert words.push("a" * LONGEST + " dar") == "<" + "a" * (2 * LONGEST - 1) + " "
    assert words.push("n>") + words.finish() == f"{X}>"


def test_a_match_that_grows_too_long_is_replaced_so_far():
    words = BlockedWords((), {1: r"secret\w*"}).filter()
    shown = [words.push("secret" + "t" * LONGEST), words.push("tt."), words.finish()]
    assert shown == [X, "tt.", ""]
    words = BlockedWords({"darn"}, {1: "secret.*"}).filter()
    assert [words.push("secret" + "t" * LONGEST + " dar"), words.push("ned "), words.finish()] == [X, "ned ", ""]


def test_an_expression_that_takes_too_long_ends_the_answer(caplog):
    words = BlockedWords((), {7: "(a|aa)+$"}).filter()
    assert words.push("Well, ") == "Well, "
    assert words.push("a" * 60 + "!") == X
    assert words.ended
    assert words.push("more") + words.finish() == ""
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "line 7" in record.message


@pytest.mark.parametrize("piece", ["word ", "a", "dar", "secret", "oh ", "<a", " ", "darn "])
def test_any_text_is_filtered_in_linear_time(piece):
    blocked = BlockedWords({"darn", "oh my"}, {1: r"secret\w*", 2: "<.*>"})
    assert_linear(lambda size: pieces_shown(blocked, piece * size, list(range(0, size * len(piece), len(piece)))), 500)


def test_the_file_has_words_and_expressions(words_file):
    blocked = BlockedWords.read(words_file)
    assert (blocked.words, blocked.expressions) == (2, 1)
    assert blocked.replace("Darn, oh my secrets # are") == f"{X}, {X} {X} # are"


def test_without_a_file_nothing_is_done():
    assert not BlockedWords.read(None)
    assert BlockedWords.read(None).filter() is NO_WORDS.filter() is UNFILTERED


def test_each_bad_line_is_told_with_its_number(tmp_path):
    file = tmp_path / "words.txt"
    file.write_text("/(/\nfine\n/fine+/\n/a{2,1}/\n/(?<=a+)b/\n")
    with pytest.raises(SettingsError) as refused:
        BlockedWords.read(str(file))
    lines = str(refused.value).splitlines()
    assert [re.search(r"line \d+", line)[0] for line in lines] == ["line 1", "line 4", "line 5"]
    assert all(line.startswith("BLOCKED_WORDS_FILE: ") for line in lines)


@pytest.mark.parametrize("line", ["/bad/i", "/bad/ # a comment", "/usr/bin", "//i"])
def test_what_goes_on_behind_the_last_slash_is_told(tmp_path, line):
    file = tmp_path / "words.txt"
    file.write_text(f"/24\n//\n{line}\n")
    with pytest.raises(SettingsError) as refused:
        BlockedWords.read(str(file))
    assert str(refused.value) == (
        f"BLOCKED_WORDS_FILE: line 3 of {file} goes on behind the last slash; write options within the expression, such"
        " as /(?i:bad)/ for /bad/i."
    )


def test_a_file_that_cannot_be_read_is_told(tmp_path):
    file = tmp_path / "words.txt"
    with pytest.raises(SettingsError, match="No such file"):
        BlockedWords.read(str(file))
    file.write_bytes(b"\xff\n")
    with pytest.raises(SettingsError, match="UTF-8"):
        BlockedWords.read(str(file))


# In answers


async def test_what_is_stored_and_kept_for_training_is_what_was_shown(talk, turns, examples):
    conversations, _ = talk(["I say da", "rn", "."], ["Se", "cret!"], examples=examples, blocked_words=DARN)
    screen = Screen(12)
    await screen.show(conversations.answering(ask("hi")))
    assert screen.text == f"I say {X}."
    assert await stored(turns) == [("hi", f"I say {X}.")]
    await screen.show(conversations.regenerating(HERE, 12, 1))
    assert screen.text == f"{X}!"
    assert await stored(turns) == [("hi", f"{X}!")]
    assert [example.turn.answer async for example in examples.all()] == [f"I say {X}.", f"{X}!"]


async def test_what_is_stored_to_be_continued_is_what_was_shown(talk, turns):
    conversations, engine = talk(["I say darn ", CUT], ["again, da", CUT], ["rn."], blocked_words=DARN)
    await Screen(12).show(conversations.answering(ask("hi")))
    for said in (f"I say {X} ", f"I say {X} again, da"):
        (turn,) = await turns.recent(7)
        assert "darn" not in turn.beginning
        await Screen(12).show(conversations.continuing(HERE, 12, 1))
        assert engine.prompts[-1].beginning.said == said
    assert await stored(turns) == [("hi", f"I say {X} again, {X}.")]


async def test_a_stop_shows_no_more_than_may_be_shown(talk, turns):
    conversations, _ = talk(["I say darn", asyncio.Event()], blocked_words=DARN)
    screen = Screen()
    asked = asyncio.create_task(screen.show(conversations.answering(ask("hi"))))
    await screen.grown.wait()
    assert screen.text == "I say "
    screen.answer.stop()
    await asked
    assert await stored(turns) == [("hi", f"I say {X}")]


async def test_an_answer_ends_where_its_text_cannot_be_searched(talk, turns):
    slow = BlockedWords((), {1: "(a|aa)+$"})
    conversations, engine = talk(["Well, ", "a" * 60 + "!", asyncio.Event()], blocked_words=slow)
    async with asyncio.timeout(30):
        await Screen().show(conversations.answering(ask("hi")))
    assert engine.streams[0].stopped
    assert await stored(turns) == [("hi", f"Well, {X}")]


async def test_the_bots_name_hides_no_word(talk):
    conversations, _ = talk(["Parley: da", "rn\nAli", "ce: no"], blocked_words=DARN)
    screen = Screen()
    await screen.show(conversations.answering(ask("hi")))
    assert screen.text == X


async def test_in_discord_nobody_sees_them_while_an_answer_grows_nor_in_thoughts(discord, path, place, words_file):
    _, channel, alice = place
    hold = asyncio.Event()
    script = [Thought("It is a sec"), Thought("ret."), "I would never say such a thing as d", "ar", hold, "n here."]
    async with parley(
        discord, ScriptedEngine(script), path, blocked_words_file=words_file, show_thinking=True
    ) as running:
        question = await alice.say(channel, f"{discord.bot.mention} hi")
        answer = await channel.reply_to(question, wanted=lambda message: "such a thing as" in message.content)
        assert answer.content == f"> It is a {X}.\n\nI would never say such a thing as"
        hold.set()
        await running.until_stored(channel.id, ("hi", f"I would never say such a thing as {X} here."))
        assert answer.content == f"> It is a {X}.\n\nI would never say such a thing as {X} here."
        asked = await alice.command(channel, "help")
        await asked.wait_for(lambda message: REPLACED in message.content)


async def test_thoughts_are_complete_before_the_answer_stands_below_them():
    stream = Stream()
    for piece in (Thought("It is a sec"), Thought("ret"), "I ", "say ", "darn"):
        stream.put(piece)
    stream.end()
    answer = Answer(show_thinking=True)
    filling = asyncio.create_task(answer.fill(stream, DARN.filter(), DARN.filter()))
    seen = [""]
    while answer.state < State.FINISHED:
        await answer.changed()
        assert answer.text.startswith(seen[-1])
        seen.append(answer.text)
    await filling
    assert seen[-1] == f"> It is a {X}\n\nI say {X}"


async def test_help_is_silent_about_it_while_nothing_is_blocked(discord, path, place):
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(), path):
        asked = await alice.command(channel, "help")
        message = await asked.wait_for(lambda message: "Regenerate" in message.content)
        assert REPLACED not in message.content


async def test_an_engine_elsewhere_is_filtered_too(talk):
    conversations, _ = talk(blocked_words=DARN)
    async with asking(EngineServer(["I say da", "rn."])) as engine:
        conversations._engine = engine
        screen = Screen()
        await screen.show(conversations.answering(ask("hi")))
        assert screen.text == f"I say {X}."


@pytest.mark.slow
def test_in_a_terminal_they_are_not_printed(tmp_path, words_file):
    program = without_a_model(["I say da", "rn."])
    asked = run(tmp_path, *program, "ask", "--model", "demo", "hello", BLOCKED_WORDS_FILE=words_file)
    assert asked.stdout == f"I say {X}.\n"
    talked = run(tmp_path, *program, "chat", "--model", "demo", stdin="hello\nquit\n", BLOCKED_WORDS_FILE=words_file)
    assert f"Parley: I say {X}.\n" in talked.stdout


@pytest.mark.parametrize("command", [("chat",), ("ask", "hi"), ()], ids=["chat", "ask", "bot"])
def test_a_bad_file_is_told_before_anything_begins(tmp_path, command):
    Path(tmp_path, "words.txt").write_text("darn\n/(/\n")
    ended = run(
        tmp_path, "-m", "bot", "--model", "demo", *command, BLOCKED_WORDS_FILE="words.txt", DISCORD_TOKEN="a.b.c"
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("BLOCKED_WORDS_FILE: line 2 of words.txt is no regular expression: ")
    assert len(ended.stderr.splitlines()) == 1
    assert not Path(tmp_path, "parley.db").exists()
