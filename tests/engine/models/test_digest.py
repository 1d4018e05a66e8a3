"""A digest names weights, not files: a copy has the same, and whatever was trained has another."""

import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from bot.engine.models.digest import digest
from tests.support.models import save_model


@pytest.fixture
def folder(tmp_path):
    return save_model(tmp_path / "model")


def test_a_copy_has_the_same_digest(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / "model.safetensors").rename(copy / "other.safetensors")
    (copy / "README.md").write_text("a copy")
    assert digest([copy]) == digest([folder])


@pytest.mark.parametrize("name", ["model.norm.weight", "lm_head.weight"])
def test_one_number_that_changed_makes_another_digest(folder, name):
    before = digest([folder])
    weights = load_file(folder / "model.safetensors")
    weights[name].view(-1)[0] += torch.finfo(torch.float32).eps * 16
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    assert digest([folder]) != before


def test_an_adapter_counts(folder, tmp_path):
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    save_file({"lora_A": torch.ones(2)}, adapter / "adapter_model.safetensors")
    assert len({digest([folder]), digest([folder, adapter]), digest([adapter])}) == 3


def test_a_gguf_file_has_one(tmp_path):
    (tmp_path / "one.gguf").write_bytes(b"GGUF1")
    (tmp_path / "two.gguf").write_bytes(b"GGUF2")
    assert digest([tmp_path / "one.gguf"]) != digest([tmp_path / "two.gguf"])
