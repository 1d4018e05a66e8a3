"""An answer that its length has ended goes on as if that had been longer."""

import json
from dataclasses import replace
from itertools import accumulate

import pytest
import transformers

from bot.engine import Beginning, NoAnswer, NotContinuable, Sampling, Thought
from bot.engine.local.engine import LocalEngine
from bot.engine.local.sampler import Sampler
from bot.engine.local.sequence import Sequence
from bot.engine.prompt import Exchange, Prompt, QuestionTooLong
from tests.support.local import ENDLESS, GREEDY, PROMPT, answer, make_engine, read
from tests.support.models import save_model
from tests.support.tokenizers import CHATML, VICUNA

SEEDED = Sampling(max_new_tokens=40, temperature=1.5, top_k=0, top_p=1.0, seed=4)
LENGTHS = (5, 6, 15, 40)  # tokens after each part


async def in_parts(engine: LocalEngine, prompt: Prompt, sampling: Sampling, *lengths: int) -> str:
    """The text of an answer that is generated in parts, up to these lengths in tokens."""
    before = 0
    for length in lengths:
        stream = engine.submit(prompt, replace(sampling, max_new_tokens=length - before))
        text = await read(stream)
        prompt, before = replace(prompt, beginning=stream.beginning), length
    return text


async def cut(engine: LocalEngine, tokens: int, prompt: Prompt = PROMPT) -> Beginning:
    stream = engine.submit(prompt, replace(GREEDY, max_new_tokens=tokens))
    await read(stream)
    assert stream.beginning
    return stream.beginning


@pytest.mark.parametrize("architecture", ["qwen2", "mamba"], ids=["batched", "sequential"])
@pytest.mark.parametrize("sampling", [GREEDY, SEEDED], ids=["greedy", "seeded"])
@pytest.mark.parametrize("penalty", [1.0, 1.3])
async def test_a_continued_answer_is_what_a_longer_one_would_have_been(tmp_path, architecture, sampling, penalty):
    folder = save_model(tmp_path / "model", architecture, endless=True)
    async with make_engine(folder, repetition_penalty=penalty) as engine:
        whole = await answer(engine, sampling=sampling)
        assert len(whole) > 20
        assert await in_parts(engine, PROMPT, sampling, *LENGTHS) == whole


async def test_it_goes_on_after_every_token_also_within_a_character(engine):
    whole = await answer(engine)
    for length in range(1, 40, 4):
        assert await in_parts(engine, PROMPT, GREEDY, length, 40) == whole, f"after {length}"


async def test_of_the_prompt_and_the_answer_so_far_one_token_is_computed_again(engine):
    beginning = await cut(engine, 20)
    before = engine.status()
    await answer(engine, replace(PROMPT, beginning=beginning))
    now = engine.status()
    assert now.prompt_tokens_read - before.prompt_tokens_read == 1
    assert now.prompt_tokens_cached > before.prompt_tokens_cached


@pytest.mark.slow
async def test_the_demo_model_continues_in_company_and_after_a_restart(demo_engine):
    prompt = Prompt("", (), "Maya", "repeat: the quick brown fox jumps over the lazy dog, and the dog sleeps")
    whole = await answer(demo_engine, prompt, Sampling(200, temperature=0))
    beginning = await cut(demo_engine, 5, prompt)
    assert whole.startswith(beginning.said)
    assert len(whole) > len(beginning.said) + 10
    beginning = Beginning.load(beginning.dump())
    beside = [demo_engine.submit(Prompt("", (), None, f"repeat: {word}"), GREEDY) for word in ("sun", "moon")]
    assert await answer(demo_engine, replace(prompt, beginning=beginning), Sampling(200, temperature=0)) == whole
    for stream in beside:
        await read(stream)


async def test_an_answer_that_ends_by_itself_or_is_stopped_has_nothing_to_continue(engine, monkeypatch):
    await engine.ready()
    end, word = engine._loading.result().end_tokens[0], engine._loading.result().tokenizer.encode("the")[0]
    coming = iter([word, end])
    with monkeypatch.context() as patched:
        patched.setattr(Sampler, "sample", lambda sampler, logits: next(coming))
        stream = engine.submit(PROMPT, replace(GREEDY, max_new_tokens=2))
        await read(stream)
    assert stream.beginning is None
    stream = engine.submit(PROMPT, replace(GREEDY, max_new_tokens=400))
    await anext(stream)
    stream.stop()
    await read(stream)
    assert stream.beginning is None


