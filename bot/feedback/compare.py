"""`python -m bot compare`: the same questions to two models, and where their answers differ."""

import gc
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace

from bot.engine import NoAnswer, Sampling, Stream, Thought
from bot.engine.models.locate import locate
from bot.engine.opening import local_engine
from bot.engine.prompt import QuestionTooLong, messages
from bot.feedback.questions import Case
from bot.feedback.side_by_side import side_by_side, wrap
from bot.printable import printable
from bot.settings import Settings


async def compare(settings: Settings, old: str, new: str, cases: Sequence[Case]) -> bool:
    """Print what two models, named as MODEL_PATH names one, answer differently to the same questions.

    Both choose the likeliest token each time. Returns whether the new one gives no fewer of the expected answers.
    Raises ModelError, or EngineError.
    """
    names = (old, new)
    for name in names:
        locate(name)
    answers = []
    for name in names:
        answers.append(await _answers(replace(settings, model_path=name, engine_url=()), cases))
        gc.collect()  # the model is part of reference cycles, and the next one needs its memory
    width = shutil.get_terminal_size().columns
    differing = 0
    for number, (case, *pair) in enumerate(zip(cases, *answers, strict=True), 1):
        if not _same(*pair):
            differing += 1
            print(*_difference(number, case, names, pair, width), "", sep="\n")
    print(f"{differing} of {len(cases)} answers differ.")
    expected = [case.expected for case in cases]
    known = len(cases) - expected.count(None)
    before, after = (sum(map(_matches, expected, given)) for given in answers)
    if known:
        print(f"As expected, of {known}: {before} by {old}, {after} by {new}.")
    return after >= before


async def _answers(settings: Settings, cases: Sequence[Case]) -> list[str]:
    greedy = Sampling(settings.max_new_tokens, temperature=0)
    answers: list[str] = []
    async with local_engine(settings) as engine:
        await engine.ready()
        for stream in [engine.submit(case.prompt, greedy) for case in cases]:
            answers.append(await _read(stream))
            _show(f"{settings.model_path}: {len(answers)} of {len(cases)} answers")
    _show("")
    return answers


async def _read(stream: Stream) -> str:
    """The whole answer; empty if there is none."""
    try:
        return "".join([piece async for piece in stream if not isinstance(piece, Thought)]).strip()
    except (NoAnswer, QuestionTooLong):
        return ""


def _show(progress: str) -> None:
    """Show the progress on standard error, if that is a terminal, in place of the last one."""
    if sys.stderr and sys.stderr.isatty():
        print(f"\r\x1b[K{printable(progress)}", end="", file=sys.stderr, flush=True)


def _difference(number: int, case: Case, names: Sequence[str], answers: Sequence[str], width: int) -> Iterator[str]:
    """A question and its two answers, in lines."""
    yield from wrap(f"{number}. {messages(case.prompt)[-1]['content']}", width)
    if case.expected is not None:
        yield from wrap(f"Expected: {case.expected}", width)
    left, right = (
        f"{name}{_verdict(case.expected, answer)}:\n{answer or '(no answer)'}"
        for name, answer in zip(names, answers, strict=True)
    )
    yield from side_by_side(left, right, width)


def _verdict(expected: str | None, answer: str) -> str:
    if expected is None:
        return ""
    return " (as expected)" if _matches(expected, answer) else " (not as expected)"


def _matches(expected: str | None, answer: str) -> bool:
    return expected is not None and _same(expected, answer)


def _same(one: str, other: str) -> bool:
    """Whether two texts are the same but for white space."""
    return one.split() == other.split()
