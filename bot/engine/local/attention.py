"""Attention of a forward pass that reads several sequences: each over its own keys, whatever stands beside it.

All else in a decoder treats every token by itself, so the tokens of a pass go through it in one row, and each
weight is read once for all of them. Only here it matters which sequence a token belongs to. (Sarathi-Serve, Agrawal
et al. 2024, reads prompts in chunks beside running answers in this way.)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import torch
import torch.nn.functional as F
from transformers import AttentionInterface
from transformers.masking_utils import AttentionMaskInterface

from bot.engine.local.kv_cache import KVCache, Layer

NAME = "parley"
"""How the functions below are known to transformers (`model.set_attn_implementation`)."""

BLOCK = 64
# A prompt is attended in blocks of positions that begin at multiples of this: the mask stays small, and a token's
# result is the same however a prompt is cut into chunks, if the cuts are at such multiples.


class Unsupported(Exception):
    """The model's attention is of a kind that is not computed here."""


class Mask(NamedTuple):
    """What a model asks of its attention, in place of a mask: nothing but causal, or causal within a window."""

    window: int | None
    plain: bool


class Pass(Protocol):
    """What a model's attention layers are given to work on, by the keyword `reading`."""

    positions: torch.Tensor
    """Each token's place in its own sequence (tokens)."""

    def attend(
        self,
        layer: int,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        *,
        mask: Mask | None,
        window: int | None,
        scale: float | None,
        softcap: float | None,
    ) -> torch.Tensor:
        """Query, key and value (1, heads, tokens, dim) of one layer → its output (1, tokens, heads, dim)."""


@dataclass(frozen=True)
class Span:
    """A run of one sequence's tokens: their keys go to the positions from `start` on of the cache's `slot`."""

    slot: int
    start: int
    length: int

    @property
    def end(self) -> int:
        return self.start + self.length


class Reading:
    """A pass over `spans`, whose tokens stand one span after the other in a single row.

    Each token attends to what its slot holds before it, so several spans may not share a slot.
    """

    def __init__(self, spans: Sequence[Span], cache: KVCache) -> None:
        self.spans = spans
        self.positions = torch.cat([torch.arange(span.start, span.end) for span in spans])
        self._slots = torch.cat([torch.full((span.length,), span.slot) for span in spans])
        self._cache = cache

    def attend(
        self,
        layer: int,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        *,
        scale: float | None,
        softcap: float | None,
        **unused: Any,
    ) -> torch.Tensor:
        keys, values = self._cache.keys[layer], self._cache.values[layer]
        keys[self._slots, :, self.positions] = key[0].transpose(0, 1).to(keys.dtype)
        values[self._slots, :, self.positions] = value[0].transpose(0, 1).to(values.dtype)
        window = self._cache.layers[layer].window
        out = query.new_empty(query.shape[2], query.shape[1], value.shape[3])
        token = 0
        for span in self.spans:
            for start, end in _blocks(span):
                first = max(0, start - window + 1) if window else 0
                seen = slice(first, end)
                block = slice(token, token + end - start)
                mask = _mask(start, end, first, window) if end - start > 1 else None
                out[block] = _attention(
                    query[0, :, block], keys[span.slot, :, seen], values[span.slot, :, seen], mask, scale, softcap
                )
                token = block.stop
        return out[None]


class Probe:
    """A pass over one token that only looks: it learns of each layer what the cache must hold.

    Its `attend` raises Unsupported for a pattern of attention other than causal, or causal within a window.
    """

    def __init__(self) -> None:
        self.layers: dict[int, Layer] = {}
        self.positions = torch.zeros(1, dtype=torch.long)

    def attend(
        self,
        layer: int,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        *,
        mask: Mask | None,
        window: int | None,
        scale: float | None,
        softcap: float | None,
    ) -> torch.Tensor:
        if layer in self.layers:
            raise Unsupported("a layer that attends twice")
        if not isinstance(mask, Mask) or not mask.plain or mask.window not in (None, window):
            raise Unsupported("attention that is neither causal nor causal within a sliding window")
        self.layers[layer] = Layer(key.shape[1], key.shape[3], value.shape[3], mask.window)
        return query.new_zeros(1, query.shape[2], query.shape[1], value.shape[3])


def _blocks(span: Span) -> list[tuple[int, int]]:
    """The span's positions, cut at multiples of the block length."""
    cuts = range(span.start // BLOCK * BLOCK, span.end, BLOCK)
    return [(max(cut, span.start), min(cut + BLOCK, span.end)) for cut in cuts]


def _mask(start: int, end: int, first: int, window: int | None) -> torch.Tensor:
    """Which keys, at `first` … `end`, the queries at `start` … `end` see: (queries, keys) of booleans."""
    distance = torch.arange(start, end)[:, None] - torch.arange(first, end)
    return (distance >= 0) & (distance < window) if window else distance >= 0


def _attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor | None,
    scale: float | None,
    softcap: float | None,
) -> torch.Tensor:
    """Query (heads, n, dim) over key and value (kv_heads, m, dim) → (n, heads, dim).

    The queries of the heads that share a key head are laid side by side, so no key is copied for them.
    """
    heads, length, dim = query.shape
    shared = heads // len(key)
    query = query.reshape(1, len(key), shared * length, dim)
    key, value = key[None], value[None]
    if mask is not None:
        mask = mask.repeat(shared, 1)
    if softcap is None:
        out = F.scaled_dot_product_attention(query, key, value, attn_mask=mask, scale=scale)
    else:
        scores = query @ key.transpose(2, 3) * (dim**-0.5 if scale is None else scale)
        scores = torch.tanh(scores / softcap) * softcap
        if mask is not None:
            scores = scores.masked_fill(~mask, -torch.inf)
        out = scores.softmax(-1, dtype=torch.float32).to(value.dtype) @ value
    return out.reshape(heads, length, -1).transpose(0, 1)


def _attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: Mask | None,
    *,
    reading: Pass,
    scaling: float | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    **unused: Any,
) -> tuple[torch.Tensor, None]:
    """What transformers' attention layers call; their keyword arguments come from the forward pass's own."""
    layer: Any = module.layer_idx
    out = reading.attend(
        layer,
        query,
        key,
        value,
        mask=attention_mask,
        window=sliding_window,
        scale=scaling,
        softcap=softcap,
    )
    return out, None


def _describe_mask(*, local_size: int | None = None, allow_is_causal_skip: bool = True, **unused: Any) -> Mask:
    """What transformers calls to have a mask made. It may be left out where it is nothing but causal."""
    return Mask(local_size, allow_is_causal_skip)


AttentionInterface.register(NAME, _attend)
AttentionMaskInterface.register(NAME, _describe_mask)