async def test_a_stop_string_may_begin_before_the_cut_and_end_behind_it(tmp_path, monkeypatch):
    async with make_engine(save_model(tmp_path / "model", template=VICUNA)) as engine:
        await engine.ready()
        tokens = engine._loading.result().tokenizer.encode("Fine.\nUSER: And you?")
        monkeypatch.setattr(Sampler, "sample", lambda sampler, logits: next(coming))
        for length in range(1, len(tokens)):
            coming = iter(tokens)
            texts = [*accumulate(engine._loading.result().tokenizer.decode([token]) for token in tokens)]
            ended = "USER:" in texts[length - 1]
            stream = engine.submit(PROMPT, replace(GREEDY, max_new_tokens=length))
            first = await read(stream)
            assert (stream.beginning is None) == ended
            if not ended:
                assert first == texts[length - 1]
                assert await answer(engine, replace(PROMPT, beginning=stream.beginning)) == "Fine."


@pytest.mark.parametrize("opened", [True, False], ids=["opened by the template", "opened by the model"])
async def test_a_reasoning_model_goes_on_thinking(tmp_path, monkeypatch, opened):
    folder = save_model(tmp_path / "reasoning", template=CHATML + ("<think>\n" if opened else ""))
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens(["<think>", "</think>"], special_tokens=True)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    async with make_engine(folder) as engine:
        await engine.ready()
        tokens = [*tokenizer.encode(("" if opened else "<think>") + "the plan</think>\n\nHello"), 0]
        tokens[-1] = engine._loading.result().end_tokens[0]
        monkeypatch.setattr(Sampler, "sample", lambda sampler, logits: next(coming))
        for length in range(2, len(tokens)):
            coming = iter(tokens)
            stream = engine.submit(PROMPT, replace(GREEDY, max_new_tokens=length))
            try:
                said = "".join([piece async for piece in stream if not isinstance(piece, Thought)])
            except NoAnswer:
                said = ""
            assert stream.beginning
            assert stream.beginning.said == said
            pieces = [piece async for piece in engine.submit(replace(PROMPT, beginning=stream.beginning), GREEDY)]
            assert "".join(piece for piece in pieces if isinstance(piece, Thought)).strip() == "the plan"
            assert "".join(piece for piece in pieces if not isinstance(piece, Thought)) == "Hello"


async def test_the_oldest_turns_make_room_for_more_of_an_answer(folder):
    turns = tuple(Exchange(None, f"{number} " + "x" * 20, "yes") for number in range(5))
    prompt = Prompt("", turns, None, "now")
    async with make_engine(folder, max_prompt_tokens=250, max_new_tokens=40) as engine:
        read_turns, lengths = [], []
        while len(read_turns) < 20:
            stream = engine.submit(prompt, replace(ENDLESS, max_new_tokens=40))
            lengths.append(len(await read(stream)))
            read_turns.append(stream.turns_read)
            if stream.beginning is None:
                break
            prompt = replace(prompt, beginning=stream.beginning)
        assert read_turns == sorted(read_turns, reverse=True)
        assert read_turns[0] == len(turns) > read_turns[-1]
        assert lengths == sorted(set(lengths)), "each part adds something"
        with pytest.raises(QuestionTooLong):
            await answer(engine, Prompt("x" * 300, (), None, "now"))
        too_long = replace(prompt, system="x" * 150)  # as if the persona had been changed meanwhile
        with pytest.raises(NotContinuable, match="no room"):
            await answer(engine, too_long)


async def test_the_tokens_of_another_model_are_not_mistaken_for_its_own(engine, monkeypatch):
    beginning = await cut(engine, 20)
    other = Beginning("the fox <|im_end|>", tuple(token + 7 for token in beginning.tokens), beginning.digest)
    sequences = []
    begin = Sequence.__init__

    def noted(sequence, *arguments, **options):
        begin(sequence, *arguments, **options)
        sequences.append(sequence)

    monkeypatch.setattr(Sequence, "__init__", noted)
    said = await answer(engine, replace(PROMPT, beginning=other))
    assert said.startswith("the fox <\u200b|im_end|>"), "and nobody can have it say a mark"
    assert engine._loading.result().tokenizer.convert_tokens_to_ids("<|im_end|>") not in sequences[0].answer[:15]
    unknown = Beginning("the fox", (10**6, 3), "something")
    assert (await answer(engine, replace(PROMPT, beginning=unknown))).startswith("the fox")


async def test_the_text_of_the_tokens_is_not_kept_and_where_it_was_kept_once_what_was_said_goes_on(engine):
    beginning = await cut(engine, 20)
    said, *others = json.loads(beginning.dump())
    assert others == [list(beginning.tokens), beginning.digest]
    assert said not in beginning.digest
    old = Beginning.load(json.dumps(["the fox", beginning.tokens, said]))
    assert (await answer(engine, replace(PROMPT, beginning=old))).startswith("the fox")
