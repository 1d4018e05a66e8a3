"""A forward pass fails, or the engine itself: whose request it hits hears of it, and the others are answered."""

import asyncio

import pytest
import torch
import transformers
from tokenizers import decoders

from bot.engine import EngineError
from bot.engine.local.scheduler import Scheduler
from bot.engine.prompt import Prompt, encode
from tests.support.local import ENDLESS, GREEDY, PROMPT, answer, make_engine, read
from tests.support.models import save_model


async def test_an_error_in_a_pass_reaches_the_readers_and_the_next_is_answered(engine, monkeypatch):
    expected = await answer(engine)

    def broken(*args, **kwargs):
        raise RuntimeError("broken")

    with monkeypatch.context() as patch:
        loaded = engine._loading.result()
        patch.setattr(loaded.model, "forward", broken)
        streams = [engine.submit(PROMPT, GREEDY) for _ in range(3)]
        for stream in streams:
            with pytest.raises(RuntimeError, match="broken"):
                await read(stream)
    assert await answer(engine) == expected


async def test_who_makes_a_pass_fail_does_not_take_the_others_along(engine, monkeypatch):
    expected = await answer(engine)
    loaded = engine._loading.result()
    forward = loaded.model.forward

    def too_big(input_ids, **options):
        if 7 in input_ids:
            raise MemoryError("too big")
        return forward(input_ids=input_ids, **options)

    monkeypatch.setattr(loaded.model, "forward", too_big)
    big = Prompt("", (), None, loaded.tokenizer.decode([7]) * 3)
    assert 7 in encode(big, loaded.tokenizer, 400)
    streams = [engine.submit(prompt, GREEDY) for prompt in (PROMPT, big, PROMPT)]
    with pytest.raises(MemoryError):
        await read(streams[1])
    assert [await read(streams[0]), await read(streams[2])] == [expected, expected]


async def test_after_a_failure_of_its_own_the_engine_answers_those_who_wait(folder, monkeypatch):
    async with make_engine(folder, max_batch=2) as engine:
        expected = await answer(engine)
        step = Scheduler.step
        failing = iter([False, True])
        monkeypatch.setattr(Scheduler, "step", lambda scheduler: 1 / 0 if next(failing, False) else step(scheduler))
        streams = [engine.submit(PROMPT, GREEDY) for _ in range(5)]
        results = await asyncio.gather(*map(read, streams), return_exceptions=True)
        assert [type(result) for result in results[:2]] == [ZeroDivisionError] * 2
        assert results[2:] == [expected] * 3


async def test_an_engine_that_fails_again_and_again_tells_everybody_and_gives_up(engine, monkeypatch):
    await engine.ready()
    monkeypatch.setattr(Scheduler, "step", lambda scheduler: 1 / 0)
    streams = [engine.submit(PROMPT, GREEDY) for _ in range(20)]
    for stream in streams:
        with pytest.raises(ZeroDivisionError):
            await read(stream)
    with pytest.raises(EngineError):
        await engine.wait_failed()
    with pytest.raises(EngineError):
        await answer(engine)


async def test_a_model_that_always_fails_is_no_engine(engine, monkeypatch):
    await engine.ready()
    loaded = engine._loading.result()
    monkeypatch.setattr(loaded.model, "forward", lambda *args, **options: 1 / 0)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            await answer(engine)
    with pytest.raises(EngineError):
        await engine.wait_failed()


async def test_an_engine_that_fails_while_it_closes_comes_to_an_end(folder, monkeypatch):
    async with make_engine(folder) as engine:
        stream = engine.submit(PROMPT, ENDLESS)
        await anext(stream)
        step = Scheduler.step
        monkeypatch.setattr(Scheduler, "step", lambda scheduler: 1 / 0 if engine._closed else step(scheduler))
    assert engine._worker.done()


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """A function: an architecture → such a model that knows the word Zorbo, and one of whose tokens ends all passes."""

    def save(architecture):
        folder = save_model(tmp_path_factory.mktemp("models") / architecture, architecture, endless=True)
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        tokenizer.add_tokens(["Zorbo"])
        tokenizer.save_pretrained(folder)
        model = transformers.AutoModelForCausalLM.from_pretrained(folder)
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
        model.save_pretrained(folder)
        return folder

    return save


@pytest.mark.parametrize("architecture", ["qwen2", "mamba"])
async def test_no_text_counts_towards_ending_the_engine(odd, architecture):
    async with make_engine(odd(architecture)) as engine:
        expected = await answer(engine)
        embedding = engine._loading.result().model.get_input_embeddings()
        embedding.weight = torch.nn.Parameter(embedding.weight[:-1], requires_grad=False)  # Zorbo has none any more
        for _ in range(5):
            with pytest.raises(IndexError):
                await answer(engine, Prompt("", (), None, "Do you know Zorbo?"))
        assert await answer(engine) == expected


@pytest.mark.parametrize("architecture", ["qwen2", "mamba"])
async def test_an_engine_that_fails_with_whatever_it_is_asked_gives_up(odd, architecture, monkeypatch, caplog):
    async with make_engine(odd(architecture)) as engine:
        await engine.ready()
        monkeypatch.setattr(engine._loading.result().model, "forward", lambda *args, **options: 1 / 0)
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                await answer(engine, Prompt("", (), None, "Do you know Zorbo?"))
        with pytest.raises(EngineError):
            await engine.wait_failed()
        assert caplog.text.count("does not answer a known-good request either") == 3


@pytest.mark.parametrize("architecture", ["qwen2", "mamba"])
async def test_a_panic_in_a_tokenizer_is_an_error_of_its_request(odd, architecture, monkeypatch):
    async with make_engine(odd(architecture)) as engine:
        expected = await answer(engine)
        tokenizer = engine._loading.result().tokenizer
        # Cutting two letters off one makes the tokenizers library panic, which is no Exception.
        backend = tokenizer.backend_tokenizer
        backend.decoder = decoders.Sequence([decoders.Strip("Z", 0, 2), decoders.ByteLevel()])
        for _ in range(5):
            with pytest.raises(RuntimeError, match="PanicException"):
                await answer(engine, Prompt("", (), None, "Z"))
        with monkeypatch.context() as patch:
            patch.setattr(
                "bot.engine.local.sampler.Sampler.sample", lambda *unused: tokenizer.convert_tokens_to_ids("Z")
            )
            with pytest.raises(RuntimeError, match="PanicException"):
                await answer(engine)
        assert await answer(engine) == expected
