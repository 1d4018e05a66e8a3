"""Find a model, load it, and say clearly why not."""

import logging
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import torch
import transformers

from bot import demo
from bot.engine import ModelError
from bot.prompt import Tokenizer

log = logging.getLogger(__name__)

CausalLM: TypeAlias = Any
"""A `transformers` decoder-only model with its language-model head."""

_HUB_NAME = re.compile(r"[\w-][\w.-]*/[\w.-]+")


@dataclass(frozen=True)
class LoadedModel:
    """A model ready to generate, with its tokenizer."""

    model: CausalLM
    tokenizer: Tokenizer
    context: int | None
    """The most tokens, prompt and answer together, that the model was built for, if it says so."""
    end_tokens: tuple[int, ...]
    """Any of these ends an answer: the model's own end tokens, and every special one, as none is text."""


def find(name: str) -> str:
    """`demo`, a folder or a hub name → what transformers loads from.

    Looks only at the disk. Raises ModelError when a folder is missing or holds no model.
    """
    if name == "demo":
        return str(demo.MODEL)
    folder = Path(name).expanduser()
    if not folder.exists():
        if _HUB_NAME.fullmatch(name):
            return name
        raise ModelError(
            f"There is no model folder {name}. Set MODEL_PATH to a model's folder or to a hub name such as"
            " Qwen/Qwen2-1.5B-Instruct, or try Parley with --model demo."
        )
    if not folder.is_dir():
        raise ModelError(f"{name} is a file; MODEL_PATH must name the folder that holds the model.")
    if not (folder / "config.json").is_file():
        raise ModelError(
            f"The folder {name} holds no model: it has no config.json. Set MODEL_PATH to the folder that"
            " save_pretrained() wrote."
        )
    if not any(folder.glob("*.safetensors")):
        raise ModelError(
            f"The folder {name} has no weights in safetensors form, the only form that is safe to load. Save"
            " the model again with save_pretrained()."
        )
    return str(folder)


def load(name: str) -> LoadedModel:
    """Load a model onto this machine's CPU: in bfloat16 where the CPU computes in it, else in float32.

    Only safetensors weights are read and no code that comes with a model is run; a hub name is downloaded
    once. Progress goes to standard error. Raises ModelError when it cannot be loaded.
    """
    source = find(name)
    transformers.logging.set_verbosity_error()
    if not sys.stderr.isatty():
        transformers.logging.disable_progress_bar()
    log.info("Loading the model %s.", name)
    started = time.perf_counter()
    native_bfloat16 = torch.ops.mkldnn._is_mkldnn_bf16_supported()
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(source, trust_remote_code=False)
        model, info = transformers.AutoModelForCausalLM.from_pretrained(
            source,
            dtype=torch.bfloat16 if native_bfloat16 else torch.float32,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except Exception as error:
        # Whatever is wrong with a folder or a download surfaces here as one of a dozen unrelated types.
        log.debug("Loading %s failed.", name, exc_info=True)
        raise ModelError(f"The model {name} cannot be loaded: {_first_sentence(error)}") from error
    if info["missing_keys"]:
        raise ModelError(
            f"The weights of {name} are incomplete: {sorted(info['missing_keys'])[0]} is missing. Save or"
            " download the model again."
        )
    if len(tokenizer) <= len(tokenizer.all_special_ids):
        # Where the files are missing, transformers makes a tokenizer without a vocabulary.
        raise ModelError(
            f"The model {name} has no tokenizer. Copy the tokenizer's files (tokenizer.json and tokenizer_config.json)"
            " of the model that it was trained from into the folder."
        )
    config = model.config.get_text_config()
    log.info(
        "Loaded %s in %.1f s: %s, %.1f million parameters, %s.",
        name,
        time.perf_counter() - started,
        config.model_type,
        model.num_parameters() / 1e6,
        str(model.dtype).removeprefix("torch."),
    )
    return LoadedModel(
        model.eval(),
        tokenizer,
        getattr(config, "max_position_embeddings", None),
        _end_tokens(model, tokenizer),
    )


def _end_tokens(model: CausalLM, tokenizer: Tokenizer) -> tuple[int, ...]:
    own = model.generation_config.eos_token_id
    listed = own if isinstance(own, list) else [] if own is None else [own]
    return tuple(sorted({*listed, *tokenizer.all_special_ids}))


def _first_sentence(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return lines[0] if lines[0].endswith(".") else f"{lines[0]}."
