"""A model from the hub is downloaded once, whatever happens on the way, or one sentence says why not."""

import os
import sys

import huggingface_hub.constants
import pexpect
import pytest

from bot import demo
from bot.engine import ModelError
from bot.engine.models import loading
from bot.engine.models.hub import download
from tests.support.hub_stand_in import BROKEN_OFF, COMMIT, hub
from tests.support.parley import ROOT

GREETING = "Hello! I am Parley's tiny demo model."


@pytest.fixture
def standing_in(monkeypatch, tmp_path):
    """A hub that this process downloads from, into a cache of its own."""
    with hub() as standing_in:
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", standing_in.url)
        template = standing_in.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
        standing_in.repositories["people/demo"] = demo.MODEL
        yield standing_in


def refusal(name: str) -> str:
    with pytest.raises(ModelError) as refused:
        download(name)
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.slow
def test_a_download_that_breaks_off_goes_on_and_later_no_network_is_needed(standing_in, tmp_path, monkeypatch):
    standing_in.interruptions = 2
    size = (demo.MODEL / "model.safetensors").stat().st_size
    program = pexpect.spawn(
        sys.executable,
        ["-m", "bot", "ask", "--model", "people/demo", "hello"],
        cwd=tmp_path,
        env={
            **{name: os.environ[name] for name in ("PATH", "OMP_NUM_THREADS") if name in os.environ},
            "HF_ENDPOINT": standing_in.url,
            "HF_HUB_CACHE": str(tmp_path / "hub"),
            "HF_HOME": str(tmp_path / "home"),
            "PYTHONPATH": str(ROOT),
            "TEMPERATURE": "0",
        },
        encoding="utf-8",
        timeout=55,
    )
    program.expect_exact(GREETING)
    assert "100%|" in program.before
    assert "HTTP Request" not in program.before
    program.expect(pexpect.EOF)
    program.close()
    assert program.exitstatus == 0
    assert standing_in.interruptions == 0
    assert standing_in.sent["model.safetensors"] == size + 2 * BROKEN_OFF
    there = download("people/demo")
    assert standing_in.sent["model.safetensors"] == size + 2 * BROKEN_OFF, "it is not sent again"
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    assert download("people/demo") == there
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    assert download("people/demo") == there


def test_a_revision_may_be_named(standing_in):
    assert download(f"people/demo@{COMMIT}") == download("people/demo@main") == download("people/demo")
    assert "no revision v2" in refusal("people/demo@v2")


def test_what_the_hub_has_is_looked_at_like_a_folder(standing_in, tmp_path):
    standing_in.repositories["people/old"] = tmp_path / "old"
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "config.json").write_text("{}")
    (tmp_path / "old" / "pytorch_model.bin").touch()
    with pytest.raises(ModelError, match="no weights in safetensors form"):
        loading.load("people/old")


def test_a_repository_of_gguf_files(standing_in, tmp_path):
    standing_in.repositories["people/small-GGUF"] = tmp_path / "small"
    (tmp_path / "small").mkdir()
    for name in ("small.Q8_0.gguf", "small.Q4_1.gguf", "config.json"):
        (tmp_path / "small" / name).write_text("{}")
    assert "hf download people/small-GGUF small.Q4_1.gguf --local-dir ." in refusal("people/small-GGUF")
    assert not standing_in.sent["small.Q4_1.gguf"]


def test_a_name_that_the_hub_does_not_know(standing_in):
    assert "There is no model people/nothing on the hub, and no such folder here" in refusal("people/nothing")


def test_a_model_whose_terms_nobody_has_accepted(standing_in):
    standing_in.gated.add("people/demo")
    assert "Do so on https://huggingface.co/people/demo, then run: hf auth login" in refusal("people/demo")


def test_a_hub_out_of_reach(standing_in, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    assert "cannot be reached. Set MODEL_PATH to a folder" in refusal("people/demo")


def test_a_download_that_never_comes_to_its_end(standing_in, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    standing_in.interruptions = 1000
    assert "could not be downloaded" in refusal("people/demo")
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    assert "was interrupted, and the hub cannot be reached" in refusal("people/demo")
