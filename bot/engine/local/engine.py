"""The engine on this machine's CPU: one thread that loads the model and then answers, many requests at once."""

import asyncio
import logging
import queue
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, Self

from bot.engine import Description, EngineError, ModelError, Sampling, Status, Stream
from bot.engine.local.attention import Unsupported
from bot.engine.local.compatibility import probe
from bot.engine.local.kv_cache import KVCache
from bot.engine.local.scheduler import Batch
from bot.engine.local.sequence import Answer, Request
from bot.engine.local.sequential import OneByOne
from bot.engine.models import loading
from bot.engine.models.loading import LoadedModel
from bot.engine.models.locate import find
from bot.engine.prompt import AUTO, Prompt, PromptFormat, encode
from bot.engine.throughput import Speed
from bot.errors import UserError

log = logging.getLogger(__name__)

_PATIENCE = 3.0  # seconds that closing waits for the thread
_HOPELESS = 3  # passes in a row that fail
_LEAST_PROMPT = 64  # tokens; as for MAX_PROMPT_TOKENS


class _Answering(Protocol):
    """Batch or OneByOne."""

    @property
    def room(self) -> int: ...
    @property
    def busy(self) -> bool: ...
    def join(self, answer: Answer) -> None: ...
    def step(self) -> int: ...


