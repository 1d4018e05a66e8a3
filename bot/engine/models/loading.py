"""Load a model in two steps: first build and check it, then read its weights."""

import json
import logging
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers.initialization import no_init_weights
from transformers.quantizers import AutoHfQuantizer

from bot.engine import ModelError
from bot.engine.chat_template import Tokenizer
from bot.engine.kernels.selection import Kernels, Precision, dtype_of, native_dtype, select
from bot.engine.kernels.siblings import find_siblings
from bot.engine.models import CausalLM, gguf, lora, memory
from bot.engine.models.hub import download, first_sentence
from bot.engine.models.locate import is_adapter, locate
from bot.engine.models.tokenizer import check_tokenizer, end_tokens, hidden_tokens, load_tokenizer
from bot.engine.models.weights import (
    Sources,
    find_sources,
    load_by_transformers,
    read_and_pack,
    tied_weights,
    weight_bytes,
    weight_files,
)
from bot.engine.prompt import AUTO, PromptFormat

log = logging.getLogger(__name__)

_GENERATOR = re.compile("CausalLM|LMHead|ConditionalGeneration")
_OTHER_MODEL = "Set MODEL_PATH to a decoder-only language model, such as Qwen2."

_building = threading.Lock()  # transformers patches torch for all threads while it builds a model


@dataclass(frozen=True)
class LoadedModel:
    """A model ready to generate, with its tokenizer."""

    files: tuple[Path, ...]
    """Where its weights come from: its folder or GGUF file, and an adapter's folder."""
    model: CausalLM
    tokenizer: Tokenizer
    precision: Precision
    kernels: Kernels | None
    """None where the model's own linear layers are in use."""
    context: int | None
    """The most tokens, prompt and answer together, that the model was built for, if it says so."""
    end_tokens: tuple[int, ...]
    """Any of these ends an answer."""
    stop: tuple[str, ...]
    """An answer ends before any of these strings."""
    hidden_tokens: frozenset[int]
    """These are no text."""
    repetition_penalty: float
    """That of the model's own generation config; 1 is none."""
    weight_bytes: int
    form: PromptFormat
    parameters: int

    @property
    def library(self) -> str:
        """The library that computes most of the linear layers."""
        return self.kernels.library if self.kernels else "torch"


@dataclass(frozen=True)
class PreparedModel:
    """A model that has been built and checked, and whose weights are still to be read."""

    name: str
    loaded: LoadedModel
    """What `load` returns; its weights are empty until then."""
    sources: Sources | None
    """None where transformers has already read the weights."""
    siblings: list[list[str]]
    """The names of the linear layers, those together that are to be computed as one."""
    seconds: float
    """How long preparing took."""

    @property
    def context(self) -> int | None:
        """See LoadedModel."""
        return self.loaded.context

    def load(self) -> LoadedModel:
        """Read the weights. Raises ModelError when they cannot be read."""
        started = time.perf_counter()
        with _building, _as_model_error(self.name):
            read_and_pack(self.loaded.model, self.sources, self.name, self.loaded.kernels, self.siblings)
        log.info(
            "Loaded %s in %.1f s: %s, %s, weights of %.2f GB.",
            self.name,
            self.seconds + time.perf_counter() - started,
            self.loaded.model.config.get_text_config().model_type,
            self.loaded.kernels or self.loaded.precision,
            self.loaded.weight_bytes / 1e9,
        )
        return self.loaded


def load(name: str, precision: str = "auto", *, base: str | None = None, form: PromptFormat = AUTO) -> LoadedModel:
    """Load a model onto this machine's CPU; see `prepare`. Raises ModelError."""
    return prepare(name, precision, base=base, form=form).load()


