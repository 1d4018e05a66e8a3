"""Tokenizers without a tokenizer.json are read by further packages, or one sentence says which."""

import base64
import json
import subprocess
import sys
import tomllib

import pytest

from bot.engine.models import loading
from bot.engine.models.gguf import _PACKAGES
from bot.engine.models.tokenizer import _SENTENCEPIECE, _TIKTOKEN
from tests.support.models import refusal, save_model
from tests.support.parley import ROOT

sentencepiece = pytest.importorskip("sentencepiece", reason="the tokenizers extra is not installed")


@pytest.fixture
def folder(tmp_path):
    folder = save_model(tmp_path / "model", "llama", template=None)
    for file in folder.glob("tokenizer*"):
        file.unlink()
    return folder


@pytest.fixture
def with_sentencepiece(folder):
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["hello there", "how are you", "User: Assistant: x"] * 20),
        model_prefix=str(folder / "tokenizer"),
        vocab_size=270 + 20,
        hard_vocab_limit=False,
        byte_fallback=True,
        model_type="bpe",
        minloglevel=2,
    )
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "LlamaTokenizer"}))
    return folder


@pytest.fixture
def with_tiktoken(folder):
    ranks = [base64.b64encode(bytes([byte])) + b" %d" % byte for byte in range(256)]
    (folder / "tokenizer.model").write_bytes(b"\n".join(ranks))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "</s>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return folder


def read(folder) -> str:
    tokenizer = loading.load(str(folder)).tokenizer
    return tokenizer.decode(tokenizer.encode("hello there, you 👋"), skip_special_tokens=True).strip()


def test_a_sentencepiece_model_is_read(with_sentencepiece):
    assert read(with_sentencepiece) == "hello there, you 👋"


def test_a_tiktoken_file_is_read(with_tiktoken):
    assert read(with_tiktoken) == "hello there, you 👋"


@pytest.mark.slow
@pytest.mark.parametrize("module", ["sentencepiece", "google.protobuf"])
def test_without_the_packages_of_sentencepiece_it_is_told_how_to_get_them(with_sentencepiece, module):
    # In a process of its own, as what transformers has once imported it keeps.
    program = (
        f"import sys; sys.modules[{module!r}] = None; from tests.support.models import refusal;"
        f" print(refusal({str(with_sentencepiece)!r}))"
    )
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    file = with_sentencepiece / "tokenizer.model"
    assert ran.stdout.splitlines()[-1] == (
        f"{file} is a tokenizer that takes further packages. Run: pip install sentencepiece protobuf"
    )


def test_without_tiktoken_it_is_told_how_to_get_it(with_tiktoken, monkeypatch):
    monkeypatch.setitem(sys.modules, "tiktoken", None)
    monkeypatch.setitem(sys.modules, "tiktoken.load", None)
    assert refusal(with_tiktoken).endswith("Run: pip install tiktoken")


def test_a_damaged_tokenizer_is_not_taken_for_a_missing_package(with_sentencepiece):
    (with_sentencepiece / "tokenizer.model").write_bytes(b"\0damaged")
    assert "pip install" not in refusal(with_sentencepiece)


def test_the_packages_that_refusals_name_are_those_of_the_extras():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    named = {"tokenizers": {*_SENTENCEPIECE, *_TIKTOKEN}, "gguf": {*_PACKAGES}, "lora": {"peft"}, "remote": {"openai"}}
    for extra, packages in named.items():
        assert {requirement.partition(">")[0] for requirement in extras[extra]} == packages
