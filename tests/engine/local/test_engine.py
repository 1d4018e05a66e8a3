"""The engine on the CPU: what `generate` would say comes piece by piece, and can be stopped."""

import ast
import asyncio
import json
import re
import shutil
import threading
import time
from contextlib import nullcontext

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from bot.engine import ModelError, NoAnswer, Sampling, Thought
from bot.engine.local.engine import LocalEngine
from bot.engine.local.sampler import Sampler
from bot.engine.local.scheduler import Scheduler
from bot.engine.local.sequence import Sequence
from bot.engine.models import loading
from bot.engine.models.digest import digest
from bot.engine.models.loading import PreparedModel
from bot.engine.prompt import Exchange, Prompt, QuestionTooLong, encode
from tests.support.local import ENDLESS, GREEDY, PROMPT, answer, make_engine, read
from tests.support.models import save_model
from tests.support.parley import ROOT
from tests.support.tokenizers import ALPACA, CHATML, LLAMA_2, VICUNA, ZEPHYR, make_poor_tokenizer


def generated(folder, prompt: Prompt, **options) -> str:
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    ids = torch.tensor([encode(prompt, tokenizer, 472)])
    out = model.generate(
        ids, attention_mask=torch.ones_like(ids), max_new_tokens=40, do_sample=False, pad_token_id=0, **options
    )
    return tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True).lstrip().rstrip("\ufffd")


async def test_a_greedy_answer_is_what_generate_says(engine, folder):
    assert await answer(engine) == generated(folder, PROMPT)


async def test_the_repetition_penalty_is_what_generate_makes_of_it(folder):
    async with make_engine(folder, repetition_penalty=1.3) as engine:
        assert await answer(engine) == generated(folder, PROMPT, repetition_penalty=1.3)


async def test_the_same_seed_gives_the_same_answer(engine):
    sampling = [Sampling(40, temperature=1.5, top_k=0, top_p=1.0, seed=seed) for seed in (1, 1, 2)]
    one, again, other = [await answer(engine, sampling=chosen) for chosen in sampling]
    assert one == again != other


@pytest.mark.slow
async def test_a_seeded_answer_is_the_same_in_company(engine):
    alone = await answer(engine, sampling=ENDLESS)
    streams = [engine.submit(Prompt("", (), None, "word " * n), ENDLESS) for n in range(5)]
    assert await answer(engine, sampling=ENDLESS) == alone
    for stream in streams:
        await read(stream)


async def test_requests_made_while_the_model_loads_are_answered(engine):
    assert not engine._loading.done()
    assert await answer(engine)
    await engine.ready()


async def test_a_model_is_validated_before_its_weights_are_read(folder, monkeypatch):
    load, may_read = PreparedModel.load, threading.Event()
    monkeypatch.setattr(PreparedModel, "load", lambda prepared: may_read.wait(30) and load(prepared))
    async with make_engine(folder) as engine:
        async with asyncio.timeout(30):
            await engine.validated()
        assert engine.status().precision is None
        may_read.set()
        await engine.ready()
        assert engine.status().precision == "float32"


async def test_a_question_of_which_the_tokenizer_knows_nothing_gets_a_sentence(tmp_path):
    folder = save_model(tmp_path)
    (folder / "chat_template.jinja").unlink()
    make_poor_tokenizer("kxyz").save_pretrained(folder)
    async with make_engine(folder) as engine, asyncio.timeout(30):
        with pytest.raises(NoAnswer):
            await answer(engine, Prompt("", (), None, "hello"))


async def test_a_stop_ends_the_answer_and_leaves_room(engine):
    stream = engine.submit(PROMPT, ENDLESS)
    await anext(stream)
    stream.stop()
    await read(stream)
    assert await answer(engine), "the thread is free for the next"


async def test_closing_does_not_wait_for_a_model_that_takes_long_to_load(folder, monkeypatch):
    preparing, go_on = threading.Event(), threading.Event()

    def prepare(*unused, **options):
        preparing.set()
        go_on.wait()
        raise ModelError("interrupted")

    monkeypatch.setattr(loading, "prepare", prepare)
    async with asyncio.timeout(5):
        async with make_engine(folder, close_timeout=0.1) as engine:
            await asyncio.to_thread(preparing.wait)
            stream = engine.submit(PROMPT, GREEDY)
        assert [piece async for piece in stream] == []
    go_on.set()
    await asyncio.wait([engine._worker])


