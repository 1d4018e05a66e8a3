"""GGUF files, which llama.cpp, Ollama and LM Studio use: transformers reads them and unpacks their weights.

Only the file itself is read: what lies beside it may belong to another model. All functions raise ModelError where the
file cannot be read.
"""

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
import transformers
from transformers import modeling_gguf_pytorch_utils

from bot.engine import ModelError
from bot.engine.chat_template import Tokenizer
from bot.engine.models import CausalLM
from bot.engine.models.hub import first_sentence

_PACKAGES = ("gguf", "accelerate")


def read_config(file: Path) -> transformers.PreTrainedConfig:
    """The model's config."""
    with _reading(file):
        return transformers.AutoConfig.from_pretrained(file.parent, gguf_file=str(file.absolute()))


def read_tokenizer(file: Path) -> Tokenizer:
    """The tokenizer, with the file's own chat template."""
    # Not by from_pretrained, which prefers a tokenizer.json beside the file.
    with _reading(file):
        return transformers.PreTrainedTokenizerFast(name_or_path=str(file.parent), gguf_file=file.name)


def read_model(file: Path, dtype: torch.dtype, config: transformers.PreTrainedConfig | None = None) -> CausalLM:
    """The model with its weights in this type; with its `config`, which takes seconds to read, if that is known."""
    modeling_gguf_pytorch_utils.tqdm = transformers.logging.tqdm  # so that its progress bar can be turned off, too
    with _reading(file):
        model, info = transformers.AutoModelForCausalLM.from_pretrained(
            file.parent,
            gguf_file=str(file.absolute()),  # its name alone might also be that of a file in the current folder
            config=config,
            dtype=dtype,
            quantization_config=transformers.GgufConfig(dequantize=True),
            output_loading_info=True,
            adapter_kwargs={"subfolder": os.devnull},  # else an adapter beside the file is read and applied, too
        )
    if info["missing_keys"]:
        raise ModelError(
            f"{file} is incomplete: {sorted(info['missing_keys'])[0]} is missing. Download it again; if it is one of"
            " several parts, merge them with llama.cpp's llama-gguf-split."
        )
    return model


@contextmanager
def _reading(file: Path) -> Iterator[None]:
    """Raise ModelError where the packages are missing, and for whatever transformers raises while it reads the file."""
    try:
        for package in _PACKAGES:
            importlib.import_module(package)
    except ImportError:
        raise ModelError(
            f"{file} is a GGUF file, which takes further packages. Run: pip install {' '.join(_PACKAGES)}"
        ) from None
    try:
        yield
    except Exception as error:
        raise ModelError(
            f"transformers cannot read {file}: {first_sentence(error)} Let llama.cpp's server run it, and set"
            " ENGINE_URL to the server's address."
            if _is_whole(file)
            else f"The file {file} is damaged or incomplete. Download it again."
        ) from error


def _is_whole(file: Path) -> bool:
    from gguf import GGUFReader

    try:
        GGUFReader(file)
    except Exception as error:
        return "GGMLQuantizationType" in str(error)  # a type of tensor that is newer than the package
    return True
