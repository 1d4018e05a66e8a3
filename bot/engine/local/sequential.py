"""One sequence at a time, by transformers' own `generate`: for models that cannot be batched."""

import time
from typing import Any

import torch
import transformers

from bot.engine.local.sequence import Sequence
from bot.engine.models import CausalLM
from bot.engine.throughput import Throughput


class SequentialRunner:
    """Runs a single sequence, with the Scheduler's interface. The Sequence still samples and streams its tokens."""

    def __init__(self, model: CausalLM, throughput: Throughput) -> None:
        self._model = model
        self._throughput = throughput
        self._sequence: Sequence | None = None

    @property
    def free_slots(self) -> int:
        """How many more sequences can be added."""
        return int(self._sequence is None)

    @property
    def busy(self) -> bool:
        """Whether a sequence has not finished."""
        return self._sequence is not None

    def add(self, sequence: Sequence) -> None:
        """Make this the next sequence."""
        self._sequence = sequence

    def step(self) -> list[Sequence]:
        """Run the sequence until it finishes or is stopped; returns it, with its `error` if it failed."""
        assert self._sequence
        sequence, self._sequence = self._sequence, None
        try:
            if not sequence.stream.stopped:
                self._generate(sequence)
        except BaseException as error:  # a panic in a tokenizer's Rust code is no Exception
            sequence.error = error
        return [sequence]

    @torch.inference_mode()
    def _generate(self, sequence: Sequence) -> None:
        goes_on, pass_started = True, time.perf_counter()

        def sample(ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
            nonlocal goes_on, pass_started
            now = time.perf_counter()
            self._throughput.record(1, now - pass_started)
            pass_started = now
            goes_on = sequence.advance(scores[0])
            # With all other scores at minus infinity, greedy search takes the sampled token.
            chosen = torch.full_like(scores, -torch.inf)
            chosen[0, sequence.tokens[-1]] = 0
            return chosen

        def is_over(ids: torch.Tensor, scores: torch.Tensor, **unused: Any) -> torch.Tensor:
            return torch.full((len(ids),), not goes_on or sequence.stream.stopped)

        ids = torch.tensor([sequence.tokens])
        self._model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            # The sequence samples from the raw logits, and knows the repetition penalty and what ends an answer.
            generation_config=transformers.GenerationConfig(
                max_new_tokens=sequence.remaining, do_sample=False, repetition_penalty=1.0
            ),
            logits_processor=transformers.LogitsProcessorList([sample]),
            stopping_criteria=transformers.StoppingCriteriaList([is_over]),
        )