async def test_the_prompt_is_bounded_by_max_prompt_tokens(folder):
    async with LocalEngine(str(folder), max_prompt_tokens=100, max_new_tokens=40) as engine:
        with pytest.raises(QuestionTooLong):
            await answer(engine, Prompt("", (), None, "word " * 60))


async def test_those_who_wait_know_how_many_are_ahead_and_are_answered_in_order(folder):
    async with make_engine(folder, max_batch=1) as engine:
        first, second, third, fourth = (engine.submit(PROMPT, ENDLESS) for _ in range(4))
        assert [stream.ahead for stream in (first, second, third, fourth)] == [0, 1, 2, 3]
        await anext(first)
        assert [stream.ahead for stream in (first, second, third, fourth)] == [0, 1, 2, 3]
        second.stop()
        first.stop()
        await anext(third)
        assert [third.ahead, fourth.ahead] == [0, 1]


async def test_a_question_over_the_models_context_is_refused_beside_others(engine):
    beside = engine.submit(PROMPT, GREEDY)
    with pytest.raises(QuestionTooLong, match="the limit is"):
        await answer(engine, Prompt("", (), None, "word " * 500))
    assert await read(beside)


async def test_the_plain_form_ends_before_the_next_question(tmp_path, monkeypatch):
    folder = save_model(tmp_path / "plain", template=None)
    async with make_engine(folder) as engine:
        await engine.ready()
        loaded = engine._loading.result()
        tokens = iter(loaded.tokenizer.encode(" Fine, Assistant: is a word.\nUser: And you?"))
        monkeypatch.setattr("bot.engine.local.sampler.Sampler.sample", lambda sampler, logits: next(tokens))
        assert await answer(engine) == "Fine, Assistant: is a word."


@pytest.mark.parametrize("architecture", ["qwen2", "mamba"])
@pytest.mark.parametrize(
    ("template", "generated"),
    [
        (ZEPHYR, " Fine, user.\n<|user|>\nAnd you?"),
        (LLAMA_2, " Fine, user.\n[INST] And you? [/INST]"),
        (ALPACA, " Fine, user.\n### Instruction:\nAnd you?"),
        (VICUNA, " Fine, user.\nUSER: And you?"),
        (CHATML, " Fine, user.\n### End"),
        (CHATML, " Fine, user.\nHuman: And you?"),
    ],
    ids=["zephyr", "llama 2", "alpaca", "vicuna", "a stop string", "another"],
)
async def test_an_answer_ends_before_a_stop_string(tmp_path, monkeypatch, architecture, template, generated):
    folder = save_model(tmp_path / "model", architecture, template=template)
    transformers.GenerationConfig(stop_strings=["### End", "Human:"]).save_pretrained(folder)
    async with make_engine(folder) as engine:
        await engine.ready()
        assert bool(engine._cache) == (architecture == "qwen2")
        for _ in range(4):
            tokens = iter(engine._loading.result().tokenizer.encode(generated))
            monkeypatch.setattr(Sampler, "sample", lambda sampler, logits, coming=tokens: next(coming))
            shown = ""
            async for piece in engine.submit(PROMPT, GREEDY):
                shown += piece
                assert " Fine, user.\n".lstrip().startswith(shown)
            assert shown == "Fine, user.\n".removesuffix("\n" if template == VICUNA else "")


@pytest.mark.parametrize(
    "settings",
    [
        {"num_beams": 4},
        {"stop_strings": "the"},
        {"num_return_sequences": 2, "do_sample": True},
        {"no_repeat_ngram_size": 1},
        {"min_new_tokens": 50},
        {"max_length": 3},
        {"max_time": 1e-9},
        {"use_cache": False},
        {"forced_eos_token_id": 5},
        {"suppress_tokens": list(range(200))},
        {"begin_suppress_tokens": list(range(200))},
        {"sequence_bias": [[[9], 100.0]]},
        {"guidance_scale": 1.5},
        {"prompt_lookup_num_tokens": 3},
        {"penalty_alpha": 0.6, "top_k": 4},
        {"return_dict_in_generate": True, "output_scores": True},
        {"cache_implementation": "static"},
        {"watermarking_config": {"bias": 2.5}},
        {"eos_token_id": None, "pad_token_id": 3, "bos_token_id": 3},
    ],
    ids=lambda settings: next(iter(settings)),
)
async def test_a_models_own_settings_do_not_reach_generate(tmp_path, settings):
    folder = save_model(tmp_path / "mamba", "mamba")
    file = folder / "generation_config.json"
    answers = []
    for own in ({}, settings):
        file.write_text(json.dumps(json.loads(file.read_text()) | own))
        async with make_engine(folder) as engine:
            answers.append([await answer(engine, sampling=Sampling(12, temperature=0)) for _ in range(4)])
    assert answers[0] == answers[1]


