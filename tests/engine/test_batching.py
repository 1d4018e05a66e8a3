"""Answers that grow together are, token for token, what `generate` says to each alone."""

import random
from dataclasses import dataclass, field

import pytest
import torch
import transformers

from bot.engine import Sampling, Stream, loading
from bot.engine.answer import Answer, Request
from bot.engine.batching import Batch
from bot.engine.cache import KVCache
from bot.engine.loading import LoadedModel
from bot.engine.probe import probe
from bot.prompt import Prompt
from tests.engine.models import ARCHITECTURES, save_model

NEW_TOKENS = 24
LENGTH = 240
VOCABULARY = 250  # ordinary tokens; the special ones come after them


@dataclass
class Bench:
    """A model that answers in a batch, and the same model as transformers loads it."""

    loaded: LoadedModel
    plain: transformers.PreTrainedModel
    layers: list
    ended: dict[Stream, BaseException | None] = field(default_factory=dict)

    def batch(self, slots: int = 16, *, chunk: int | None = None) -> Batch:
        batch = Batch(self.loaded.model, KVCache(self.layers, slots, LENGTH, self.loaded.model.dtype), self.end)
        if chunk:
            batch._chunk = chunk
            batch._follow_speed = lambda *_: None
        return batch

    def end(self, stream: Stream, error: BaseException | None) -> None:
        assert stream not in self.ended
        self.ended[stream] = error

    def answer(self, ids: list[int], sampling: Sampling | None = None) -> Answer:
        request = Request(Prompt("", (), None, ""), sampling or Sampling(NEW_TOKENS, temperature=0), Stream())
        return Answer(request, ids, self.loaded, penalty=1.0, limit=LENGTH)

    def join(self, batch: Batch, ids: list[int], sampling: Sampling | None = None) -> Answer:
        answer = self.answer(ids, sampling)
        batch.join(answer)
        return answer

    def expected(self, ids: list[int]) -> list[int]:
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


@pytest.fixture(scope="module", params=ARCHITECTURES)
def bench(request, tmp_path_factory) -> Bench:
    folder = save_model(tmp_path_factory.mktemp("models") / request.param, request.param)
    plain = transformers.AutoModelForCausalLM.from_pretrained(folder)
    loaded = loading.load(str(folder), "float32")
    return Bench(loaded, plain, probe(loaded.model, LENGTH))


async def test_alone(bench):
    for ids in prompts(6):
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
    waiting, answers = prompts(9, seed=1), []
    while waiting or batch.busy:
        if waiting and batch.room:
            answers.append((bench.join(batch, waiting[-1]), waiting.pop()))
        if len(answers) == 5:
            answers[3][0].stream.stop()
        batch.step()
    for number, (answer, ids) in enumerate(answers):
        expected = bench.expected(ids)
        assert answer.tokens == (expected[: len(answer.tokens)] if number == 3 else expected)


@pytest.mark.parametrize("chunk", [1, 7, 64, 100])
async def test_read_in_chunks(bench, chunk):
    batch = bench.batch(4, chunk=chunk)
    answers = [(bench.join(batch, ids), ids) for ids in prompts(4, seed=2)]
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
        assert batch._sequences[-1].cached > 0
        run(batch)
        assert answer.tokens == bench.expected(ids)
