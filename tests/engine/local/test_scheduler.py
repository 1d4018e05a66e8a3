"""Sequences that run together are, token for token, what `generate` says to each alone."""

import random
from dataclasses import dataclass, field

import pytest
import torch
import transformers

from bot import demo
from bot.engine import Sampling, Stream
from bot.engine.local.attention import BLOCK
from bot.engine.local.compatibility import probe
from bot.engine.local.kv_cache import KVCache
from bot.engine.local.scheduler import Scheduler
from bot.engine.local.sequence import Request, Sequence
from bot.engine.models import loading
from bot.engine.models.loading import LoadedModel
from bot.engine.prompt import Exchange, Prompt, encode
from bot.engine.throughput import Throughput
from tests.support.models import ARCHITECTURES, save_model

NEW_TOKENS = 12
LENGTH = 240
VOCABULARY = 250  # ordinary tokens; the special ones come after them


@dataclass
class Bench:
    """A model that runs sequences in batches, and the same model as transformers loads it."""

    loaded: LoadedModel
    plain: transformers.PreTrainedModel
    layers: list
    length: int = LENGTH
    generated: dict[tuple[int, ...], list[int]] = field(default_factory=dict)

    def scheduler(self, slots: int = 16, *, chunk: int | None = None) -> Scheduler:
        cache = KVCache(self.layers, slots, self.length, self.loaded.model.dtype)
        scheduler = Scheduler(self.loaded.model, cache, Throughput())
        if chunk:
            scheduler._chunk_size = chunk
            scheduler._adapt_chunk_size = lambda *_: None
        return scheduler

    def add(self, scheduler: Scheduler, ids: list[int], sampling: Sampling | None = None) -> Sequence:
        request = Request(Prompt("", (), None, ""), sampling or Sampling(NEW_TOKENS, temperature=0), Stream())
        sequence = Sequence(request, ids, self.loaded, penalty=1.0, limit=self.length)
        scheduler.add(sequence)
        return sequence

    def expected(self, ids: list[int]) -> list[int]:
        if tuple(ids) not in self.generated:
            self.generated[tuple(ids)] = self.generate(ids)
        return self.generated[tuple(ids)]

    def generate(self, ids: list[int]) -> list[int]:
        row = torch.tensor([ids])
        out = self.plain.generate(
            row,
            attention_mask=torch.ones_like(row),
            generation_config=transformers.GenerationConfig(
                max_new_tokens=NEW_TOKENS, do_sample=False, eos_token_id=list(self.loaded.end_tokens), pad_token_id=0
            ),
        )
        return out[0].tolist()


def run(scheduler: Scheduler) -> list[Sequence]:
    """All that finish until the scheduler has nothing left to do."""
    finished: list[Sequence] = []
    for _ in range(2000):
        if not scheduler.busy:
            return finished
        finished += scheduler.step()
    raise AssertionError("the scheduler does not come to an end")


def prompts(count: int, seed: int = 0) -> list[list[int]]:
    draw = random.Random(seed)
    return [
        [draw.randrange(VOCABULARY) for _ in range(draw.choice([1, 2, 5, 30, BLOCK, BLOCK + 1, 100, 200]))]
        for _ in range(count)
    ]


@pytest.fixture(scope="module", params=sorted(ARCHITECTURES.keys() - {"mamba"}))
def bench(request, tmp_path_factory) -> Bench:
    folder = save_model(tmp_path_factory.mktemp("models") / request.param, request.param)
    plain = transformers.AutoModelForCausalLM.from_pretrained(folder)
    loaded = loading.load(str(folder), "float32")
    return Bench(loaded, plain, probe(loaded.model, LENGTH, loaded.precision))


async def test_alone(bench):
    for ids in prompts(4):
        scheduler = bench.scheduler(1)
        sequence = bench.add(scheduler, ids)
        run(scheduler)
        assert sequence.tokens == bench.expected(ids)


async def test_in_a_batch_of_mixed_lengths(bench):
    scheduler = bench.scheduler(16)
    sequences = [(bench.add(scheduler, ids), ids) for ids in prompts(16)]
    run(scheduler)
    for sequence, ids in sequences:
        assert sequence.tokens == bench.expected(ids)
    assert scheduler.free_slots == 16


async def test_joined_late_and_after_neighbours_left(bench):
    scheduler = bench.scheduler(3)
    waiting, sequences = prompts(9), []
    while waiting or scheduler.busy:
        if waiting and scheduler.free_slots:
            sequences.append((bench.add(scheduler, waiting[-1]), waiting.pop()))
        if len(sequences) == 5:
            sequences[3][0].stream.stop()
        scheduler.step()
    for number, (sequence, ids) in enumerate(sequences):
        expected = bench.expected(ids)
        assert sequence.tokens == (expected[: len(sequence.tokens)] if number == 3 else expected)