@pytest.mark.parametrize("special", [True, False])
@pytest.mark.parametrize("opened", [True, False], ids=["opened by the template", "opened by the model"])
async def test_what_a_reasoning_model_thinks_is_no_part_of_its_answer(tmp_path, monkeypatch, special, opened):
    folder = save_model(tmp_path / "reasoning", template=CHATML + ("<think>\n" if opened else ""))
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens(["<think>", "</think>"], special_tokens=special)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    model.resize_token_embeddings(len(tokenizer))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    async with make_engine(folder) as engine:
        await engine.ready()
        loaded = engine._loading.result()
        for text, thought, visible in (
            ("A plan.</think>\n\nHello.", "A plan.", "Hello."),
            ("A plan that takes long", "A plan that takes long", None),
        ):
            ids = tokenizer.encode(("" if opened else "<think>") + text)
            coming = iter([*ids, loaded.end_tokens[0]])
            monkeypatch.setattr("bot.engine.local.sampler.Sampler.sample", lambda sampler, logits, it=coming: next(it))
            stream = engine.submit(PROMPT, GREEDY)
            pieces = []
            with nullcontext() if visible else pytest.raises(NoAnswer, match="ran out of room"):
                async for piece in stream:
                    pieces.append(piece)
            assert "".join(piece for piece in pieces if isinstance(piece, Thought)) == thought
            assert "".join(piece for piece in pieces if not isinstance(piece, Thought)) == (visible or "")


@pytest.mark.parametrize("padding", ["!", "the", "Zorbo"])
async def test_a_special_token_that_is_text_is_part_of_an_answer(folder, tmp_path, monkeypatch, padding):
    folder = shutil.copytree(folder, tmp_path / "model")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    tokenizer.add_special_tokens({"pad_token": padding})
    model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    async with make_engine(folder) as engine:
        await engine.ready()
        coming = iter(tokenizer.encode("Well! Zorbo is the fox.<|im_end|>"))
        monkeypatch.setattr("bot.engine.local.sampler.Sampler.sample", lambda sampler, logits: next(coming))
        assert await answer(engine) == "Well! Zorbo is the fox."


async def test_an_end_token_at_once_is_no_answer(engine, monkeypatch):
    await engine.ready()
    loaded = engine._loading.result()
    monkeypatch.setattr("bot.engine.local.sampler.Sampler.sample", lambda sampler, logits: loaded.end_tokens[0])
    with pytest.raises(NoAnswer):
        await answer(engine)


async def test_an_answer_longer_than_the_context_is_refused_at_the_start(folder):
    async with make_engine(folder, max_new_tokens=512) as engine:
        with pytest.raises(ModelError, match="MAX_NEW_TOKENS is 512"):
            await engine.ready()
        with pytest.raises(ModelError, match="MAX_NEW_TOKENS"):
            await engine.validated()
        with pytest.raises(ModelError, match="MAX_NEW_TOKENS"):
            await answer(engine)


async def test_weights_that_are_no_numbers_are_told(tmp_path):
    folder = save_model(tmp_path / "broken")
    weights = load_file(folder / "model.safetensors")
    weights["model.norm.weight"][:] = torch.nan
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    async with make_engine(folder) as engine:
        with pytest.raises(ModelError, match="not a number"):
            await engine.ready()


async def test_what_does_not_fit_into_memory_is_refused(folder):
    async with make_engine(folder, max_batch=10**9) as engine:
        with pytest.raises(
            ModelError, match=r"KV cache .* GB of memory are free\. Make MAX_BATCH or MAX_PROMPT_TOKENS"
        ):
            await engine.ready()


async def test_a_missing_model_is_told_before_anything_starts(tmp_path):
    with pytest.raises(ModelError, match="no model folder"):
        async with make_engine(tmp_path / "none"):
            pass


