"""The scheduler: which tokens of which answers are read in the next forward pass."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from bot.engine import Stream
from bot.engine.local.attention import BLOCK, Reading, Span
from bot.engine.local.compatibility import forward
from bot.engine.local.kv_cache import KVCache, common_prefix
from bot.engine.local.sequence import Answer
from bot.engine.models.loading import CausalLM

log = logging.getLogger(__name__)

_PASS_SECONDS = 0.4
# A pass that reads prompts may take so long: nobody's answer stalls for longer, and nobody waits longer to join or
# to be stopped. Longer passes would hardly be more efficient.


@dataclass(eq=False)
class _Sequence:
    """An answer in its slot; `cached` counts the tokens whose keys are there."""

    answer: Answer
    slot: int
    cached: int

    @property
    def pending(self) -> int:
        return len(self.answer.tokens) - self.cached


class Batch:
    """Answers that grow together, a token each in every pass, while the prompts of newcomers are read in chunks.

    A pass takes one token of each answer under way, and of the prompts, in the order in which they came, as many
    tokens as there is time for. (Continuous batching is Orca's, Yu et al. 2022.)

    All in one thread. `ended` is called with each answer's stream when it is over, and the error that ended it, if any.
    """

    def __init__(self, model: CausalLM, cache: KVCache, ended: Callable[[Stream, BaseException | None], None]) -> None:
        self._model = model
        self._cache = cache
        self._ended = ended
        self._newcomers: list[Answer] = []
        self._sequences: list[_Sequence] = []
        self._chunk = BLOCK  # how many prompt tokens are read in a pass; follows the speed seen

    @property
    def room(self) -> int:
        """How many more answers can join."""
        return self._cache.free - len(self._newcomers)

    @property
    def busy(self) -> bool:
        """Whether any answer is under way."""
        return bool(self._sequences or self._newcomers)

    def join(self, answer: Answer) -> None:
        """Let an answer take part from the next pass on."""
        self._newcomers.append(answer)

    def step(self) -> int:
        """One pass for all; those that nobody wants any more leave before it. Returns how many tokens came of it."""
        for sequence in [sequence for sequence in self._sequences if sequence.answer.stream.stopped]:
            self._leave(sequence)
        self._seat()
        planned = self._plan()
        if not planned:
            return 0
        started = time.perf_counter()
        try:
            logits = self._read(planned)
        except Exception:
            log.warning("A pass has failed; its sequences are read one by one.", exc_info=True)
            planned, logits = self._read_alone(planned)
        self._follow_speed(sum(length for _, length in planned if length > 1), time.perf_counter() - started)
        finished = [sequence for sequence, _ in planned if sequence.pending == 0]
        for sequence, row in zip(finished, logits, strict=True):
            try:
                goes_on = sequence.answer.go_on(row)
            except Exception as error:
                self._leave(sequence, error)
            else:
                if not goes_on:
                    self._leave(sequence)
        return len(finished)

    def _seat(self) -> None:
        """Give the newcomers slots. Who begins as another prompt that is still being read waits, to copy that part."""
        for answer in list(self._newcomers):
            tokens = answer.tokens[:-1]
            coming = (common_prefix(tokens, other.answer.tokens) for other in self._sequences if other.pending > 1)
            if answer.stream.stopped:
                self._newcomers.remove(answer)
                self._ended(answer.stream, None)
            elif max(coming, default=0) <= self._cache.held(tokens) + BLOCK:
                self._newcomers.remove(answer)
                slot, cached = self._cache.take(answer.tokens)
                self._sequences.append(_Sequence(answer, slot, cached))

    def _plan(self) -> list[tuple[_Sequence, int]]:
        """The sequences of the next pass, and how many of their tokens it reads."""
        planned, left = [], self._chunk
        for sequence in self._sequences:
            length = sequence.pending
            if length > 1:
                length = _cut(sequence.cached, length, left)
                left -= length
            if length:
                planned.append((sequence, length))
        return planned

    def _read(self, planned: list[tuple[_Sequence, int]]) -> torch.Tensor:
        """Logits (sequences, vocabulary) for those whose last token has been read now."""
        tokens: list[int] = []
        spans, wanted = [], []
        for sequence, length in planned:
            spans.append(Span(sequence.slot, sequence.cached, length))
            tokens += sequence.answer.tokens[sequence.cached : sequence.cached + length]
            if length == sequence.pending:
                wanted.append(len(tokens) - 1)
        logits = forward(self._model, tokens, Reading(spans, self._cache), wanted)
        for sequence, length in planned:
            self._cache.hold(sequence.slot, sequence.answer.tokens[sequence.cached : sequence.cached + length])
            sequence.cached += length
        return logits

    def _read_alone(self, planned: list[tuple[_Sequence, int]]) -> tuple[list[tuple[_Sequence, int]], torch.Tensor]:
        """Read each by itself, so that who made the pass fail leaves and the others go on; returns them.

        They can be read again: a pass writes only behind what is cached.
        """
        good, logits = [], [torch.empty(0)]
        for part in planned:
            try:
                logits.append(self._read([part]))
                good.append(part)
            except Exception as error:
                sequence, _ = part
                self._cache.forget(sequence.slot)  # nobody knows what is in it now
                self._leave(sequence, error)
        return good, torch.cat(logits)

    def _follow_speed(self, read: int, seconds: float) -> None:
        """Make the next chunk as long as the time allows, from how long the last took; by a factor of 2 at most.

        Never less than a block: its tokens together cost hardly more than the weights that are read for the first.
        """
        if read * 2 > self._chunk:
            factor = min(2.0, max(0.5, _PASS_SECONDS / seconds))
            self._chunk = min(2048, max(BLOCK, int(self._chunk * factor)))

    def _leave(self, sequence: _Sequence, error: BaseException | None = None) -> None:
        self._sequences.remove(sequence)
        self._cache.give_back(sequence.slot)
        self._ended(sequence.answer.stream, error)


def _cut(start: int, length: int, most: int) -> int:
    """How many of `length` tokens to read from `start` on, at most `most`: up to the end of a block, if in between."""
    if length <= most:
        return length
    return most - (start + most) % BLOCK if (start + most) // BLOCK > start // BLOCK else most
