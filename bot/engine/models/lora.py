"""LoRA adapters: found with their base model, and merged into it."""

import json
import warnings
from pathlib import Path

from bot.engine import ModelError
from bot.engine.models import CausalLM
from bot.engine.models.locate import ADAPTER_CONFIG


def base_model_name(adapter: Path, base: str | None) -> str:
    """The name of the model that an adapter was trained from: `base`, or the one in the adapter's config.

    Raises ModelError where there is none.
    """
    try:
        name = base or json.loads((adapter / ADAPTER_CONFIG).read_text())["base_model_name_or_path"]
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{adapter / ADAPTER_CONFIG} is damaged. Save or download the adapter again.") from error
    if not name:
        raise ModelError(f"{adapter} is an adapter that does not name its base model. Set BASE_MODEL to it.")
    return str(name)


def merge(model: CausalLM, adapter: Path, vocabulary: int) -> CausalLM:
    """The model with the adapter's weights added to its own: as fast as without an adapter.

    `vocabulary` is the size of the adapter's tokenizer, to which the embeddings may have to grow. Raises ModelError
    where `peft` is not installed, or the adapter cannot be merged into this model.
    """
    try:
        from peft import PeftModel
    except ImportError:
        raise ModelError(f"{adapter} is a LoRA adapter, which takes a further package. Run: pip install peft") from None
    if vocabulary > model.get_input_embeddings().num_embeddings:
        model.resize_token_embeddings(vocabulary)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # peft uses what transformers has deprecated
        try:
            adapted: CausalLM = PeftModel.from_pretrained(model, adapter)
        except RuntimeError as error:
            raise ModelError(
                f"The adapter {adapter} does not fit its base model. Set BASE_MODEL to the one that it was trained"
                " from."
            ) from error
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"The adapter {adapter} is of a kind that peft does not know, or damaged.") from error
        if not hasattr(adapted.base_model, "merge_and_unload"):
            raise ModelError(f"The adapter {adapter} is of a kind that cannot be merged into its model; LoRA can.")
        return adapted.base_model.merge_and_unload()
