"""Answers that grow together are, token for token, what `generate` says to each alone."""

import random
from dataclasses import dataclass, field

import pytest
import torch
import transformers

from bot import demo
from bot.engine import Sampling, Stream
from bot.engine.local.compatibility import probe
from bot.engine.local.kv_cache import KVCache
from bot.engine.local.scheduler import Batch
from bot.engine.local.sequence import Answer, Request
from bot.engine.models import loading
from bot.engine.models.loading import LoadedModel
from bot.engine.prompt import Exchange, Prompt, encode
from tests.support.models import ARCHITECTURES, save_model

NEW_TOKENS = 12
LENGTH = 240
VOCABULARY = 250  # ordinary tokens; the special ones come after them


@dataclass
class Bench:
    """A model that answers in a batch, and the same model as transformers loads it."""

    loaded: LoadedModel
    plain: transformers.PreTrainedModel
    layers: list
    length: int = LENGTH
    ended: dict[Stream, BaseException | None] = field(default_factory=dict)
    generated: dict[tuple[int, ...], list[int]] = field(default_factory=dict)

    def batch(self, slots: int = 16, *, chunk: int | None = None) -> Batch:
        batch = Batch(self.loaded.model, KVCache(self.layers, slots, self.length, self.loaded.model.dtype), self.end)
        if chunk:
            batch._chunk = chunk
            batch._follow_speed = lambda *_: None
        return batch

    def end(self, stream: Stream, error: BaseException | None) -> None:
        assert stream not in self.ended
        self.ended[stream] = error

    def answer(self, ids: list[int], sampling: Sampling | None = None) -> Answer:
        request = Request(Prompt("", (), None, ""), sampling or Sampling(NEW_TOKENS, temperature=0), Stream())
        return Answer(request, ids, self.loaded, penalty=1.0, limit=self.length)

    def join(self, batch: Batch, ids: list[int], sampling: Sampling | None = None) -> Answer:
        answer = self.answer(ids, sampling)
        batch.join(answer)
        return answer

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


def run(batch: Batch) -> None:
    for _ in range(2000):
        if not batch.busy:
            return
        batch.step()
    raise AssertionError("the batch does not come to an end")


def prompts(count: int, seed: int = 0) -> list[list[int]]:
    draw = random.Random(seed)
    return [
        [draw.randrange(VOCABULARY) for _ in range(draw.choice([1, 2, 5, 30, 64, 65, 100, 200]))] for _ in range(count)
    ]


@pytest.fixture(scope="module", params=sorted(ARCHITECTURES.keys() - {"mamba"}))
def bench(request, tmp_path_factory) -> Bench:
    folder = save_model(tmp_path_factory.mktemp("models") / request.param, request.param)
    plain = transformers.AutoModelForCausalLM.from_pretrained(folder)
    loaded = loading.load(str(folder), "float32")
    return Bench(loaded, plain, probe(loaded.model, LENGTH))


async def test_alone(bench):
    for ids in prompts(4):
        batch = bench.batch(1)
        answer = bench.join(batch, ids)
        run(batch)
        assert answer.tokens == bench.expected(ids)


async def test_in_a_batch_of_mixed_lengths(bench):
    batch = bench.batch(16)
    answers = [(bench.join(batch, ids), ids) for ids in prompts(16)]
    run(batch)
    for answer, ids in answers:
        assert answer.tokens == bench.expected(ids)
    assert batch.room == 16


async def test_joined_late_and_after_neighbours_left(bench):
    batch = bench.batch(3)
    waiting, answers = prompts(9), []
    while waiting or batch.busy:
        if waiting and batch.room:
            answers.append((bench.join(batch, waiting[-1]), waiting.pop()))
        if len(answers) == 5:
            answers[3][0].stream.stop()
        batch.step()
    for number, (answer, ids) in enumerate(answers):
        expected = bench.expected(ids)
        assert answer.tokens == (expected[: len(answer.tokens)] if number == 3 else expected)


@pytest.mark.parametrize("chunk", [7, 64, 100])
async def test_read_in_chunks(bench, chunk):
    batch = bench.batch(4, chunk=chunk)
    answers = [(bench.join(batch, ids), ids) for ids in prompts(16)[8:12]]
    run(batch)
    for answer, ids in answers:
        assert answer.tokens == bench.expected(ids)


async def test_with_a_reused_prefix(bench):
    batch = bench.batch(3)
    first = bench.join(batch, prompts(20)[7] + list(range(50)))
    batch.step()
    for ids in (
        [*first.tokens[:60], 7, 8, 9],  # copied from a slot in use
        [*first.tokens[:10], 9, 9],
        [*first.tokens, *range(20, 40)],
        first.tokens[:50],  # nothing new
    ):
        answer = bench.join(batch, ids)
        batch._seat()
        assert batch._sequences[-1].cached >= 10
        run(batch)
        assert answer.tokens == bench.expected(ids)


