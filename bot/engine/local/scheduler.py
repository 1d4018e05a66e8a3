"""The scheduler: which tokens of which sequences go into the next forward pass."""

import logging
import time
from typing import TypeAlias

import torch

from bot.engine.local.attention import BLOCK, Chunk, ForwardBatch
from bot.engine.local.compatibility import forward
from bot.engine.local.kv_cache import KVCache, common_prefix_length
from bot.engine.local.sequence import Sequence
from bot.engine.models import CausalLM
from bot.engine.throughput import Throughput

log = logging.getLogger(__name__)

_PASS_SECONDS = 0.4
# The time that a forward pass with prompt tokens should take. It bounds how long running answers stall, and how long a
# new request or a stop waits. Longer passes would hardly be more efficient.
_MAX_CHUNK = 2048  # tokens

_Schedule: TypeAlias = list[tuple[Sequence, int]]
"""The sequences of a forward pass, and how many of its pending tokens each contributes."""


class Scheduler:
    """Runs sequences together: continuous batching with chunked prefill.

    Each forward pass takes one token of every decoding sequence and, in order of arrival, as many prompt tokens as the
    time allows. (Continuous batching is Orca's, Yu et al. 2022.) For use in one thread.
    """

    def __init__(self, model: CausalLM, cache: KVCache, throughput: Throughput) -> None:
        self._model = model
        self._cache = cache
        self._throughput = throughput
        self._waiting: list[Sequence] = []
        self._running: list[Sequence] = []
        self._finished: list[Sequence] = []  # in the current step
        self._chunk_size = 2 * BLOCK  # prompt tokens in a pass; adapted to the measured speed

    @property
    def free_slots(self) -> int:
        """How many more sequences can be added."""
        return self._cache.free_slots - len(self._waiting)

    @property
    def busy(self) -> bool:
        """Whether any sequence has not finished."""
        return bool(self._running or self._waiting)

    def add(self, sequence: Sequence) -> None:
        """Add a sequence; it takes part from the next step on."""
        self._waiting.append(sequence)

    def step(self) -> list[Sequence]:
        """Run one forward pass; returns the sequences that have finished, been stopped, or failed with an `error`."""
        self._finished = []
        step_started = time.perf_counter()

        # 1. Remove the sequences that were stopped, and admit those for which there is a slot.
        for sequence in [sequence for sequence in self._running if sequence.stream.stopped]:
            self._finish(sequence)
        self._admit()

        # 2. Choose the tokens of this pass.
        schedule = self._schedule()
        if not schedule:
            return self._finished

        # 3. Compute the logits.
        started = time.perf_counter()
        try:
            logits = self._forward(schedule)
        except Exception:
            log.warning("A forward pass failed; its sequences are run one by one.", exc_info=True)
            schedule, logits = self._forward_alone(schedule)
        self._adapt_chunk_size(schedule, time.perf_counter() - started)

        # 4. Sample the next token of each sequence that has no pending ones.
        sampled = [sequence for sequence, _ in schedule if not sequence.pending]
        for sequence, row in zip(sampled, logits, strict=True):
            try:
                if not sequence.advance(row):
                    self._finish(sequence)
            except BaseException as error:  # a panic in a tokenizer's Rust code is no Exception
                self._finish(sequence, error)
        self._throughput.record(len(sampled), time.perf_counter() - step_started)
        return self._finished

    def _admit(self) -> None:
        """Allocate slots to waiting sequences.

        One that shares a prefix with a prompt still being computed waits, to copy that prefix instead of computing it.
        """
        for sequence in list(self._waiting):
            tokens = sequence.tokens[:-1]
            coming = (common_prefix_length(tokens, other.tokens) for other in self._running if other.pending > 1)
            if sequence.stream.stopped:
                self._waiting.remove(sequence)
                self._finished.append(sequence)
            elif max(coming, default=0) <= self._cache.longest_prefix(tokens) + BLOCK:
                self._waiting.remove(sequence)
                sequence.slot, sequence.cached = self._cache.allocate(sequence.tokens)
                self._running.append(sequence)

    def _schedule(self) -> _Schedule:
        schedule, budget = [], self._chunk_size
        for sequence in self._running:
            length = sequence.pending
            if length > 1:
                length = _chunk_length(sequence.cached, length, budget)
                budget -= length
            if length:
                schedule.append((sequence, length))
        return schedule

    def _forward(self, schedule: _Schedule) -> torch.Tensor:
        """Logits (sequences, vocabulary) of those that have no pending tokens afterwards."""
        tokens: list[int] = []
        chunks, logits_at = [], []
        for sequence, length in schedule:
            chunks.append(Chunk(sequence.slot, sequence.cached, length))
            tokens += sequence.tokens[sequence.cached : sequence.cached + length]
            if length == sequence.pending:
                logits_at.append(len(tokens) - 1)
        logits = forward(self._model, tokens, ForwardBatch(chunks, self._cache), logits_at)
        for sequence, length in schedule:
            self._cache.append(sequence.slot, sequence.tokens[sequence.cached : sequence.cached + length])
            sequence.cached += length
        return logits

    def _forward_alone(self, schedule: _Schedule) -> tuple[_Schedule, torch.Tensor]:
        """One pass for each sequence, so that only those that fail finish; returns the others and their logits.

        Repeating a pass is safe: it writes only behind what is cached.
        """
        succeeded, logits = [], [torch.empty(0)]
        for sequence, length in schedule:
            try:
                logits.append(self._forward([(sequence, length)]))
                succeeded.append((sequence, length))
            except Exception as error:
                self._cache.invalidate(sequence.slot)
                self._finish(sequence, error)
        return succeeded, torch.cat(logits)

    def _adapt_chunk_size(self, schedule: _Schedule, seconds: float) -> None:
        """Scale the chunk size to the wanted time of a pass, by a factor of at most 2, from how long the last one took.

        Never below one block, or two where no answer stalls meanwhile: with fewer tokens, a kernel spends a large part
        of its time on reading and unpacking the weights.
        """
        prefilled = [length for _, length in schedule if length > 1]
        if sum(prefilled) * 2 > self._chunk_size:
            least = BLOCK if len(prefilled) < len(schedule) else 2 * BLOCK
            factor = min(2.0, max(0.5, _PASS_SECONDS / seconds))
            self._chunk_size = min(_MAX_CHUNK, max(least, int(self._chunk_size * factor)))

    def _finish(self, sequence: Sequence, error: BaseException | None = None) -> None:
        sequence.error = error
        self._running.remove(sequence)
        self._cache.release(sequence.slot)
        self._finished.append(sequence)


def _chunk_length(start: int, pending: int, budget: int) -> int:
    """How many pending tokens from `start` on fit the budget; if not all, up to a block's end where there is one."""
    if pending <= budget:
        return pending
    return budget - (start + budget) % BLOCK if (start + budget) // BLOCK > start // BLOCK else budget
