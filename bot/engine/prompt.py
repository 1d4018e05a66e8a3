"""A conversation → the model's prompt, within its token budget. Pure functions."""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any, TypeAlias

import jinja2

from bot.errors import UserError
from bot.texts import question_too_long

Tokenizer: TypeAlias = Any
"""A `transformers` tokenizer; that library's own types are too loose to check against."""

Message: TypeAlias = dict[str, str]
"""A chat template's unit: `role` (system, user or assistant) and `content`."""

_ZERO_WIDTH_SPACE = "\u200b"
_LINE_ENDS = "\n\r\v\f\x85\u2028\u2029"
_LOOKS_LIKE_MARK = re.compile(r"<.*>|\[.*\]")
# The marks of the usual chat templates: <|im_start|>, <|eot_id|>, <start_of_turn>, </s>, [INST], <<SYS>> …
_ANY_MARK = re.compile(
    r"<\|[^<>|\s]+\|>|<\uff5c[^<>\s]+\uff5c>|<</?SYS>>"
    r"|\[/?(INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\]"
    r"|</?(s|bos|eos|pad|unk|start_of_turn|end_of_turn|think|tool_call|tool_response)>",
    re.IGNORECASE,
)
_LONGEST_NAME = 32  # characters, as Discord has it
_NAMELESS = "Somebody"
_BEFORE = "What was said before, in short:"


@dataclass(frozen=True)
class PromptFormat:
    """How a conversation is written down: `kind` is a PROMPT_FORMAT.

    `chat` is the tokenizer's chat template; `plain` is lines that begin with the labels `user` and `assistant`; `auto`
    is the template where there is one.
    """

    kind: str = "auto"
    user: str = "User:"
    assistant: str = "Assistant:"

    def is_plain(self, tokenizer: Tokenizer) -> bool:
        """Whether prompts are in the plain form."""
        return self.kind == "plain" or (self.kind == "auto" and not tokenizer.chat_template)

    def stop(self, tokenizer: Tokenizer) -> tuple[str, ...]:
        """Where an answer in the plain form ends: the model has begun to speak for the user."""
        return (f"\n{self.user}",) if self.is_plain(tokenizer) else ()


AUTO = PromptFormat()


@dataclass(frozen=True)
class Exchange:
    """One earlier question and its answer. `speaker` is a display name where several people talk, else None."""

    speaker: str | None
    question: str
    answer: str


@dataclass(frozen=True)
class Prompt:
    """All that the model is told for one answer; `turns` are the earlier ones, oldest first.

    `summary` is what was said before them, in short.
    """

    system: str
    turns: tuple[Exchange, ...]
    speaker: str | None
    question: str
    summary: str = ""


class QuestionTooLong(UserError):
    """The question alone, with the system prompt, is over the token budget."""


def messages(prompt: Prompt) -> list[Message]:
    """The conversation as chat messages, ending in the new question; a blank system prompt has no message."""
    system = "\n\n".join(part for part in (prompt.system, prompt.summary and f"{_BEFORE} {prompt.summary}") if part)
    said = [{"role": "system", "content": system}] if system else []
    for turn in prompt.turns:
        said.append({"role": "user", "content": _spoken(turn.speaker, turn.question)})
        said.append({"role": "assistant", "content": turn.answer})
    return [*said, {"role": "user", "content": _spoken(prompt.speaker, prompt.question)}]


def shortened(prompt: Prompt) -> list[Prompt]:
    """The prompt, then what is left of it when it loses its oldest turns, one after the other, and last the summary.

    The system prompt and the question stay.
    """
    shorter = [replace(prompt, turns=prompt.turns[count:]) for count in range(len(prompt.turns) + 1)]
    return [*shorter, replace(shorter[-1], summary="")] if prompt.summary else shorter


