"""One server's HTTP API: which model it has, and an answer as a stream of pieces."""

import asyncio
import difflib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from typing import Any

from bot.engine import ModelError, Sampling, Thought
from bot.engine.chat_template import Message
from bot.engine.reasoning import ReasoningParser
from bot.engine.remote.chunks import Chunk, read_chunks
from bot.engine.remote.errors import REFUSED, ContextExceeded, RequestFailed, ServerError, describe, shorten
from bot.engine.remote.refusals import CONTINUATION, Refused, Request, build_request, suspects

try:
    import openai
except ImportError:
    raise ModelError(
        "ENGINE_URL takes a further package. Run: pip install openai, or, in Parley's folder, pip install '.[remote]'"
    ) from None

log = logging.getLogger(__name__)

_CONNECT_TIMEOUT = 5.0  # seconds
_USAGE_TIMEOUT = 2.0  # seconds from an answer's end to the report of its usage
_MOST_CHARACTERS = 32  # of an answer, per token that it may have; most texts have three or four
_NO_MODEL_LIST = (404, 405, 501)  # status codes of a server that does not list its models
_MOST_NAMES = 5  # of models, in one sentence


class Client:
    """Asks one server. `model` is the name to ask for, or None for the only one that the server has.

    `repetition_penalty` is sent if it is set. `timeout` is in seconds without a piece of the answer.
    """

    def __init__(
        self, url: str, *, model: str | None, api_key: str | None, repetition_penalty: float | None, timeout: float
    ) -> None:
        self.url = url
        self.model: str | None = None
        """The model that is asked, once that is known."""
        self.prompt_tokens_cached: int | None = None
        """Prompt tokens from the server's prefix cache since the start; None until the server reports any usage."""
        self.prompt_tokens_read: int | None = None
        """The other prompt tokens."""
        self.continues = False
        """Whether the server is known to continue a last message of the assistant."""
        self.refused: Refused = frozenset()
        """What the server was found to refuse of a request."""
        self._configured_model = model
        self._owner = ""  # of the model, as the server says, which is the name of its own program
        self._api_key = api_key or ""
        self._repetition_penalty = repetition_penalty
        self._timeout = timeout
        self._openai = openai.AsyncOpenAI(
            base_url=url,
            api_key=api_key or "none",
            max_retries=0,
            timeout=openai.Timeout(timeout, connect=_CONNECT_TIMEOUT),
            http_client=openai.DefaultAsyncHttpxClient(event_hooks={"response": [_check_redirect]}),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._openai.close()

    async def find_model(self) -> None:
        """Set `model`. Raises ModelError where the configuration is wrong, or RequestFailed where a retry may help."""
        models: dict[str, str] = {}
        try:
            models = await self._list_models()
        except Exception as error:  # a server can send anything
            if isinstance(error, ServerError) and error.status in (401, 403) and not error.is_page:
                raise ModelError(
                    f"The engine at {self.url} refuses the key (HTTP {error.status}). Set ENGINE_API_KEY to one that it"
                    " takes."
                ) from error
            if not isinstance(error, ServerError) or (
                not self._configured_model and error.status not in _NO_MODEL_LIST
            ):
                raise describe(error, self._api_key) from error
            log.warning("The engine at %s does not list its models: %s.", self.url, describe(error, self._api_key))
        if self._configured_model and models and self._configured_model not in models:
            similar = difflib.get_close_matches(self._configured_model, models, _MOST_NAMES) or [*models]
            log.warning(
                "The engine at %s lists no model %s, but: %s.", self.url, self._configured_model, _some(similar)
            )
        self._choose(models)
        log.info("The engine at %s has the model %s.", self.url, self.model)

    async def generate(self, chat: Sequence[Message], sampling: Sampling) -> AsyncGenerator[str | None]:
        """The pieces of an answer, and None behind them if its length has ended it.

        If the chat ends with a message of the assistant, which only a server that `continues` is to be given, the
        pieces are what follows that. Raises ContextExceeded, or RequestFailed whatever else goes wrong.

        If the server refuses a part of the request, it is asked without that, now and from then on. An answer that the
        server does not end is cut off where it is longer than `max_new_tokens` could make it.
        """
        try:
            if self.model is None:
                self._choose({} if self._configured_model else await self._list_models())
            async with aclosing(self._negotiate(chat, sampling)) as pieces:
                async for piece in pieces:
                    yield piece
        except Exception as error:  # each kind of malformed answer fails in its own way
            if isinstance(error, ServerError) and error.is_about_length:
                raise ContextExceeded from error
            if isinstance(error, ServerError) and error.status in REFUSED and _continues(chat):
                self.continues = False
            written = "\n".join([self._api_key, *(message["content"] for message in chat)])
            raise describe(error, written) from error

    def _choose(self, models: Mapping[str, str]) -> None:
        self.model = self._configured_model or self._only([*models])
        self._owner = models.get(self.model, "")
        self.continues = self._owner in CONTINUATION

    async def _list_models(self) -> dict[str, str]:
        """The models' names, and whom they are of."""
        async with asyncio.timeout(3 * _CONNECT_TIMEOUT):  # else a list could go on without end
            with _translated():
                response = await self._openai.models.with_raw_response.list(timeout=_CONNECT_TIMEOUT)
        try:
            listed = response.http_response.json()
            models = listed if isinstance(listed, list) else listed["data"] or ()
            return {str(model["id"]): str(model.get("owned_by")) for model in models}
        except (ValueError, LookupError, TypeError, AttributeError):
            raise ServerError(response.status_code, response.text) from None

    def _only(self, models: Sequence[str]) -> str:
        if len(models) == 1:
            return models[0]
        if models:
            raise ModelError(f"The engine at {self.url} has several models ({_some(models)}). Set ENGINE_MODEL to one.")
        raise ModelError(
            f"The engine at {self.url} does not say which model it has. Set ENGINE_MODEL to the one to ask. If it has"
            " none, see whether ENGINE_URL is the address of its API, which usually ends in /v1."
        )

    async def _negotiate(self, chat: Sequence[Message], sampling: Sampling) -> AsyncGenerator[str | None]:
        """The pieces of an answer, to a request without the parts that the server refuses."""
        refused, suspected, tried, begun = self.refused, Refused(), list[Refused](), False
        last = ""
        while True:
            request = build_request(self.model, chat, sampling, self._repetition_penalty, refused)
            if _continues(chat):
                request |= CONTINUATION[self._owner]
            try:
                async with aclosing(self._ask(request, sampling.max_new_tokens)) as pieces:
                    async for piece in pieces:
                        if not begun:
                            begun = True
                            self._remember(refused)
                        yield piece
                return
            except ServerError as error:
                if begun or error.is_about_length:
                    raise
                if error.text == last:
                    refused -= suspected  # it was not that
                found = next((each for each in suspects(request, error) if each not in tried), None)
                if found is None:
                    raise
                last, suspected = error.text, found
                tried.append(suspected)
                refused |= suspected

    async def _ask(self, request: Request, max_new_tokens: int) -> AsyncGenerator[str | None]:
        """The pieces of the answer to one request. Raises ServerError for an error that the server reports."""
        parser = ReasoningParser()
        finished, cut, usage = False, False, None
        left = _MOST_CHARACTERS * max_new_tokens
        now = asyncio.get_running_loop().time
        deadline = now() + self._timeout
        try:
            async with self._open(request, deadline) as chunks:
                while left > 0:
                    async with asyncio.timeout_at(deadline):
                        chunk = await anext(chunks, None)
                    if chunk is None:
                        break
                    cut = chunk.cut or cut
                    usage = chunk.usage or usage  # some servers send it with each chunk
                    reasoning, said = chunk.reasoning[:left], chunk.said[:left]
                    if reasoning:
                        yield Thought(reasoning)
                    for piece in parser.push(said):
                        yield piece
                    if reasoning or said:  # a server may keep silent with empty chunks or comments, too
                        left -= len(reasoning) + len(said)
                        deadline = now() + self._timeout
                    if chunk.finished and not finished:
                        finished, deadline = True, now() + _USAGE_TIMEOUT
                else:
                    finished = True
                    log.warning("The engine at %s did not end an answer at MAX_NEW_TOKENS; it is cut off.", self.url)
        except Exception:
            if not finished:  # else only the report of its usage is missing
                raise
        for piece in parser.finish():
            yield piece
        self._record_usage(usage)
        if not finished:
            raise RequestFailed("its answer has no end")
        if cut:
            yield None

    @asynccontextmanager
    async def _open(self, request: Request, deadline: float) -> AsyncIterator[AsyncGenerator[Chunk]]:
        """The chunks of a response, which has to begin before the deadline."""
        body = {name: value for name, value in request.items() if name not in ("model", "messages")}
        response = None
        try:
            async with asyncio.timeout_at(deadline):
                with _translated():
                    manager = self._openai.chat.completions.with_streaming_response.create(
                        model=request["model"], messages=request["messages"], extra_body=body
                    )
                    response = await manager.__aenter__()
            async with aclosing(read_chunks(response.iter_bytes())) as chunks:
                yield chunks
        finally:
            if response is not None:
                await response.close()

    def _remember(self, refused: Refused) -> None:
        if new := refused - self.refused:
            log.warning(
                "The engine at %s refuses %s. From now on it is asked without that.",
                self.url,
                " and ".join(sorted(new)),
            )
            self.refused |= new

    def _record_usage(self, usage: Any) -> None:
        if isinstance(usage, dict) and (tokens := usage.get("prompt_tokens")):
            cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
            self.prompt_tokens_cached = (self.prompt_tokens_cached or 0) + cached
            self.prompt_tokens_read = (self.prompt_tokens_read or 0) + tokens - cached


@contextmanager
def _translated() -> Iterator[None]:
    """Raise what the client library raises as errors that do not depend on it."""
    try:
        yield
    except openai.APIStatusError as error:
        raise ServerError(error.status_code, error.response.text, error.response.headers) from error
    except openai.APITimeoutError as error:
        raise TimeoutError from error
    except openai.APIConnectionError as error:
        if isinstance(error.__cause__, RequestFailed):
            raise error.__cause__ from None
        raise ConnectionError(str(error.__cause__ or error)) from error


async def _check_redirect(response: Any) -> None:
    """Refuse a redirect that would take the question elsewhere, lose the key, or turn the request into a GET."""
    if not response.has_redirect_location:
        return
    here, there = response.url, response.url.join(response.headers["location"])
    ports = {(here.scheme, here.port), ("https", None) if here.port is None else ()}
    keeps_method = response.request.method == "GET" or response.status_code in (307, 308)
    if there.host != here.host or (there.scheme, there.port) not in ports or not keeps_method:
        place = str(there.copy_with(userinfo=b"", query=None, fragment=None))
        address = place.removesuffix("/models").removesuffix("/chat/completions")
        raise RequestFailed(
            f"HTTP {response.status_code}, it redirects to {shorten(place)}",
            todo=f"If that is the server, and not a login, set ENGINE_URL to {address}.",
        )


def _continues(chat: Sequence[Message]) -> bool:
    return chat[-1]["role"] == "assistant"


def _some(models: Sequence[str]) -> str:
    more = len(models) - _MOST_NAMES
    return shorten(", ".join(models[:_MOST_NAMES])) + (f" and {more} more" if more > 0 else "")
