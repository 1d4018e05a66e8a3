"""Slots are allocated fairly, and no prefix that some slot still holds is computed again."""

import random

import pytest
import torch

from bot.engine.local.kv_cache import KVCache, LayerSpec

LAYERS = [LayerSpec(2, 4, 3, None), LayerSpec(1, 4, 4, 8)]


def make_cache(slots: int, length: int = 100) -> KVCache:
    return KVCache(LAYERS, slots, length, torch.float32)


def write(cache: KVCache, slot: int, start: int, tokens: list[int]) -> None:
    """Do what a forward pass would; each token's key and value are its id."""
    for tensor in (*cache.keys, *cache.values):
        tensor[slot, :, start : start + len(tokens)] = torch.tensor(tokens, dtype=tensor.dtype)[:, None]
    cache.append(slot, tokens)


def test_a_finished_conversation_goes_on_where_it_was():
    cache = make_cache(2)
    slot, cached = cache.allocate([1, 2, 3])
    assert cached == 0
    write(cache, slot, 0, [1, 2, 3, 4, 5])
    cache.release(slot)
    assert cache.allocate([1, 2, 3, 4, 5, 6]) == (slot, 5)


def test_the_last_token_is_always_read_again():
    cache = make_cache(1)
    slot, _ = cache.allocate([1, 2, 3])
    write(cache, slot, 0, [1, 2, 3])
    cache.release(slot)
    assert cache.allocate([1, 2, 3]) == (slot, 2)


def test_a_prefix_is_copied_from_a_slot_in_use():
    cache = make_cache(2)
    first, _ = cache.allocate([1, 2, 3, 4])
    write(cache, first, 0, [1, 2, 3, 4])
    second, cached = cache.allocate([1, 2, 9])
    assert second != first
    assert cached == 2
    for tensor in (*cache.keys, *cache.values):
        assert tensor[second, :, :2].equal(tensor[first, :, :2])


def test_a_new_conversation_takes_the_slot_unused_for_longest():
    cache = make_cache(3)
    system = list(range(20))
    for speaker in (100, 101, 102):
        slot, _ = cache.allocate([*system, *[speaker] * 30])
        write(cache, slot, 0 if speaker == 100 else 20, [*system, *[speaker] * 30][0 if speaker == 100 else 20 :])
    for slot in (1, 0, 2):
        cache.release(slot)
    assert cache.allocate([*system, 103, 103]) == (1, 20)
    assert cache.allocate([*system, *[100] * 30, 7]) == (0, 50), "the one before is still there"


def test_what_may_be_wrong_is_not_used_again():
    cache = make_cache(1)
    slot, _ = cache.allocate([1, 2, 3])
    write(cache, slot, 0, [1, 2, 3])
    cache.invalidate(slot)
    cache.release(slot)
    assert cache.allocate([1, 2, 3]) == (slot, 0)


def test_no_slot_is_given_twice():
    cache = make_cache(2)
    assert {cache.allocate([1])[0], cache.allocate([1])[0]} == {0, 1}
    assert cache.free_slots == 0
    with pytest.raises(IndexError):
        cache.allocate([1])


def test_its_size_is_what_it_takes():
    cache = make_cache(3)
    taken = sum(tensor.nbytes for tensor in (*cache.keys, *cache.values))
    assert KVCache.size(LAYERS, 3, 100, torch.float32) == taken


def test_a_slot_holds_what_it_says_whatever_happens():
    draw, cache = random.Random(0), make_cache(4)
    taken: dict[int, list[int]] = {}
    for _ in range(500):
        if cache.free_slots and draw.random() < 0.6:
            tokens = [draw.randrange(2) for _ in range(draw.randrange(1, 30))]
            slot, cached = cache.allocate(tokens)
            assert slot not in taken
            write(cache, slot, cached, tokens[cached:])
            taken[slot] = tokens
        elif taken:
            slot, tokens = taken.popitem()
            for tensor in (*cache.keys, *cache.values):
                assert (tensor[slot, :, : len(tokens)] == torch.tensor(tokens)[:, None]).all()
            cache.release(slot)
