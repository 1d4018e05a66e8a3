"""A conversation → the model's prompt, within its token budget. Pure functions."""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, TypeAlias

import jinja2

from bot.errors import UserError
from bot.wording import question_too_long

Tokenizer: TypeAlias = Any
"""A `transformers` tokenizer; that library's own types are too loose to check against."""

Message: TypeAlias = dict[str, str]
"""A chat template's unit: `role` (system, user or assistant) and `content`."""

_ZERO_WIDTH_SPACE = "\u200b"
_LOOKS_LIKE_MARK = re.compile(r"<.*>|\[.*\]")
_LONGEST_NAME = 32  # characters, as Discord has it
_NAMELESS = "Somebody"
_PLAIN_LABELS = {"user": "User:", "assistant": "Assistant:"}
PLAIN_STOP = "\nUser:"
"""Where an answer in the plain form ends: the model has begun to speak for the user."""


@dataclass(frozen=True)
class Exchange:
    """One earlier question and its answer. `speaker` is a display name where several people talk, else None."""

    speaker: str | None
    question: str
    answer: str


@dataclass(frozen=True)
class Prompt:
    """All that the model is told for one answer; `turns` are the earlier ones, oldest first."""

    system: str
    turns: tuple[Exchange, ...]
    speaker: str | None
    question: str


class QuestionTooLong(UserError):
    """The question alone, with the system prompt, is over the token budget."""


def messages(prompt: Prompt) -> list[Message]:
    """The conversation as chat messages, ending in the new question; a blank system prompt has no message."""
    said = [{"role": "system", "content": prompt.system}] if prompt.system else []
    for turn in prompt.turns:
        said.append({"role": "user", "content": _spoken(turn.speaker, turn.question)})
        said.append({"role": "assistant", "content": turn.answer})
    return [*said, {"role": "user", "content": _spoken(prompt.speaker, prompt.question)}]


def encode(prompt: Prompt, tokenizer: Tokenizer, limit: int) -> list[int]:
    """The prompt's token ids, at most `limit` of them, ready for the model to continue with its answer.

    Uses the tokenizer's chat template, or without one the plain form. What does not fit loses its oldest turns
    first, each whole; the system prompt and the question stay. Nobody's text can forge a role: what the
    tokenizer or the plain form would read as a mark of its own is broken by a zero-width space.

    Raises QuestionTooLong when the system prompt and the question alone are over `limit`.
    """
    marks = _marks(tokenizer)

    @cache
    def without_oldest(count: int) -> list[int]:
        return _encode_messages(messages(replace(prompt, turns=prompt.turns[count:])), tokenizer, marks)

    counts = range(len(prompt.turns) + 1)
    dropped = bisect_left(counts, True, key=lambda count: len(without_oldest(count)) <= limit)
    if dropped in counts:
        return without_oldest(dropped)
    question = len(tokenizer.encode(prompt.question, add_special_tokens=False))
    room = limit - (len(without_oldest(len(prompt.turns))) - question)
    raise QuestionTooLong(question_too_long(question, room))


def _spoken(speaker: str | None, text: str) -> str:
    return f"{_name(speaker)}: {text}" if speaker else text


def _name(speaker: str) -> str:
    """A display name on one line, without what cannot be seen, turns the text around, or ends a name."""
    seen = "".join(" " if char.isspace() else char for char in speaker if char.isspace() or char.isprintable())
    return " ".join(seen.replace(":", " ").split())[:_LONGEST_NAME].rstrip() or _NAMELESS


def _encode_messages(said: Sequence[Message], tokenizer: Tokenizer, marks: Iterable[str]) -> list[int]:
    said = [{**message, "content": _defuse(message["content"], marks)} for message in said]
    if tokenizer.chat_template:
        return list(tokenizer.encode(_render(said, tokenizer), add_special_tokens=False))
    return list(tokenizer.encode(_plain(said)))


def _render(said: Sequence[Message], tokenizer: Tokenizer) -> str:
    """The chat template's text. A template that knows no system role finds it in the first question."""
    try:
        text = tokenizer.apply_chat_template(said, tokenize=False, add_generation_prompt=True)
    except jinja2.TemplateError:
        system, *others = said
        if system["role"] != "system":
            raise
        first = {"role": "user", "content": f"{system['content']}\n\n{others[0]['content']}"}
        text = tokenizer.apply_chat_template([first, *others[1:]], tokenize=False, add_generation_prompt=True)
    return str(text)


def _marks(tokenizer: Tokenizer) -> list[str]:
    """The strings that the tokenizer turns into tokens with a meaning beside the text.

    Not only those declared special: a fine-tune's `<|im_start|>` is often added without. But an added word, such
    as a name that a fine-tune should know, is text.
    """
    return [
        token.content
        for token in tokenizer.added_tokens_decoder.values()
        if token.special or _LOOKS_LIKE_MARK.fullmatch(token.content)
    ]


def _defuse(text: str, marks: Iterable[str]) -> str:
    # A tokenizer may read full-width letters as plain ones before it looks for its marks.
    folded = unicodedata.normalize("NFKC", text)
    if any(mark in folded and mark not in text for mark in marks):
        text = folded
    for mark in marks:
        text = text.replace(mark, mark[0] + _ZERO_WIDTH_SPACE + mark[1:])
    return text


def _plain(said: Sequence[Message]) -> str:
    """The plain form: the system prompt, then lines `User: …` and `Assistant: …`, ending in `Assistant:`."""
    label_in_text = re.compile(r"^(\s*)(user|assistant)(\s*:)", re.IGNORECASE | re.MULTILINE)
    lines = []
    for message in said:
        if message["role"] == "system":
            lines.append(message["content"])
        else:
            text = label_in_text.sub(rf"\1\2{_ZERO_WIDTH_SPACE}\3", message["content"])
            lines.append(f"{_PLAIN_LABELS[message['role']]} {text}")
    return "\n".join([*lines, _PLAIN_LABELS["assistant"]])