class LocalEngine:
    """Loads a model in a thread of its own and generates there, up to `max_batch` answers at once.

    `max_prompt_tokens` bounds each prompt, and so does what the model's context leaves beside `max_new_tokens`.
    `precision` is a MODEL_PRECISION; `repetition_penalty` None is the model's own; `base` is a LoRA adapter's base
    model, if not the one that it names; `form` is how conversations are written down for the model.
    Use it with `async with`: entering raises ModelError where there is no model to be seen, and begins to load.
    """

    def __init__(
        self,
        name: str,
        *,
        max_prompt_tokens: int = 2048,
        max_new_tokens: int = 200,
        max_batch: int = 8,
        precision: str = "auto",
        repetition_penalty: float | None = None,
        base: str | None = None,
        form: PromptFormat = AUTO,
    ) -> None:
        self._name = name
        self._max_prompt_tokens = max_prompt_tokens
        self._max_new_tokens = max_new_tokens
        self._max_batch = max_batch
        self._precision = precision
        self._repetition_penalty = repetition_penalty
        self._base = base
        self._form = form
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="engine")
        self._inbox: queue.SimpleQueue[Request | None] = queue.SimpleQueue()  # None: come to an end
        self._streams: set[Stream] = set()
        self._at_once = max_batch
        self._cache_bytes = 0
        self._speed = Speed()
        self._tokens = 0
        self._cache: KVCache | None = None
        self._progressed_at: float | None = None
        self._closed = False
        self._found = asyncio.Event()
        self._waiting: deque[Request] = deque()
        self._failures = 0  # passes in a row that ended in failure, without an answer that ended as it should between
        self._failed = self._succeeded = False  # what the pass under way has brought
        self._broken: BaseException | None = None

    async def __aenter__(self) -> Self:
        find(self._name)
        self._loop = asyncio.get_running_loop()
        self._loading = self._executor.submit(self._load)
        self._worked = asyncio.wrap_future(self._executor.submit(self._work))
        self._ready = asyncio.wrap_future(self._loading)
        self._ready.add_done_callback(lambda _: self._found.set())
        # A failure counts as heard of even if nobody is waiting for the model any more.
        for future in (self._ready, self._worked):
            future.add_done_callback(lambda future: future.cancelled() or future.exception())
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    async def ready(self) -> None:
        """Return when the model is loaded. Raises ModelError when it cannot be."""
        await asyncio.shield(self._ready)

    async def validated(self) -> None:
        """Return when nothing is known to be wrong with the model; see Engine. Raises ModelError when something is."""
        await self._found.wait()
        if self._ready.done():
            self._ready.result()

    async def wait_failed(self) -> None:
        """Wait for the engine to fail for good; see Engine."""
        try:
            await asyncio.shield(self._worked)
        except UserError:
            raise
        except Exception as error:
            raise EngineError from error

    def submit(self, prompt: Prompt, sampling: Sampling, channel: int | None = None) -> Stream:
        """Ask for an answer; see Engine. Raises RuntimeError after `close`."""
        if self._closed:
            raise RuntimeError("the engine is closed")
        stream = Stream()
        if not self._streams:
            self._progress()
        self._streams.add(stream)
        stream.ahead = max(0, len(self._streams) - self._at_once)
        self._inbox.put(Request(prompt, sampling, stream))
        if self._broken:  # looked at last, as the thread looks at the streams last
            self._end(stream, self._broken)
        return stream

    def status(self) -> Status:
        """What it is doing now; see Status."""
        loaded = self._ready.done() and not self._ready.cancelled() and not self._ready.exception()
        precision = self._ready.result()[0].precision if loaded else None
        cache = self._cache
        begun = [stream.begun_at is not None for stream in list(self._streams)]
        return Status(
            self._name,
            precision,
            sum(begun),
            begun.count(False),
            self._speed.tokens_per_second,
            self._progressed_at,
            self._tokens,
            cache.found if cache else None,
            cache.missed if cache else None,
        )

    def description(self) -> Description:
        """What has been loaded; once it is `ready`."""
        loaded, _ = self._ready.result()
        return Description(
            type(loaded.model).__name__,
            loaded.parameters,
            loaded.precision,
            loaded.weight_bytes,
            self._cache_bytes,
            self._at_once,
            self._length(loaded),
            loaded.form.is_plain(loaded.tokenizer),
        )

    def reads(self, prompt: Prompt) -> tuple[str, int]:
        """A prompt as the model reads it, marks and all, and its length in tokens; once it is `ready`.

        Raises QuestionTooLong.
        """
        loaded, _ = self._ready.result()
        tokens = self._encode(prompt, loaded)
        return str(loaded.tokenizer.decode(tokens)), len(tokens)

    async def close(self) -> None:
        """Stop all that runs or waits, and let go of the model.

        What cannot be interrupted, such as loading, is not waited for longer than a few seconds.
        """
        self._closed = True
        for stream in list(self._streams):
            stream.stop()
        self._inbox.put(None)
        self._executor.shutdown(wait=False)
        await asyncio.wait([self._worked], timeout=_PATIENCE)

    def _progress(self) -> None:
        self._progressed_at = time.monotonic()

    # All that follows runs in the engine's thread.

    def _load(self) -> tuple[LoadedModel, Callable[[], _Answering]]:
        """The model, and what makes the place where it answers."""
        loaded = loading.load(self._name, self._precision, base=self._base, form=self._form, accept=self._accept)
        length = self._length(loaded)
        try:
            layers = probe(loaded.model, length)
        except Unsupported as reason:
            log.info("%s is answered one request at a time, as it cannot be batched: %s.", self._name, reason)
            self._at_once = 1
            self._progress()
            return loaded, lambda: OneByOne(loaded.model, self._end, self._progress)
        size = KVCache.size(layers, self._max_batch, length, loaded.model.dtype)
        taken = (
            f"The weights of {self._name} take {loaded.weight_bytes / 1e9:.1f} GB and the KV cache of {self._max_batch}"
            f" sequences of {length} tokens {size / 1e9:.1f} GB"
        )
        loading.check_memory(size, taken)
        self._cache_bytes = size
        log.info("%s.", taken)
        cache = self._cache = KVCache(layers, self._max_batch, length, loaded.model.dtype)

        def batch() -> Batch:
            cache.reset()
            return Batch(loaded.model, cache, self._end)

        self._progress()
        return loaded, batch

    def _accept(self, context: int | None) -> None:
        """Note that the model is one that can be loaded, if its context is long enough."""
        if context is not None and context < self._max_new_tokens + _LEAST_PROMPT:
            raise ModelError(
                f"MAX_NEW_TOKENS is {self._max_new_tokens}, but {self._name} has a context of only"
                f" {context} tokens for question and answer together. Make MAX_NEW_TOKENS smaller."
            )
        self._loop.call_soon_threadsafe(self._found.set)

    def _length(self, loaded: LoadedModel) -> int:
        """The most tokens, prompt and answer together, of one sequence."""
        wanted = self._max_prompt_tokens + self._max_new_tokens
        return wanted if loaded.context is None else min(wanted, loaded.context)

    def _encode(self, prompt: Prompt, loaded: LoadedModel) -> list[int]:
        return encode(prompt, loaded.tokenizer, self._length(loaded) - self._max_new_tokens, loaded.form)

    def _work(self) -> None:
        """Answer until the inbox says that it is over. Raises what the engine does not recover from."""
        try:
            loaded, make = self._loading.result()
            while not self._answer_all(loaded, make()):
                pass
        except BaseException as error:
            self._broken = error
            for stream in list(self._streams):
                self._end(stream, error)
            raise

    def _answer_all(self, loaded: LoadedModel, answering: _Answering) -> bool:
        """Answer until the inbox says that it is over; then returns True.

        After a failure, which ends the answers under way, False: those that wait can still be answered. Raises
        EngineError when there are too many failures in a row.
        """
        try:
            self._answer_until_closed(loaded, answering)
        except EngineError:
            raise
        except Exception as error:
            log.exception("The engine has failed.")
            for stream in [stream for stream in list(self._streams) if stream.begun_at is not None]:
                self._end(stream, error)
            self._note_outcome()
            return False
        return True

    def _note_outcome(self) -> None:
        """Count failures in a row; raise EngineError when there is no hope."""
        self._failures = 0 if self._succeeded else self._failures + self._failed
        self._failed = self._succeeded = False
        if self._failures >= _HOPELESS:
            raise EngineError

    def _answer_until_closed(self, loaded: LoadedModel, answering: _Answering) -> None:
        waiting = self._waiting
        closing = self._closed
        while not closing or waiting or answering.busy:
            # With nothing else to do it waits for the next request, else it only takes those that are there.
            while not closing and not (self._inbox.empty() and (waiting or answering.busy)):
                if request := self._inbox.get():
                    waiting.append(request)
                else:
                    closing = True
            for request in [request for request in waiting if request.stream.stopped]:
                waiting.remove(request)
                self._end(request.stream)
            while waiting and answering.room:
                self._begin(waiting.popleft(), loaded, answering)
            for place, request in enumerate(waiting, 1):
                request.stream.ahead = place
            if answering.busy:
                started = time.perf_counter()
                self._failed = self._succeeded = False
                tokens = answering.step()
                self._speed.note(tokens, time.perf_counter() - started)
                self._tokens += tokens
                self._progress()
                self._note_outcome()

    def _begin(self, request: Request, loaded: LoadedModel, answering: _Answering) -> None:
        request.stream.begin()
        length = self._length(loaded)
        penalty = self._repetition_penalty or loaded.repetition_penalty
        try:
            prompt = self._encode(request.prompt, loaded)
            answering.join(Answer(request, prompt, loaded, penalty=penalty, limit=length))
        except Exception as error:
            self._end(request.stream, error)

    def _end(self, stream: Stream, error: BaseException | None = None) -> None:
        self._failed = self._failed or not (error is None or isinstance(error, UserError))
        self._succeeded = self._succeeded or (error is None and not stream.stopped)
        self._streams.discard(stream)
        stream.end(error)
