"""A forward pass fails, or the engine itself: whose request it hits hears of it, and the others are answered."""

import asyncio

import pytest

from bot.engine import EngineError
from bot.engine.local.scheduler import Scheduler
from bot.engine.prompt import Prompt, encode
from tests.support.local import ENDLESS, GREEDY, PROMPT, answer, make_engine, read


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
