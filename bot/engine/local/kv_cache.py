"""The KV cache: a slot for each sequence, which keeps what it holds until somebody needs the place."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile

import torch


@dataclass(frozen=True)
class Layer:
    """What one attention layer keeps of a token, and how far back it looks (None: to the beginning)."""

    kv_heads: int
    key_dim: int
    value_dim: int
    window: int | None


@dataclass
class _Slot:
    tokens: list[int] = field(default_factory=list)  # the ids whose keys and values it holds
    taken: bool = False
    used: int = 0  # when it was last given back


class KVCache:
    """Keys and values of at most `slots` sequences of at most `length` tokens, allocated once.

    `keys` and `values` have a tensor (slots, kv_heads, length, dim) for each layer. A slot that is given back keeps its
    tokens, and whoever comes with the same beginning need not read it again. (Keeping the prefixes of finished
    requests is SGLang's idea, Zheng et al. 2024; ours are found by comparing, as there are few.)
    """

    def __init__(self, layers: Sequence[Layer], slots: int, length: int, dtype: torch.dtype) -> None:
        self.layers = layers
        self.length = length
        self.keys = [torch.empty(slots, layer.kv_heads, length, layer.key_dim, dtype=dtype) for layer in layers]
        self.values = [torch.empty(slots, layer.kv_heads, length, layer.value_dim, dtype=dtype) for layer in layers]
        self._slots = [_Slot() for _ in range(slots)]
        self._clock = 0
        self.found = self.missed = 0
        """How many tokens of all the prompts it held, and how many had to be read."""

    @staticmethod
    def size(layers: Sequence[Layer], slots: int, length: int, dtype: torch.dtype) -> int:
        """How many bytes such a cache takes."""
        return slots * length * dtype.itemsize * sum(lay.kv_heads * (lay.key_dim + lay.value_dim) for lay in layers)

    @property
    def free(self) -> int:
        """How many slots nobody has taken."""
        return sum(not slot.taken for slot in self._slots)

    def held(self, tokens: Sequence[int]) -> int:
        """The length of the longest prefix of `tokens` that some slot holds."""
        return max(common_prefix(slot.tokens, tokens) for slot in self._slots)

    def take(self, tokens: Sequence[int]) -> tuple[int, int]:
        """Take a free slot for a sequence that begins with `tokens`.

        Returns the slot and how many of the tokens it holds already: the longest common prefix with any slot, but
        never the last token, whose logits somebody wants. Raises IndexError when no slot is free.
        """
        common = [common_prefix(slot.tokens, tokens[:-1]) for slot in self._slots]
        best = max(common)
        source = common.index(best)

        def regret(index: int) -> tuple[int, int]:
            # A slot that goes on with its own conversation loses nothing; else whoever was silent longest loses.
            goes_on = common[index] * 2 > len(self._slots[index].tokens)
            return -common[index] if goes_on else 0, self._slots[index].used

        free = [index for index, slot in enumerate(self._slots) if not slot.taken]
        if not free:
            raise IndexError("no slot is free")
        chosen = min(free, key=regret)
        if common[chosen] < best:
            for held in (*self.keys, *self.values):
                held[chosen, :, :best] = held[source, :, :best]
        self._slots[chosen].tokens = list(tokens[:best])
        self._slots[chosen].taken = True
        self.found += best
        self.missed += len(tokens) - best
        return chosen, best

    def hold(self, slot: int, tokens: Sequence[int]) -> None:
        """Note that a pass has written these tokens' keys and values behind those the slot holds."""
        self._slots[slot].tokens += tokens

    def give_back(self, slot: int) -> None:
        """Let others have the slot; it keeps what it holds until one does."""
        self._clock += 1
        self._slots[slot].taken, self._slots[slot].used = False, self._clock

    def reset(self) -> None:
        """Let go of all slots and of what they hold."""
        self._slots = [_Slot() for _ in self._slots]

    def forget(self, slot: int) -> None:
        """Drop what the slot holds, because it may be wrong."""
        self._slots[slot].tokens = []


def common_prefix(one: Sequence[int], other: Sequence[int]) -> int:
    """How many items two sequences have in common at their beginnings."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
