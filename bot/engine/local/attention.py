"""Attention for a forward pass over several sequences: each attends to its own keys only.

Everything else in a decoder treats each token independently, so the tokens of a pass go through it as one row, and
each weight is read once for all of them. Only attention has to know which sequence a token belongs to. (Chunked
prefill beside running decodes follows Sarathi-Serve, Agrawal et al. 2024.)
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import torch
import torch.nn.functional as F
from transformers import AttentionInterface
from transformers.masking_utils import AttentionMaskInterface

from bot.engine.local.kv_cache import KVCache, LayerSpec

NAME = "parley"
"""The name under which transformers knows this attention (`model.set_attn_implementation`)."""

BLOCK = 60
# Prompts are attended in blocks of positions that begin at multiples of this. The mask stays small, and a token's
# result does not depend on how its prompt is cut into chunks, as long as the cuts are at such multiples. FBGEMM
# multiplies 120 rows at a time, so a prompt is read faster in passes of two of these than of 128 tokens.


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


class _Block(NamedTuple):
    """Consecutive tokens of a pass that attend together, the keys that they see, and which of these each sees."""

    tokens: slice
    slot: slice
    seen: slice
    mask: torch.Tensor | None
    """Booleans (queries, keys); None for a single token, which sees all of them."""


class ForwardBatch:
    """Forward context of a pass over `chunks`, whose tokens follow one another in a single row.

    Each token attends to everything before it in its slot, so no two chunks may share a slot.
    """

    def __init__(self, chunks: Sequence[Chunk], cache: KVCache) -> None:
        self.chunks = chunks
        self.positions = torch.cat([torch.arange(chunk.start, chunk.end) for chunk in chunks])
        slots = torch.cat([torch.full((chunk.length,), chunk.slot) for chunk in chunks])
        self._cache = cache
        self._plans = {
            layer: (cache.rows(layer, slots, self.positions), list(_blocks(chunks, layer.window)))
            for layer in set(cache.layers)
        }

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
        rows, blocks = self._plans[self._cache.layers[layer]]
        for cached, new in ((keys, key), (values, value)):
            new = new[0].transpose(0, 1).reshape(-1, new.shape[3]).to(cached.dtype)
            cached.view(-1, cached.shape[3]).index_copy_(0, rows, new)
        _, heads, count, dim = query.shape
        kv_heads = keys.shape[1]
        query = query[0].transpose(0, 1).reshape(count, kv_heads, heads // kv_heads, dim)
        out = [
            _attention(query[tokens], keys[slot, :, seen], values[slot, :, seen], mask, scale, softcap)
            for tokens, slot, seen, mask in blocks
        ]
        return torch.cat(out).flatten(1, 2)[None]


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


def _blocks(chunks: Iterable[Chunk], window: int | None) -> Iterator[_Block]:
    """The tokens of a pass, cut at multiples of the block length."""
    token = 0
    for chunk in chunks:
        slot = slice(chunk.slot, chunk.slot + 1)
        for cut in range(chunk.start // BLOCK * BLOCK, chunk.end, BLOCK):
            start, end = max(cut, chunk.start), min(cut + BLOCK, chunk.end)
            tokens = slice(token, token + end - start)
            first = max(0, start - window + 1) if window else 0
            mask = _mask(start, end, first, window) if end - start > 1 else None
            yield _Block(tokens, slot, slice(first, end), mask)
            token = tokens.stop


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
    """Query (n, kv_heads, shared, dim) over key and value (1, kv_heads, m, dim) → (n, kv_heads, shared, dim).

    Query heads that share a key head are laid side by side, so no key is copied for them.
    """
    length, kv_heads, shared, dim = query.shape
    if mask is not None:  # a single token's heads lie so already
        query = query.permute(1, 2, 0, 3).reshape(1, kv_heads, shared * length, dim)
        mask = mask.repeat(shared, 1)
    if softcap is None:
        out = F.scaled_dot_product_attention(query, key, value, attn_mask=mask, scale=scale)
    else:
        scores = query @ key.transpose(2, 3) * (dim**-0.5 if scale is None else scale)
        scores = torch.tanh(scores / softcap) * softcap
        if mask is not None:
            scores = scores.masked_fill(~mask, -torch.inf)
        out = scores.softmax(-1, dtype=torch.float32).to(value.dtype) @ value
    return out if mask is None else out.view(kv_heads, shared, length, -1).permute(2, 0, 1, 3)


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
