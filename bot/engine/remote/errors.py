"""What goes wrong with a server: what was seen, safe to log, and what the operator can do about it."""

import json
import re
import time
from collections.abc import Mapping
from email.utils import mktime_tz, parsedate_tz
from functools import cached_property
from math import inf
from typing import Any

from bot.engine import ModelError

REFUSED = (400, 413, 422)  # status codes that blame the request, not the server
_BUSY = (429, 503, 529)
_ABOUT_LENGTH = re.compile(
    r"context[ _](length|size|window)|maximum (context|(model|prompt) length)|too long|input token count"
    r"|inputs`? (tokens \+|must have less than)|max_tokens must be at least 1, got -",
    re.IGNORECASE,
)
_LONGEST_QUOTE = 200  # characters
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_WORD = re.compile(r"(?:\w|\\.)+")  # with escapes, which can stand for letters

_REACH = "See whether that server runs and can be reached from this machine."
_KEY = "Set ENGINE_API_KEY to a key that the server takes."
_ADDRESS = (
    "See whether ENGINE_URL is the address of the server's API, which usually ends in /v1, and not that of a page for"
    " people, or behind a login."
)
_LOG = "See what the server's own log says about it."
_PROXY = "A proxy answers, but not the server behind it. See whether that one runs."
_HINTS = {  # by status code: what it means, and what to do
    200: ("but no answer", _ADDRESS),
    401: ("it refuses ENGINE_API_KEY", _KEY),
    403: ("it refuses ENGINE_API_KEY", _KEY),
    404: ("it does not know that address or ENGINE_MODEL", f"{_ADDRESS} ENGINE_MODEL must be one of its models."),
    429: ("it is asked too often", "Wait until its limit allows more. A lower MAX_BATCH asks less at the same time."),
    502: ("a proxy cannot reach it", _PROXY),
    503: ("it is not ready", "Wait until it has loaded its model or has less to do, and check again."),
    504: ("a proxy cannot reach it", _PROXY),
    529: ("it has too much to do", "Wait until it has less to do, and check again."),
}


class RequestFailed(Exception):
    """A server gave no answer, or only a part of it. The text says why, and quotes nothing that people wrote.

    `todo` is what the operator can do. `refused`: the server does not accept the request, but is well. `busy`: it is
    well, but cannot answer now. `retry_after` is in seconds, where the server said it.
    """

    def __init__(
        self,
        reason: str,
        *,
        todo: str = "",
        refused: bool = False,
        busy: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(reason)
        self.todo = todo
        self.refused = refused
        self.busy = busy
        self.retry_after = retry_after


class ContextExceeded(Exception):
    """The prompt, or the prompt with the answer so far, is too long for the server's context."""


class ServerError(Exception):
    """A response that is no answer. `status` is None for an error without one that came in a stream."""

    def __init__(self, status: int | None, text: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.text = text
        self.retry_after = _retry_after((headers or {}).get("retry-after", ""))

    @cached_property
    def message(self) -> str:
        """What the server says, out of the JSON that it says it in; of a page, the title."""
        if self.is_page:
            title = _TITLE.search(self.text)
            return title[1] if title else ""
        try:
            return _message(json.loads(self.text))
        except ValueError:
            return self.text

    @property
    def is_page(self) -> bool:
        """Whether it is HTML: from a proxy, or from another program than an inference server."""
        return self.text.lstrip().startswith("<")

    @property
    def is_about_length(self) -> bool:
        """Whether the prompt is too long."""
        return self.status == 413 or (self.status in (None, *REFUSED) and bool(_ABOUT_LENGTH.search(self.text)))


def describe(error: Exception, written: str) -> RequestFailed:
    """The failure of a request; nothing of `written`, which has what people wrote and the key, is quoted."""
    match error:
        case RequestFailed():
            return error
        case ServerError():
            return _describe_response(error, written)
        case ModelError():
            return RequestFailed(str(error), todo=_ADDRESS)
        case TimeoutError():
            return RequestFailed("it said nothing for too long", todo=_REACH)
        case ConnectionError():
            return RequestFailed(f"no connection ({shorten(str(error))})", todo=_REACH)
        case ValueError() | TypeError() | AttributeError() | LookupError():
            return RequestFailed(f"it sent something that is no answer ({type(error).__name__})", todo=_ADDRESS)
    return RequestFailed(f"the connection broke ({type(error).__name__})", todo=_REACH)


def shorten(text: str) -> str:
    """The text on one line, without what cannot be printed, and not too long."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= _LONGEST_QUOTE else f"{line[:_LONGEST_QUOTE].rstrip()} …"


def no_answer(what: str) -> RequestFailed:
    """The failure of a request to which a server sent something else than an answer."""
    return RequestFailed(f"HTTP 200, but no answer: {what}", todo=_ADDRESS)


def _describe_response(error: ServerError, written: str) -> RequestFailed:
    hint, todo = _HINTS.get(error.status or 0, ("", _LOG))
    if error.is_page:
        hint, todo = "a web page", _PROXY if (error.status or 0) >= 500 else _ADDRESS
    said = shorten(_mask(error.message, written))
    reason = "an error" if error.status is None else f"HTTP {error.status}"
    reason += (f", {hint}" if hint else "") + (f": {said}" if said else "")
    if error.retry_after:
        reason += f" (to be asked again after {error.retry_after:.0f} s)"
    return RequestFailed(
        reason,
        todo=todo,
        refused=error.status in REFUSED,
        busy=error.status in _BUSY,
        retry_after=error.retry_after,
    )


def _message(body: Any) -> str:
    """The sentence in an error's JSON, which each kind of server nests in its own way; never a part of an answer."""
    if isinstance(body, str):
        return body
    if isinstance(body, list) and body:
        return _message(body[0])
    if isinstance(body, dict):
        found = next((body[key] for key in ("error", "message", "detail", "msg") if body.get(key)), None)
        return _message(found) if found else f"JSON with {', '.join(body) or 'nothing'}"
    return f"JSON with {type(body).__name__}"


def _mask(text: str, written: str) -> str:
    """The text with "…" for the words that stand in `written`, also as a part of others, and for those with escapes."""
    written = written.casefold()
    words = set(_WORD.findall(written))

    def mask(match: re.Match[str]) -> str:
        word = match[0].casefold()
        long = len(word) > 2 or not word.isascii()
        return "…" if "\\" in word or word in words or (long and word in written) else match[0]

    return re.sub(r"…(\W*…)+", "…", _WORD.sub(mask, text))


def _retry_after(header: str) -> float | None:
    """The seconds that a Retry-After header gives, as a number or as a date."""
    try:
        seconds = float(header)
    except ValueError:
        date = parsedate_tz(header)
        seconds = mktime_tz(date) - time.time() if date else 0
    return seconds if 0 < seconds < inf else None
