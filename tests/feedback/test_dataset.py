"""python -m bot dataset: the examples in the shapes that TRL trains on, without names, and never over another file."""

import json
import stat
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.feedback.dataset import DatasetError, Selection, export
from bot.storage.channel_ref import ChannelRef
from bot.storage.database import open_database
from bot.storage.examples import ExampleStore
from bot.storage.turns import Person
from tests.support.examples import ALICE, BOB, CAROL, example, keep, turn
from tests.support.parley import run

ANSWER = 11
"""The message of the answer to what was asked in message 10."""
SYSTEM = {"role": "system", "content": "Be kind."}


@asynccontextmanager
async def store_in(path: Path) -> AsyncIterator[ExampleStore]:
    """The store of a bot that runs, whose people have agreed."""
    async with open_database(path) as database:
        store = ExampleStore(database, limit=1000)
        for person in (ALICE, BOB):
            await store.agree(person)
        yield store


@pytest.fixture
async def store(path):
    async with store_in(path) as opened:
        yield opened


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out.jsonl"


async def exported(path: Path, out: Path, form: str, **selection: Any) -> list[dict[str, Any]]:
    """The rows of an export."""
    await export(str(path), out, form, Selection(**selection), force=True)
    return rows_in(out)


def rows_in(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.read_text("utf-8").splitlines()]


async def refusal(path: Path, out: Path, form: str = "sft", *, force: bool = False, **selection: Any) -> str:
    with pytest.raises(DatasetError) as refused:
        await export(str(path), out, form, Selection(**selection), force=force)
    return str(refused.value)