async def test_it_tells_what_it_generated_and_what_of_the_prompts_it_found_again(engine):
    await engine.ready()
    loaded = engine._loading.result()
    length = len(encode(PROMPT, loaded.tokenizer, 400))
    for times in (1, 2):
        await answer(engine)
        status = engine.status()
        assert status.tokens == times * GREEDY.max_new_tokens
        assert status.prompt_tokens_cached == (times - 1) * (length - 1)
        assert status.prompt_tokens_read == length + times - 1


async def test_a_pass_that_does_not_end_is_no_progress(folder, monkeypatch):
    prepare, step = loading.prepare, Scheduler.step
    may_load, may_go_on, steps = threading.Event(), threading.Event(), threading.Event()

    def held_prepare(*names, **options):
        may_load.wait(30)
        return prepare(*names, **options)

    def held_step(scheduler):
        steps.set()
        may_go_on.wait(30)
        return step(scheduler)

    monkeypatch.setattr(loading, "prepare", held_prepare)
    monkeypatch.setattr(Scheduler, "step", held_step)
    async with make_engine(folder) as engine:
        stream = engine.submit(PROMPT, GREEDY)
        waiting_since = engine.status().progressed_at
        may_load.set()
        await engine.ready()
        await asyncio.to_thread(steps.wait, 30)
        loaded_at = engine.status().progressed_at
        assert loaded_at > waiting_since, "what took the time was loading"
        engine.submit(PROMPT, GREEDY).stop()
        assert engine.status().progressed_at == loaded_at
        assert engine.status().running
        may_go_on.set()
        await read(stream)
        assert not engine.status().running
        assert not engine.status().waiting
        idle_since = engine.status().progressed_at
        assert idle_since > loaded_at
        may_go_on.clear()
        before = time.monotonic()
        engine.submit(PROMPT, GREEDY)
        assert engine.status().progressed_at >= before, "it had nothing to do until now"
        may_go_on.set()


async def test_each_token_of_a_model_that_cannot_be_batched_is_progress(tmp_path, monkeypatch):
    seen = []
    advance = Sequence.advance

    def watched(sequence, logits):
        seen.append(engine.status().progressed_at)
        return advance(sequence, logits)

    monkeypatch.setattr(Sequence, "advance", watched)
    async with make_engine(save_model(tmp_path / "mamba", "mamba"), max_new_tokens=10) as engine:
        await answer(engine, sampling=Sampling(max_new_tokens=10, temperature=0))
        assert len(seen) > 1
        assert sorted(set(seen)) == seen
        assert engine.status().prompt_tokens_cached is None


async def test_closing_ends_what_runs_and_waits_and_the_thread(folder):
    before = set(threading.enumerate())
    async with make_engine(folder, max_batch=2) as engine:
        streams = [engine.submit(PROMPT, ENDLESS) for _ in range(5)]
        await anext(streams[0])
    for stream in streams:
        await read(stream)
    for thread in set(threading.enumerate()) - before:
        await asyncio.to_thread(thread.join, 5)  # it has only to return
        assert not thread.is_alive()
    with pytest.raises(RuntimeError, match="closed"):
        engine.submit(PROMPT, GREEDY)


async def test_the_lines_in_the_documentation_load_a_model_and_print_its_answer(capsys):
    (lines,) = re.findall(r"```python\n(.+?)```", (ROOT / "bot" / "docs" / "engine.md").read_text(), re.DOTALL)
    assert len([line for line in lines.splitlines() if line]) == 5
    await eval(compile(lines, "engine.md", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), {})
    assert len(capsys.readouterr().out.split()) > 5


async def test_the_stream_says_how_many_turns_the_model_was_given(folder):
    turns = tuple(Exchange(None, f"question {number} " * 3, "yes") for number in range(6))
    async with make_engine(folder, max_prompt_tokens=320) as engine:
        streams = [engine.submit(Prompt("", given, None, "what?"), GREEDY) for given in (turns[:1], turns)]
        for stream in streams:
            await read(stream)
        short, cut = (stream.turns_read for stream in streams)
        assert short == 1
        assert 1 < cut < 6
        rendered, _ = engine.render(Prompt("", turns, None, "what?"))
        assert rendered.count("question") == 3 * cut


async def test_the_status_has_a_digest_of_the_weights_if_asked_for(folder):
    async with make_engine(folder) as engine:
        await engine.ready()
        assert engine.status().digest == ""
    async with make_engine(folder, digested=True) as engine:
        await engine.ready()
        assert engine.status().digest == digest([folder])
