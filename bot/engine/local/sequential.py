"""One answer at a time, through transformers' own `generate`: for models that cannot be batched."""

from collections.abc import Callable
from typing import Any

import torch
import transformers

from bot.engine import Stream
from bot.engine.local.sequence import Answer
from bot.engine.models.loading import CausalLM


class OneByOne:
    """What Batch does, for a single answer: its tokens are still chosen and written by the Answer.

    `passed` is called after each forward pass.
    """

    def __init__(
        self,
        model: CausalLM,
        ended: Callable[[Stream, BaseException | None], None],
        passed: Callable[[], None] = lambda: None,
    ) -> None:
        self._model = model
        self._ended = ended
        self._passed = passed
        self._answer: Answer | None = None

    @property
    def room(self) -> int:
        """How many more answers can join."""
        return int(self._answer is None)

    @property
    def busy(self) -> bool:
        """Whether an answer is under way."""
        return self._answer is not None

    def join(self, answer: Answer) -> None:
        """Make this the next answer."""
        self._answer = answer

    def step(self) -> int:
        """Give the whole answer, or what there is of it when nobody wants more. Returns its length in tokens."""
        assert self._answer
        answer, self._answer, error = self._answer, None, None
        before = len(answer.tokens)
        try:
            if not answer.stream.stopped:
                self._generate(answer)
        except Exception as raised:
            error = raised
        self._ended(answer.stream, error)
        return len(answer.tokens) - before

    @torch.inference_mode()
    def _generate(self, answer: Answer) -> None:
        goes_on = True

        def choose(ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
            nonlocal goes_on
            self._passed()
            goes_on = answer.go_on(scores[0])
            # For greedy search the token chosen becomes the only one.
            chosen = torch.full_like(scores, -torch.inf)
            chosen[0, answer.tokens[-1]] = 0
            return chosen

        def over(ids: torch.Tensor, scores: torch.Tensor, **unused: Any) -> torch.Tensor:
            return torch.full((len(ids),), not goes_on or answer.stream.stopped)

        ids = torch.tensor([answer.tokens])
        self._model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            # The answer does its own sampling and penalties, on the logits as they are.
            generation_config=transformers.GenerationConfig(
                max_new_tokens=answer.left, do_sample=False, repetition_penalty=1.0
            ),
            logits_processor=transformers.LogitsProcessorList([choose]),
            stopping_criteria=transformers.StoppingCriteriaList([over]),
        )
