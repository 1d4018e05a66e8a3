"""python -m bot compare: what two models answer differently, and whether the new one knows what people corrected."""

import gc
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import transformers

from bot.engine import ModelError
from bot.engine.models import loading
from bot.feedback.compare import compare
from bot.feedback.questions import Case, QuestionsError, from_examples, from_file
from bot.feedback.side_by_side import _columns
from bot.settings import Settings
from bot.storage.database import open_database
from bot.storage.examples import ExampleStore
from tests.support.examples import ALICE, BOB, example, keep, turn
from tests.support.models import save_model
from tests.support.parley import run

CLEAR = "what does /clear do?"
ABOUT_CLEAR = "/clear forgets this channel's turns, so that we start afresh."
"""The demo model's answer to that."""


@pytest.fixture
def settings(path):
    return Settings(database_path=str(path), system_prompt="", max_new_tokens=40)


@pytest.fixture
def other(tmp_path):
    """A model that knows nothing."""
    return str(save_model(tmp_path / "other"))


def file_of(tmp_path: Path, *conversations: Any) -> Path:
    file = tmp_path / "questions.jsonl"
    file.write_text("".join(json.dumps({"messages": each}) + "\n" for each in conversations))
    return file


def asked(*texts: str) -> list[dict[str, str]]:
    """Messages of which every second one is the assistant's."""
    return [{"role": ("user", "assistant")[at % 2], "content": text} for at, text in enumerate(texts)]


def cases(tmp_path: Path, *conversations: Any) -> list[Case]:
    return from_file(file_of(tmp_path, *conversations), "")


async def test_a_new_model_must_not_know_less(settings, other, tmp_path, capsys):
    expected = cases(tmp_path, asked(CLEAR, f" {ABOUT_CLEAR}\n"), asked("hello", "not that"))
    assert not await compare(settings, "demo", other, expected)
    shown = capsys.readouterr().out
    assert "2 of 2 answers differ." in shown
    assert f"As expected, of 2: 1 by demo, 0 by {other}." in shown
    assert await compare(settings, other, "demo", expected)
    assert f"As expected, of 2: 0 by {other}, 1 by demo." in capsys.readouterr().out


async def test_what_differs_is_shown_side_by_side(settings, other, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "90")
    conversation = [{"role": "system", "content": ""}, *asked("hi \x1b[31m", "Hello!", CLEAR, ABOUT_CLEAR)]
    await compare(settings, "demo", other, cases(tmp_path, conversation, asked("hello" + "\x07" * 90)))
    shown = capsys.readouterr().out.splitlines()
    assert shown[:2] == [f"1. {CLEAR}", f"Expected: {ABOUT_CLEAR}"]
    assert shown[2].startswith("demo (as expected):")
    assert "| " + other[:20] in shown[2]
    assert any(line.startswith("/clear forgets this channel's turns, so") for line in shown)
    assert any(line.startswith("hello\\x07") for line in shown)
    assert any(line.startswith("demo:  ") for line in shown)
    assert all(_columns(line) <= 90 for line in shown[:-1])
    assert "As expected, of 1: 1 by demo" in shown[-1]


