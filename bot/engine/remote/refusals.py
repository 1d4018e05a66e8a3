"""What a server refuses of a request: the request without that, and which part a refusal is about."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from bot.engine import Sampling
from bot.engine.chat_template import Message, merge_system
from bot.engine.remote.errors import ServerError

Request: TypeAlias = dict[str, Any]

Refused: TypeAlias = frozenset[str]
"""What is left out of requests: the system role, `max_tokens` (it has another name), or a parameter with its value.

The value matters, as a server that refuses one, such as a temperature of 0, takes another.
"""

SYSTEM_ROLE = "the system role"
_RENAMED = {"max_tokens": "max_completion_tokens"}
_NOT_OPENAIS = ("stream_options", "top_k", "repetition_penalty")  # not known to all servers that are like OpenAI's
CONTINUATION: Mapping[str, Mapping[str, bool]] = {
    "vllm": {"continue_final_message": True, "add_generation_prompt": False},
    "sglang": {"continue_final_message": True},
    "llamacpp": {},
}
"""What servers want to be sent to continue a last message of the assistant, by whom they say that their models are of.

Others may begin another answer, without a word of warning.
"""
_NEVER_LEFT_OUT = {"model", "messages", *(name for each in CONTINUATION.values() for name in each)}
_ABOUT_ROLES = re.compile(r"\broles?\b|(system|developer) (message|prompt|instruction)", re.IGNORECASE)
_SAYS_NOTHING = re.compile(r"\W*(500)?\W*(internal server error)?\W*", re.IGNORECASE)


def build_request(
    model: str | None, chat: Sequence[Message], sampling: Sampling, repetition_penalty: float | None, refused: Refused
) -> Request:
    """The body of a request, without what is refused."""
    parameters = {
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": sampling.max_new_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k or None,
        "seed": sampling.seed,
        "repetition_penalty": repetition_penalty or None,
    }
    named = {_RENAMED[name] if name in refused else name: value for name, value in parameters.items()}
    return {
        "model": model,
        "messages": merge_system(chat) if SYSTEM_ROLE in refused and _has_system(chat) else chat,
        **{name: value for name, value in named.items() if value is not None and _written(name, value) not in refused},
    }


def suspects(request: Request, error: ServerError) -> Iterator[Refused]:
    """What a server may have refused of a request, the likeliest first."""
    blamed = error.status in (400, 422)
    if blamed:
        for name in _mentioned(error.text, request):
            if name in _RENAMED:
                yield frozenset([name])
                yield frozenset([name, _written(_RENAMED[name], request[name])])
            else:
                yield _values(request, [name])
    if _has_system(request["messages"]) and (blamed or error.status in (None, 500)):
        if _ABOUT_ROLES.search(error.text):
            yield frozenset([SYSTEM_ROLE])
        elif error.status == 500 and not error.is_page and _SAYS_NOTHING.fullmatch(error.message):
            yield frozenset()  # it may have been a bad moment
            yield frozenset([SYSTEM_ROLE])
    if blamed and (names := [name for name in _NOT_OPENAIS if name in request]):
        yield _values(request, names)


def _mentioned(text: str, request: Request) -> list[str]:
    """The parameters that a refusal names, in that order, but the one in its field `param` first.

    Other names may follow as advice: "did you mean 'stream'?" Of two that exclude each other, the first is kept.
    """
    text = re.sub(r"\\+n", " ", text).replace("include_usage", "stream_options")
    text = " ".join([*re.findall(r'"param": *"([^"]*)"', text), text])
    places = {name: re.search(rf"\b{name}\b", text) for name in request if name not in _NEVER_LEFT_OUT}
    names = sorted((place.start(), name) for name, place in places.items() if place)
    return [name for _, name in (reversed(names) if "both" in text else names)]


def _values(request: Request, names: Iterable[str]) -> Refused:
    return frozenset(_written(name, request[name]) for name in names)


def _written(name: str, value: object) -> str:
    return f"{name}={value}"


def _has_system(chat: Sequence[Message]) -> bool:
    return chat[0]["role"] == "system"
