"""A model from the hub is downloaded once, whatever happens on the way, or one sentence says why not."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import huggingface_hub.constants
import pexpect
import pytest
import torch
import transformers
from safetensors.torch import load_file

from bot import demo
from bot.engine import ModelError
from bot.engine.models import loading
from bot.engine.models.hub import download
from bot.engine.models.locate import locate
from tests.support.hub_stand_in import BROKEN_OFF, COMMIT, hub
from tests.support.models import save_model
from tests.support.parley import ROOT
from tests.support.terminal import bars
from tests.support.tokenizers import CHATML

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


def follow(command: str, standing_in, folder) -> None:
    """Run a command that a refusal tells, in the current folder."""
    program, *arguments = shlex.split(command)
    hub = {"HF_ENDPOINT": standing_in.url, "HF_HOME": str(folder / "home")}
    there = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    subprocess.run([program, *arguments], env=os.environ | hub | there, check=True, capture_output=True)


def size_of_all(folder: Path) -> str:
    return f"{sum(file.stat().st_size for file in folder.iterdir()) / 1e6:.2f}M"


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
    assert bars(program.before, "Downloading")[-1] == f"{size_of_all(demo.MODEL)}/{size_of_all(demo.MODEL)}"
    assert "files" not in program.before, "there is one bar for all of them"
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
    with pytest.raises(ModelError, match="no weights in safetensors form"):
        loading.load("people/old")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["people/old", f"people/old@{COMMIT}"])
def test_old_weights_on_the_hub_are_converted_by_the_command_that_the_refusal_tells(
    standing_in, tmp_path, monkeypatch, name
):
    old = standing_in.repositories["people/old"] = save_model(tmp_path / "old")
    torch.save(load_file(old / "model.safetensors"), old / "pytorch_model.bin")
    (old / "model.safetensors").unlink()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    advice, place = refusal(name).split(" and set MODEL_PATH to ")
    follow(advice.split("Convert it with: ")[1], standing_in, tmp_path)
    assert loading.load(place).tokenizer.chat_template == CHATML


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")  # peft's
def test_an_old_adapter_on_the_hub_is_used_by_the_commands_that_the_refusals_tell(standing_in, tmp_path, monkeypatch):
    peft = pytest.importorskip("peft", reason="the lora extra is not installed")
    base = save_model(tmp_path / "base")
    old = standing_in.repositories["people/old"] = tmp_path / "old"
    model = transformers.AutoModelForCausalLM.from_pretrained(base)
    peft.get_peft_model(model, peft.LoraConfig(target_modules=["q_proj"])).save_pretrained(old)
    torch.save(load_file(old / "adapter_model.safetensors"), old / "adapter_model.bin")
    (old / "adapter_model.safetensors").unlink()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    advice, place = refusal("people/old").split(" and set MODEL_PATH to ")
    follow(advice.split("Download it with: ")[1], standing_in, tmp_path)
    with pytest.raises(ModelError) as refused:
        loading.load(place)
    follow(str(refused.value).split("Convert it with: ")[1], standing_in, tmp_path)
    assert loading.load(place)


def test_a_repository_of_gguf_files(standing_in, tmp_path):
    standing_in.repositories["people/small-GGUF"] = tmp_path / "small"
    (tmp_path / "small").mkdir()
    for name in ("small.Q8_0.gguf", "small.Q4_1.gguf", "config.json"):
        (tmp_path / "small" / name).write_text("{}")
    assert "hf download people/small-GGUF small.Q4_1.gguf --local-dir ." in refusal("people/small-GGUF")
    assert not standing_in.sent["small.Q4_1.gguf"]


@pytest.mark.slow
def test_a_gguf_file_is_downloaded_by_the_command_that_the_refusal_tells(standing_in, tmp_path, monkeypatch):
    standing_in.repositories["people/small-GGUF"] = tmp_path / "small"
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "small.gguf").write_bytes(b"GGUF")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    follow(refusal("people/small-GGUF").split("for example with: ")[1], standing_in, tmp_path)
    assert locate("small.gguf") == "small.gguf"


@pytest.mark.slow
def test_the_hubs_program_knows_the_command_by_which_people_log_in(standing_in, tmp_path):
    command = refusal("people/nothing").split("run: ")[1]
    follow(f"{command} --help", standing_in, tmp_path)


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
