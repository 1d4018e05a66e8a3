"""A conversation → the model's prompt, within its token budget. Pure functions."""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
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
"""A chat message: `role` (system, user or assistant) and `content`."""

_ZERO_WIDTH_SPACE = "\u200b"
_LINE_ENDS = "\n\r\v\f\x85\u2028\u2029"
_MARK_LIKE = re.compile(r"<.*>|\[.*\]")
# The first character of a mark of the common chat templates: <|im_start|>, <|eot_id|>, <start_of_turn>, </s>, [INST],
# <<SYS>> …
_COMMON_MARK = re.compile(
    r"<(?=\|[^<>|\s]+\|>|\uff5c[^<>\s]+\uff5c>|</?SYS>>"
    r"|/?(?:s|bos|eos|pad|unk|start_of_turn|end_of_turn|think|tool_call|tool_response)>)"
    r"|\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\])",
    re.IGNORECASE,
)
_MAX_NAME = 32  # characters; Discord's own limit
_NAMELESS = "Somebody"
_SUMMARY_LABEL = "What was said before, in short:"


@dataclass(frozen=True)
class PromptFormat:
    """How a conversation is rendered; `kind` is a PROMPT_FORMAT.

    `chat` is the tokenizer's chat template. `plain` is lines that begin with the labels `user` and `assistant`. `auto`
    is the template where there is one.
    """

    kind: str = "auto"
    user: str = "User:"
    assistant: str = "Assistant:"

    def is_plain(self, tokenizer: Tokenizer) -> bool:
        """Whether prompts are rendered as plain lines."""
        return self.kind == "plain" or (self.kind == "auto" and not tokenizer.chat_template)

    def stop(self, tokenizer: Tokenizer) -> tuple[str, ...]:
        """The stop strings. In the plain format, an answer ends where the model begins to speak for the user."""
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
    """Everything the model is given for one answer.

    `turns` are the earlier exchanges, oldest first; `summary` covers those before them.
    """

    system: str
    turns: tuple[Exchange, ...]
    speaker: str | None
    question: str
    summary: str = ""


class QuestionTooLong(UserError):
    """The system prompt and the question alone exceed the token budget."""


def messages(prompt: Prompt) -> list[Message]:
    """The conversation as chat messages, the new question last. A blank system prompt has no message."""
    summary = prompt.summary and f"{_SUMMARY_LABEL} {prompt.summary}"
    system = "\n\n".join(part for part in (prompt.system, summary) if part)
    chat = [{"role": "system", "content": system}] if system else []
    for turn in prompt.turns:
        chat.append({"role": "user", "content": _with_speaker(turn.speaker, turn.question)})
        chat.append({"role": "assistant", "content": turn.answer})
    return [*chat, {"role": "user", "content": _with_speaker(prompt.speaker, prompt.question)}]


def truncations(prompt: Prompt) -> list[Prompt]:
    """The prompt, then ever shorter ones: without its oldest turns, one after another, and last without its summary.

    The system prompt and the question always stay.
    """
    shorter = [replace(prompt, turns=prompt.turns[count:]) for count in range(len(prompt.turns) + 1)]
    return [*shorter, replace(shorter[-1], summary="")] if prompt.summary else shorter


def encode(prompt: Prompt, tokenizer: Tokenizer, limit: int, form: PromptFormat = AUTO) -> list[int]:
    """The prompt's token ids, at most `limit` of them, ready for the model to continue with its answer.

    A prompt over the limit is truncated; see `truncations`. No text can forge a role: whatever the tokenizer or the
    plain format would take for one of its marks is broken by a zero-width space.

    Raises QuestionTooLong when the system prompt and the question alone exceed `limit`, and any exception of a broken
    chat template.
    """
    marks = _special_marks(tokenizer)
    candidates = truncations(prompt)

    @cache
    def encoded(index: int) -> list[int]:
        candidate = candidates[index]
        chat = messages(replace(candidate, summary=_escape_labels(candidate.summary, form)))
        chat = [{**message, "content": _escape_marks(message["content"], marks)} for message in chat]
        if form.is_plain(tokenizer):
            return list(tokenizer.encode(_render_plain(chat, form)))
        return list(tokenizer.encode(_render_template(chat, tokenizer), add_special_tokens=False))

    longest = bisect_left(range(len(candidates)), True, key=lambda index: len(encoded(index)) <= limit)
    if longest < len(candidates):
        return encoded(longest)
    question = len(tokenizer.encode(prompt.question, add_special_tokens=False))
    budget = limit - (len(encoded(len(candidates) - 1)) - question)
    raise QuestionTooLong(question_too_long(question, budget))