def prepare(name: str, precision: str = "auto", *, base: str | None = None, form: PromptFormat = AUTO) -> PreparedModel:
    """Find and build a model, and check everything but its weights.

    `precision` is a MODEL_PRECISION. Only weights in safetensors and GGUF files are read, and no code that comes with a
    model is run. A hub name is downloaded once. A LoRA adapter is merged into its base model, which `base` names if the
    adapter's own config does not. Progress goes to standard error. Raises ModelError when the model cannot be loaded,
    or cannot render conversations in this `form`.
    """
    transformers.logging.set_verbosity_error()
    if not sys.stderr.isatty():
        transformers.logging.disable_progress_bar()
    log.info("Loading the model %s.", name)
    started = time.perf_counter()
    with _as_model_error(name):
        path, adapter = _find(name), None
        if is_adapter(path):
            path, adapter = _find_base(path, name, base), path
        config = gguf.read_config(path) if path.is_file() else _read_config(path, name)
        tokenizer = load_tokenizer(path, config, adapter)
        with _building:
            model, kernels, siblings, sources = _build(path, config, adapter, len(tokenizer), name, precision)
        form = check_tokenizer(tokenizer, model, name, form)
        tied = tied_weights(model)
        loaded = LoadedModel(
            (path, adapter) if adapter else (path,),
            model,
            tokenizer,
            kernels.precision if kernels else "bfloat16" if model.dtype == torch.bfloat16 else "float32",
            kernels,
            _context(model),
            end_tokens(tokenizer, _eos_tokens(model)),
            (*form.stop(tokenizer), *_as_list(model.generation_config.stop_strings)),
            hidden_tokens(tokenizer),
            model.generation_config.repetition_penalty or 1.0,
            weight_bytes(model, kernels.precision if kernels else None),
            form,
            sum(tensor.numel() for key, tensor in model.named_parameters() if key not in tied),
        )
        # `generate` would take the rest of it, such as beams, for its defaults.
        model.generation_config = transformers.GenerationConfig()
    return PreparedModel(name, loaded, sources, siblings, time.perf_counter() - started)


@contextmanager
def _as_model_error(name: str) -> Iterator[None]:
    """Raise any exception as a ModelError: broken files surface as one of a dozen unrelated types."""
    try:
        yield
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(f"The model {name} cannot be loaded: {first_sentence(error)}") from error


def _find(name: str) -> Path:
    """A model's folder, or its GGUF file."""
    path = Path(locate(name))
    return path if path.exists() else Path(locate(str(download(name))))


def _find_base(adapter: Path, name: str, base: str | None) -> Path:
    """An adapter's base model."""
    base = lora.base_model_name(adapter, base)
    try:
        path = _find(base)
    except ModelError as error:
        raise ModelError(
            f"The adapter {name} needs the model that it was trained from, {base}; BASE_MODEL may name another place"
            f" of it. {error}"
        ) from error
    if is_adapter(path):
        raise ModelError(
            f"{base}, the base model of the adapter {name}, is an adapter itself. Set BASE_MODEL to a model."
        )
    log.info("%s is an adapter of %s.", name, base)
    return path


def _build(
    path: Path,
    config: transformers.PreTrainedConfig,
    adapter: Path | None,
    vocabulary: int,
    name: str,
    precision: str,
) -> tuple[CausalLM, Kernels | None, list[list[str]], Sources | None]:
    """The model, the kernels for its linear layers, the names of these, and the sources of its weights.

    Without sources the model has its weights: transformers has read them. Without kernels its linear layers stay.
    """
    in_gguf = path.is_file()
    if type(config) not in transformers.MODEL_FOR_CAUSAL_LM_MAPPING:
        raise ModelError(f"{name} is of the kind {config.model_type}, which does not continue a text. {_OTHER_MODEL}")
    if config.architectures and not any(map(_generates_text, config.architectures)):
        raise ModelError(
            f"{name} is a {config.architectures[0]}, as its config.json says, which does not continue a text."
            f" {_OTHER_MODEL}"
        )
    quantization = getattr(config, "quantization_config", None)
    if adapter:
        lora.check_base(name, quantization)
    _check_quantization(config, name)
    dtype = {"float32": torch.float32, "bfloat16": torch.bfloat16}.get(precision, native_dtype())
    model = _empty(config, dtype)
    kernels, siblings = None, find_siblings(model)
    # A model with attention code of its own may access the weights of its linear layers, so they stay.
    if model.is_backend_compatible():
        kernels = select(precision, [_shape(model, names) for names in siblings])
        dtype = dtype_of(kernels.precision)
        if model.dtype != dtype:
            model = _empty(config, dtype)
    elif precision in ("int8", "float16"):
        log.warning("%s keeps its weights in %s: it is of a kind that cannot be in %s here.", name, dtype, precision)
    named = getattr(config, "transformers_weights", None)  # the file of the weights
    files = [] if in_gguf or named else weight_files(path)
    by_transformers = adapter or not files or quantization
    sources = None if by_transformers else find_sources(model, files, name)
    # What transformers reads, it reads whole, before anything is packed.
    needed = weight_bytes(model, kernels.precision if kernels and sources else None)
    memory.require(needed, f"The weights of {name} take {needed / 1e9:.1f} GB")
    if sources is None:
        model = gguf.read_model(path, dtype, config) if in_gguf else load_by_transformers(path, name, config, dtype)
    if adapter:
        model = lora.merge(model, adapter, vocabulary)
    model.generation_config = _generation_config(path, model)
    return model.eval().requires_grad_(False), kernels, siblings, sources


