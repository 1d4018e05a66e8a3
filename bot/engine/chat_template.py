"""A tokenizer's chat template: how it is used, found by rendering a sample, and its marks. Pure functions."""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Self, TypeAlias

from bot.engine.escaping import normalize

Tokenizer: TypeAlias = Any
"""A `transformers` tokenizer; that library's own types are too loose to check against."""

Message: TypeAlias = dict[str, str]
"""A chat message: `role` (system, user or assistant) and `content`."""

_WORDS = _SYSTEM, _QUESTION, _ANSWER, _FOLLOW_UP = (
    "sampleinstructions",
    "samplequestion",
    "sampleanswer",
    "samplefollowup",
)
_SAMPLE = [
    {"role": role, "content": word} for role, word in zip(("system", "user", "assistant", "user"), _WORDS, strict=True)
]
_PART = re.compile(r"""["']text["']: ["']""")  # in the text of a template that does not take typed parts apart
_MARK_LIKE = re.compile(r"<.*>|\[.*\]")
_MARK_BREAK = re.compile(r"[\r\n]+|(?<=[\]>])\s*(?=[\[<])")  # between two marks of a template


@dataclass(frozen=True)
class ChatTemplate:
    """How a tokenizer's chat template is used. The defaults are those of most templates."""

    typed: bool = False
    """Whether it reads content as a list of typed parts, not as a string."""
    system_role: bool = True
    """Whether it takes system messages. Otherwise, the system prompt goes into the first question."""
    history: bool = True
    """Whether it shows earlier turns."""
    opening: str = ""
    """What it puts before an answer, where it has no generation prompt that ends a prompt with it; else blank."""
    marks: tuple[str, ...] = ()
    """Its role marks that are no tokens, such as `[/INST]` or `### Response:`."""
    stop: tuple[str, ...] = ()
    """Those of these marks that follow an answer, where the model would go on with another turn."""

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> Self:
        """How this tokenizer's chat template is used: as it shows the most words of a sample.

        Raises ValueError where the template leaves out the question, and any exception of a broken template.
        """
        shown: dict[Self, set[str]] = {}
        failed: dict[Self, Exception] = {}
        for template in (cls(typed, system_role) for typed, system_role in product((False, True), (True, False))):
            try:
                text = template.render(_SAMPLE, tokenizer)
            except Exception as error:  # a template can raise anything
                failed[template] = error
                continue
            words = {word for word in _WORDS if word in text}
            if {_SYSTEM, _FOLLOW_UP} <= words and not _PART.search(text):
                shown[template] = words
        if not shown:
            raise failed.get(cls(system_role=False)) or ValueError("it leaves out what people write.")
        best = max(shown, key=lambda template: len(shown[template]))
        best = replace(best, history={_QUESTION, _ANSWER} <= shown[best], opening=best._find_missing_opening(tokenizer))
        special = special_marks(tokenizer)
        text = best.render(_SAMPLE, tokenizer)
        marks = [mark for stretch in _between_words(text) for mark in _plain_marks(stretch, special)]
        after_answer = _between_words(text.partition(_ANSWER)[2])[0]
        return replace(
            best,
            marks=tuple(dict.fromkeys([*marks, *map(normalize, marks)])),
            stop=tuple(_as_stop(mark, after_answer) for mark in _plain_marks(after_answer, special)),
        )

    def render(self, chat: Sequence[Message], tokenizer: Tokenizer) -> str:
        """The conversation's text, ready for an answer."""
        if self.opening:
            return self._render_up_to_answer(chat, tokenizer)
        return self._apply(chat, tokenizer, add_generation_prompt=True)

    def remarks(self) -> list[str]:
        """What the operator should know of it, each as the end of a sentence."""
        remarks = []
        if self.opening:
            remarks.append(f"has no generation prompt, so {self.opening!r}, which it puts before an answer, is added")
        if not self.history:
            remarks.append("leaves out earlier turns, so the model remembers nothing")
        return remarks

    def _render_up_to_answer(self, chat: Sequence[Message], tokenizer: Tokenizer) -> str:
        """The text that the template puts before an answer to this conversation; blank where it shows no answer."""
        text = self._apply([*chat, {"role": "assistant", "content": _ANSWER}], tokenizer)
        # A space belongs to the answer: tokenizers make one token of it and the first word.
        return text.rpartition(_ANSWER)[0].rstrip(" ")

    def _apply(self, chat: Sequence[Message], tokenizer: Tokenizer, **options: bool) -> str:
        if not self.system_role and chat[0]["role"] == "system":
            chat = merge_system(chat)
        content: list[dict[str, Any]] = [
            {**message, "content": [{"type": "text", "text": message["content"]}] if self.typed else message["content"]}
            for message in chat
        ]
        return str(tokenizer.apply_chat_template(content, tokenize=False, **options))

    def _find_missing_opening(self, tokenizer: Tokenizer) -> str:
        bare, prompt = (self._apply(_SAMPLE, tokenizer, add_generation_prompt=add) for add in (False, True))
        if prompt == bare:
            with suppress(Exception):  # a template may refuse a conversation that ends with an answer
                opened = self._render_up_to_answer(_SAMPLE, tokenizer)
                if not prompt.startswith(opened.rstrip()):
                    return opened.rpartition(_FOLLOW_UP)[2].removeprefix(prompt.rpartition(_FOLLOW_UP)[2])
        return ""


def merge_system(chat: Sequence[Message]) -> list[Message]:
    """The chat with its system message at the beginning of the first question, for models without a system role."""
    system, question, *others = chat
    return [{**question, "content": f"{system['content']}\n\n{question['content']}"}, *others]


def special_marks(tokenizer: Tokenizer) -> list[str]:
    """The strings that the tokenizer turns into tokens with a meaning beyond text, as they are and normalized.

    Not only those declared special, as a fine-tune's `<|im_start|>` is often added without. But an added word, such as
    a name that a fine-tune should know, is text, and so is an ordinary one that was chosen for padding.
    """
    padding, end, ordinary = tokenizer.pad_token_id, tokenizer.eos_token_id, tokenizer.vocab_size
    marks = [
        token.content
        for id_, token in tokenizer.added_tokens_decoder.items()
        if (token.special and not (id_ == padding != end and id_ < ordinary)) or _MARK_LIKE.fullmatch(token.content)
    ]
    return list(dict.fromkeys([*marks, *map(normalize, marks)]))


def _between_words(text: str) -> list[str]:
    """What a template puts around the words of the sample."""
    return re.split("|".join(_WORDS), text)


def _plain_marks(stretch: str, special: Sequence[str]) -> list[str]:
    """The marks in a stretch of a template that are not special ones.

    Without punctuation, it is a word: the `assistant` of ChatML, which is no mark without the token before it.
    """
    tokens = "|".join(map(re.escape, sorted(special, key=len, reverse=True))) or "(?!)"
    pieces = [mark for text in re.split(tokens, stretch) for mark in _MARK_BREAK.split(text)]
    marks = [re.sub(r"(?<=[\]>])\w+$", "", piece.strip()) for piece in pieces]
    return [mark for mark in marks if re.search(r"\w", mark) and re.search(r"[^\w\s]", mark)]


def _as_stop(mark: str, stretch: str) -> str:
    """The stop string for a mark: a label, which may also stand in a sentence, with the white space before it."""
    if not mark[0].isalnum():
        return mark
    before = stretch[: stretch.index(mark)]
    return (before[-1] if before[-1:].isspace() else "\n") + mark
