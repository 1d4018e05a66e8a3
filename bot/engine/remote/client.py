"""One server's HTTP API: which model it has, and an answer as a stream of pieces."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from bot.engine import ModelError, Sampling, Thought
from bot.engine.chat_template import Message
from bot.engine.reasoning import ReasoningParser

try:
    import openai
except ImportError:
    raise ModelError(
        "ENGINE_URL takes a further package. Run: pip install openai, or, in Parley's folder, pip install '.[remote]'"
    ) from None

log = logging.getLogger(__name__)

_CONNECT_TIMEOUT = 5.0  # seconds
_MOST_CHARACTERS = 32  # of an answer, per token that it may have; most texts have three or four
_REFUSED = (400, 413, 422)  # status codes that blame the request, not the server
_NO_MODEL_LIST = (404, 405, 501)  # status codes of a server that does not list its models
_ABOUT_LENGTH = ("context length", "context_length", "context size", "context window", "too long", "maximum context")


class RequestFailed(Exception):
    """A server gave no answer, or only a part of it. The text says why, without quoting the request.

    `refused`: the server does not accept the request, but is well.
    """

    def __init__(self, reason: str, *, refused: bool = False) -> None:
        super().__init__(reason)
        self.refused = refused


class ContextExceeded(Exception):
    """The prompt, or the prompt with the answer so far, is too long for the server's context."""


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
        self._configured_model = model
        self._timeout = timeout
        self._extras: dict[str, Any] = {"stream_options": {"include_usage": True}}
        if repetition_penalty:
            self._extras["repetition_penalty"] = repetition_penalty
        self._accepts_extras = True
        self._openai = openai.AsyncOpenAI(
            base_url=url,
            api_key=api_key or "none",
            max_retries=0,
            timeout=openai.Timeout(timeout, connect=_CONNECT_TIMEOUT),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._openai.close()

    async def find_model(self) -> None:
        """Set `model`. Raises ModelError where the configuration is wrong, or RequestFailed where a retry may help."""
        try:
            models = await self._list_models()
        except openai.APIStatusError as error:
            if error.status_code in (401, 403):
                raise ModelError(
                    f"The engine at {self.url} refuses the key (HTTP {error.status_code}). Set ENGINE_API_KEY to one"
                    " that it takes."
                ) from error
            if not self._configured_model and error.status_code not in _NO_MODEL_LIST:
                raise RequestFailed(_reason(error)) from error
            models = []
        except Exception as error:  # a server can send anything
            raise RequestFailed(_reason(error)) from error
        if self._configured_model and models and self._configured_model not in models:
            log.warning(
                "The engine at %s lists no model %s, but: %s.", self.url, self._configured_model, ", ".join(models)
            )
        self.model = self._configured_model or self._only(models)
        log.info("The engine at %s has the model %s.", self.url, self.model)

    async def generate(self, chat: Sequence[Message], sampling: Sampling) -> AsyncGenerator[str]:
        """The pieces of an answer. Raises ContextExceeded, or RequestFailed whatever else goes wrong.

        An answer that the server does not end is cut off where it is longer than `max_new_tokens` could make it.
        """
        parser = ReasoningParser()
        finished, usage = False, None
        left = _MOST_CHARACTERS * sampling.max_new_tokens
        now = asyncio.get_running_loop().time
        deadline = now() + self._timeout
        try:
            async with asyncio.timeout_at(deadline):
                opened = await self._open(chat, sampling)
            async with opened as chunks:
                while left > 0:
                    async with asyncio.timeout_at(deadline):
                        chunk = await anext(chunks, None)
                    if chunk is None:
                        break
                    usage = getattr(chunk, "usage", None) or usage  # some servers send it with each chunk
                    for choice in chunk.choices or ():
                        finished = finished or choice.finish_reason is not None
                        reasoning, said = (_reasoning(choice.delta) or "")[:left], (choice.delta.content or "")[:left]
                        if reasoning:
                            yield Thought(reasoning)
                        for piece in parser.push(said):
                            yield piece
                        if reasoning or said:  # a server may keep silent with empty chunks or comments, too
                            left -= len(reasoning) + len(said)
                            deadline = now() + self._timeout
                else:
                    finished = True
                    log.warning("The engine at %s did not end an answer at MAX_NEW_TOKENS; it is cut off.", self.url)
            for piece in parser.finish():
                yield piece
            self._record_usage(usage)
        except Exception as error:  # each kind of malformed answer fails in its own way
            if _is_about_length(error):
                raise ContextExceeded from error
            refused = getattr(error, "status_code", None) in _REFUSED
            raise RequestFailed(_reason(error), refused=refused) from error
        if not finished:
            raise RequestFailed("its answer has no end")

    async def _list_models(self) -> list[str]:
        async with asyncio.timeout(3 * _CONNECT_TIMEOUT):  # else a list could go on without end
            return [model.id async for model in await self._openai.models.list(timeout=_CONNECT_TIMEOUT)]

    def _only(self, models: Sequence[str]) -> str:
        if len(models) == 1:
            return models[0]
        some = f"has several models ({', '.join(models)})" if models else "does not say which model it has"
        raise ModelError(f"The engine at {self.url} {some}. Set ENGINE_MODEL to the one to ask.")

    async def _open(self, chat: Sequence[Message], sampling: Sampling) -> Any:
        """The stream of an answer's chunks. Extras that the server rejects are left out from then on."""
        if self.model is None:
            self.model = self._configured_model or self._only(await self._list_models())
        extras = self._extras | ({"top_k": sampling.top_k} if sampling.top_k else {})
        request: dict[str, Any] = {
            "model": self.model,
            "messages": chat,
            "stream": True,
            "max_tokens": sampling.max_new_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            **({} if sampling.seed is None else {"seed": sampling.seed}),
        }
        completions = self._openai.chat.completions
        if self._accepts_extras:
            try:
                return await completions.create(**request, extra_body=extras)
            except (openai.BadRequestError, openai.UnprocessableEntityError) as refusal:
                if _is_about_length(refusal):
                    raise
        chunks = await completions.create(**request)
        if self._accepts_extras:
            log.warning("The engine at %s does not know all of %s; they are left out.", self.url, ", ".join(extras))
            self._accepts_extras = False
        return chunks

    def _record_usage(self, usage: Any) -> None:
        tokens = getattr(usage, "prompt_tokens", None)
        if tokens:
            cached = getattr(getattr(usage, "prompt_tokens_details", None), "cached_tokens", None) or 0
            self.prompt_tokens_cached = (self.prompt_tokens_cached or 0) + cached
            self.prompt_tokens_read = (self.prompt_tokens_read or 0) + tokens - cached


def _reasoning(delta: Any) -> str | None:
    """The reasoning that some servers send apart from the answer, under either name."""
    return getattr(delta, "reasoning_content", None) or getattr(delta, "reasoning", None)


def _is_about_length(error: Exception) -> bool:
    if not isinstance(error, openai.APIError):
        return False
    if getattr(error, "status_code", None) == 413:
        return True
    text = f"{error.code} {error.message}".casefold()
    return getattr(error, "status_code", 400) in _REFUSED and any(words in text for words in _ABOUT_LENGTH)


def _reason(error: Exception) -> str:
    """Why a request failed, without the server's own words, which may quote the request."""
    match error:
        case openai.AuthenticationError() | openai.PermissionDeniedError():
            return f"HTTP {error.status_code}, it refuses ENGINE_API_KEY"
        case openai.NotFoundError():
            return "HTTP 404, it does not know that address or ENGINE_MODEL"
        case openai.APIStatusError():
            return f"HTTP {error.status_code}"
        case openai.APITimeoutError() | TimeoutError():
            return "it said nothing for too long"
        case openai.APIConnectionError():
            return f"no connection ({error.__cause__ or error})"
        case ModelError():
            return str(error)
    return type(error).__name__
