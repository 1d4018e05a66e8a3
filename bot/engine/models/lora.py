"""LoRA adapters: found with their base model, and merged into it."""

import json
import logging
import warnings
from pathlib import Path
from typing import Any

from bot.engine import ModelError
from bot.engine.models import CausalLM
from bot.engine.models.locate import ADAPTER_CONFIG

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


def base_model_name(adapter: Path, base: str | None) -> str:
    """The name of the model that an adapter was trained from: `base`, or the one in the adapter's config.

    Raises ModelError where there is none, or where the adapter cannot be merged.
    """
    name = base or _read_config(adapter).get("base_model_name_or_path")
    if not name:
        raise ModelError(f"{adapter} is an adapter that does not name its base model. Set BASE_MODEL to it.")
    return str(name)


def merge(model: CausalLM, adapter: Path, vocabulary: int) -> CausalLM:
    """The model with the adapter's weights added to its own: as fast as without an adapter.

    `vocabulary` is the size of the adapter's tokenizer, to which the embeddings may have to grow. Raises ModelError
    where `peft` is not installed, or the adapter cannot be merged into this model.
    """
    options = _merge_options(adapter)
    try:
        from peft import LoraConfig, PeftModel
    except ImportError:
        raise ModelError(f"{adapter} is a LoRA adapter, which takes a further package. Run: pip install peft") from None
    if vocabulary > model.get_input_embeddings().num_embeddings:
        model.resize_token_embeddings(vocabulary)
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
    if refused := [key for key in _REFUSED if config.get(key)]:
        raise ModelError(f"The adapter {adapter} has the option {refused[0]}, with which it cannot be merged.")
    return config