def _check_quantization(config: transformers.PretrainedConfig, name: str) -> None:
    """Raise ModelError where the model is stored in a quantized form that transformers cannot run on this machine."""
    quantization = getattr(config, "quantization_config", None)
    if quantization is None:
        return
    try:
        AutoHfQuantizer.from_config(quantization, pre_quantized=True).validate_environment(device_map=None)
    except Exception as error:  # each form fails in a way of its own
        method = quantization.get("quant_method", "bitsandbytes")
        raise ModelError(
            f"{name} is stored in the quantized form {method}, which cannot be run here. Set MODEL_PATH to the same"
            " model in its unquantized form or in a GGUF file, or let a server that can run it, such as vLLM on a GPU,"
            " do so, and set ENGINE_URL to the server's address."
        ) from error


def _read_config(path: Path, name: str) -> transformers.PreTrainedConfig:
    """The model's config, without the type, which may be "auto", and the attention kernel of its training."""
    try:
        config = transformers.AutoConfig.from_pretrained(path, trust_remote_code=False, dtype="float32")
    except Exception as error:
        raise ModelError(
            f"The config.json of {name} cannot be used: {first_sentence(error)} Repair it, or get a newer transformers"
            " if the model needs one: pip install -U transformers"
        ) from error
    config._attn_implementation = None
    return config


def _generates_text(architecture: str) -> bool:
    """Whether a class of this name continues a text; transformers does not know all those that a config may name."""
    known = getattr(getattr(transformers, architecture, None), "can_generate", None)
    return bool(known() if known else _GENERATOR.search(architecture))


def _empty(config: transformers.PretrainedConfig, dtype: torch.dtype) -> CausalLM:
    """A model without weights. Pages that are never written to take no memory, so they are free until they are read."""
    with no_init_weights():
        return transformers.AutoModelForCausalLM.from_config(config, dtype=dtype, trust_remote_code=False)


def _shape(model: CausalLM, names: list[str]) -> tuple[int, int]:
    """Outputs and inputs of the model's linear layers of these names together."""
    layers = [model.get_submodule(name) for name in names]
    return sum(layer.out_features for layer in layers), layers[0].in_features


def _generation_config(path: Path, model: CausalLM) -> transformers.GenerationConfig:
    """The model's own generation config; where there is none that is valid, what its config.json says of generation."""
    for file, read in (
        (path / "generation_config.json", transformers.GenerationConfig.from_dict),
        (path / "config.json", transformers.GenerationConfig.from_model_config),
    ):
        if file.is_file():
            try:
                own = read(json.loads(file.read_text(encoding="utf-8")))
                if not all(isinstance(end, int) for end in _as_list(own.eos_token_id)):
                    raise ValueError(f"eos_token_id is {own.eos_token_id!r}")
                if not all(isinstance(stop, str) and stop for stop in _as_list(own.stop_strings)):
                    raise ValueError(f"stop_strings is {own.stop_strings!r}")
                if not float(own.repetition_penalty or 1) > 0:
                    raise ValueError(f"repetition_penalty is {own.repetition_penalty!r}")
                return own
            except Exception as error:
                log.warning("What %s says of generation is ignored: %s", file, first_sentence(error))
    return transformers.GenerationConfig.from_model_config(model.config)


def _context(model: CausalLM) -> int | None:
    config = model.config.get_text_config()
    return getattr(config, "max_position_embeddings", None) or getattr(config, "max_seq_len", None)  # that of MPT


def _eos_tokens(model: CausalLM) -> set[int]:
    """The ids that end a text by the model's generation config and its model config, which may differ."""
    configs = (model.generation_config, model.config, model.config.get_text_config(decoder=True))
    return {end for config in configs for end in _as_list(getattr(config, "eos_token_id", None))}


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
