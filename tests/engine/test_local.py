"""The engine on the CPU: what `generate` would say comes piece by piece, and can be stopped."""

import asyncio
import threading

import pytest
import torch

from bot.engine import ModelError, Sampling
from bot.engine.local import LocalEngine
from bot.prompt import Exchange, Prompt, QuestionTooLong, encode
from tests.engine.models import save_model

PROMPT = Prompt("Be brief.", (Exchange("Alice", "one", "two"),), "Bob", "hello there")
GREEDY = Sampling(max_new_tokens=40, temperature=0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("models") / "good")


@pytest.fixture
async def engine(folder):
    async with LocalEngine(str(folder), max_prompt_tokens=2048, max_new_tokens=400) as engine:
        yield engine


async def answer(engine: LocalEngine, prompt: Prompt = PROMPT, sampling: Sampling = GREEDY) -> str:
    async with asyncio.timeout(30):
        return "".join([piece async for piece in engine.submit(prompt, sampling)])


async def test_a_greedy_answer_is_what_generate_says(engine, folder):
    await engine.ready()
    loaded, _ = engine._loading.result()
    ids = torch.tensor([encode(PROMPT, loaded.tokenizer, 472)])
    expected = loaded.model.generate(
        ids, attention_mask=torch.ones_like(ids), max_new_tokens=40, do_sample=False, pad_token_id=0
    )
    text = loaded.tokenizer.decode(expected[0, ids.shape[1] :], skip_special_tokens=True)
    assert await answer(engine) == text.lstrip().rstrip("\ufffd")


async def test_the_same_seed_gives_the_same_answer(engine):
    sampling = [Sampling(40, temperature=1.5, top_k=0, top_p=1.0, seed=seed) for seed in (1, 1, 2)]
    one, again, other = [await answer(engine, sampling=chosen) for chosen in sampling]
    assert one == again != other


async def test_requests_made_while_the_model_loads_are_answered(engine):
    assert not engine._loading.done()
    assert await answer(engine)
    await engine.ready()


async def test_a_stop_ends_generation_within_a_token(engine):
    stream = engine.submit(PROMPT, Sampling(400, temperature=1.0, top_k=0, top_p=1.0, seed=1))
    await anext(stream)
    stream.stop()
    assert [piece async for piece in stream if piece is None] == []
    assert await answer(engine), "the thread is free for the next"


async def test_a_question_over_the_models_context_is_refused(engine):
    with pytest.raises(QuestionTooLong, match="at most"):
        await answer(engine, Prompt("", (), None, "word " * 500))
    assert await answer(engine), "the next is answered"


async def test_an_error_in_generation_reaches_the_reader(engine, monkeypatch):
    await engine.ready()
    loaded, _ = engine._loading.result()

    def broken(*args, **kwargs):
        raise RuntimeError("broken")

    monkeypatch.setattr(loaded.model, "generate", broken)
    with pytest.raises(RuntimeError, match="broken"):
        await answer(engine)
    monkeypatch.undo()
    assert await answer(engine), "the next is answered"


async def test_the_plain_form_ends_before_the_next_question(tmp_path):
    folder = save_model(tmp_path / "plain", template=None)
    async with LocalEngine(str(folder), max_prompt_tokens=2048, max_new_tokens=40) as engine:
        await engine.ready()
        loaded, _ = engine._loading.result()
        said = loaded.tokenizer.encode(" Fine, Assistant: is a word.\nUser: And you?")

        def recite(ids, *, streamer, stopping_criteria, **unused):
            streamer.put(ids)
            for token in said:
                streamer.put(torch.tensor([token]))
                if stopping_criteria(ids, ()).all():
                    break
            streamer.end()

        loaded.model.generate = recite
        assert await answer(engine) == "Fine, Assistant: is a word."


async def test_an_answer_longer_than_the_context_is_refused_at_the_start(folder):
    async with LocalEngine(str(folder), max_prompt_tokens=2048, max_new_tokens=512) as engine:
        with pytest.raises(ModelError, match="MAX_NEW_TOKENS is 512"):
            await engine.ready()
        with pytest.raises(ModelError, match="MAX_NEW_TOKENS"):
            await answer(engine)


async def test_a_missing_model_is_told_before_anything_starts(tmp_path):
    with pytest.raises(ModelError, match="no model folder"):
        async with LocalEngine(str(tmp_path / "none"), max_prompt_tokens=2048, max_new_tokens=40):
            pass


async def test_closing_ends_what_runs_and_waits_and_the_thread(folder):
    async with LocalEngine(str(folder), max_prompt_tokens=100, max_new_tokens=400) as engine:
        endless = Sampling(400, temperature=1.0, top_k=0, top_p=1.0, seed=1)
        streams = [engine.submit(PROMPT, endless) for _ in range(3)]
        await anext(streams[0])
    async with asyncio.timeout(5):
        for stream in streams:
            assert isinstance([piece async for piece in stream], list)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("engine")]