@pytest.mark.parametrize("chunk", [7, BLOCK, 100])
async def test_read_in_chunks(bench, chunk):
    scheduler = bench.scheduler(4, chunk=chunk)
    sequences = [(bench.add(scheduler, ids), ids) for ids in prompts(16)[8:12]]
    run(scheduler)
    for sequence, ids in sequences:
        assert sequence.tokens == bench.expected(ids)


async def test_with_a_reused_prefix(bench):
    scheduler = bench.scheduler(3)
    first = bench.add(scheduler, prompts(20)[7] + list(range(50)))
    scheduler.step()
    for ids in (
        [*first.tokens[:60], 7, 8, 9],  # copied from a slot in use
        [*first.tokens[:10], 9, 9],
        [*first.tokens, *range(20, 40)],
        first.tokens[:50],  # nothing new
    ):
        sequence = bench.add(scheduler, ids)
        scheduler._admit()
        assert scheduler._running[-1].cached >= 10
        run(scheduler)
        assert sequence.tokens == bench.expected(ids)


@pytest.mark.slow
async def test_the_demo_model_says_what_generate_says_to_fifty_prompts():
    plain = transformers.AutoModelForCausalLM.from_pretrained(demo.MODEL, dtype=torch.float32)
    loaded = loading.load("demo", "float32")
    bench, draw = Bench(loaded, plain, probe(loaded.model, 600, loaded.precision), length=600), random.Random(0)
    exchanges = [
        ("My name is Alice.", "Nice to meet you, Alice!"),
        ("I like the colour green. My cat is called Mia, and we live in Rome.", "Green is a fine colour."),
        ("Hello!", "Hello! How can I help?"),
        ("What is my name?", "Your name is Alice."),
    ]

    def some_turns() -> tuple[Exchange, ...]:
        return tuple(Exchange("Alice", *draw.choice(exchanges)) for _ in range(draw.randrange(8)))

    def some_prompt() -> Prompt:
        return Prompt("Be kind.", some_turns(), draw.choice([None, "Bob"]), draw.choice(exchanges)[0])

    asked = [encode(some_prompt(), loaded.tokenizer, 500) for _ in range(50)]
    scheduler, sequences = bench.scheduler(16), []
    while len(sequences) < len(asked) or scheduler.busy:
        if len(sequences) < len(asked) and scheduler.free_slots:
            sequences.append(bench.add(scheduler, asked[len(sequences)]))
        scheduler.step()
    assert len({len(ids) for ids in asked}) > 30
    for sequence, ids in zip(sequences, asked, strict=True):
        assert sequence.tokens == bench.expected(ids)


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "int8"])
async def test_a_neighbour_never_changes_an_answer(precision, tmp_path):
    """Not by the last bit, which can decide a sampled token."""
    folder = save_model(tmp_path / "model", hidden_size=256, intermediate_size=512, initializer_range=0.1)
    loaded = loading.load(str(folder), precision)
    bench = Bench(loaded, None, probe(loaded.model, LENGTH, loaded.precision))
    asked = prompts(8, seed=3)
    sampling = Sampling(NEW_TOKENS, temperature=1.5, top_k=0, top_p=0.95, seed=4)

    def logits_seen(scheduler: Scheduler, sequence: Sequence) -> list[torch.Tensor]:
        seen: list[torch.Tensor] = []
        choose = sequence._sampler.sample
        sequence._sampler.sample = lambda logits: (seen.append(logits.clone()), choose(logits))[1]
        run(scheduler)
        return seen

    scheduler = bench.scheduler(1)
    alone = logits_seen(scheduler, bench.add(scheduler, asked[0], sampling))
    scheduler = bench.scheduler(8)
    for ids in asked[1:]:
        bench.add(scheduler, ids, sampling)
    scheduler.step()
    together = logits_seen(scheduler, bench.add(scheduler, asked[0], sampling))
    assert len(alone) == len(together)
    assert all(one.equal(other) for one, other in zip(alone, together, strict=True))


def pass_lengths(loaded: LoadedModel) -> list[int]:
    """A list to which each pass through the model appends how many tokens it has."""
    lengths: list[int] = []
    forward = loaded.model.forward
    loaded.model.forward = lambda **given: (lengths.append(given["input_ids"].shape[1]), forward(**given))[1]
    return lengths


