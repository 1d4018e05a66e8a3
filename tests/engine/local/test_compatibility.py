"""Models that cannot be batched are detected, and still answer correctly, one request at a time."""

import logging

import pytest
import transformers

from bot.engine import Sampling
from bot.engine.local.attention import Unsupported
from bot.engine.local.compatibility import probe
from tests.engine.local.test_engine import generated
from tests.support.local import GREEDY, PROMPT, make_engine, read, tiny
from tests.support.models import save_model


@pytest.fixture(scope="module")
def state_space(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("models") / "mamba", "mamba", endless=True)


async def test_a_state_space_model_is_answered_one_request_at_a_time(state_space, caplog):
    with caplog.at_level(logging.INFO):
        async with make_engine(state_space, max_prompt_tokens=400, max_new_tokens=40) as engine:
            await engine.ready()
            streams = [engine.submit(PROMPT, GREEDY) for _ in range(3)]
            long = engine.submit(PROMPT, Sampling(40, temperature=1, seed=1))
            await anext(streams[0])
            assert [stream.ahead for stream in streams] == [0, 1, 2]
            answers = [await read(stream) for stream in streams[1:]]
            await anext(long)
            long.stop()
    assert "one request at a time, as it cannot be batched" in caplog.text
    assert answers == [generated(state_space, PROMPT)] * 2


def test_positions_that_depend_on_the_longest_sequence_are_found_out():
    stretched = {"rope_type": "dynamic", "factor": 8.0, "rope_theta": 1e4}
    assert probe(tiny(rope_parameters=stretched), 64, "float32"), "within the context nothing is stretched"
    with pytest.raises(Unsupported, match="differently"):
        probe(tiny(rope_parameters=stretched), 2000, "float32")


def test_attention_in_chunks_is_found_out():
    config = transformers.Llama4TextConfig(
        vocab_size=100,
        hidden_size=32,
        intermediate_size=64,
        intermediate_size_mlp=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        num_local_experts=2,
        attention_chunk_size=32,
    )
    model = transformers.Llama4ForCausalLM(config).eval()
    own = model.config._attn_implementation
    with pytest.raises(Unsupported, match="neither causal"):
        probe(model, 64, "float32")
    assert model.config._attn_implementation == own
