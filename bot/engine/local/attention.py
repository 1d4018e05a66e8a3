"""Attention for a forward pass over several sequences: each attends to its own keys only.

Everything else in a decoder treats each token independently, so the tokens of a pass go through it as one row, and
each weight is read once for all of them. Only attention has to know which sequence a token belongs to. (Chunked
prefill beside running decodes follows Sarathi-Serve, Agrawal et al. 2024.)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import torch
import torch.nn.functional as F
from transformers import AttentionInterface
from transformers.masking_utils import AttentionMaskInterface

from bot.engine.local.kv_cache import KVCache, LayerSpec

NAME = "parley"
"""The name under which transformers knows this attention (`model.set_attn_implementation`)."""

BLOCK = 64
# Prompts are attended in blocks of positions that begin at multiples of this. The mask stays small, and a token's
# result does not depend on how its prompt is cut into chunks, as long as the cuts are at such multiples.


class Unsupported(Exception):
    """The model's attention is of a kind that is not implemented here."""


class MaskSpec(NamedTuple):
    """The mask that a model asks for: causal, or causal within a sliding `window`.

    `plain` is False where the model adds another pattern to that.
    """

    window: int | None
    plain: bool


class ForwardContext(Protocol):
    """What the attention layers need in one forward pass; passed to the model as `forward_context`."""

    positions: torch.Tensor
    """Each token's position in its own sequence (tokens)."""

    def attend(
        self,
        layer: int,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        *,
        mask: MaskSpec | None,
        window: int | None,
        scale: float | None,
        softcap: float | None,
    ) -> torch.Tensor:
        """Query, key and value (1, heads, tokens, dim) of one layer → its output (1, tokens, heads, dim)."""


@dataclass(frozen=True)
class Chunk:
    """Consecutive tokens of one sequence, whose keys go to positions `start` and up of the cache's `slot`."""

    slot: int
    start: int
    length: int

    @property
    def end(self) -> int:
        return self.start + self.length


class ForwardBatch:
    """Forward context of a pass over `chunks`, whose tokens follow one another in a single row.

    Each token attends to everything before it in its slot, so no two chunks may share a slot.
    """

    def __init__(self, chunks: Sequence[Chunk], cache: KVCache) -> None:
        self.chunks = chunks
        self.positions = torch.cat([torch.arange(chunk.start, chunk.end) for chunk in chunks])
        self._slots = torch.cat([torch.full((chunk.length,), chunk.slot) for chunk in chunks])
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
        for chunk in self.chunks:
            for start, end in _blocks(chunk):
                first = max(0, start - window + 1) if window else 0
                seen = slice(first, end)
                block = slice(token, token + end - start)
                mask = _mask(start, end, first, window) if end - start > 1 else None
                out[block] = _attention(
                    query[0, :, block],
                    keys[chunk.slot, :, seen],
                    values[chunk.slot, :, seen],
                    mask,
                    scale,
                    softcap,
                )
                token = block.stop
        return out[None]


class LayerProbe:
    """Forward context of a one-token pass that records each layer's KV shape in `layers`.

    `attend` raises Unsupported for a mask other than causal, or causal within a sliding window.
    """

    def __init__(self) -> None:
        self.layers: dict[int, LayerSpec] = {}
        self.positions = torch.zeros(1, dtype=torch.long)

    def attend(
        self,
        layer: int,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        *,
        mask: MaskSpec | None,
        window: int | None,
        scale: float | None,
        softcap: float | None,
    ) -> torch.Tensor:
        if layer in self.layers:
            raise Unsupported("a layer that attends twice")
        if not isinstance(mask, MaskSpec) or not mask.plain or mask.window not in (None, window):
            raise Unsupported("attention that is neither causal nor causal within a sliding window")
        self.layers[layer] = LayerSpec(key.shape[1], key.shape[3], value.shape[3], mask.window)
        return query.new_zeros(1, query.shape[2], query.shape[1], value.shape[3])


def _blocks(chunk: Chunk) -> list[tuple[int, int]]:
    """The chunk's positions, cut at multiples of the block length."""
    cuts = range(chunk.start // BLOCK * BLOCK, chunk.end, BLOCK)
    return [(max(cut, chunk.start), min(cut + BLOCK, chunk.end)) for cut in cuts]


def _mask(start: int, end: int, first: int, window: int | None) -> torch.Tensor:
    """Which of the keys `first` … `end` the queries `start` … `end` attend to: booleans (queries, keys)."""
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

    Query heads that share a key head are laid side by side, so no key is copied for them.
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
    attention_mask: MaskSpec | None,
    *,
    forward_context: ForwardContext,
    scaling: float | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    **unused: Any,
) -> tuple[torch.Tensor, None]:
    """The attention function that transformers' layers call, with the keyword arguments of the model's `forward`."""
    layer: Any = module.layer_idx
    out = forward_context.attend(
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


def _make_mask(*, local_size: int | None = None, allow_is_causal_skip: bool = True, **unused: Any) -> MaskSpec:
    """The mask function that transformers calls: it describes the mask, and `ForwardBatch` builds it by blocks.

    transformers allows the causal mask to be skipped only where the model adds nothing to it.
    """
    return MaskSpec(local_size, allow_is_causal_skip)


AttentionInterface.register(NAME, _attend)
AttentionMaskInterface.register(NAME, _make_mask)
