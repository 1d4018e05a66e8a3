"""The engine on this machine's CPU: one thread that loads the model and then runs all requests together."""

import asyncio
import logging
import queue
import sys
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Protocol, Self

from bot.engine import (
    Beginning,
    Description,
    EngineError,
    ModelError,
    NoAnswer,
    NotContinuable,
    Sampling,
    Status,
    Stream,
)
from bot.engine.local.attention import Unsupported
from bot.engine.local.compatibility import probe
from bot.engine.local.kv_cache import KVCache
from bot.engine.local.scheduler import Scheduler
from bot.engine.local.sequence import Request, Sequence
from bot.engine.local.sequential import SequentialRunner
from bot.engine.models import loading, memory
from bot.engine.models.digest import digest
from bot.engine.models.loading import LoadedModel
from bot.engine.models.locate import locate
from bot.engine.prompt import AUTO, Prompt, PromptFormat, QuestionTooLong, encode, encode_beginning, fit
from bot.engine.throughput import Throughput
from bot.errors import UserError
from bot.texts import NO_ROOM_LEFT

log = logging.getLogger(__name__)

_MAX_FAILURES = 3  # in a row, without a sequence that finished in between
_KNOWN_GOOD = Prompt("", (), None, "Hello!")
_MIN_PROMPT = 64  # tokens; the least that MAX_PROMPT_TOKENS may be


class Runner(Protocol):
    """A Scheduler or a SequentialRunner."""

    @property
    def free_slots(self) -> int: ...
    @property
    def busy(self) -> bool: ...
    def add(self, sequence: Sequence) -> None: ...
    def step(self) -> list[Sequence]: ...


