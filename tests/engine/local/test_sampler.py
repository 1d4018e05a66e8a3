"""Tokens are drawn from the distribution that transformers' own logits processors leave."""

from collections import Counter

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from transformers import (
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from bot.engine import Sampling
from bot.engine.local.sampler import Sampler, distribution, penalize


def reference(logits: torch.Tensor, sampling: Sampling) -> torch.Tensor:
    scores = TemperatureLogitsWarper(sampling.temperature)(None, logits[None])
    if sampling.top_k:
        scores = TopKLogitsWarper(sampling.top_k)(None, scores)
    if sampling.top_p < 1:
        scores = TopPLogitsWarper(sampling.top_p)(None, scores)
    return scores[0].double().softmax(0)


@settings(max_examples=150, deadline=None)
@example(seed=0, size=3000, spread=8.0, temperature=1.0, top_k=0, top_p=1.0)
@given(
    seed=st.integers(0, 2**32),
    size=st.sampled_from([1, 2, 50, 3000]),
    spread=st.sampled_from([0.1, 1.0, 8.0]),
    temperature=st.floats(0.05, 5),
    top_k=st.sampled_from([0, 1, 2, 50, 2999]),
    top_p=st.floats(0.01, 1),
)
def test_the_distribution_is_that_of_transformers(seed, size, spread, temperature, top_k, top_p):
    logits = torch.randn(size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * spread
    sampling = Sampling(temperature=temperature, top_k=top_k, top_p=top_p)
    ids, probabilities = distribution(logits, sampling)
    ours = torch.zeros(size, dtype=torch.float64).index_put((ids,), probabilities)
    expected = reference(logits, sampling)
    # Sums of a thousand numbers, taken in another order, may differ about what is next to impossible.
    assert (ours > 0).equal(expected > 0) or torch.maximum(ours, expected)[(ours > 0) != (expected > 0)].max() < 1e-12
    assert torch.allclose(ours, expected, rtol=0, atol=1e-5)


def test_tokens_as_likely_as_the_last_of_the_top_k_stay():
    ids, _ = distribution(torch.tensor([1.0, 3.0, 2.0, 2.0, 0.0]), Sampling(temperature=1, top_k=2, top_p=1))
    assert sorted(ids.tolist()) == [1, 2, 3]


@pytest.mark.slow
def test_what_is_drawn_follows_the_distribution():
    logits = torch.tensor([2.0, 1.0, 0.0, -1.0, -6.0])
    sampling = Sampling(temperature=0.9, top_k=4, top_p=0.97, seed=5)
    sampler = Sampler(sampling, 1.0, [])
    drawn = Counter(sampler.sample(logits) for _ in range(20_000))
    ids, probabilities = distribution(logits, sampling)
    assert drawn.keys() == set(ids.tolist())
    for token, probability in zip(ids.tolist(), probabilities.tolist(), strict=True):
        assert drawn[token] / 20_000 == pytest.approx(probability, abs=0.015)


def test_the_seed_decides_and_without_one_nothing_does():
    logits = torch.zeros(1000)

    def draw(seed: int | None) -> list[int]:
        sampler = Sampler(Sampling(temperature=1, top_k=0, top_p=1, seed=seed), 1.0, [])
        return [sampler.sample(logits) for _ in range(10)]

    assert draw(1) == draw(1) != draw(2)
    assert draw(None) != draw(None)


def test_greedy_takes_the_likeliest_after_the_penalty():
    sampler = Sampler(Sampling(temperature=0), 1.5, [0, 3])
    logits = torch.tensor([3.0, 2.5, 2.2, -0.1])
    assert [sampler.sample(logits) for _ in range(2)] == [1, 2]


def test_the_penalty_is_that_of_transformers():
    logits, prompt = torch.randn(50, generator=torch.Generator().manual_seed(0)), [3, 3, 7, 20]
    expected = RepetitionPenaltyLogitsProcessor(1.3)(torch.tensor([prompt]), logits[None].clone())[0]
    ours = logits.clone()
    ours[[3, 7, 20]] = penalize(logits[[3, 7, 20]], 1.3)
    assert ours.equal(expected)
