"""The engine on other machines, with a real server: llama.cpp's, and the demo model in its format.

Optional: pip install xllamacpp gguf
"""

import asyncio
import json
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file

from bot import demo
from bot.engine import Sampling
from bot.engine.prompt import Exchange, Prompt, QuestionTooLong
from bot.engine.remote.engine import RemoteEngine

gguf = pytest.importorskip("gguf", reason="llama.cpp's form of models takes a further package: pip install gguf")
pytest.importorskip("xllamacpp", reason="llama.cpp's server takes a further package: pip install xllamacpp")

pytestmark = pytest.mark.slow

GREEDY = Sampling(max_new_tokens=40, temperature=0, top_k=30)
SERVE = """
import sys, xllamacpp
parameters = xllamacpp.CommonParams()
parameters.model.path, parameters.n_ctx, parameters.port, parameters.n_parallel = sys.argv[1], 512, 0, 1
server = xllamacpp.Server(parameters)
print(server.listening_address, flush=True)
sys.stdin.read()
"""
LAYER = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
NORMAL, CONTROL, USER_DEFINED = 1, 3, 4


def convert(folder: Path, file: Path) -> None:
    """A Qwen2 model's folder → llama.cpp's file."""
    config = json.loads((folder / "config.json").read_text())
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    writer = gguf.GGUFWriter(file, "qwen2")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_parameters"]["rope_theta"])
    tokens = {number: (text, NORMAL) for text, number in tokenizer["model"]["vocab"].items()}
    for added in tokenizer["added_tokens"]:
        tokens[added["id"]] = (added["content"], CONTROL if added["special"] else USER_DEFINED)
    texts, kinds = zip(*(tokens[number] for number in range(config["vocab_size"])), strict=True)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(texts)
    writer.add_token_types(kinds)
    writer.add_token_merges([" ".join(texts[:2])])  # there must be one
    writer.add_eos_token_id(config["eos_token_id"])
    writer.add_add_bos_token(False)
    writer.add_chat_template((folder / "chat_template.jinja").read_text())
    for name, tensor in load_file(folder / "model.safetensors").items():
        theirs = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight"}.get(name)
        if theirs is None:
            _, _, number, rest = name.split(".", 3)
            part, kind = rest.rsplit(".", 1)
            theirs = f"blk.{number}.{LAYER[part]}.{kind}"
        writer.add_tensor(theirs, tensor.float().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


async def test_llama_cpps_server_answers(tmp_path):
    file = tmp_path / "demo.gguf"
    convert(demo.MODEL, file)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SERVE, str(file)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        address = (await process.stdout.readline()).decode().strip()
        async with RemoteEngine([address + "/v1"], max_prompt_tokens=100_000) as engine:
            await engine.ready()
            assert Path(engine.status().model).name == file.name

            async def ask(*turns: Exchange, question: str) -> str:
                return "".join([piece async for piece in engine.submit(Prompt("", turns, None, question), GREEDY)])

            hello = Exchange(None, "my name is Bo", "Nice to meet you, Bo.")
            assert (await ask(question="my name is Bo")).startswith("Nice to meet you,")
            assert (await ask(hello, question="what is my name?")).startswith("Your name is")
            essay = Exchange(None, "x" * 400, "Y" * 400)
            assert (await ask(essay, essay, hello, question="what is my name?")).startswith("Your name is")
            with pytest.raises(QuestionTooLong):
                await ask(question="x" * 2000)
    finally:
        process.kill()
        await process.communicate()
