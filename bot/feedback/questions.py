"""Questions with the answers that are expected: from the examples, or from a file."""

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from bot.conversation.conversations import prompt_for
from bot.conversation.placeholders import TERMINAL
from bot.engine.prompt import Exchange, Prompt
from bot.errors import UserError
from bot.feedback.dataset import read_examples, wanted


class QuestionsError(UserError):
    """There are no questions to ask; the message says why."""


@dataclass(frozen=True)
class Case:
    """A prompt, and the answer that is expected; None where any answer will do."""

    prompt: Prompt
    expected: str | None = None


async def from_examples(database: str) -> list[Case]:
    """The questions whose answers were corrected or approved. Raises QuestionsError without any, and DatabaseError."""
    examples = await read_examples(database)
    cases = [
        Case(prompt_for(example.system, example.turns), answer)
        for example in examples
        if (answer := wanted(example)) is not None
    ]
    if not cases:
        raise QuestionsError(
            f"No answer in the database {database} has been corrected or approved yet. Name a file of questions with"
            " --questions."
        )
    return cases


def from_file(file: Path, system: str) -> list[Case]:
    """The questions of a file: one in each line, asked with this system prompt; or JSON Lines with `messages`.

    Of those, a last message of the assistant is the answer that is expected. Raises QuestionsError.
    """
    try:
        lines = file.read_text("utf-8-sig").split("\n")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise QuestionsError(f"The questions in {file} cannot be read: {reason}.") from error
    numbered = [(number, line.strip()) for number, line in enumerate(lines, 1) if line.strip()]
    if not numbered:
        raise QuestionsError(f"There are no questions in {file}.")
    if not isinstance(_parsed(numbered[0][1]), dict):
        persona = TERMINAL.fill(system, date.today())
        return [Case(Prompt(persona, (), None, line)) for _, line in numbered]
    cases = []
    for number, line in numbered:
        try:
            cases.append(_case(_parsed(line)["messages"]))
        except (KeyError, TypeError, ValueError) as error:
            raise QuestionsError(
                f"Line {number} of {file} is no conversation. Each line has to be JSON with messages, in which user and"
                " assistant take turns, as python -m bot dataset --format sft writes it."
            ) from error
    return cases


def _parsed(line: str) -> Any:
    """What a line is as JSON; None if it is none."""
    try:
        return json.loads(line)
    except (RecursionError, ValueError):
        return None


def _case(messages: Any) -> Case:
    """A conversation as a prompt and the answer to it. Raises KeyError, TypeError or ValueError if it is none."""
    said = [(message["role"], message["content"]) for message in messages]
    if not all(isinstance(text, str) for _, text in said):
        raise TypeError
    system = said.pop(0)[1] if said and said[0][0] == "system" else ""
    expected = said.pop()[1] if said and said[-1][0] == "assistant" else None
    roles = [role for role, _ in said]
    if len(said) % 2 == 0 or roles != [("user", "assistant")[at % 2] for at in range(len(said))]:
        raise ValueError
    *earlier, question = [text for _, text in said]
    exchanges = [Exchange(None, asked, answered) for asked, answered in zip(earlier[::2], earlier[1::2], strict=True)]
    return Case(Prompt(system, tuple(exchanges), None, question), expected)