def said(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


def asked(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


async def test_sft_holds_corrections_and_approved_answers(store, path, out):
    for message, text in ((10, "corrected"), (20, "approved"), (30, "liked")):
        await keep(store, example(turn(ALICE, text, message)))
    await store.correct(7, 11, BOB, "as it should be")
    await store.approve(7, 21)
    await store.vote(7, 31, BOB, True)
    assert await exported(path, out, "sft") == [
        {"messages": [SYSTEM, asked("Person 1: corrected"), *said("as it should be")]},
        {"messages": [SYSTEM, asked("Person 1: approved"), *said("approved!")]},
    ]


async def test_the_prompt_is_what_the_model_got_but_for_the_names(store, path, out):
    people = (Person(CAROL, "Carol"), Person(BOB, "Bob", quoted=True))
    await keep(
        store,
        example(
            turn(BOB, "hi", 10),
            replace(turn(ALICE, "Bob wrote: hi\nis @Carol here, Name 2?", 20, *people), answer="no"),
        ),
    )
    await store.approve(7, 21)
    (row,) = await exported(path, out, "sft")
    assert row["messages"] == [
        SYSTEM,
        asked("Person 2: hi"),
        *said("hi!"),
        asked("Person 1: Person 2 wrote: hi\nis @Somebody here, Person 2?"),
        *said("no"),
    ]


async def test_a_direct_message_has_no_speaker_and_no_system_prompt_no_message(store, path, out):
    alone = replace(turn(ALICE, "it's Name 1", 10), channel=ChannelRef(7))
    await keep(store, replace(example(alone), system=""))
    await store.approve(7, ANSWER)
    assert await exported(path, out, "sft") == [{"messages": [asked("it's Person 1"), *said("it's Person 1!")]}]


async def test_kto_labels_answers_by_the_majority_of_votes(store, path, out):
    for message, votes in ((10, [True, True, False]), (20, [False]), (30, [True, False]), (40, [])):
        await keep(store, example(turn(ALICE, str(message), message)))
        for voter, liked in enumerate(votes, 50):
            await store.vote(7, message + 1, voter, liked)
    assert await exported(path, out, "kto") == [
        {"prompt": [SYSTEM, asked("Person 1: 10")], "completion": said("10!"), "label": True},
        {"prompt": [SYSTEM, asked("Person 1: 20")], "completion": said("20!"), "label": False},
    ]


async def test_dpo_prefers_a_correction_to_its_answer(store, path, out):
    for message in (10, 20, 30):
        await keep(store, example(turn(ALICE, "x", message)))
    await store.correct(7, 11, BOB, "better")
    await store.correct(7, 21, BOB, "x!")
    await store.approve(7, 31)
    assert await exported(path, out, "dpo") == [
        {"prompt": [SYSTEM, asked("Person 1: x")], "chosen": said("better"), "rejected": said("x!")}
    ], "neither an unchanged answer nor an approved one is a preference"


async def regenerated(store: ExampleStore, *answers: str, before: str = "") -> None:
    """A question that was answered several times, each time in another message."""
    earlier = [turn(BOB, before, 100)] if before else []
    for number, answer in enumerate(answers):
        last = replace(turn(ALICE, "x", 10), answer=answer, answer_messages=(20 + number,))
        await keep(store, example(*earlier, last))


async def preferences(path: Path, out: Path) -> list[tuple[str, str]]:
    rows = await exported(path, out, "dpo")
    return [(row["chosen"][0]["content"], row["rejected"][0]["content"]) for row in rows]


async def test_dpo_prefers_the_better_of_two_answers_to_a_question(store, path, out):
    await regenerated(store, "bad", "good", "unrated")
    await store.vote(7, 20, BOB, False)
    await store.vote(7, 21, BOB, True)
    assert await preferences(path, out) == [("good", "unrated"), ("good", "bad")]
    await store.approve(7, 22)
    assert await preferences(path, out) == [("unrated", "good"), ("unrated", "bad"), ("good", "bad")]
    await store.correct(7, 21, BOB, "best")
    assert await preferences(path, out) == [("best", "good"), ("unrated", "bad"), ("unrated", "good")]


async def test_an_answer_that_nobody_liked_is_not_preferred(store, path, out):
    await regenerated(store, "bad", "unrated", "bad too")
    await store.vote(7, 20, BOB, False)
    await store.vote(7, 22, BOB, False)
    await store.vote(7, 22, CAROL, False)
    assert "3 neither corrected nor regenerated" in await refusal(path, out, "dpo")


async def test_only_answers_to_the_same_prompt_are_compared(store, path, out):
    await regenerated(store, "one")
    await regenerated(store, "other", before="earlier")
    await keep(store, example(replace(turn(ALICE, "x", 30), answer="third", answer_messages=(40,))))
    await regenerated(store, "one")  # the same answer again
    await store.vote(7, 20, BOB, True)
    assert "can be exported as dpo" in await refusal(path, out, "dpo")


async def test_an_export_is_selected_by_model_time_and_review(store, path, out):
    late = turn(ALICE, "late", 20)
    await keep(store, example(turn(ALICE, "early", 10)))
    await keep(store, example(replace(late, at=late.at + timedelta(days=1))))
    await keep(store, replace(example(turn(ALICE, "of another model", 30)), model="other"))
    await store.approve(7, 21)
    for message in (11, 21, 31):
        await store.vote(7, message, BOB, True)

    async def questions(**selection: Any) -> list[str]:
        rows = await exported(path, out, "kto", **selection)
        return [row["prompt"][-1]["content"].removeprefix("Person 1: ") for row in rows]

    assert await questions() == ["early", "late", "of another model"]
    assert await questions(model="other") == ["of another model"]
    assert await questions(since=datetime(2026, 1, 3, tzinfo=UTC)) == ["late"]
    assert await questions(since=late.at) == ["early", "late", "of another model"]
    assert await questions(reviewed=True) == ["late"]
    summary = await export(str(path), out, "kto", Selection("model", reviewed=True), force=True)
    assert summary.splitlines() == [
        f"Wrote 1 line to {out}, from 1 example.",
        "Left out: 1 not reviewed; 1 of the model other.",
    ]
    refused = await refusal(path, out.with_name("none"), "kto", model="none")
    assert "2 of the model model; 1 of the model other" in refused
    assert not out.with_name("none").exists()


async def test_nothing_is_written_over_without_force(store, path, out, tmp_path):
    await keep(store, example(turn(ALICE, "x", 10)))
    await store.approve(7, ANSWER)
    out.write_text("precious")
    assert "--force" in await refusal(path, out)
    assert "not a file" in await refusal(path, tmp_path, force=True)
    assert "not a file" in await refusal(path, Path("/dev/null"), force=True)
    assert "is the database" in await refusal(path, tmp_path / "." / "parley.db", force=True)
    assert "No such file" in await refusal(path, tmp_path / "no" / "folder")
    await store.correct(7, ANSWER, BOB, "better")
    assert "can be exported" in await refusal(path, out, "kto", force=True)
    assert out.read_text() == "precious"
    link = tmp_path / "link"
    link.symlink_to(out)
    await export(str(path), link, "sft", Selection(), force=True)
    assert link.is_symlink()
    assert json.loads(out.read_text())
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert sorted(each.name for each in tmp_path.iterdir() if "parley.db" not in each.name) == ["link", "out.jsonl"]


async def test_a_write_that_fails_leaves_nothing(store, path, out, monkeypatch, tmp_path):
    await keep(store, example(turn(ALICE, "x", 10)))
    await store.approve(7, ANSWER)

    def full(file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    assert "No space left" in await refusal(path, out)
    assert [each.name for each in tmp_path.iterdir() if "parley.db" not in each.name] == []


async def test_consent_taken_back_before_the_export_counts(store, path, out):
    await keep(store, example(turn(BOB, "of Bob", 10), turn(ALICE, "of Alice", 20)))
    await keep(store, example(turn(BOB, "of Bob", 30)))
    for message in (21, 31):
        await store.approve(7, message)
    assert "of Bob" in json.dumps(await exported(path, out, "sft"))
    await store.refuse(BOB)
    (row,) = await exported(path, out, "sft")
    assert row["messages"] == [SYSTEM, asked("Person 1: of Alice"), *said("of Alice!")]


async def test_people_keep_their_names_from_export_to_export(store, path, out):
    await keep(store, example(turn(BOB, "x", 10)))
    await store.approve(7, ANSWER)
    before = await exported(path, out, "sft")
    await store.agree(CAROL)
    await store.refuse(ALICE)
    assert await exported(path, out, "sft") == before
    assert before[0]["messages"][1] == asked("Person 2: x")


async def test_text_that_is_awkward_in_json_lines_comes_back(store, path, out):
    text = 'a\nb\u2028c\x85"\\ 🔥 \x00é'
    await keep(store, example(turn(ALICE, text, 10)))
    await store.approve(7, ANSWER)
    await export(str(path), out, "sft", Selection(), force=False)
    (row,) = rows_in(out)
    assert row["messages"][-1]["content"] == text + "!"
    assert "🔥" in out.read_text("utf-8"), "it can be read"


WITHOUT_TORCH_OR_DISCORD = """
import sys
sys.modules.update(dict.fromkeys(["torch", "transformers", "discord"]))
from bot.cli import main
main(sys.argv[1:])
"""


def dataset(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(tmp_path, "-c", WITHOUT_TORCH_OR_DISCORD, "dataset", *arguments)


async def test_the_command_exports_while_the_bot_runs(store, path, tmp_path):
    await keep(store, example(turn(ALICE, "x", 10)))
    await keep(store, example(turn(ALICE, "y", 20)))
    await store.approve(7, ANSWER)
    ended = dataset(tmp_path, "sft.jsonl", "--format", "sft", "--since", "2026-01-01T00:00+02:00", "--model", "model")
    assert (ended.returncode, ended.stdout) == (0, "")
    assert ended.stderr.splitlines() == [
        "Wrote 1 line to sft.jsonl, from 1 example.",
        "Left out: 1 neither corrected nor approved.",
    ]
    assert len((tmp_path / "sft.jsonl").read_text().splitlines()) == 1
    assert "--force" in dataset(tmp_path, "sft.jsonl", "--format", "sft").stderr


@pytest.mark.parametrize("since", ["yesterday", "2026-13-01", ""])
def test_a_bad_date_is_wrong_usage(tmp_path, since):
    ended = dataset(tmp_path, "out", "--format", "sft", "--since", since)
    assert ended.returncode == 2
    assert "--since" in ended.stderr
    assert "is not a date" in ended.stderr


def test_without_a_database_or_examples_a_sentence_says_so(tmp_path):
    ended = dataset(tmp_path, "out", "--format", "sft")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "no database at parley.db" in ended.stderr
    assert list(tmp_path.iterdir()) == []


async def test_without_examples_a_sentence_says_so(store, path, out):
    assert "holds no examples" in await refusal(path, out)


@pytest.mark.parametrize(
    ("form", "columns"),
    [("sft", ["messages"]), ("dpo", ["prompt", "chosen", "rejected"]), ("kto", ["prompt", "completion", "label"])],
)
@pytest.mark.slow
async def test_datasets_loads_each_form_as_it_is(store, path, out, form, columns, tmp_path):
    datasets = pytest.importorskip("datasets", reason="the train extra is not installed")
    for message in (10, 20):
        await keep(store, example(turn(ALICE, "x\u2028y", message)))
    await store.correct(7, ANSWER, BOB, "better")
    await store.vote(7, ANSWER, BOB, False)
    rows = await exported(path, out, form)
    loaded = datasets.load_dataset("json", data_files=str(out), split="train", cache_dir=str(tmp_path / "cache"))
    assert loaded.column_names == columns
    assert list(loaded) == rows
