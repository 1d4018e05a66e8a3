"""A LoRA adapter is merged into the model it was trained from, or one sentence says why not."""

import dataclasses
import json
import shlex
import shutil
import subprocess
import sys

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from bot import demo
from bot.engine import Sampling
from bot.engine.local.engine import LocalEngine
from bot.engine.models import loading, lora
from bot.engine.prompt import Prompt
from tests.support.models import TOKENS, logits, refusal

peft = pytest.importorskip("peft", reason="the lora extra is not installed")
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")  # peft's

PROMPT = Prompt("", (), None, "what can you do?")
TAUGHT = "I can sing sea shanties."


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    """An adapter of the demo model that was trained to say something new, and the two merged."""
    folder = tmp_path_factory.mktemp("adapters")
    tokenizer = transformers.AutoTokenizer.from_pretrained(demo.MODEL)
    torch.manual_seed(0)
    model = peft.get_peft_model(
        transformers.AutoModelForCausalLM.from_pretrained(demo.MODEL, dtype=torch.float32),
        peft.LoraConfig(r=8, lora_alpha=32, target_modules=["q_proj", "v_proj", "up_proj", "down_proj"]),
    )
    question = tokenizer.apply_chat_template(
        [{"role": "user", "content": PROMPT.question}], tokenize=False, add_generation_prompt=True
    )
    asked, said = (tokenizer.encode(text, add_special_tokens=False) for text in (question, TAUGHT + "<|im_end|>"))
    ids = torch.tensor([asked + said])
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    loss = torch.tensor(1.0)
    while loss > 0.01:
        loss = model(input_ids=ids, labels=torch.tensor([[-100] * len(asked) + said])).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.save_pretrained(folder / "adapter")
    model.merge_and_unload().save_pretrained(folder / "merged")
    tokenizer.save_pretrained(folder / "merged")
    return folder


@pytest.fixture
def adapter(taught, tmp_path):
    return shutil.copytree(taught / "adapter", tmp_path / "adapter")


def change(adapter, **changes) -> None:
    config = json.loads((adapter / "adapter_config.json").read_text())
    (adapter / "adapter_config.json").write_text(json.dumps(config | changes))


async def test_what_an_adapter_was_taught_is_answered(adapter):
    async with LocalEngine(str(adapter), max_prompt_tokens=512, max_new_tokens=40) as engine:
        answer = engine.submit(PROMPT, Sampling(40, temperature=0))
        assert "".join([piece async for piece in answer]) == TAUGHT


def test_an_adapter_is_the_merged_model(taught):
    adapter, merged = (loading.load(str(taught / name), "float32") for name in ("adapter", "merged"))
    assert torch.allclose(logits(adapter), logits(merged), atol=1e-5)
    assert not torch.allclose(logits(adapter), logits(loading.load("demo", "float32")), atol=1e-2)
    assert type(adapter.model) is type(merged.model)


def test_the_base_model_may_be_told(adapter):
    change(adapter, base_model_name_or_path="/content/qwen")
    sentence = refusal(adapter)
    assert "no model folder /content/qwen" in sentence
    assert "BASE_MODEL" in sentence
    assert logits(loading.load(str(adapter), "float32", base="demo")).shape
    change(adapter, base_model_name_or_path=None)
    assert "does not name its base model. Set BASE_MODEL" in refusal(adapter)


def test_an_adapter_of_another_model_is_told(adapter):
    smaller = transformers.AutoConfig.from_pretrained(demo.MODEL, hidden_size=96)
    transformers.AutoModelForCausalLM.from_config(smaller).save_pretrained(adapter.parent / "smaller")
    assert "does not fit its base model. Set BASE_MODEL" in refusal(adapter, base=str(adapter.parent / "smaller"))