async def test_the_demo_model_says_what_generate_says_to_fifty_prompts():
    plain = transformers.AutoModelForCausalLM.from_pretrained(demo.MODEL, dtype=torch.float32)
    loaded = loading.load("demo", "float32")
    bench, draw = Bench(loaded, plain, probe(loaded.model, 600), length=600), random.Random(0)
    said = [
        ("My name is Alice.", "Nice to meet you, Alice!"),
        ("I like the colour green. My cat is called Mia, and we live in Rome.", "Green is a fine colour."),
        ("Hello!", "Hello! How can I help?"),
        ("What is my name?", "Your name is Alice."),
    ]

    def some_turns() -> tuple[Exchange, ...]:
        return tuple(Exchange("Alice", *draw.choice(said)) for _ in range(draw.randrange(8)))

    def some_prompt() -> Prompt:
        return Prompt("Be kind.", some_turns(), draw.choice([None, "Bob"]), draw.choice(said)[0])

    asked = [encode(some_prompt(), loaded.tokenizer, 500) for _ in range(50)]
    batch, answers = bench.batch(16), []
    while len(answers) < len(asked) or batch.busy:
        if len(answers) < len(asked) and batch.room:
            answers.append(bench.join(batch, asked[len(answers)]))
        batch.step()
    assert len({len(ids) for ids in asked}) > 30
    for answer, ids in zip(answers, asked, strict=True):
        assert answer.tokens == bench.expected(ids)


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "int8"])
async def test_a_neighbour_never_changes_an_answer(precision, tmp_path):
    """Not by the last bit: a drawn token may hang on it."""
    folder = save_model(tmp_path / "model", hidden_size=256, intermediate_size=512, initializer_range=0.1)
    loaded = loading.load(str(folder), precision)
    bench = Bench(loaded, None, probe(loaded.model, LENGTH))
    asked = prompts(8, seed=3)
    sampling = Sampling(NEW_TOKENS, temperature=1.5, top_k=0, top_p=0.95, seed=4)

    def logits_seen(batch: Batch, answer: Answer) -> list[torch.Tensor]:
        seen: list[torch.Tensor] = []
        choose = answer._sampler.choose
        answer._sampler.choose = lambda logits: (seen.append(logits.clone()), choose(logits))[1]
        run(batch)
        return seen

    batch = bench.batch(1)
    alone = logits_seen(batch, bench.join(batch, asked[0], sampling))
    batch = bench.batch(8)
    for ids in asked[1:]:
        bench.join(batch, ids, sampling)
    batch.step()
    together = logits_seen(batch, bench.join(batch, asked[0], sampling))
    assert len(alone) == len(together)
    assert all(one.equal(other) for one, other in zip(alone, together, strict=True))


async def test_a_stop_takes_effect_within_a_pass(tmp_path):
    loaded = loading.load(str(save_model(tmp_path / "model")), "float32")
    bench = Bench(loaded, None, probe(loaded.model, LENGTH))
    batch = bench.batch(2, chunk=16)
    answers = [bench.join(batch, ids) for ids in (list(range(5)), list(range(200)))]
    for _ in range(3):
        batch.step()
    said = [list(answer.tokens) for answer in answers]
    for answer in answers:
        answer.stream.stop()
    batch.step()
    assert [answer.tokens for answer in answers] == said
    assert batch.room == 2


async def test_random_coming_and_going_leaves_nothing_behind(tmp_path):
    """Requests join, end, are stopped and fail at random, and so do whole passes."""
    loaded = loading.load(str(save_model(tmp_path / "model")), "float32")
    bench = Bench(loaded, None, probe(loaded.model, LENGTH))
    draw, asked = random.Random(0), prompts(12, seed=5)

    def alone(ids: list[int]) -> list[int]:
        batch = bench.batch(1)
        answer = bench.join(batch, ids)
        run(batch)
        return answer.tokens

    expected = [alone(ids) for ids in asked]
    batch, answers, broken = bench.batch(5), [], 0
    forward = loaded.model.forward
    held = [tensor.data_ptr() for tensor in (*batch._cache.keys, *batch._cache.values)]
    bench.ended.clear()
    for _ in range(500):
        if batch.room and draw.random() < 0.3:
            which = draw.randrange(len(asked))
            answer = bench.join(batch, asked[which])
            answers.append((answer, which))
            if draw.random() < 0.1:
                answer._sampler.choose = lambda logits: 1 / 0
        if answers and draw.random() < 0.02:
            draw.choice(answers)[0].stream.stop()
        if draw.random() < 0.01:
            loaded.model.forward = lambda **unused: 1 / 0
            broken += batch.busy
        batch.step()
        loaded.model.forward = forward
        assert batch.room == 5 - len(batch._sequences) - len(batch._newcomers)
    run(batch)
    assert batch.room == 5
    assert [tensor.data_ptr() for tensor in (*batch._cache.keys, *batch._cache.values)] == held
    assert all(len(slot.tokens) <= LENGTH for slot in batch._cache._slots)
    assert bench.ended.keys() == {answer.stream for answer, _ in answers}
    whole = [
        (answer.tokens, expected[which])
        for answer, which in answers
        if not answer.stream.stopped and bench.ended[answer.stream] is None
    ]
    assert broken > 3
    assert len(whole) > 30
    assert all(tokens == wanted for tokens, wanted in whole)


async def test_who_shares_a_beginning_waits_for_it_to_be_read_once(tmp_path):
    loaded = loading.load(str(save_model(tmp_path / "model")), "float32")
    bench = Bench(loaded, None, probe(loaded.model, LENGTH))
    read: list[int] = []
    forward = loaded.model.forward
    loaded.model.forward = lambda **given: (read.append(given["input_ids"].shape[1]), forward(**given))[1]
    system = prompts(20)[7][:1] * 100
    batch = bench.batch(8, chunk=128)
    for speaker in range(8):
        bench.join(batch, [*system, speaker, speaker + 1], Sampling(1, temperature=0))
    run(batch)
    assert sum(read) == 100 + 8 * 2
