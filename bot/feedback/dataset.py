"""`python -m bot dataset`: the examples as JSON Lines, in the conversational shapes that TRL trains on."""

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

from bot.conversation.conversations import prompt_for
from bot.engine.chat_template import Message
from bot.engine.prompt import messages
from bot.errors import UserError
from bot.feedback.names import without_names
from bot.storage.example import Example
from bot.storage.examples import ExampleStore
from bot.storage.read_only import read_database

Row: TypeAlias = dict[str, Any]
"""One line of a file: what TRL trains on at once."""


NO_EXAMPLES = "The database holds no examples yet. With FEEDBACK=on, people can vote on answers and correct them."


class DatasetError(UserError):
    """Nothing was written; the message says why."""


@dataclass(frozen=True)
class Selection:
    """Which examples are exported: those of one model, asked since a time, and only reviewed ones; None means all."""

    model: str | None = None
    since: datetime | None = None
    reviewed: bool = False

    def reason_against(self, example: Example) -> str | None:
        """Why an example is left out, if it is."""
        if self.model is not None and example.model != self.model:
            return f"of the model {example.model}"
        if self.since and example.turn.at < self.since:
            return f"from before {self.since.isoformat(' ', 'minutes')}"
        return "not reviewed" if self.reviewed and not example.reviewed else None


async def read_examples(database: str) -> list[Example]:
    """All stored examples without ids and names, oldest first. Raises DatabaseError."""
    async with read_database(database) as opened:
        store = ExampleStore(opened, limit=0)
        numbers = await store.numbers()
        return [*without_names([example async for example in store.all()], numbers)]


async def export(database: str, out: Path, form: str, selection: Selection, *, force: bool) -> str:
    """Write the selected examples to `out` in a form of FORMS; returns a summary, in lines.

    The file appears whole or not at all, readable by its owner only. Raises DatabaseError, and DatasetError if there is
    nothing to write, if the file exists (unless `force`), or if it cannot be written.
    """
    _check(out, Path(database), force=force)
    examples = await read_examples(database)
    reasons = {example.id: selection.reason_against(example) for example in examples}
    selected = [example for example in examples if not reasons[example.id]]
    made = [*FORMS[form](selected)]
    used = {example.id for _, sources in made for example in sources}
    left_out = Counter(reasons[example.id] or _WITHOUT[form] for example in examples if example.id not in used)
    told = "; ".join(f"{count} {reason}" for reason, count in left_out.most_common())
    left = f"\nLeft out: {told}." if told else ""
    if not examples:
        raise DatasetError(NO_EXAMPLES)
    if not made:
        raise DatasetError(f"No example can be exported as {form}, so no file was written.{left}")
    _write(out, [row for row, _ in made])
    return f"Wrote {_counted(len(made), 'line')} to {out}, from {_counted(len(used), 'example')}.{left}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


# The forms: rows, each with the examples that it was made from.

_Made: TypeAlias = Iterator[tuple[Row, tuple[Example, ...]]]


def prompt_of(example: Example) -> list[Message]:
    """The conversation up to the question, as the model got it."""
    return messages(prompt_for(example.system, example.turns))


def wanted(example: Example) -> str | None:
    """The answer that people want: the correction, or the answer itself if it was approved."""
    if example.correction is not None:
        return example.correction
    return example.turn.answer if example.reviewed else None


def _sft(examples: Iterable[Example]) -> _Made:
    for example in examples:
        if (answer := wanted(example)) is not None:
            yield {"messages": [*prompt_of(example), *_said(answer)]}, (example,)


def _kto(examples: Iterable[Example]) -> _Made:
    for example in examples:
        if tally := _tally(example):
            row = {"prompt": prompt_of(example), "completion": _said(example.turn.answer), "label": tally > 0}
            yield row, (example,)


def _dpo(examples: Iterable[Example]) -> _Made:
    asked: dict[tuple[object, ...], list[Example]] = {}
    for example in examples:
        answer = example.turn.answer
        if example.correction is not None and example.correction != answer:
            yield _preference(example, example.correction, answer), (example,)
        if example.turn.question_message is not None:
            same = (example.turn.channel.channel, example.turn.question_message, json.dumps(prompt_of(example)))
            asked.setdefault(same, []).append(example)
    for answers in asked.values():
        answers.sort(key=_standing, reverse=True)
        for better, worse in combinations(answers, 2):
            good, bad = better.turn.answer, worse.turn.answer
            if _standing(better) > max(_standing(worse), _UNRATED) and good != bad:
                yield _preference(better, good, bad), (better, worse)


def _preference(example: Example, chosen: str, rejected: str) -> Row:
    return {"prompt": prompt_of(example), "chosen": _said(chosen), "rejected": _said(rejected)}


def _said(answer: str) -> list[Message]:
    return [{"role": "assistant", "content": answer}]


def _tally(example: Example) -> int:
    """How many more people liked the answer than disliked it."""
    return sum(1 if liked else -1 for liked in example.votes.values())


def _standing(example: Example) -> tuple[int, int]:
    """How good an answer is, to be compared with others: what moderators said of it counts more than votes."""
    review = -1 if example.correction is not None else int(example.reviewed)
    return review, _tally(example)


_UNRATED = (0, 0)
FORMS = {"sft": _sft, "dpo": _dpo, "kto": _kto}
"""What --format names, and what makes rows of examples in it."""
_WITHOUT = {
    "sft": "neither corrected nor approved",
    "dpo": "neither corrected nor regenerated with a preference",
    "kto": "with no votes, or as many for as against",
}


# The file.


def _check(out: Path, database: Path, *, force: bool) -> None:
    """Raise DatasetError if a file must not be written over."""
    with suppress(OSError, RuntimeError):
        if out.samefile(database.expanduser()):
            raise DatasetError(f"{out} is the database. Name another file.")
    if out.is_dir() or (out.exists() and not out.is_file()):
        raise DatasetError(f"{out} is not a file. Name one that is to be written.")
    if out.exists() and not force:
        raise DatasetError(f"{out} exists already. Name another file, or write over it with --force.")


# JSON may hold them as they are, but some programs take each for the end of a line.
_LINE_ENDS = {ord(char): f"\\u{ord(char):04x}" for char in "\x85\u2028\u2029"}


def _write(out: Path, rows: Iterable[Row]) -> None:
    out = out.resolve()  # where it is a link, the file that it leads to is written
    try:
        with TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as folder:
            made = Path(folder) / "rows"
            made.touch(0o600)
            with made.open("w", encoding="utf-8", newline="\n") as file:
                for row in rows:
                    file.write(json.dumps(row, ensure_ascii=False).translate(_LINE_ENDS) + "\n")
                file.flush()
                os.fsync(file.fileno())
            made.replace(out)
    except OSError as error:
        raise DatasetError(
            f"{out} cannot be written: {error.strerror}. Name a file in a folder that you may write to."
        ) from error
