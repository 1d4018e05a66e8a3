"""Logits → the next token, for one sequence: greedy, or drawn after temperature, top-k and top-p."""

from collections.abc import Sequence

import torch

from bot.engine import Sampling


class Sampler:
    """Chooses one answer's tokens, by itself: nothing that happens to other answers changes its choices.

    `prompt` counts for the repetition penalty, as in transformers (the penalty is that of CTRL, Keskar et al. 2019).
    """

    def __init__(self, sampling: Sampling, repetition_penalty: float, prompt: Sequence[int]) -> None:
        self._sampling = sampling
        self._penalty = repetition_penalty
        self._seen = set(prompt)
        self._random = torch.Generator()
        if sampling.seed is None:
            self._random.seed()
        else:
            self._random.manual_seed(sampling.seed)

    def choose(self, logits: torch.Tensor) -> int:
        """The next token's id, from logits (vocabulary) of any floating-point type."""
        logits = logits.float()
        if self._penalty != 1:
            seen = torch.tensor(sorted(self._seen))
            logits = logits.index_copy(0, seen, penalized(logits[seen], self._penalty))
        if self._sampling.temperature == 0:
            token = int(logits.argmax())
        else:
            ids, probabilities = distribution(logits, self._sampling)
            # Inverting the cumulative distribution takes one random number a token, however many may be chosen.
            cumulative = probabilities.cumsum(0)
            drawn = torch.rand(1, generator=self._random, dtype=cumulative.dtype) * cumulative[-1]
            token = int(ids[torch.searchsorted(cumulative, drawn, right=True).clamp(max=len(ids) - 1)])
        self._seen.add(token)
        return token


def penalized(logits: torch.Tensor, penalty: float) -> torch.Tensor:
    """Make tokens less likely, given their logits, by a penalty above 1."""
    return torch.where(logits < 0, logits * penalty, logits / penalty)


def distribution(logits: torch.Tensor, sampling: Sampling) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits (vocabulary) → the ids that may be chosen and their probabilities (float64), likeliest first.

    The same as transformers' temperature, top-k and top-p one after the other, without sorting the vocabulary: the
    top k are found first, then the softmax and top-p are theirs alone.
    """
    logits = logits.double() / sampling.temperature
    if 0 < sampling.top_k < len(logits):
        least = logits.topk(sampling.top_k).values[-1]
        ids = (logits >= least).nonzero()[:, 0]  # more than k where several are as likely as the last
    else:
        ids = torch.arange(len(logits))
    ordered, order = logits[ids].sort(descending=True, stable=True)
    probabilities = ordered.softmax(0)
    if sampling.top_p < 1:
        before = probabilities.cumsum(0) - probabilities
        probabilities = probabilities[: (before < sampling.top_p).sum().clamp(min=1)]
    return ids[order[: len(probabilities)]], probabilities / probabilities.sum()
