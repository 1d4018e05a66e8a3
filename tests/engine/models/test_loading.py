"""A model is found and loaded, or one sentence says why not."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from types import SimpleNamespace

import psutil
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from bot.engine import ModelError
from bot.engine.kernels import selection
from bot.engine.kernels.floating import PlainLinear
from bot.engine.models import loading, memory
from bot.engine.models.locate import locate
from bot.engine.prompt import Prompt, PromptFormat, encode
from tests.support.models import ARCHITECTURES, TOKENS, logits, refusal, save_model
from tests.support.tokenizers import CHATML, make_poor_tokenizer, make_tokenizer


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("models") / "good")


@pytest.fixture
def folder(good, tmp_path):
    return shutil.copytree(good, tmp_path / "model")


def change_config(folder, **changes) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))


def test_a_folder_is_loaded(good):
    loaded = loading.load(str(good))
    assert loaded.context == 512
    assert loaded.tokenizer.eos_token_id in loaded.end_tokens
    assert loaded.model.dtype in (torch.bfloat16, torch.float32)


def test_the_home_folder_may_be_written_as_a_tilde(good, monkeypatch):
    monkeypatch.setenv("HOME", str(good.parent))
    assert locate("~/good") == str(good)


def test_a_hub_name_is_taken_as_it_is():
    assert locate("Qwen/Qwen2-1.5B-Instruct") == "Qwen/Qwen2-1.5B-Instruct"


def test_a_missing_folder(tmp_path):
    sentence = refusal(tmp_path / "nowhere")
    assert "MODEL_PATH" in sentence
    assert "--model demo" in sentence


def test_a_folder_that_is_spelt_nearly_like_one_there_is(tmp_path):
    (tmp_path / "qwen_finetune").mkdir()
    assert f"Did you mean {tmp_path / 'qwen_finetune'}?" in refusal(tmp_path / "qwen-fintune")


def test_an_empty_folder(tmp_path):
    assert "is empty" in refusal(tmp_path)


def test_a_folder_without_a_model(tmp_path):
    (tmp_path / "README.md").touch()
    assert "config.json" in refusal(tmp_path)


def test_a_training_folder_leads_to_its_newest_checkpoint(tmp_path):
    for name in ("checkpoint-900", "checkpoint-1000", "checkpoint-best"):
        (tmp_path / name).mkdir()
    assert f"the newest, {tmp_path / 'checkpoint-1000'}." in refusal(tmp_path)


def test_weights_that_are_no_safetensors_are_not_opened(folder):
    opened = folder / "opened"

    class Payload:
        def __reduce__(self):
            return open, (str(opened), "w")

    (folder / "model.safetensors").unlink()
    torch.save({"weight": Payload()}, folder / "pytorch_model.bin")
    assert "pytorch_model.bin may run code" in refusal(folder)
    assert not opened.exists()


@pytest.mark.slow
def test_old_weights_are_converted_by_the_command_that_the_refusal_tells(folder):
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(weights, folder / "pytorch_model.bin")
    command = refusal(folder).split("Convert it with: python ")[1]
    subprocess.run([sys.executable, *shlex.split(command)], check=True, capture_output=True)
    assert loading.load(str(folder)).weight_bytes


@pytest.mark.parametrize("other", [None, "tf_model.h5", "consolidated.00.pth", "training_args.bin"])
def test_what_transformers_cannot_convert_is_not_to_be_converted(folder, other):
    (folder / "model.safetensors").unlink()
    if other:
        (folder / other).touch()
    sentence = refusal(folder)
    assert "Convert" not in sentence
    assert "Save it with save_pretrained()" in sentence


def test_a_hub_name_may_have_a_revision(folder, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "huggingface_hub.snapshot_download", lambda *args, **options: asked.append((args, options)) or str(folder)
    )
    loading.load("some/model@v2.1")
    ((name,), options) = asked[0]
    assert (name, options["revision"]) == ("some/model", "v2.1")


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


def test_a_model_in_several_files(good, folder):
    model = transformers.AutoModelForCausalLM.from_pretrained(good)
    in_several_files(model, folder)
    assert torch.allclose(logits(loading.load(str(folder), "float32")), model(input_ids=TOKENS).logits, atol=1e-3)


def in_several_files(model, folder):
    (folder / "model.safetensors").unlink(missing_ok=True)
    model.save_pretrained(folder, max_shard_size="50KB")
    assert len(list(folder.glob("model-*.safetensors"))) > 2
    return folder / "model.safetensors.index.json"


@pytest.mark.parametrize("beside", ["whole shards", "no shards"])
def test_a_whole_file_counts_more_than_an_index_beside_it(good, folder, beside):
    model = transformers.AutoModelForCausalLM.from_pretrained(good)
    with torch.no_grad():
        model.model.norm.weight.mul_(0.5)
    index = in_several_files(model, folder)
    if beside == "no shards":
        for shard in folder.glob("model-*.safetensors"):
            shard.unlink()
    shutil.copy(good / "model.safetensors", folder)
    assert index.exists()
    assert torch.equal(logits(loading.load(str(folder), "float32")), logits(loading.load(str(good), "float32")))


def test_parts_of_the_weights_that_are_missing_are_named(good, folder):
    index = in_several_files(transformers.AutoModelForCausalLM.from_pretrained(good), folder)
    index.rename(folder / "kept")
    assert f"has neither model.safetensors nor {index.name}" in refusal(folder)
    index.write_text("{")
    assert f"{index} is damaged" in refusal(folder)
    (folder / "kept").rename(index)
    shard = sorted(folder.glob("model-*.safetensors"))[1]
    shard.unlink()
    assert f"{shard} is missing, which {index.name} names" in refusal(folder)


def test_a_config_may_name_the_file_of_the_weights(good, folder):
    model = transformers.AutoModelForCausalLM.from_pretrained(good)
    with torch.no_grad():
        model.model.norm.weight.mul_(0.5)
    model.save_pretrained(folder / "other")
    (folder / "other" / "model.safetensors").rename(folder / "other.safetensors")
    change_config(folder, transformers_weights="other.safetensors")
    assert torch.allclose(logits(loading.load(str(folder), "float32")), model(input_ids=TOKENS).logits, atol=1e-5)
    (folder / "other.safetensors").unlink()
    assert "other.safetensors" in refusal(folder)


@pytest.mark.parametrize("architecture", ["qwen3", "mamba"])
@pytest.mark.parametrize("names", ["its own", "old"])
@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_a_head_that_is_stored_although_the_config_ties_it(architecture, names, precision, tmp_path, caplog):
    folder = save_model(tmp_path / "model", architecture, tie_word_embeddings=True, vocab_size=320)
    weights = load_file(folder / "model.safetensors")
    embedding = next(name for name in weights if "embed" in name)
    parameters = loading.load(str(folder)).parameters
    for head, own in ((weights[embedding].clone(), False), (weights[embedding].flip(0).contiguous(), True)):
        stored = {**weights, "lm_head.weight": head}
        if names == "old":
            stored = {name.removeprefix("model.").removeprefix("backbone."): weight for name, weight in stored.items()}
        save_file(stored, folder / "model.safetensors", {"format": "pt"})
        caplog.clear()
        loaded = loading.load(str(folder), precision)
        assert ("stores lm_head.weight, which is used" in caplog.text) == own
        expected = transformers.AutoModelForCausalLM.from_pretrained(folder)(input_ids=TOKENS).logits
        found = logits(loaded).float()
        assert (found - expected).norm() / expected.norm() < 0.1
        assert loaded.parameters == parameters + own * head.numel()


def test_weights_under_other_names_are_left_to_transformers(good, folder):
    weights = load_file(folder / "model.safetensors")
    renamed = {name.removeprefix("model."): weight for name, weight in weights.items()}
    save_file(renamed, folder / "model.safetensors", metadata={"format": "pt"})
    expected = transformers.AutoModelForCausalLM.from_pretrained(good)(input_ids=TOKENS).logits
    assert torch.allclose(logits(loading.load(str(folder), "float32")), expected, atol=1e-3)


@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES))
def test_what_is_no_linear_layer_is_what_transformers_loads(architecture, tmp_path):
    folder = save_model(tmp_path / "model", architecture)
    ours = loading.load(str(folder), "bfloat16").model
    theirs = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16)
    for tensors in ("named_parameters", "named_buffers"):
        expected = dict(getattr(theirs, tensors)())
        for name, tensor in getattr(ours, tensors)():
            assert tensor.dtype == expected[name].dtype
            assert tensor.equal(expected[name]), name


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "int8"])
def test_each_precision_is_near_to_the_model(good, precision):
    expected = transformers.AutoModelForCausalLM.from_pretrained(good)(input_ids=TOKENS).logits
    found = logits(loading.load(str(good), precision)).float()
    assert (found - expected).norm() / expected.norm() < {"float32": 1e-5, "bfloat16": 0.05, "int8": 0.1}[precision]


@pytest.mark.parametrize("stored", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16", "int8"])
@pytest.mark.parametrize("plain", [False, True])
def test_any_stored_type_is_read_and_the_file_is_not_needed_afterwards(folder, monkeypatch, stored, precision, plain):
    if plain:
        monkeypatch.setattr(selection, "_FLOATING", dict.fromkeys(selection._FLOATING, (PlainLinear,)))
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    for name, tensor in model.named_parameters():
        if name.endswith("bias"):
            tensor.data.normal_(generator=torch.Generator().manual_seed(0))  # a new model's are zeros
    model.to(stored).save_pretrained(folder)
    expected = model.float()(input_ids=TOKENS).logits
    loaded = loading.load(str(folder), precision)
    before = logits(loaded)
    assert (before - expected).norm() / expected.norm() < 0.1
    file = folder / "model.safetensors"
    with file.open("r+b") as written:
        written.write(bytes(file.stat().st_size))
    assert logits(loaded).equal(before)


def test_the_models_own_repetition_penalty_is_found(folder):
    assert loading.load(str(folder)).repetition_penalty == 1
    transformers.GenerationConfig(repetition_penalty=1.2).save_pretrained(folder)
    assert loading.load(str(folder)).repetition_penalty == 1.2


@pytest.mark.parametrize(
    "written",
    [
        "no json",
        "[]",
        '{"stop_strings": [""]}',
        '{"stop_strings": 7}',
        '{"eos_token_id": "none", "temperature": "hot"}',
        '{"repetition_penalty": -1, "do_sample": 3}',
    ],
)
def test_an_odd_generation_config_is_not_heeded(folder, caplog, written):
    (folder / "generation_config.json").write_text(written)
    loaded = loading.load(str(folder))
    assert loaded.tokenizer.eos_token_id in loaded.end_tokens
    assert loaded.repetition_penalty == 1
    assert str(folder / "generation_config.json") in caplog.text


def test_all_end_tokens_of_a_model_end_its_answers(folder):
    transformers.GenerationConfig(eos_token_id=[5, 7]).save_pretrained(folder)
    assert {5, 7} <= set(loading.load(str(folder)).end_tokens)


def test_what_ends_an_answer_by_any_of_a_models_files_ends_it(folder):
    transformers.GenerationConfig(eos_token_id=5).save_pretrained(folder)
    change_config(folder, eos_token_id=[7, 9])
    tokenizer = make_tokenizer()
    tokenizer.eos_token = "the"
    tokenizer.save_pretrained(folder)
    assert {5, 7, 9, tokenizer.eos_token_id} <= set(loading.load(str(folder)).end_tokens)
    transformers.GenerationConfig(temperature=0.5, do_sample=True).save_pretrained(folder)
    assert {7, 9, tokenizer.eos_token_id} <= set(loading.load(str(folder)).end_tokens)


@pytest.mark.parametrize("padding", ["!", "the", "<unk>", "[PAD]"])
def test_padding_ends_no_answer(folder, padding):
    tokenizer = make_tokenizer()
    tokenizer.add_special_tokens({"pad_token": padding, "unk_token": "<unknown>"})
    tokenizer.save_pretrained(folder)
    marks = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
    assert loading.load(str(folder)).end_tokens == tuple(map(tokenizer.convert_tokens_to_ids, marks))


def test_padding_with_a_mark_ends_an_answer(folder):
    loaded = loading.load(str(folder))
    assert loaded.tokenizer.pad_token == "<|endoftext|>", "transformers pads Qwen2 so"
    assert loaded.tokenizer.pad_token_id in loaded.end_tokens


def test_padding_that_is_the_end_token_ends_an_answer(folder):
    tokenizer = make_tokenizer()
    tokenizer.pad_token = tokenizer.eos_token
    tokenizer.save_pretrained(folder)
    assert tokenizer.pad_token_id in loading.load(str(folder)).end_tokens


def test_a_model_without_any_end_token_and_pad_token_is_loaded(folder):
    (folder / "generation_config.json").unlink()
    tokenizer = make_tokenizer(declared_special=False)
    tokenizer.save_pretrained(folder)
    assert tokenizer.pad_token is tokenizer.eos_token is None
    assert loading.load(str(folder)).repetition_penalty == 1


def test_a_chat_template_that_raises_is_told_at_once_and_plain_is_the_way_out(folder):
    (folder / "chat_template.jinja").write_text("{{ messages[0]['text'] + 1 }}")
    assert "PROMPT_FORMAT to plain" in refusal(folder)
    assert loading.load(str(folder), form=PromptFormat("plain"))


def test_a_chat_template_that_shows_no_word_of_anybody_is_told(folder):
    (folder / "chat_template.jinja").write_text(CHATML.replace("message['content']", "message['text']"))
    assert "leaves out what people write. Repair it, or set PROMPT_FORMAT to plain." in refusal(folder)


def test_what_a_chat_template_lacks_is_logged(folder, caplog):
    (folder / "chat_template.jinja").write_text(CHATML.partition("{% if add_generation_prompt %}")[0])
    assert loading.load(str(folder)).form.template.opening == "<|im_start|>assistant\n"
    assert f"The chat template of {folder} has no generation prompt" in caplog.text
    assert r"'<|im_start|>assistant\n'" in caplog.text


def test_a_chat_template_that_is_asked_for_and_not_there_is_told(tmp_path):
    folder = save_model(tmp_path / "model", template=None)
    with pytest.raises(ModelError, match=r"has no chat template\. Set PROMPT_FORMAT to plain"):
        loading.load(str(folder), form=PromptFormat("chat"))


def test_a_kind_of_model_that_transformers_does_not_know(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "quetzal"}))
    assert "quetzal" in refusal(folder)


@pytest.mark.parametrize(
    ("kind", "sizes"),
    [("T5ForConditionalGeneration", {"d_model": 32, "d_kv": 8}), ("BertForMaskedLM", {"hidden_size": 24})],
)
def test_a_model_that_is_no_text_decoder(folder, kind, sizes):
    model_class = getattr(transformers, kind)
    (folder / "model.safetensors").unlink()
    model_class(model_class.config_class(**sizes, num_hidden_layers=1, num_layers=1)).save_pretrained(folder)
    assert "a decoder-only language model" in refusal(folder)


@pytest.mark.parametrize(
    "quantization",
    [
        {"quant_method": "gptq", "bits": 4, "group_size": 128},
        {"quant_method": "awq", "bits": 4, "group_size": 128, "zero_point": True, "version": "gemm"},
        {"load_in_4bit": True},
        {"quant_method": "exl2", "bits": 4.0},
    ],
    ids=["gptq", "awq", "bitsandbytes", "exl2"],
)
def test_a_quantized_form_that_needs_a_gpu_leads_to_a_server(folder, quantization, request):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"quantization_config": quantization}))
    sentence = refusal(folder)
    assert request.node.callspec.id in sentence
    for remedy in ("unquantized", "GGUF", "vLLM", "ENGINE_URL"):
        assert remedy in sentence


def test_a_quantized_form_that_transformers_unpacks_is_read(folder):
    weights = load_file(folder / "model.safetensors")
    rounded = {name: weight.to(torch.float8_e4m3fn) for name, weight in weights.items() if "_proj.weight" in name}
    unpacked = weights | {name: weight.float() for name, weight in rounded.items()}
    save_file(unpacked, folder / "model.safetensors", {"format": "pt"})
    expected = logits(loading.load(str(folder), "float32"))
    config = json.loads((folder / "config.json").read_text())
    quantization = {"quant_method": "fp8", "weight_block_size": [32, 32], "activation_scheme": "dynamic"}
    (folder / "config.json").write_text(json.dumps(config | {"quantization_config": quantization}))
    scales = {f"{name}_scale_inv": torch.ones(-(-len(w) // 32), -(-w.shape[1] // 32)) for name, w in rounded.items()}
    save_file(weights | rounded | scales, folder / "model.safetensors", {"format": "pt"})
    assert torch.allclose(logits(loading.load(str(folder), "float32")), expected, atol=1e-3)


@pytest.mark.parametrize(
    "architecture",
    [
        "Qwen2ForSequenceClassification",
        "Qwen2ForTokenClassification",
        "Qwen2Model",
        "Qwen2ForRewardModel",
        "Classifier",
    ],
)
def test_a_model_that_is_no_text_generator_by_its_architectures(folder, architecture):
    change_config(folder, architectures=[architecture])
    assert f"is a {architecture}, as its config.json says, which does not continue a text" in refusal(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"architectures": None},
        {"architectures": []},
        {"architectures": ["LLaMAForCausalLM"]},  # as before transformers had it
        {"architectures": ["PeftModelForCausalLM"]},
        {"architectures": ["GPT2LMHeadModel", "GPT2ForSequenceClassification"]},
        {"dtype": "auto"},
        {"torch_dtype": "auto", "dtype": None},
        {"dtype": "torch.float16"},
        {"attn_implementation": "flash_attention_2"},
        {"_attn_implementation": "flash_attention_2"},
        {"quantization_config": None},
        {"rope_parameters": None, "rope_theta": 10000.0, "rope_scaling": None},
        {"auto_map": {"AutoModelForCausalLM": "modeling_qwen.Model"}},
    ],
    ids=str,
)
@pytest.mark.parametrize("names", ["its own", "old"])
def test_configs_of_all_ages_are_read(good, folder, changes, names):
    change_config(folder, **changes)
    if names == "old":
        weights = load_file(folder / "model.safetensors")
        renamed = {name.removeprefix("model."): weight for name, weight in weights.items()}
        save_file(renamed, folder / "model.safetensors", {"format": "pt"})
    assert torch.equal(logits(loading.load(str(folder), "float32")), logits(loading.load(str(good), "float32")))


def test_the_context_may_have_another_name(tmp_path):
    config = transformers.MptConfig(d_model=32, n_heads=2, n_layers=1, max_seq_len=96, vocab_size=303)
    transformers.MptForCausalLM(config).save_pretrained(tmp_path)
    make_tokenizer().save_pretrained(tmp_path)
    assert loading.load(str(tmp_path)).context == 96


def test_what_an_old_config_says_of_generation_is_found(folder):
    (folder / "generation_config.json").unlink()
    change_config(folder, repetition_penalty=1.3, eos_token_id=[5, 7])
    loaded = loading.load(str(folder))
    assert loaded.repetition_penalty == 1.3
    assert {5, 7} <= set(loaded.end_tokens)
    expected = transformers.AutoModelForCausalLM.from_pretrained(folder).generation_config
    assert (expected.repetition_penalty, expected.eos_token_id) == (1.3, [5, 7])


def test_a_config_that_transformers_cannot_read_is_told(folder):
    change_config(folder, max_position_embeddings=512.5)
    sentence = refusal(folder)
    assert (
        f"The config.json of {folder} cannot be used: Validation error for field 'max_position_embeddings'" in sentence
    )
    assert "expected int, got float (value: 512.5). Repair it" in sentence


def test_a_tokenizer_that_knows_no_text(folder):
    (folder / "chat_template.jinja").unlink()
    make_poor_tokenizer("xyz").save_pretrained(folder)
    assert "makes no tokens of text" in refusal(folder)


def test_a_tokenizer_of_another_model(folder):
    tokenizer = make_tokenizer()
    tokenizer.add_tokens(["<pad>"], special_tokens=True)
    tokenizer.save_pretrained(folder)
    assert loading.load(str(folder))  # what is never used does no harm
    tokenizer.chat_template = "<pad>" + tokenizer.chat_template
    tokenizer.save_pretrained(folder)
    assert "do not belong together" in refusal(folder)


def test_a_word_that_the_model_does_not_know_is_told(folder):
    tokenizer = make_tokenizer()
    tokenizer.add_tokens(["[PAD]", "Zorbo"])
    tokenizer.save_pretrained(folder)
    sentence = refusal(folder)
    assert "such as 'Zorbo', as its embeddings were not resized. Copy the tokenizer's files" in sentence
    make_tokenizer().save_pretrained(folder)
    assert loading.load(str(folder))


@pytest.mark.parametrize("template", [CHATML, None])
def test_a_mark_that_the_model_does_not_know_and_nobody_can_write_does_no_harm(tmp_path, template):
    folder = save_model(tmp_path / "model", template=template)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens(["<pad>", "nobody"], special_tokens=True)
    tokenizer.save_pretrained(folder)
    loaded = loading.load(str(folder))
    written = encode(Prompt("", (), None, "<pad> nobody"), loaded.tokenizer, 400, loaded.form)
    assert max(written) < loaded.model.get_input_embeddings().num_embeddings < len(tokenizer)


def test_layers_that_int8_would_round_too_coarsely_are_named(folder, caplog):
    weights = load_file(folder / "model.safetensors")
    name = next(name for name in weights if "down_proj" in name)
    weights[name][:, 0] = 1000.0
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    loading.load(str(folder), "int8")
    assert f"1 of the linear layers of {folder} are not rounded to int8" in caplog.text
    assert name.removesuffix(".weight") in caplog.text


def test_a_containers_limit_counts(tmp_path, monkeypatch):
    for name, text in {"max": "1000\n", "current": "900\n", "stat": "anon 500\ninactive_file 300\n"}.items():
        (tmp_path / f"memory.{name}").write_text(text)
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    assert memory.available() == 400
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.available() > 10**6


def test_weights_that_do_not_fit_into_memory_are_refused_before_they_are_read(folder, monkeypatch):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=1000))
    sentence = refusal(folder)
    for remedy in ("MAX_BATCH", "MAX_PROMPT_TOKENS", "MODEL_PRECISION"):
        assert remedy in sentence
