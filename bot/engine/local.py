"""The engine on this machine's CPU: one request at a time, through transformers' `generate`."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

import torch
import transformers

from bot.engine import ModelError, Sampling, Stream, loading
from bot.engine.decoder import Decoder
from bot.prompt import PLAIN_STOP, Prompt, encode


class LocalEngine:
    """Loads a model in a thread of its own and generates there, in the order asked.

    `max_prompt_tokens` bounds each prompt, and so does what the model's context leaves beside
    `max_new_tokens`. Use it with `async with`: entering raises ModelError where there is no model to be seen,
    and begins to load.
    """

    def __init__(self, name: str, *, max_prompt_tokens: int, max_new_tokens: int) -> None:
        self._name = name
        self._max_prompt_tokens = max_prompt_tokens
        self._max_new_tokens = max_new_tokens
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="engine")
        self._streams: set[Stream] = set()

    async def __aenter__(self) -> Self:
        loading.find(self._name)
        # Loading is the thread's first task, so requests made meanwhile wait behind it.
        self._loading = self._executor.submit(self._load)
        self._ready = asyncio.wrap_future(self._loading)
        # A failure counts as heard of even if nobody is waiting for the model any more.
        self._ready.add_done_callback(lambda ready: ready.cancelled() or ready.exception())
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    async def ready(self) -> None:
        """Return when the model is loaded. Raises ModelError when it cannot be."""
        await asyncio.shield(self._ready)

    def submit(self, prompt: Prompt, sampling: Sampling) -> Stream:
        """Ask for an answer; see Engine."""
        stream = Stream()
        self._streams.add(stream)
        self._executor.submit(self._answer, prompt, sampling, stream)
        return stream

    async def close(self) -> None:
        """Stop all that runs or waits, and let go of the model."""
        for stream in list(self._streams):
            stream.stop()
        await asyncio.to_thread(self._executor.shutdown)

    def _load(self) -> tuple[loading.LoadedModel, int]:
        """The model, and the most tokens that a prompt may have."""
        loaded = loading.load(self._name)
        if loaded.context is None:
            return loaded, self._max_prompt_tokens
        room = loaded.context - self._max_new_tokens
        if room <= 0:
            raise ModelError(
                f"MAX_NEW_TOKENS is {self._max_new_tokens}, but {self._name} has a context of only"
                f" {loaded.context} tokens for question and answer together. Make MAX_NEW_TOKENS smaller."
            )
        return loaded, min(self._max_prompt_tokens, room)

    def _answer(self, prompt: Prompt, sampling: Sampling, stream: Stream) -> None:
        error = None
        try:
            if not stream.stopped:
                _generate(*self._loading.result(), prompt, sampling, stream)
        except BaseException as raised:
            error = raised
        finally:
            self._streams.discard(stream)
            stream.end(error)


def _generate(loaded: loading.LoadedModel, limit: int, prompt: Prompt, sampling: Sampling, stream: Stream) -> None:
    ids = torch.tensor([encode(prompt, loaded.tokenizer, limit)])
    writer = _Writer(Decoder(loaded.tokenizer, () if loaded.tokenizer.chat_template else (PLAIN_STOP,)), stream)
    if sampling.seed is not None:
        torch.manual_seed(sampling.seed)
    with torch.inference_mode():
        loaded.model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            generation_config=_generation_config(sampling, loaded.end_tokens),
            stopping_criteria=transformers.StoppingCriteriaList([writer.wants_no_more]),
            streamer=writer,
        )


def _generation_config(sampling: Sampling, end_tokens: tuple[int, ...]) -> transformers.GenerationConfig:
    chosen: dict[str, Any] = {"do_sample": False}
    if sampling.temperature > 0:
        chosen = {
            "do_sample": True,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "top_k": sampling.top_k,
        }
    return transformers.GenerationConfig(
        max_new_tokens=sampling.max_new_tokens,
        eos_token_id=list(end_tokens),
        pad_token_id=end_tokens[0] if end_tokens else None,
        **chosen,
    )


class _Writer(transformers.generation.BaseStreamer):  # type: ignore[misc]
    """Writes what `generate` makes to the stream, as text, and tells it when to stop."""

    def __init__(self, decoder: Decoder, stream: Stream) -> None:
        self._decoder = decoder
        self._stream = stream
        self._prompt_seen = False

    def put(self, value: torch.Tensor) -> None:
        if self._prompt_seen:
            self._write(self._decoder.push(int(value)))
        self._prompt_seen = True

    def end(self) -> None:
        self._write(self._decoder.finish())

    def wants_no_more(self, ids: torch.Tensor, scores: torch.Tensor, **unused: Any) -> torch.Tensor:
        return torch.full((len(ids),), self._stream.stopped or self._decoder.stopped)

    def _write(self, text: str) -> None:
        if text:
            self._stream.put(text)