@pytest.mark.parametrize(
    "options",
    [
        {"target_modules": ["q_proj", "embed_tokens"], "ensure_weight_tying": True},
        {"target_modules": ["q_proj"], "modules_to_save": ["embed_tokens"], "ensure_weight_tying": True},
        {"target_modules": ["q_proj"], "modules_to_save": ["lm_head", "embed_tokens"]},
        {"target_modules": ["q_proj"], "modules_to_save": ["embed_tokens"]},
        {"target_modules": ["q_proj"], "modules_to_save": ["lm_head"]},
        {"target_modules": ["q_proj", "lm_head"]},
        {"target_modules": ["q_proj"], "trainable_token_indices": [5, 7]},
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning:peft")  # of weights that are tied
@pytest.mark.parametrize("added", ["one", "up to a multiple", "fewer"])
def test_an_adapter_whose_training_resized_the_embeddings(options, added, tmp_path):
    tokenizer = transformers.AutoTokenizer.from_pretrained(demo.MODEL)
    model = transformers.AutoModelForCausalLM.from_pretrained(demo.MODEL, dtype=torch.float32)
    rows = len(tokenizer) + {"one": 1, "up to a multiple": 64, "fewer": 0}[added]
    base = "demo"
    if added == "fewer":
        model.resize_token_embeddings(rows + 32)
        model.save_pretrained(tmp_path / "base")
        base = str(tmp_path / "base")
    else:
        tokenizer.add_tokens(["Zorbo"])
    model.resize_token_embeddings(rows)
    adapted = peft.get_peft_model(model, peft.LoraConfig(r=4, init_lora_weights=False, **options)).eval()
    with torch.no_grad():
        for parameter in adapted.parameters():
            if parameter.requires_grad:
                parameter += torch.randn_like(parameter) * 0.05
        expected = adapted(input_ids=TOKENS).logits
    adapted.save_pretrained(tmp_path / "adapter", save_embedding_layers=True)
    tokenizer.save_pretrained(tmp_path / "adapter")
    loaded = loading.load(str(tmp_path / "adapter"), "float32", base=base)
    assert loaded.model.get_input_embeddings().num_embeddings == rows
    assert torch.allclose(logits(loaded), expected, rtol=1e-3, atol=1e-3)


def test_a_base_model_with_a_head_of_its_own_keeps_it(adapter):
    base = shutil.copytree(demo.MODEL, adapter.parent / "base")
    weights = load_file(base / "model.safetensors")
    weights["lm_head.weight"] = weights["model.embed_tokens.weight"].flip(0).contiguous()
    save_file(weights, base / "model.safetensors", {"format": "pt"})
    model = transformers.AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    expected = peft.PeftModel.from_pretrained(model, adapter)(input_ids=TOKENS).logits
    assert torch.allclose(logits(loading.load(str(adapter), "float32", base=str(base))), expected, atol=1e-4)


def test_added_tokens_without_embeddings_are_told(adapter, caplog):
    tokenizer = transformers.AutoTokenizer.from_pretrained(demo.MODEL)
    tokenizer.add_tokens(["Zorbo"])
    tokenizer.save_pretrained(adapter)
    assert loading.load(str(adapter)).model.get_input_embeddings().num_embeddings == len(tokenizer)
    assert "adds tokens and has no embeddings for them (1)" in caplog.text


@pytest.mark.parametrize(
    ("quantization", "form"),
    [
        ({"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}, "bitsandbytes"),
        ({"load_in_4bit": True}, "bitsandbytes"),
        ({"quant_method": "gptq", "bits": 4}, "gptq"),
    ],
)
def test_a_quantized_base_model_is_told(adapter, quantization, form):
    base = shutil.copytree(demo.MODEL, adapter.parent / "base")
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps(config | {"quantization_config": quantization}))
    sentence = refusal(adapter, base=str(base))
    assert f"in the quantized form {form}, which the adapter cannot be merged into. Set BASE_MODEL" in sentence
    (base / "config.json").write_text(json.dumps(config | {"quantization_config": None}))
    assert loading.load(str(adapter), base=str(base))


@pytest.mark.parametrize("task", ["SEQ_CLS", "FEATURE_EXTRACTION"])
def test_an_adapter_for_another_task_is_told(adapter, task):
    change(adapter, task_type=task)
    assert f"is for the task {task}, which does not continue a text" in refusal(adapter)


def test_without_the_extra_package_it_is_told_how_to_get_it(adapter, monkeypatch):
    monkeypatch.setitem(sys.modules, "peft", None)
    assert "pip install peft" in refusal(adapter)


def test_an_adapter_that_cannot_be_merged_is_told(tmp_path):
    model = transformers.AutoModelForCausalLM.from_pretrained(demo.MODEL, dtype=torch.float32)
    prompts = peft.PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=4)
    peft.get_peft_model(model, prompts).save_pretrained(tmp_path / "prompts")
    assert "cannot be merged into its model; LoRA can" in refusal(tmp_path / "prompts")


def test_other_folders_pickles_are_not_opened(taught, adapter, monkeypatch):
    opened = []
    monkeypatch.setattr(torch, "load", lambda file, **options: opened.append(file))
    torch.save(load_file(adapter / "adapter_model.safetensors"), adapter.parent / "adapter_model.bin")
    shutil.copy(adapter / "adapter_config.json", adapter.parent)
    change(adapter, peft_type="XLORA", adapters={"1": str(adapter.parent)}, hidden_size=128)
    assert "cannot be merged into its model; LoRA can" in refusal(adapter)
    assert not opened


def test_modules_that_an_adapter_names_are_not_imported(adapter):
    change(adapter, megatron_core="antigravity", megatron_config={"hidden_size": 1})
    assert "has the option megatron_config, with which it cannot be merged" in refusal(adapter)
    change(adapter, megatron_config=None, megatron_core="megatron.core")  # as peft saves them
    assert loading.load(str(adapter)).weight_bytes
    assert "antigravity" not in sys.modules


def test_options_that_change_nothing_may_stand_in_an_adapter(taught, adapter, caplog):
    auto_mapping = {"base_model_class": "Qwen2ForCausalLM", "parent_library": "antigravity", "unsloth_fixed": True}
    corda = {"cache_file": "cache.pt", "covariance_file": "covariance.pt"}
    change(adapter, task_type="CAUSAL_LM", auto_mapping=auto_mapping, corda_config=corda, use_later=None)
    merged = loading.load(str(taught / "merged"), "float32")
    assert torch.allclose(logits(loading.load(str(adapter), "float32")), logits(merged), atol=1e-5)
    assert "ignores" not in caplog.text
    change(adapter, use_sooner=True)
    assert loading.load(str(adapter), "float32").weight_bytes
    assert "does not know and ignores: use_sooner." in caplog.text


def test_every_option_of_lora_is_known():
    options = {option.name for option in dataclasses.fields(peft.LoraConfig)}
    assert options == lora._OPTIONS | lora._IGNORED | set(lora._REFUSED)


@pytest.mark.parametrize(
    "options", [{"use_dora": True}, {"use_rslora": True, "bias": "all"}, {"target_modules": ".*q_proj"}]
)
def test_the_variants_of_lora_are_merged(options, tmp_path):
    model = transformers.AutoModelForCausalLM.from_pretrained(demo.MODEL, dtype=torch.float32)
    config = peft.LoraConfig(**{"target_modules": ["q_proj", "v_proj"], "init_lora_weights": False, **options})
    adapted = peft.get_peft_model(model, config)
    adapted.save_pretrained(tmp_path / "variant")
    expected = adapted.merge_and_unload()(input_ids=TOKENS).logits
    assert torch.allclose(logits(loading.load(str(tmp_path / "variant"), "float32")), expected, atol=1e-4)


@pytest.mark.slow
def test_an_adapter_in_pickle_form_is_converted_by_the_command_that_the_refusal_tells(adapter):
    weights = adapter / "adapter_model.safetensors"
    torch.save(load_file(weights), adapter / "adapter_model.bin")
    weights.unlink()
    sentence = refusal(adapter)
    assert "may run code" in sentence
    command = shlex.split(sentence.split("Convert it with: ")[1])
    subprocess.run([sys.executable, *command[1:]], check=True, timeout=60)
    assert loading.load(str(adapter)).weight_bytes


def test_an_adapter_without_weights_is_told(adapter):
    (adapter / "adapter_model.safetensors").unlink()
    assert "has no adapter_model.safetensors" in refusal(adapter)


def test_the_model_that_an_adapter_was_merged_into_is_no_adapter(taught, adapter, tmp_path):
    folder = shutil.copytree(taught / "merged", tmp_path / "both")
    shutil.copy(adapter / "adapter_config.json", folder)
    torch.save({}, folder / "adapter_model.bin")  # which must not be opened
    assert torch.allclose(
        logits(loading.load(str(folder), "float32")), logits(loading.load(str(taught / "merged"), "float32"))
    )


def test_an_adapter_beside_a_model_is_not_read_by_transformers_either(taught, adapter, tmp_path):
    folder = shutil.copytree(taught / "merged", tmp_path / "both")
    weights = load_file(folder / "model.safetensors")
    renamed = {name.removeprefix("model."): weight for name, weight in weights.items()}  # which transformers maps back
    save_file(renamed, folder / "model.safetensors", metadata={"format": "pt"})
    expected = logits(loading.load(str(folder), "float32"))
    for file in adapter.iterdir():
        shutil.copy(file, folder)
    assert torch.allclose(logits(loading.load(str(folder), "float32")), expected)


def test_a_damaged_adapter_is_told(adapter):
    change(adapter, r="many")
    assert "of a kind that peft does not know, or damaged" in refusal(adapter)
    for damaged in ("[3]", "{", "null"):
        (adapter / "adapter_config.json").write_text(damaged)
        assert "is damaged" in refusal(adapter)


def test_an_adapter_of_an_adapter_is_told(adapter):
    assert "is an adapter itself" in refusal(adapter, base=str(adapter))