async def test_a_stop_takes_effect_within_a_pass(tmp_path):
    loaded = loading.load(str(save_model(tmp_path / "model")), "float32")
    bench = Bench(loaded, None, probe(loaded.model, LENGTH, loaded.precision))
    scheduler = bench.scheduler(2, chunk=16)
    sequences = [bench.add(scheduler, ids) for ids in (list(range(5)), list(range(200)))]
    for _ in range(3):
        scheduler.step()
    before = [list(sequence.tokens) for sequence in sequences]
    for sequence in sequences:
        sequence.stream.stop()
    scheduler.step()
    assert [sequence.tokens for sequence in sequences] == before
    assert scheduler.free_slots == 2


@pytest.mark.slow
async def test_random_coming_and_going_leaves_nothing_behind(tmp_path):
    """Sequences are added, finish, are stopped and fail at random, and so do whole passes."""
    loaded = loading.load(str(save_model(tmp_path / "model")), "float32")
    bench = Bench(loaded, None, probe(loaded.model, LENGTH, loaded.precision))
    draw, asked = random.Random(0), prompts(12, seed=5)

    def alone(ids: list[int]) -> list[int]:
        scheduler = bench.scheduler(1)
        sequence = bench.add(scheduler, ids)
        run(scheduler)
        return sequence.tokens

    expected = [alone(ids) for ids in asked]
    scheduler, sequences, broken = bench.scheduler(5), [], 0
    forward = loaded.model.forward
    buffers = [tensor.data_ptr() for tensor in (*scheduler._cache.keys, *scheduler._cache.values)]
    finished: list[Sequence] = []
    for _ in range(500):
        if scheduler.free_slots and draw.random() < 0.3:
            which = draw.randrange(len(asked))
            sequence = bench.add(scheduler, asked[which])
            sequences.append((sequence, which))
            if draw.random() < 0.1:
                sequence._sampler.sample = lambda logits: 1 / 0
        if sequences and draw.random() < 0.02:
            draw.choice(sequences)[0].stream.stop()
        if draw.random() < 0.01:
            loaded.model.forward = lambda **unused: 1 / 0
            broken += scheduler.busy
        finished += scheduler.step()
        loaded.model.forward = forward
        assert scheduler.free_slots == 5 - len(scheduler._running) - len(scheduler._waiting)
    finished += run(scheduler)
    assert scheduler.free_slots == 5
    assert [tensor.data_ptr() for tensor in (*scheduler._cache.keys, *scheduler._cache.values)] == buffers
    assert all(len(slot.tokens) <= LENGTH for slot in scheduler._cache._slots)
    assert len(finished) == len(sequences), "each finishes once"
    assert set(finished) == {sequence for sequence, _ in sequences}
    whole = [
        (sequence.tokens, expected[which])
        for sequence, which in sequences
        if not sequence.stream.stopped and sequence.error is None
    ]
    assert broken > 3
    assert len(whole) > 30
    assert all(tokens == wanted for tokens, wanted in whole)


async def test_who_shares_a_beginning_waits_for_it_to_be_read_once(tmp_path):
    loaded = loading.load(str(save_model(tmp_path / "model")), "float32")
    bench = Bench(loaded, None, probe(loaded.model, LENGTH, loaded.precision))
    read = pass_lengths(loaded)
    system = prompts(20)[7][:1] * 100
    scheduler = bench.scheduler(8, chunk=128)
    for speaker in range(8):
        bench.add(scheduler, [*system, speaker, speaker + 1], Sampling(1, temperature=0))
    run(scheduler)
    assert sum(read) == 100 + 8 * 2


async def test_a_prompt_is_read_in_smaller_chunks_while_others_are_answered(tmp_path, monkeypatch):
    monkeypatch.setattr("bot.engine.local.scheduler._PASS_SECONDS", 1e-9)  # any machine is too slow for larger ones
    loaded = loading.load(str(save_model(tmp_path / "model")), "float32")
    bench = Bench(loaded, None, probe(loaded.model, 400, loaded.precision), 400)
    scheduler, read = bench.scheduler(2), pass_lengths(loaded)
    first = bench.add(scheduler, list(range(300)), Sampling(9, temperature=0))
    while first.pending > 1:
        scheduler.step()
    assert read == [2 * BLOCK, 2 * BLOCK, 300 - 4 * BLOCK]
    bench.add(scheduler, list(range(100, 330)), Sampling(1, temperature=0))
    run(scheduler)
    assert read[3:7] == [1 + 2 * BLOCK, 1 + BLOCK, 1 + 230 - 3 * BLOCK, 1]