def encode(prompt: Prompt, tokenizer: Tokenizer, limit: int, form: PromptFormat = AUTO) -> list[int]:
    """The prompt's token ids, at most `limit` of them, ready for the model to continue with its answer.

    What does not fit is `shortened`. Nobody's text can forge a role: what the tokenizer or the plain form would read as
    a mark of its own is broken by a zero-width space.

    Raises QuestionTooLong when the system prompt and the question alone are over `limit`, and whatever a chat template
    raises that cannot be used.
    """
    marks = _marks(tokenizer)
    candidates = shortened(prompt)

    @cache
    def encoded(shortness: int) -> list[int]:
        candidate = candidates[shortness]
        said = messages(replace(candidate, summary=_without_labels(candidate.summary, form)))
        said = [{**message, "content": _defuse(message["content"], marks)} for message in said]
        if form.is_plain(tokenizer):
            return list(tokenizer.encode(_plain(said, form)))
        return list(tokenizer.encode(_render(said, tokenizer), add_special_tokens=False))

    chosen = bisect_left(range(len(candidates)), True, key=lambda shortness: len(encoded(shortness)) <= limit)
    if chosen < len(candidates):
        return encoded(chosen)
    question = len(tokenizer.encode(prompt.question, add_special_tokens=False))
    room = limit - (len(encoded(len(candidates) - 1)) - question)
    raise QuestionTooLong(question_too_long(question, room))


def messages_for_a_server(prompt: Prompt, limit: int) -> list[list[Message]]:
    """The conversation as messages for a server that has the tokenizer, and ever shorter ones, should it refuse them.

    All have at most about `limit` tokens, of four bytes of UTF-8 each. What a tokenizer may read as a mark of its own
    is broken by a zero-width space. Raises QuestionTooLong when the system prompt and the question alone are over that.
    """
    defuse = cache(_defuse_all)  # most turns are in most candidates
    candidates = []
    for candidate in shortened(prompt):
        said = messages(candidate)
        length = sum(_about_tokens(message["content"]) for message in said)
        if length <= limit:
            candidates.append([{**message, "content": defuse(message["content"])} for message in said])
    if not candidates:
        question = _about_tokens(prompt.question)
        raise QuestionTooLong(question_too_long(question, limit - (length - question)))
    return candidates


def _about_tokens(text: str) -> int:
    return -(-len(text.encode()) // 4)


def _defuse_all(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text)  # as in _defuse
    if len(_ANY_MARK.findall(folded)) > len(_ANY_MARK.findall(text)):
        text = folded
    return _ANY_MARK.sub(lambda mark: mark[0][0] + _ZERO_WIDTH_SPACE + mark[0][1:], text)


def _spoken(speaker: str | None, text: str) -> str:
    return f"{_name(speaker)}: {text}" if speaker else text


def _name(speaker: str) -> str:
    """A display name on one line, without what cannot be seen, turns the text around, or ends a name."""
    seen = "".join(" " if char.isspace() else char for char in speaker if char.isspace() or char.isprintable())
    return " ".join(seen.replace(":", " ").split())[:_LONGEST_NAME].rstrip() or _NAMELESS


def _render(said: Sequence[Message], tokenizer: Tokenizer) -> str:
    """The chat template's text. One that refuses or passes over a system role finds it in the first question."""
    render = partial(tokenizer.apply_chat_template, tokenize=False, add_generation_prompt=True)
    if said[0]["role"] != "system":
        return str(render(said))
    system, question, *others = said
    with suppress(jinja2.TemplateError):
        text = str(render(said))
        if system["content"].strip() in text:
            return text
    return str(render([{**question, "content": f"{system['content']}\n\n{question['content']}"}, *others]))


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


def _plain(said: Sequence[Message], form: PromptFormat) -> str:
    """The plain form: the system prompt, then lines `User: …` and `Assistant: …`, ending in `Assistant:`."""
    labels = {"user": form.user, "assistant": form.assistant}
    lines = []
    for message in said:
        if message["role"] == "system":
            lines.append(message["content"])
        else:
            lines.append(f"{labels[message['role']]} {_without_labels(message['content'], form)}")
    return "\n".join([*lines, form.assistant])


def _without_labels(text: str, form: PromptFormat) -> str:
    """A text in which no line begins with a label of the plain form, whatever ends the line before."""
    labels = (form.user, form.assistant)
    written = "|".join(rf"{re.escape(label[:-1].rstrip())}(?=\s*{re.escape(label[-1])})" for label in labels)
    return re.sub(rf"((?:^|[{_LINE_ENDS}])\s*)({written})", rf"\1\2{_ZERO_WIDTH_SPACE}", text, flags=re.IGNORECASE)
