"""A LoRA adapter: found with the model it was trained from, and merged into that."""

import json
import warnings
from pathlib import Path
from typing import Any

from bot.engine import ModelError
from bot.engine.models.locate import ADAPTER_CONFIG


def base_of(folder: Path, base: str | None) -> str:
    """The name of the model that an adapter was trained from: `base`, or the one that it names itself.

    Raises ModelError where it names none.
    """
    try:
        named = base or json.loads((folder / ADAPTER_CONFIG).read_text())["base_model_name_or_path"]
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{folder / ADAPTER_CONFIG} is damaged. Save or download the adapter again.") from error
    if not named:
        raise ModelError(f"{folder} is an adapter that does not name its base model. Set BASE_MODEL to it.")
    return str(named)


def merge(model: Any, folder: Path, vocabulary: int) -> Any:
    """The model with an adapter's weights added to its own: as fast as any other, and no adapter any more.

    `vocabulary` is how many tokens the adapter's tokenizer knows, for which it may have made room.
    Raises ModelError where `peft` is not installed, or the adapter is none that can be added.
    """
    try:
        from peft import PeftModel
    except ImportError:
        raise ModelError(f"{folder} is a LoRA adapter, which takes a further package. Run: pip install peft") from None
    if vocabulary > model.get_input_embeddings().num_embeddings:
        model.resize_token_embeddings(vocabulary)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # peft asks transformers for what is about to go
        try:
            adapted: Any = PeftModel.from_pretrained(model, folder)
        except RuntimeError as error:
            raise ModelError(
                f"The adapter {folder} does not fit its base model. Set BASE_MODEL to the one that it was trained from."
            ) from error
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"The adapter {folder} is of a kind that peft does not know, or damaged.") from error
        if not hasattr(adapted.base_model, "merge_and_unload"):
            raise ModelError(f"The adapter {folder} is of a kind that cannot be merged into its model; LoRA can.")
        return adapted.base_model.merge_and_unload()
