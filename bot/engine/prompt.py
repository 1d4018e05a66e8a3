"""A conversation → the model's prompt, within its token budget. Pure functions."""

import json
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from functools import cache
from hashlib import sha256
from typing import Self

from bot.engine.chat_template import ChatTemplate, Message, Tokenizer, special_marks
from bot.engine.escaping import escape_common_marks, escape_labels, escape_marks
from bot.errors import UserError
from bot.texts import question_too_long

_MAX_NAME = 32  # characters; Discord's own limit
NAMELESS = "Somebody"
"""Who speaks where no name can be shown."""
_SUMMARY_LABEL = "What was said before, in short:"
_CONTEXT_LABEL = "What people have said here to each other:"


@dataclass(frozen=True)
class PromptFormat:
    """How a conversation is rendered; `kind` is a PROMPT_FORMAT.

    `chat` is the tokenizer's chat template. `plain` is lines that begin with the labels `user` and `assistant`. `auto`
    is the template where there is one.
    """

    kind: str = "auto"
    user: str = "User:"
    assistant: str = "Assistant:"
    template: ChatTemplate | None = None
    """How the chat template is used, once `resolve` has found it out."""

    @property
    def labels(self) -> tuple[str, str]:
        """The labels of the plain format."""
        return self.user, self.assistant

    def is_plain(self, tokenizer: Tokenizer) -> bool:
        """Whether prompts are rendered as plain lines."""
        return self.kind == "plain" or (self.kind == "auto" and not tokenizer.chat_template)

    def resolve(self, tokenizer: Tokenizer) -> "PromptFormat":
        """The format with how the tokenizer's chat template is used; see ChatTemplate.of."""
        return replace(self, template=self.read_template(tokenizer))

    def read_template(self, tokenizer: Tokenizer) -> ChatTemplate | None:
        """How the tokenizer's chat template is used, if it is; see ChatTemplate.of."""
        return None if self.is_plain(tokenizer) else self.template or ChatTemplate.of(tokenizer)

    def stop(self, tokenizer: Tokenizer) -> tuple[str, ...]:
        """The stop strings: an answer ends where the model begins to speak for the user."""
        template = self.read_template(tokenizer)
        return template.stop if template else (f"\n{self.user}",)


AUTO = PromptFormat()


@dataclass(frozen=True)
class Exchange:
    """One earlier question and its answer. `speaker` is a display name where several people talk, else None."""

    speaker: str | None
    question: str
    answer: str


@dataclass(frozen=True)
class Remark:
    """What somebody said where a question was asked, but not to the bot."""

    speaker: str
    text: str


@dataclass(frozen=True)
class Beginning:
    """An answer that its length has ended, which the model is to continue: what was `said`.

    `tokens` are those that a model on this machine generated, its reasoning included. `digest` is that of their text,
    by which the tokenizer of another model finds that they are not its own. The text itself is not for keeping: it may
    have words that are blocked.
    """

    said: str
    tokens: tuple[int, ...] = ()
    digest: str = ""

    @classmethod
    def of_tokens(cls, said: str, tokens: tuple[int, ...], tokenizer: Tokenizer) -> Self:
        """What a model on this machine generated."""
        return cls(said, tokens, _digest(tokens, tokenizer))

    def dump(self) -> str:
        """The beginning as text, to be stored."""
        return json.dumps(astuple(self), ensure_ascii=False)

    @classmethod
    def load(cls, stored: str) -> Self:
        """The beginning that `dump` has made text of."""
        said, tokens, digest = json.loads(stored)
        return cls(said, tuple(tokens), digest)


@dataclass(frozen=True)
class Prompt:
    """Everything the model is given for one answer.

    `turns` are the earlier exchanges, oldest first; `summary` covers those before them. `context` is what others said
    before the question, oldest first. The answer goes on from its `beginning`, if there is one.
    """

    system: str
    turns: tuple[Exchange, ...]
    speaker: str | None
    question: str
    summary: str = ""
    beginning: Beginning | None = None
    context: tuple[Remark, ...] = ()


class QuestionTooLong(UserError):
    """The system prompt and the question alone exceed the token budget."""


def messages(prompt: Prompt) -> list[Message]:
    """The conversation as chat messages, the new question last. A blank system prompt has no message.

    The context stands right before the question: it differs from one question to the next, and the KV cache keeps what
    comes before it.
    """
    summary = prompt.summary and f"{_SUMMARY_LABEL} {prompt.summary}"
    system = "\n\n".join(part for part in (prompt.system, summary) if part)
    chat = [{"role": "system", "content": system}] if system else []
    for turn in prompt.turns:
        chat.append({"role": "user", "content": _with_speaker(turn.speaker, turn.question)})
        chat.append({"role": "assistant", "content": turn.answer})
    question = _with_speaker(prompt.speaker, prompt.question)
    if prompt.context:
        remarks = [_with_speaker(remark.speaker, remark.text) for remark in prompt.context]
        question = "\n".join([_CONTEXT_LABEL, *remarks, "", question])
    return [*chat, {"role": "user", "content": question}]


def truncations(prompt: Prompt) -> list[Prompt]:
    """The prompt, then ever shorter ones: without its context, its turns, the oldest first, and last its summary.

    The system prompt and the question always stay.
    """
    shorter = [replace(prompt, context=prompt.context[count:]) for count in range(len(prompt.context))]
    bare = replace(prompt, context=())
    shorter += [replace(bare, turns=bare.turns[count:]) for count in range(len(bare.turns) + 1)]
    return [*shorter, replace(shorter[-1], summary="")] if prompt.summary else shorter


