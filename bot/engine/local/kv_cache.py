"""The KV cache: a slot for each sequence, reused by any later sequence that begins with the same tokens."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile

import torch


@dataclass(frozen=True)
class LayerSpec:
    """What one attention layer caches for a token, and its sliding window (None: it attends to everything before)."""

    kv_heads: int
    key_dim: int
    value_dim: int
    window: int | None


@dataclass
class _Slot:
    tokens: list[int] = field(default_factory=list)  # ids whose keys and values are cached
    allocated: bool = False
    released_at: int = 0  # by a clock that counts releases


class KVCache:
    """Keys and values of up to `slots` sequences of up to `length` tokens each, allocated once.

    `keys` and `values` have a tensor (slots, kv_heads, length, dim) for each layer. A released slot keeps its tokens,
    and the next sequence with the same prefix does not compute them again. (Keeping the prefixes of finished requests
    is SGLang's idea, Zheng et al. 2024. With this few slots, comparing finds them; no radix tree is needed.)
    """

    def __init__(self, layers: Sequence[LayerSpec], slots: int, length: int, dtype: torch.dtype) -> None:
        self.layers = layers
        self.length = length
        self.keys = [torch.empty(slots, layer.kv_heads, length, layer.key_dim, dtype=dtype) for layer in layers]
        self.values = [torch.empty(slots, layer.kv_heads, length, layer.value_dim, dtype=dtype) for layer in layers]
        self._slots = [_Slot() for _ in range(slots)]
        self._clock = 0
        self.hits = self.misses = 0
        """Prompt tokens that were found in the cache, and those that were not, since the start."""

    @staticmethod
    def size(layers: Sequence[LayerSpec], slots: int, length: int, dtype: torch.dtype) -> int:
        """The size in bytes of such a cache."""
        return slots * length * dtype.itemsize * sum(lay.kv_heads * (lay.key_dim + lay.value_dim) for lay in layers)

    def rows(self, layer: LayerSpec, slots: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        """The rows (n * kv_heads) of n tokens' keys in such a layer's tensor, if that is seen as (rows, dim)."""
        heads = slots[:, None] * layer.kv_heads + torch.arange(layer.kv_heads)
        return (heads * self.length + positions[:, None]).flatten()

    @property
    def free_slots(self) -> int:
        """The number of slots that are not allocated."""
        return sum(not slot.allocated for slot in self._slots)

    def longest_prefix(self, tokens: Sequence[int]) -> int:
        """The length of the longest prefix of `tokens` that any slot holds."""
        return max(common_prefix_length(slot.tokens, tokens) for slot in self._slots)

    def allocate(self, tokens: Sequence[int]) -> tuple[int, int]:
        """Allocate a slot to a sequence that begins with `tokens`.

        Returns the slot and how many of the tokens it already holds: the longest prefix in any slot, copied if need
        be, but never the last token, whose logits are wanted. Raises IndexError when no slot is free.
        """
        common = [common_prefix_length(slot.tokens, tokens[:-1]) for slot in self._slots]
        best = max(common)
        source = common.index(best)

        def eviction_cost(index: int) -> tuple[int, int]:
            # Continuing its own conversation costs a slot nothing. Otherwise the least recently used is evicted.
            continues = common[index] * 2 > len(self._slots[index].tokens)
            return -common[index] if continues else 0, self._slots[index].released_at

        free = [index for index, slot in enumerate(self._slots) if not slot.allocated]
        if not free:
            raise IndexError("no slot is free")
        chosen = min(free, key=eviction_cost)
        if common[chosen] < best:
            for tensor in (*self.keys, *self.values):
                tensor[chosen, :, :best] = tensor[source, :, :best]
        self._slots[chosen].tokens = list(tokens[:best])
        self._slots[chosen].allocated = True
        self.hits += best
        self.misses += len(tokens) - best
        return chosen, best

    def append(self, slot: int, tokens: Sequence[int]) -> None:
        """Record that a forward pass has written these tokens' keys and values behind those in the slot."""
        self._slots[slot].tokens += tokens

    def release(self, slot: int) -> None:
        """Free the slot. It keeps its tokens until it is allocated again."""
        self._clock += 1
        self._slots[slot].allocated, self._slots[slot].released_at = False, self._clock

    def invalidate(self, slot: int) -> None:
        """Drop the slot's tokens, because their keys and values may be wrong."""
        self._slots[slot].tokens = []

    def reset(self) -> None:
        """Free all slots and drop their tokens."""
        self._slots = [_Slot() for _ in self._slots]


def common_prefix_length(one: Sequence[int], other: Sequence[int]) -> int:
    """How many leading items two sequences share."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
