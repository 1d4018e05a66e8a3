"""LoRA adapters: found with their base model, and merged into it."""

import copy
import json
import logging
import warnings
from pathlib import Path
from typing import Any

from safetensors import safe_open

from bot.engine import ModelError
from bot.engine.models import CausalLM
from bot.engine.models.locate import ADAPTER_CONFIG
from bot.engine.models.weights import tied_weights

log = logging.getLogger(__name__)

# The options of peft's LoraConfig that decide how the weights are merged. None of them can import or open anything.
_OPTIONS = frozenset(
    """
    r lora_alpha rank_pattern alpha_pattern use_rslora fan_in_fan_out bias lora_bias
    target_modules exclude_modules target_parameters modules_to_save layers_to_transform layers_pattern
    layer_replication trainable_token_indices ensure_weight_tying
    init_lora_weights loftq_config lora_ga_config use_dora use_qalora qalora_group_size use_bdlora
    kasa_config velora_config monteclora_config
    """.split()
)
# Those that matter only for training, or that Parley decides itself.
_IGNORED = frozenset(
    """
    peft_type peft_version task_type auto_mapping base_model_name_or_path revision inference_mode runtime_config
    lora_dropout eva_config corda_config megatron_core
    """.split()
)
# Those with which an adapter cannot be merged; with the first, peft also imports the module of `megatron_core`.
_REFUSED = ("megatron_config", "arrow_config", "alora_invocation_tokens")
_OTHER_TASKS = ("SEQ_CLS", "TOKEN_CLS", "QUESTION_ANS", "FEATURE_EXTRACTION")
# The quantized forms that transformers turns into plain weights where it has no kernels for them.
_DEQUANTIZED = ("mxfp4", "fp8")
# Tensors of the embeddings or the output layer → which of their dimensions has an entry for each token.
_ROWS = {
    "weight": 0,
    "base_layer.weight": 0,
    "token_adapter.base_layer.weight": 0,
    "lora_B.weight": 0,
    "lora_embedding_A": 1,
}


def base_model_name(adapter: Path, base: str | None) -> str:
    """The name of the model that an adapter was trained from: `base`, or the one in the adapter's config.

    Raises ModelError where there is none, or where the adapter cannot be merged.
    """
    name = base or _read_config(adapter).get("base_model_name_or_path")
    if not name:
        raise ModelError(f"{adapter} is an adapter that does not name its base model. Set BASE_MODEL to it.")
    return str(name)


def check_base(name: str, quantization: dict[str, Any] | None) -> None:
    """Raise ModelError where the base model of the adapter `name` is stored in a form that nothing can be added to."""
    method = (quantization or {}).get("quant_method", "bitsandbytes")
    if quantization and method not in _DEQUANTIZED:
        raise ModelError(
            f"The base model of the adapter {name} is stored in the quantized form {method}, which the adapter cannot"
            " be merged into. Set BASE_MODEL to the same model in its unquantized form."
        )


def merge(model: CausalLM, adapter: Path, vocabulary: int) -> CausalLM:
    """The model with the adapter's weights added to its own: as fast as without an adapter.

    The embeddings get as many rows as the adapter has of its own; without any, they grow to `vocabulary`, the size of
    its tokenizer. Raises ModelError where `peft` is not installed, or the adapter cannot be merged into this model.
    """
    options = _merge_options(adapter)
    try:
        from peft import LoraConfig, PeftModel
    except ImportError:
        raise ModelError(f"{adapter} is a LoRA adapter, which takes a further package. Run: pip install peft") from None
    rows, embedded = _embedding_rows(model, adapter), model.get_input_embeddings().num_embeddings
    if rows is None and vocabulary > embedded:
        log.warning(
            "The adapter %s adds tokens and has no embeddings for them (%d): they get those of an average token.",
            adapter,
            vocabulary - embedded,
        )
    model.resize_token_embeddings(rows or max(vocabulary, embedded))
    if rows is not None and (tied := tied_weights(model)):
        # peft adds to the weights of each layer, and those of both would be added to shared ones.
        head = model.get_output_embeddings()
        head.weight = copy.deepcopy(head.weight)
        tied.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # peft uses what transformers has deprecated
        try:
            # Given a config, peft does not read the adapter's own, which can name modules to import and files to open.
            adapted: CausalLM = PeftModel.from_pretrained(model, adapter, config=LoraConfig(**options))
        except RuntimeError as error:
            raise ModelError(
                f"The adapter {adapter} does not fit its base model. Set BASE_MODEL to the one that it was trained"
                " from."
            ) from error
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"The adapter {adapter} is of a kind that peft does not know, or damaged.") from error
        return adapted.base_model.merge_and_unload()


def _embedding_rows(model: CausalLM, adapter: Path) -> int | None:
    """The number of tokens that the adapter's own embeddings or output layer are for; None where it has neither."""
    vocabulary_layers = (model.get_input_embeddings(), model.get_output_embeddings())
    names = [name for name, module in model.named_modules() if module in vocabulary_layers]
    with safe_open(adapter / "adapter_model.safetensors", "pt") as tensors:
        for key in tensors.keys():  # noqa: SIM118 - it is no dictionary
            for name in names:
                part = key.partition(f".{name}.")[2]
                if part in _ROWS:
                    return int(tensors.get_slice(key).get_shape()[_ROWS[part]])
    return None


def _merge_options(adapter: Path) -> dict[str, Any]:
    """The options of an adapter's config that matter for merging. A warning names others that are not known."""
    config = {key: value for key, value in _read_config(adapter).items() if value is not None}
    if unknown := sorted(key for key, value in config.items() if value and key not in _OPTIONS | _IGNORED):
        log.warning(
            "The adapter %s has options that Parley does not know and ignores: %s.", adapter, ", ".join(unknown)
        )
    return {key: value for key, value in config.items() if key in _OPTIONS}


def _read_config(adapter: Path) -> dict[str, Any]:
    """An adapter's config. Raises ModelError where it is damaged, or not that of a LoRA adapter that can be merged."""
    try:
        config = dict(json.loads((adapter / ADAPTER_CONFIG).read_text(encoding="utf-8")))
    except (TypeError, ValueError) as error:
        raise ModelError(f"{adapter / ADAPTER_CONFIG} is damaged. Save or download the adapter again.") from error
    if config.get("peft_type") != "LORA":
        raise ModelError(f"The adapter {adapter} is of a kind that cannot be merged into its model; LoRA can.")
    if config.get("task_type") in _OTHER_TASKS:
        raise ModelError(
            f"The adapter {adapter} is for the task {config['task_type']}, which does not continue a text."
        )
    if refused := [key for key in _REFUSED if config.get(key)]:
        raise ModelError(f"The adapter {adapter} has the option {refused[0]}, with which it cannot be merged.")
    return config
