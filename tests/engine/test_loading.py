"""A model is found and loaded, or one sentence says why not."""

import json
import os
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from bot.engine import ModelError, loading
from tests.engine.models import save_model


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("models") / "good")


@pytest.fixture
def folder(good, tmp_path):
    return shutil.copytree(good, tmp_path / "model")


def refusal(name) -> str:
    with pytest.raises(ModelError) as refused:
        loading.load(str(name))
    sentence = str(refused.value)
    assert "\n" not in sentence
    assert str(name) in sentence
    return sentence


def test_a_folder_is_loaded(good):
    loaded = loading.load(str(good))
    assert loaded.context == 512
    assert loaded.tokenizer.eos_token_id in loaded.end_tokens
    assert loaded.model.dtype in (torch.bfloat16, torch.float32)


def test_the_home_folder_may_be_written_as_a_tilde(good, monkeypatch):
    monkeypatch.setenv("HOME", str(good.parent))
    assert loading.find("~/good") == str(good)


def test_a_hub_name_is_taken_as_it_is():
    assert loading.find("Qwen/Qwen2-1.5B-Instruct") == "Qwen/Qwen2-1.5B-Instruct"


def test_a_missing_folder(tmp_path):
    sentence = refusal(tmp_path / "nowhere")
    assert "MODEL_PATH" in sentence
    assert "--model demo" in sentence


def test_an_empty_folder(tmp_path):
    assert "config.json" in refusal(tmp_path)


def test_a_file_instead_of_a_folder(tmp_path):
    file = tmp_path / "model.gguf"
    file.write_bytes(b"GGUF")
    assert "is a file" in refusal(file)


def test_weights_that_are_no_safetensors_are_not_opened(folder):
    opened = folder / "opened"

    class Payload:
        def __reduce__(self):
            return open, (str(opened), "w")

    (folder / "model.safetensors").unlink()
    torch.save({"weight": Payload()}, folder / "pytorch_model.bin")
    assert "safetensors" in refusal(folder)
    assert not opened.exists()


def test_code_that_comes_with_a_model_is_not_run(folder):
    opened = folder / "opened"
    (folder / "evil.py").write_text(f"open({str(opened)!r}, 'w')\nclass Evil: pass\n")
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "evil", "auto_map": dict.fromkeys(("AutoConfig", "AutoModelForCausalLM"), "evil.Evil")}
    (folder / "config.json").write_text(json.dumps(config))
    refusal(folder)
    assert not opened.exists()


def test_truncated_weights(folder):
    weights = folder / "model.safetensors"
    os.truncate(weights, weights.stat().st_size // 2)
    refusal(folder)


def test_a_missing_weight_is_not_made_up(folder):
    weights = load_file(folder / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    assert "model.layers.1.mlp.up_proj.weight is missing" in refusal(folder)


def test_weights_of_another_shape(folder):
    weights = load_file(folder / "model.safetensors")
    weights["model.norm.weight"] = torch.ones(7)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    refusal(folder)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json"])
def test_a_corrupt_file(folder, name):
    (folder / name).write_text("{")
    refusal(folder)


def test_a_missing_tokenizer(folder):
    for file in folder.glob("tokenizer*"):
        file.unlink()
    assert "has no tokenizer" in refusal(folder)


@pytest.mark.parametrize("name", ["~nobody_here/model", "x" * 5000, "a\0b"])
def test_a_name_that_is_no_path(name):
    assert "MODEL_PATH" in refusal(name)


def test_a_missing_folder_that_looks_like_a_hub_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert "no folder models/mine" in refusal("models/mine")


def test_marks_that_were_not_declared_special_are_end_tokens(tmp_path):
    loaded = loading.load(str(save_model(tmp_path / "careless", declared_special=False)))
    marks = {loaded.tokenizer.convert_tokens_to_ids(mark) for mark in ("<|im_start|>", "<|im_end|>", "<|endoftext|>")}
    assert marks <= set(loaded.end_tokens)