def encode(prompt: Prompt, tokenizer: Tokenizer, limit: int, form: PromptFormat = AUTO) -> list[int]:
    """The token ids of `fit`."""
    _, ids = fit(prompt, tokenizer, limit, form)
    return ids


def fit(prompt: Prompt, tokenizer: Tokenizer, limit: int, form: PromptFormat = AUTO) -> tuple[Prompt, list[int]]:
    """The prompt and its token ids, at most `limit` of them, ready for the model to continue with its answer.

    A prompt over the limit is truncated; see `truncations`. No text can forge a role: the marks of the tokenizer, of
    its chat template or of the plain format, and those of common chat templates, are broken by a zero-width space.

    Raises QuestionTooLong when the system prompt and the question alone exceed `limit`, and any exception of a broken
    chat template.
    """
    template = form.read_template(tokenizer)
    special, marks = special_marks(tokenizer), template.marks if template else ()
    candidates = truncations(prompt)

    @cache
    def encoded(index: int) -> list[int]:
        candidate = candidates[index]
        chat = messages(replace(candidate, summary=escape_labels(candidate.summary, form.labels)))
        chat = [{**message, "content": escape_marks(message["content"], special, marks)} for message in chat]
        if template:
            return list(tokenizer.encode(template.render(chat, tokenizer), add_special_tokens=False))
        return _encode_plain(_render_plain(chat, form), tokenizer)

    longest = bisect_left(range(len(candidates)), True, key=lambda index: len(encoded(index)) <= limit)
    if longest < len(candidates):
        return candidates[longest], encoded(longest)
    question = len(tokenizer.encode(prompt.question, add_special_tokens=False))
    budget = limit - (len(encoded(len(candidates) - 1)) - question)
    raise QuestionTooLong(question_too_long(question, budget))


def encode_beginning(prompt: Prompt, tokenizer: Tokenizer, form: PromptFormat = AUTO) -> list[int]:
    """The token ids of an answer's beginning, to follow those of the prompt: the very ones that the model generated.

    Where it was another model, they are those of what it said.
    """
    beginning = prompt.beginning
    if beginning is None:
        return []
    if beginning.tokens and _digest(beginning.tokens, tokenizer) == beginning.digest:
        return list(beginning.tokens)
    template = form.read_template(tokenizer)
    said = escape_marks(beginning.said, special_marks(tokenizer), template.marks if template else ())
    return list(tokenizer.encode(said, add_special_tokens=False))


def _digest(tokens: Sequence[int], tokenizer: Tokenizer) -> str:
    return sha256(tokenizer.decode(list(tokens)).encode()).hexdigest()


def server_messages(prompt: Prompt, limit: int) -> list[list[Message]]:
    """The conversation as chat messages for a server, then ever shorter ones, in case the server finds them too long.

    An answer's beginning is the last message. The tokenizer is the server's, so the limit counts estimated tokens, of
    four bytes of UTF-8 each. The marks of common chat templates are broken by a zero-width space. Raises
    QuestionTooLong when the system prompt and the question alone exceed the limit.
    """
    escape_marks = cache(escape_common_marks)  # most turns are in most candidates
    beginning = [{"role": "assistant", "content": prompt.beginning.said}] if prompt.beginning else []
    candidates = []
    for candidate in truncations(prompt):
        chat = [*messages(candidate), *beginning]
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
    return f"{_shown_name(speaker)}: {text}" if speaker else text


def speakers(prompt: Prompt) -> set[str]:
    """The names that the model reads before what people say."""
    names = [*(turn.speaker for turn in prompt.turns), *(remark.speaker for remark in prompt.context), prompt.speaker]
    return {_shown_name(name) for name in names if name}


def _shown_name(speaker: str) -> str:
    return clean_name(speaker) or NAMELESS


def clean_name(name: str, longest: int = _MAX_NAME) -> str:
    """A name on one line, without invisible or text-reversing characters, or the colon that would end it.

    Empty if nothing of it is visible.
    """
    visible = "".join(" " if char.isspace() else char for char in name if char.isspace() or char.isprintable())
    return " ".join(visible.replace(":", " ").split())[:longest].rstrip()


def _render_plain(chat: Sequence[Message], form: PromptFormat) -> str:
    """The plain format: the system prompt, then lines `User: …` and `Assistant: …`, ending in `Assistant:`."""
    labels = {"user": form.user, "assistant": form.assistant}
    lines = []
    for message in chat:
        if message["role"] == "system":
            lines.append(message["content"])
        else:
            lines.append(f"{labels[message['role']]} {escape_labels(message['content'], form.labels)}")
    return "\n".join([*lines, form.assistant])


def _encode_plain(text: str, tokenizer: Tokenizer) -> list[int]:
    """The text with what the tokenizer puts before it, such as <s>, but not what it puts after it, such as </s>."""
    ids, alone = list(tokenizer.encode(text)), list(tokenizer.encode(text, add_special_tokens=False))
    ends = (end for end in range(len(alone), len(ids)) if ids[end - len(alone) : end] == alone)
    return ids[: next(ends, len(ids))]