async def test_the_same_model_answers_the_same(settings, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert await compare(settings, "demo", "demo", [*cases(tmp_path, asked("hello")), *cases(tmp_path, asked(CLEAR))])
    shown = capsys.readouterr()
    assert shown.out == "0 of 2 answers differ.\n"
    assert "demo: 1 of 2 answers" in shown.err
    assert shown.err.endswith("\r\x1b[K"), "the progress goes at the end"


async def test_there_is_never_more_than_one_model_in_memory(settings, tmp_path, monkeypatch):
    alive = []
    prepare = loading.prepare

    def counted(*arguments: Any, **options: Any) -> Any:
        alive.append(sum(issubclass(type(each), transformers.PreTrainedModel) for each in gc.get_objects()))
        return prepare(*arguments, **options)

    gc.collect()
    monkeypatch.setattr(loading, "prepare", counted)
    await compare(settings, "demo", "demo", cases(tmp_path, asked("hello")))
    before, between = alive
    assert between == before


async def test_a_model_that_is_not_there_is_told_before_the_other_is_loaded(settings, tmp_path, monkeypatch):
    monkeypatch.setattr(loading, "prepare", None)
    with pytest.raises(ModelError, match="no model folder"):
        await compare(settings, "demo", "./none", cases(tmp_path, asked("hello")))


async def test_an_answer_that_cannot_be_given_is_none(settings, other, tmp_path, capsys):
    await compare(settings, "demo", other, cases(tmp_path, asked("word " * 2000, "x"), asked(CLEAR, ABOUT_CLEAR)))
    shown = capsys.readouterr().out
    assert "1 of 2 answers differ." in shown
    assert "1 by demo" in shown


async def test_the_questions_are_those_that_were_corrected_or_approved(path):
    async with open_database(path) as database:
        store = ExampleStore(database, 100)
        for person in (ALICE, BOB):
            await store.agree(person)
        with pytest.raises(QuestionsError, match="corrected or approved"):
            await from_examples(str(path))
        for message, text in ((10, "corrected"), (20, "approved"), (30, "liked")):
            await keep(store, example(turn(BOB, "first", message + 100), turn(ALICE, text, message)))
        await store.correct(7, 11, BOB, "better, Name 1")
        await store.approve(7, 21)
        await store.vote(7, 31, BOB, True)
        one, other = await from_examples(str(path))
    assert (one.prompt.speaker, one.prompt.question, one.expected) == ("Person 1", "corrected", "better, Person 1")
    assert (other.prompt.turns[0].speaker, other.prompt.question, other.expected) == (
        "Person 2",
        "approved",
        "approved!",
    )


def test_a_file_of_questions_has_one_in_each_line(tmp_path):
    file = tmp_path / "questions.txt"
    file.write_text("\ufeffwhat is 2+2?\r\n\n  \u2028 [a, b]\n{not json}\n")
    read = from_file(file, "Be brief, in {channel}.")
    assert [case.prompt.question for case in read] == ["what is 2+2?", "[a, b]", "{not json}"]
    assert {(case.prompt.system, case.expected) for case in read} == {("Be brief, in a terminal.", None)}


def test_a_file_of_conversations_is_read_as_it_was_exported(tmp_path):
    system = {"role": "system", "content": "Be kind."}
    (case,) = cases(tmp_path, [system, *asked("Person 1: a", "b", "Person 2: c", "d")])
    assert (case.prompt.system, case.prompt.question, case.expected) == ("Be kind.", "Person 2: c", "d")
    assert [(each.question, each.answer) for each in case.prompt.turns] == [("Person 1: a", "b")]
    (case,) = cases(tmp_path, asked("a"))
    assert (case.prompt.system, case.prompt.question, case.expected) == ("", "a", None)


@pytest.mark.parametrize(
    "messages",
    [
        None,
        [],
        "text",
        [1],
        asked("a", "b")[1:],
        [*asked("a"), *asked("b")],
        [{"role": "user", "content": None}],
        [{"role": "user"}],
        [{"role": "tool", "content": "x"}],
    ],
)
def test_what_is_no_conversation_is_refused_with_its_line(tmp_path, messages):
    with pytest.raises(QuestionsError, match="Line 2 of"):
        cases(tmp_path, asked("fine"), messages)


@pytest.mark.parametrize("line", ['{"prompt": []}', "[" * 100_000, "text", "3"])
def test_a_line_without_messages_is_refused(tmp_path, line):
    file = file_of(tmp_path, asked("fine"))
    file.write_text(file.read_text() + line)
    with pytest.raises(QuestionsError, match="Line 2 of"):
        from_file(file, "")


@pytest.mark.parametrize(("content", "reason"), [(b"", "no questions"), (b" \n", "no questions"), (b"\xff", "UTF-8")])
def test_a_file_without_questions_is_refused(tmp_path, content, reason):
    file = tmp_path / "questions"
    file.write_bytes(content)
    with pytest.raises(QuestionsError, match=reason):
        from_file(file, "")
    with pytest.raises(QuestionsError, match="No such file"):
        from_file(tmp_path / "none", "")


def command(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(tmp_path, "-m", "bot", "compare", *arguments, MODEL_PATH="unused")


def test_the_command_refuses_what_it_cannot_do_in_a_sentence(tmp_path):
    (tmp_path / "questions").write_text("hello\n")
    for words, arguments in (
        ("no database at parley.db", ["demo", "demo"]),
        ("No such file", ["demo", "demo", "--questions", "none"]),
        ("no model folder ./none", ["./none", "demo", "--questions", "questions"]),
    ):
        ended = command(tmp_path, *arguments)
        assert (ended.returncode, ended.stdout) == (1, "")
        assert words in ended.stderr
        assert len(ended.stderr.splitlines()) == 1
    assert command(tmp_path, "demo").returncode == 2


@pytest.mark.slow
@pytest.mark.parametrize("worse", [True, False])
def test_the_command_says_with_its_status_whether_the_new_model_is_worse(tmp_path, other, worse):
    file_of(tmp_path, asked(CLEAR, ABOUT_CLEAR))
    models = ["demo", other] if worse else [other, "demo"]
    ended = command(tmp_path, *models, "--questions", "questions.jsonl")
    assert ended.returncode == worse, ended.stderr
    assert "1 of 1 answers differ." in ended.stdout
    assert "\r" not in ended.stderr, "no progress where there is no terminal"
