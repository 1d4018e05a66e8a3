"""A tokenizer's chat template, and its marks. Pure functions."""

import re
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeAlias

import jinja2

from bot.engine.escaping import normalize

Tokenizer: TypeAlias = Any
"""A `transformers` tokenizer; that library's own types are too loose to check against."""

Message: TypeAlias = dict[str, str]
"""A chat message: `role` (system, user or assistant) and `content`."""

_MARK_LIKE = re.compile(r"<.*>|\[.*\]")


def render_template(chat: Sequence[Message], tokenizer: Tokenizer) -> str:
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


def special_marks(tokenizer: Tokenizer) -> list[str]:
    """The strings that the tokenizer turns into tokens with a meaning beyond text, as they are and normalized.

    Not only those declared special, as a fine-tune's `<|im_start|>` is often added without. But an added word, such as
    a name that a fine-tune should know, is text.
    """
    marks = [
        token.content
        for token in tokenizer.added_tokens_decoder.values()
        if token.special or _MARK_LIKE.fullmatch(token.content)
    ]
    return list(dict.fromkeys([*marks, *map(normalize, marks)]))
