"""Logits → the next token of one sequence: greedy, or drawn after temperature, top-k and top-p."""

from collections.abc import Sequence

import torch

from bot.engine import Sampling

_FIRST_GUESS = 1024  # tokens that top-p alone may need; most distributions need fewer


class Sampler:
    """Samples one sequence's tokens with a random generator of its own, so other sequences never change its choices.

    The repetition penalty covers the `prompt`, too, as in transformers (it is CTRL's, Keskar et al. 2019). If its last
    `sampled` tokens are the beginning of the answer, a seed's random numbers go on behind those that chose them.
    """

    def __init__(
        self, sampling: Sampling, repetition_penalty: float, prompt: Sequence[int], *, sampled: int = 0
    ) -> None:
        self._sampling = sampling
        self._penalty = repetition_penalty
        self._seen = set(prompt)
        self._random = torch.Generator()
        if sampling.seed is None:
            self._random.seed()
        else:
            self._random.manual_seed(sampling.seed)
            for _ in range(sampled):
                self._draw()

    def sample(self, logits: torch.Tensor) -> int:
        """The next token's id, from logits (vocabulary) of any floating-point type."""
        logits = logits.float()
        if self._penalty != 1:
            seen = torch.tensor(sorted(self._seen))
            logits = logits.index_copy(0, seen, penalize(logits[seen], self._penalty))
        if self._sampling.temperature == 0:
            token = int(logits.argmax())
        else:
            ids, probabilities = distribution(logits, self._sampling)
            # Inverting the cumulative distribution takes one random number a token, however many are eligible.
            cumulative = probabilities.cumsum(0, dtype=torch.float64)
            drawn = self._draw() * cumulative[-1]
            token = int(ids[torch.searchsorted(cumulative, drawn, right=True).clamp(max=len(ids) - 1)])
        self._seen.add(token)
        return token

    def _draw(self) -> torch.Tensor:
        return torch.rand(1, generator=self._random, dtype=torch.float64)


def penalize(logits: torch.Tensor, penalty: float) -> torch.Tensor:
    """Apply a repetition penalty to the logits of repeated tokens; above 1 it makes them less likely."""
    return torch.where(logits < 0, logits * penalty, logits / penalty)


def distribution(logits: torch.Tensor, sampling: Sampling) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits (vocabulary) → the eligible ids and their probabilities.

    Equals transformers' temperature, top-k and top-p in this order. Only as many of the likeliest tokens are selected,
    and sorted, as these need.
    """
    if 0 < sampling.top_k < len(logits):
        values, ids = _likeliest(logits, sampling.top_k)
        probabilities = _softmax(values, sampling.temperature)
    elif sampling.top_p < 1:
        total = (logits / sampling.temperature).logsumexp(0)
        count = _FIRST_GUESS
        while True:
            values, ids = logits.topk(min(count, len(logits)))
            probabilities = (values / sampling.temperature - total).exp()
            if len(ids) == len(logits) or probabilities.sum() > sampling.top_p:
                break
            count *= 8
    else:
        return torch.arange(len(logits)), _softmax(logits, sampling.temperature)
    if sampling.top_p < 1:
        before = probabilities.cumsum(0) - probabilities
        probabilities = probabilities[: (before < sampling.top_p).sum().clamp(min=1)]
    return ids[: len(probabilities)], probabilities / probabilities.sum()


def _likeliest(logits: torch.Tensor, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The largest logits and their ids, in descending order; more than `count` if several are equal to the last."""
    values, ids = logits.topk(count + 1)
    if values[-1] < values[-2]:
        return values[:-1], ids[:-1]
    ids = (logits >= values[-1]).nonzero()[:, 0]
    values, order = logits[ids].sort(descending=True, stable=True)
    return values, ids[order]


def _softmax(values: torch.Tensor, temperature: float) -> torch.Tensor:
    return (values / temperature).softmax(0)