def server_messages(prompt: Prompt, limit: int) -> list[list[Message]]:
    """The conversation as chat messages for a server, then ever shorter ones, in case the server finds them too long.

    The tokenizer is the server's, so the limit counts estimated tokens, of four bytes of UTF-8 each. The marks of
    common chat templates are broken by a zero-width space. Raises QuestionTooLong when the system prompt and the
    question alone exceed the limit.
    """
    escape_marks = cache(_escape_common_marks)  # most turns are in most candidates
    candidates = []
    for candidate in truncations(prompt):
        chat = messages(candidate)
        length = sum(_estimate_tokens(message["content"]) for message in chat)
        if length <= limit:
            candidates.append([{**message, "content": escape_marks(message["content"])} for message in chat])
    if not candidates:
        question = _estimate_tokens(prompt.question)
        raise QuestionTooLong(question_too_long(question, limit - (length - question)))
    return candidates


def _estimate_tokens(text: str) -> int:
    return -(-len(text.encode()) // 4)


def _with_speaker(speaker: str | None, text: str) -> str:
    return f"{_clean_name(speaker)}: {text}" if speaker else text


def _clean_name(speaker: str) -> str:
    """A display name on one line, without invisible or text-reversing characters, or the colon that would end it."""
    visible = "".join(" " if char.isspace() else char for char in speaker if char.isspace() or char.isprintable())
    return " ".join(visible.replace(":", " ").split())[:_MAX_NAME].rstrip() or _NAMELESS


def _render_template(chat: Sequence[Message], tokenizer: Tokenizer) -> str:
    """The chat template's text. A template that refuses or ignores the system role gets it in the first question."""
    render = partial(tokenizer.apply_chat_template, tokenize=False, add_generation_prompt=True)
    if chat[0]["role"] != "system":
        return str(render(chat))
    system, question, *others = chat
    with suppress(jinja2.TemplateError):
        text = str(render(chat))
        if system["content"].strip() in text:
            return text
    return str(render([{**question, "content": f"{system['content']}\n\n{question['content']}"}, *others]))


def _render_plain(chat: Sequence[Message], form: PromptFormat) -> str:
    """The plain format: the system prompt, then lines `User: …` and `Assistant: …`, ending in `Assistant:`."""
    labels = {"user": form.user, "assistant": form.assistant}
    lines = []
    for message in chat:
        if message["role"] == "system":
            lines.append(message["content"])
        else:
            lines.append(f"{labels[message['role']]} {_escape_labels(message['content'], form)}")
    return "\n".join([*lines, form.assistant])


def _special_marks(tokenizer: Tokenizer) -> list[str]:
    """The strings that the tokenizer turns into tokens with a meaning beyond text, as they are and normalized.

    Not only those declared special, as a fine-tune's `<|im_start|>` is often added without. But an added word, such as
    a name that a fine-tune should know, is text.
    """
    marks = [
        token.content
        for token in tokenizer.added_tokens_decoder.values()
        if token.special or _MARK_LIKE.fullmatch(token.content)
    ]
    return list(dict.fromkeys([*marks, *map(_normalize, marks)]))


def _escape_marks(text: str, marks: Iterable[str]) -> str:
    def escape(text: str) -> str:
        for mark in marks:
            text = text.replace(mark, mark[0] + _ZERO_WIDTH_SPACE + mark[1:])
        return text

    return _escape_normalized(text, escape)


def _escape_common_marks(text: str) -> str:
    return _escape_normalized(text, partial(_COMMON_MARK.sub, rf"\g<0>{_ZERO_WIDTH_SPACE}"))


def _escape_labels(text: str, form: PromptFormat) -> str:
    """The text with a zero-width space in each label of the plain format that begins a line."""
    labels = (form.user, form.assistant)
    pattern = "|".join(rf"{re.escape(label[:-1].rstrip())}(?=\s*{re.escape(label[-1])})" for label in labels)
    # A blank stretch is matched with or without a label behind it, as it would be read again from each of its lines.
    line_start = re.compile(rf"(?:^|[{_LINE_ENDS}])\s*({pattern})?", re.IGNORECASE)
    return _escape_normalized(
        text, partial(line_start.sub, lambda start: start[0] if start[1] is None else start[0] + _ZERO_WIDTH_SPACE)
    )


def _escape_normalized(text: str, escape: Callable[[str], str]) -> str:
    """The escaped text; in its normalized form if that, as some tokenizers read it, has something left to escape."""
    text = escape(text)
    normalized = _normalize(text)
    escaped = escape(normalized)
    return text if escaped == normalized else escaped


def _normalize(text: str) -> str:
    """The text with full-width letters, ligatures and the like as the plain letters that they stand for."""
    return unicodedata.normalize("NFKC", text)
