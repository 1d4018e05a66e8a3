"""A GGUF file is read as the model that it was made from, or one sentence says why not."""

import shutil
import sys
from types import SimpleNamespace

import psutil
import pytest
import torch
import transformers
from tokenizers.normalizers import Replace

from bot.engine import ModelError
from bot.engine.models import loading
from bot.engine.models.locate import locate
from tests.support.gguf import convert
from tests.support.models import logits, refusal, save_model
from tests.support.tokenizers import CHATML, make_tokenizer

TEXT = "the quick brown fox, don't 123 ä<|im_end|>"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("models") / "small")


@pytest.fixture(scope="module")
def file(folder):
    return convert(folder, folder.parent / "small.gguf")


def test_a_file_is_the_model_that_it_was_made_from(file, folder):
    found, expected = (loading.load(str(path), "float32") for path in (file, folder))
    assert torch.allclose(logits(found), logits(expected), atol=1e-5)
    assert found.tokenizer.encode(TEXT) == expected.tokenizer.encode(TEXT)
    for fact in ("context", "end_tokens", "repetition_penalty", "weight_bytes", "parameters"):
        assert getattr(found, fact) == getattr(expected, fact), fact


def test_only_the_file_itself_is_read(file, folder, tmp_path, monkeypatch):
    beside = save_model(tmp_path / "other", intermediate_size=128)
    make_tokenizer(template="another template", normalizer=Replace("quick", "slow")).save_pretrained(beside)
    transformers.GenerationConfig(eos_token_id=7, repetition_penalty=1.5).save_pretrained(beside)
    (beside / "adapter_config.json").write_text("{}")
    convert(beside, tmp_path / "small.gguf")  # which has the same name as the file, in the current folder
    shutil.copy(file, beside)
    monkeypatch.chdir(tmp_path)
    found, expected = (loading.load(str(path), "float32") for path in ("other/small.gguf", folder))
    assert torch.allclose(logits(found), logits(expected), atol=1e-5)
    assert found.tokenizer.chat_template == CHATML
    assert found.tokenizer.encode(TEXT) == expected.tokenizer.encode(TEXT)
    assert (found.end_tokens, found.repetition_penalty) == (expected.end_tokens, 1)


def test_every_control_token_ends_an_answer(tmp_path):
    folder = save_model(tmp_path / "small", vocab_size=304)
    tokenizer = make_tokenizer()
    tokenizer.add_tokens(["<end_of_turn>"], special_tokens=True)
    tokenizer.save_pretrained(folder)
    assert 303 in loading.load(str(convert(folder, tmp_path / "small.gguf"))).end_tokens


def test_the_file_needs_no_suffix(file, tmp_path):
    assert loading.load(str(shutil.copy(file, tmp_path / "sha256-0123"))).weight_bytes  # so Ollama names them


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")  # peft's
def test_an_adapter_of_a_file_is_merged(file, folder, tmp_path):
    peft = pytest.importorskip("peft", reason="the lora extra is not installed")
    config = peft.LoraConfig(target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    peft.get_peft_model(transformers.AutoModelForCausalLM.from_pretrained(folder), config).save_pretrained(tmp_path)
    found, expected = (loading.load(str(tmp_path), "float32", base=str(path)) for path in (file, folder))
    assert torch.allclose(logits(found), logits(expected), atol=1e-5)
    assert not torch.allclose(logits(found), logits(loading.load(str(file), "float32")), atol=1e-2)


def test_a_file_is_read_whole_before_it_is_quantized_and_so_much_memory_is_needed(file, folder, monkeypatch):
    fits = loading.load(str(folder), "int8").weight_bytes
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=fits))
    assert loading.load(str(folder), "int8")
    with pytest.raises(ModelError, match="memory are free"):
        loading.load(str(file), "int8")


@pytest.mark.parametrize("package", ["gguf", "accelerate"])
def test_without_the_extra_packages_it_is_told_how_to_get_them(file, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    assert "takes further packages. Run: pip install gguf accelerate" in refusal(file)


def test_an_architecture_that_transformers_cannot_read_is_left_to_llama_cpp(folder, tmp_path):
    sentence = refusal(convert(folder, tmp_path / "new.gguf", "quetzal"))
    for word in ("quetzal", "llama.cpp's server", "ENGINE_URL"):
        assert word in sentence


def test_a_quantization_that_is_not_known_is_left_to_llama_cpp(file, tmp_path):
    content = bytearray(file.read_bytes())
    at = content.index(b"blk.0.attn_q.weight") + len(b"blk.0.attn_q.weight") + 4 + 2 * 8  # behind its dimensions
    assert content[at : at + 4] == bytes(4)
    content[at] = 250
    (tmp_path / "new.gguf").write_bytes(content)
    sentence = refusal(tmp_path / "new.gguf")
    for word in ("250", "llama.cpp's server", "ENGINE_URL"):
        assert word in sentence


@pytest.mark.parametrize("left", [4, 20, 2000, 10_000, -1])
def test_a_truncated_file(file, tmp_path, left):
    (tmp_path / "part.gguf").write_bytes(file.read_bytes()[:left])
    assert "is damaged or incomplete. Download it again." in refusal(tmp_path / "part.gguf")


def test_a_file_that_lacks_a_weight(folder, tmp_path):
    part = convert(folder, tmp_path / "part.gguf", without="model.layers.1.mlp.up_proj.weight")
    assert "is incomplete: model.layers.1.mlp.up_proj.weight is missing" in refusal(part)


@pytest.mark.parametrize("content", [b"", b"version https://git-lfs.github.com/spec/v1\n"])
def test_a_file_of_another_kind(tmp_path, content):
    (tmp_path / "model.gguf").write_bytes(content)
    assert "is no GGUF file" in refusal(tmp_path / "model.gguf")


def test_a_missing_file_is_not_looked_for_on_the_hub(file, monkeypatch):
    monkeypatch.chdir(file.parents[1])
    with pytest.raises(ModelError, match=r"no model file models.*/smal\.gguf\. Did you mean models.*small\.gguf"):
        locate(f"{file.parent.name}/smal.gguf")


@pytest.mark.parametrize("beside", ["README.md", "config.json"])
def test_a_folder_with_a_file_in_it(file, tmp_path, beside):
    (tmp_path / beside).write_text("{}")
    inside = shutil.copy(file, tmp_path)
    assert f"has its model in a GGUF file. Set MODEL_PATH to the file: {inside}." in refusal(tmp_path)