class LocalEngine:
    """Loads a model in a thread of its own and generates there, up to `max_batch` answers at once.

    `max_prompt_tokens` bounds each prompt, as does the model's context less `max_new_tokens`. `precision` is a
    MODEL_PRECISION. `repetition_penalty` None is the model's own. `base` is a LoRA adapter's base model, where that is
    not the one it names. `digested`: the status has the weights' digest, which takes seconds at the start. `form` is
    how conversations are rendered. `close_timeout` is how many seconds `close` waits for the thread.

    Use it with `async with`. Entering raises ModelError where no model is found on the disk, and starts loading.
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
        digested: bool = False,
        form: PromptFormat = AUTO,
        close_timeout: float = 3.0,
    ) -> None:
        self._name = name
        self._max_prompt_tokens = max_prompt_tokens
        self._max_new_tokens = max_new_tokens
        self._max_batch = max_batch
        self._precision = precision
        self._repetition_penalty = repetition_penalty
        self._base = base
        self._digested = digested
        self._digest = ""
        self._form = form
        self._close_timeout = close_timeout
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="engine")
        self._inbox: queue.SimpleQueue[Request | None] = queue.SimpleQueue()  # None: the engine is closing
        self._waiting: deque[Request] = deque()
        self._streams: set[Stream] = set()
        self._cache: KVCache | None = None
        self._cache_bytes = 0
        self._throughput = Throughput()
        self._failures = 0
        self._closed = False
        self._validated = asyncio.Event()
        self._broken: BaseException | None = None

    async def __aenter__(self) -> Self:
        locate(self._name)
        self._loop = asyncio.get_running_loop()
        self._loading = self._executor.submit(self._load)
        self._worker = asyncio.wrap_future(self._executor.submit(self._work))
        self._ready = asyncio.wrap_future(self._loading)
        self._ready.add_done_callback(lambda _: self._validated.set())
        # Retrieved here, so that asyncio does not log a failure which nobody waits for.
        for future in (self._ready, self._worker):
            future.add_done_callback(lambda future: future.cancelled() or future.exception())
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    async def ready(self) -> None:
        """Return when the model is loaded. Raises ModelError when it cannot be."""
        await asyncio.shield(self._ready)

    async def validated(self) -> None:
        """Return when the model has been checked but for its weights; see Engine. Raises ModelError."""
        await self._validated.wait()
        if self._ready.done():
            self._ready.result()

    async def wait_failed(self) -> None:
        """Wait until the engine fails for good; see Engine."""
        try:
            await asyncio.shield(self._worker)
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
            self._throughput.touch()
        self._streams.add(stream)
        stream.ahead = max(0, len(self._streams) - self._max_batch)
        self._inbox.put(Request(prompt, sampling, stream))
        # Checked last: the thread sets it first and then ends the streams it sees.
        if self._broken:
            self._end(stream, self._broken)
        return stream

    def status(self) -> Status:
        """What the engine is doing now; see Status."""
        loaded = self._ready.done() and not self._ready.cancelled() and not self._ready.exception()
        cache = self._cache
        begun = [stream.begun_at is not None for stream in list(self._streams)]
        return Status(
            self._name,
            self._ready.result().precision if loaded else None,
            sum(begun),
            begun.count(False),
            self._throughput.tokens_per_second,
            self._throughput.progressed_at,
            self._throughput.tokens,
            cache.hits if cache else None,
            cache.misses if cache else None,
            self._digest,
        )

    def description(self) -> Description:
        """The loaded model; only when the engine is `ready`."""
        loaded = self._ready.result()
        return Description(
            type(loaded.model).__name__,
            loaded.parameters,
            loaded.precision,
            loaded.library,
            loaded.weight_bytes,
            self._cache_bytes,
            self._max_batch,
            self._max_length(loaded),
            loaded.form.template,
        )

    def render(self, prompt: Prompt) -> tuple[str, int]:
        """The prompt as the model gets it, marks included, and its length in tokens; only when the engine is `ready`.

        Raises QuestionTooLong.
        """
        loaded = self._ready.result()
        _, tokens = self._fit(prompt, loaded)
        return str(loaded.tokenizer.decode(tokens)), len(tokens)

    async def close(self) -> None:
        """Stop all requests and release the model.

        Waits a few seconds at most for what cannot be interrupted, such as loading.
        """
        self._closed = True
        for stream in list(self._streams):
            stream.stop()
        self._inbox.put(None)
        self._executor.shutdown(wait=False)
        done, _ = await asyncio.wait([self._worker], timeout=self._close_timeout)
        if done:
            self._executor.shutdown()  # until it has ended, its thread keeps the model in memory

    # All that follows runs in the engine's thread.

    def _load(self) -> LoadedModel:
        prepared = loading.prepare(self._name, self._precision, base=self._base, form=self._form)
        self._check_context(prepared.context)
        self._loop.call_soon_threadsafe(self._validated.set)
        loaded = prepared.load()
        if self._digested:
            self._digest = digest(loaded.files)
        length = self._max_length(loaded)
        try:
            layers = probe(loaded.model, length, loaded.precision)
        except Unsupported as reason:
            log.info("%s runs one request at a time, as it cannot be batched: %s.", self._name, reason)
            self._max_batch = 1
        else:
            size = KVCache.size(layers, self._max_batch, length, loaded.model.dtype)
            needed = (
                f"The weights of {self._name} take {loaded.weight_bytes / 1e9:.1f} GB and the KV cache of"
                f" {self._max_batch} sequences of {length} tokens {size / 1e9:.1f} GB"
            )
            memory.require(size, needed)
            log.info("%s.", needed)
            self._cache_bytes = size
            self._cache = KVCache(layers, self._max_batch, length, loaded.model.dtype)
        self._throughput.touch()
        return loaded

    def _check_context(self, context: int | None) -> None:
        if context is not None and context < self._max_new_tokens + _MIN_PROMPT:
            raise ModelError(
                f"MAX_NEW_TOKENS is {self._max_new_tokens}, but {self._name} has a context of only"
                f" {context} tokens for question and answer together. Make MAX_NEW_TOKENS smaller."
            )

    def _max_length(self, loaded: LoadedModel) -> int:
        """The most tokens of one sequence, prompt and answer together."""
        wanted = self._max_prompt_tokens + self._max_new_tokens
        return wanted if loaded.context is None else min(wanted, loaded.context)

    def _fit(self, prompt: Prompt, loaded: LoadedModel, beginning: int = 0) -> tuple[Prompt, list[int]]:
        """The prompt that leaves room for an answer, after so many tokens of its beginning, and its tokens."""
        limit = self._max_length(loaded) - self._max_new_tokens - beginning
        try:
            return fit(prompt, loaded.tokenizer, limit, loaded.form)
        except QuestionTooLong as error:
            if beginning:
                raise NotContinuable(NO_ROOM_LEFT) from error
            raise

    def _work(self) -> None:
        """Run requests until the engine is closed. Raises what it does not recover from, having ended all streams."""
        try:
            loaded = self._loading.result()
            while not self._run_until_failure(loaded):
                pass
        except BaseException as error:
            self._broken = error
            for stream in list(self._streams):
                self._end(stream, error)
            raise

    def _run_until_failure(self, loaded: LoadedModel) -> bool:
        """Run requests; returns True once the engine is closed.

        Returns False after a failure, which ends all running requests; the waiting ones can go on with a new runner.
        Raises EngineError after too many failures in a row.
        """
        if self._cache:
            self._cache.reset()
        try:
            self._run(loaded, _make_runner(loaded, self._cache, self._throughput))
        except EngineError:
            raise
        except Exception as error:
            log.exception("The engine has failed.")
            for stream in [stream for stream in list(self._streams) if stream.begun_at is not None]:
                self._end(stream, error)
            self._record_failure(loaded)
            return False
        return True

    def _run(self, loaded: LoadedModel, runner: Runner) -> None:
        closing = self._closed
        while not closing or self._waiting or runner.busy:
            # Wait for a request when there is nothing else to do; otherwise take only those that have come.
            while not closing and not (self._inbox.empty() and (self._waiting or runner.busy)):
                if request := self._inbox.get():
                    self._waiting.append(request)
                else:
                    closing = True
            for request in [request for request in self._waiting if request.stream.stopped]:
                self._waiting.remove(request)
                self._end(request.stream)
            while self._waiting and runner.free_slots:
                self._begin(self._waiting.popleft(), loaded, runner)
            for place, request in enumerate(self._waiting, 1):
                request.stream.ahead = place
            if runner.busy:
                finished = runner.step()
                for sequence in finished:
                    self._note_beginning(sequence, loaded)
                    self._end(sequence.stream, sequence.error)
                if any(sequence.error is None and not sequence.stream.stopped for sequence in finished):
                    self._failures = 0
                elif any(not isinstance(sequence.error, UserError | None) for sequence in finished):
                    self._record_failure(loaded)

    def _begin(self, request: Request, loaded: LoadedModel, runner: Runner) -> None:
        request.stream.begin()
        penalty = self._repetition_penalty or loaded.repetition_penalty
        try:
            beginning = encode_beginning(request.prompt, loaded.tokenizer, loaded.form)
            read, prompt = self._fit(request.prompt, loaded, len(beginning))
            if not prompt:  # the tokenizer knows nothing of what is asked
                raise NoAnswer
            request.stream.turns_read = len(read.turns)
            limit = self._max_length(loaded)
            runner.add(Sequence(request, prompt, loaded, beginning=beginning, penalty=penalty, limit=limit))
        except BaseException as error:  # a panic in a tokenizer's Rust code is no Exception
            self._end(request.stream, error)

    def _note_beginning(self, sequence: Sequence, loaded: LoadedModel) -> None:
        """Offer an answer that its length has ended to be continued, if there is room for more of it."""
        if sequence.cut:
            stream, tokens = sequence.stream, sequence.answer
            with suppress(NotContinuable):
                self._fit(sequence.request.prompt, loaded, len(tokens))
                stream.beginning = Beginning.of_tokens(stream.said, tokens, loaded.tokenizer)

    def _record_failure(self, loaded: LoadedModel) -> None:
        """Count a failure of the engine; one of a request, whose text may cause it, does not count.

        Raises EngineError when there are too many in a row.
        """
        self._failures = 0 if self._works(loaded) else self._failures + 1
        if self._failures >= _MAX_FAILURES:
            raise EngineError

    def _works(self, loaded: LoadedModel) -> bool:
        """Whether a known-good request is answered, in a cache of its own."""
        request = Request(_KNOWN_GOOD, Sampling(max_new_tokens=1, temperature=0), Stream(self._loop))
        try:
            prompt = encode(request.prompt, loaded.tokenizer, sys.maxsize, loaded.form)[:_MIN_PROMPT]
            length = len(prompt) + 1
            cache = KVCache(self._cache.layers, 1, length, loaded.model.dtype) if self._cache else None
            runner = _make_runner(loaded, cache, Throughput())
            runner.add(Sequence(request, prompt, loaded, penalty=1.0, limit=length))
            while not (finished := runner.step()):
                pass
            error = finished[0].error
        except BaseException as raised:
            error = raised
        if error:
            log.error("The engine does not answer a known-good request either.", exc_info=error)
        return error is None

    def _end(self, stream: Stream, error: BaseException | None = None) -> None:
        self._streams.discard(stream)
        stream.end(error)


def _make_runner(loaded: LoadedModel, cache: KVCache | None, throughput: Throughput) -> Runner:
    return Scheduler(loaded.model, cache, throughput) if cache else SequentialRunner(loaded.model, throughput)
