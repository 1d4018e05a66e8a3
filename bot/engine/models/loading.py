"""Load a model, and say clearly why not."""

import json
import logging
import re
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import torch
import transformers
from safetensors import safe_open
from torch import nn
from transformers.initialization import no_init_weights

from bot.engine import ModelError
from bot.engine.kernels import linear
from bot.engine.kernels.linear import PackedLinear, Precision, dtype_of, pack
from bot.engine.models import lora as adapters
from bot.engine.models import memory
from bot.engine.models.hub import download, first_sentence
from bot.engine.models.locate import find, is_adapter
from bot.engine.prompt import AUTO, Exchange, Prompt, PromptFormat, Tokenizer, encode
from bot.engine.reasoning import BEGIN, END

log = logging.getLogger(__name__)

CausalLM: TypeAlias = Any
"""A `transformers` decoder-only model with its language-model head."""

_Sources: TypeAlias = dict[str, tuple[Path, str]]
"""Where each of a model's tensors is: its file and its name there."""

_MARK = re.compile(r"<\|.*\|>")
_building = threading.Lock()  # transformers patches torch while it builds a model, for all threads


@dataclass(frozen=True)
class LoadedModel:
    """A model ready to generate, with its tokenizer."""

    model: CausalLM
    tokenizer: Tokenizer
    precision: Precision
    context: int | None
    """The most tokens, prompt and answer together, that the model was built for, if it says so."""
    end_tokens: tuple[int, ...]
    """Any of these ends an answer: the model's own end tokens, and every special one, as none is text."""
    thinking_marks: dict[int, str]
    """Those around thoughts, where the tokenizer holds them to be special and would leave them out of a text."""
    repetition_penalty: float
    """What the model's own generation config asks for; 1 is none."""
    weight_bytes: int
    form: PromptFormat
    """How conversations are written down for it."""
    parameters: int


def load(
    name: str,
    precision: str = "auto",
    *,
    base: str | None = None,
    form: PromptFormat = AUTO,
    accept: Callable[[int | None], None] = lambda context: None,
) -> LoadedModel:
    """Load a model onto this machine's CPU in a precision of MODEL_PRECISION.

    Only safetensors weights are read and no code that comes with a model is run; a hub name is downloaded
    once. A LoRA adapter is merged into the model that it was trained from, which may be told by its name in `base`.
    Progress goes to standard error. Before the weights are read, when nothing is known to be wrong, `accept` is called
    with the context; what it raises is raised on. Raises ModelError when the model cannot be loaded, or not be talked
    to in this `form`.
    """
    chosen = linear.choose(precision)
    transformers.logging.set_verbosity_error()
    if not sys.stderr.isatty():
        transformers.logging.disable_progress_bar()
    log.info("Loading the model %s.", name)
    started = time.perf_counter()
    try:
        folder, adapter = _folder(name), None
        if is_adapter(folder):
            folder, adapter = _base_folder(folder, name, base), folder
        tokenizer = _tokenizer(folder, adapter)
        with _building:
            model, sources, size = _build(folder, adapter, len(tokenizer), name, chosen)
            parameters = sum(tensor.numel() for key, tensor in model.named_parameters() if key not in _tied(model))
            _check_tokenizer(model, tokenizer, name, form)
            accept(_context(model))
            _read_and_pack(model, sources, name, chosen)
    except ModelError:
        raise
    except Exception as error:
        # Whatever is wrong with a folder surfaces here as one of a dozen unrelated types.
        raise ModelError(f"The model {name} cannot be loaded: {first_sentence(error)}") from error
    log.info(
        "Loaded %s in %.1f s: %s, %s, weights of %.2f GB.",
        name,
        time.perf_counter() - started,
        model.config.get_text_config().model_type,
        chosen,
        size / 1e9,
    )
    return LoadedModel(
        model,
        tokenizer,
        chosen,
        _context(model),
        _end_tokens(model, tokenizer),
        {id_: token.content for id_, token in _thinking_marks(tokenizer).items() if token.special},
        model.generation_config.repetition_penalty or 1.0,
        size,
        form,
        parameters,
    )


def _context(model: CausalLM) -> int | None:
    context: int | None = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    return context


def _folder(name: str) -> Path:
    folder = Path(find(name))
    return folder if folder.is_dir() else Path(find(str(download(name))))


def _base_folder(folder: Path, name: str, base: str | None) -> Path:
    """The folder of the model that an adapter was trained from."""
    named = adapters.base_of(folder, base)
    try:
        found = _folder(named)
    except ModelError as error:
        raise ModelError(
            f"The adapter {name} needs the model that it was trained from, {named}; BASE_MODEL may name another place"
            f" of it. {error}"
        ) from error
    if is_adapter(found):
        raise ModelError(
            f"{named}, the base model of the adapter {name}, is an adapter itself. Set BASE_MODEL to a model."
        )
    log.info("%s is an adapter of %s.", name, named)
    return found


def _tokenizer(folder: Path, adapter: Path | None) -> Tokenizer:
    """The adapter's own tokenizer, if it has one: a training may have added tokens or a chat template."""
    own = adapter and (adapter / "tokenizer_config.json").is_file()
    return transformers.AutoTokenizer.from_pretrained(adapter if own else folder, trust_remote_code=False)


def _check_tokenizer(model: CausalLM, tokenizer: Tokenizer, name: str, form: PromptFormat) -> None:
    """Raise ModelError where the tokenizer is not the model's, or cannot write a conversation down in this form."""
    if len(tokenizer) <= len(tokenizer.all_special_ids):
        # Where the files are missing, transformers makes a tokenizer without a vocabulary.
        raise ModelError(
            f"The model {name} has no tokenizer. Copy the tokenizer's files (tokenizer.json and tokenizer_config.json)"
            " of the model that it was trained from into the folder."
        )
    if form.kind == "chat" and not tokenizer.chat_template:
        raise ModelError(
            f"PROMPT_FORMAT is chat, but the tokenizer of {name} has no chat template. Set PROMPT_FORMAT to plain."
        )
    try:
        sample = encode(
            Prompt("Be kind.", (Exchange("Ann", "hi", "Hello!"),), "Ben", "hi"), tokenizer, sys.maxsize, form
        )
    except Exception as error:  # whatever a template raises
        raise ModelError(
            f"The chat template of {name} cannot be used: {first_sentence(error)} Repair it, or set PROMPT_FORMAT to"
            " plain."
        ) from error
    known = model.get_input_embeddings().num_embeddings
    added = tokenizer.added_tokens_decoder
    # A token that was added and is never used, such as one for padding, does no harm.
    if max([*sample, *(id_ for id_ in tokenizer.get_vocab().values() if id_ not in added)]) >= known:
        raise ModelError(
            f"The tokenizer of {name} knows {len(tokenizer)} tokens, and the model only {known}: they do not belong"
            " together. Copy the tokenizer's files of the model that it was trained from into the folder."
        )


def _build(
    folder: Path, adapter: Path | None, vocabulary: int, name: str, precision: Precision
) -> tuple[CausalLM, _Sources | None, int]:
    """The model, where its weights are to be read from, and how many bytes they will take.

    Without sources it has its weights: transformers has read them.
    """
    config = transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False)
    fills_gaps = any(kind.endswith("ForMaskedLM") for kind in config.architectures or ())
    if type(config) not in transformers.MODEL_FOR_CAUSAL_LM_MAPPING or fills_gaps:
        raise ModelError(
            f"{name} is of the kind {config.model_type}, which does not go on with a text. Set MODEL_PATH to a"
            " decoder-only language model, such as Qwen2."
        )
    dtype = dtype_of(precision)
    with no_init_weights():
        # Memory that nobody writes to takes no place: the empty weights cost nothing until they are filled.
        model = transformers.AutoModelForCausalLM.from_config(config, dtype=dtype, trust_remote_code=False)
    # A model whose attention is its own may look into its linear layers too, so they stay what they are.
    packs = model.is_backend_compatible()
    if precision == "int8" and not packs:
        log.warning("%s keeps its weights in %s: it is of a kind that cannot be quantized here.", name, dtype)
    size = _size(model, in_int8=packs and precision == "int8")
    check_memory(size, f"The weights of {name} take {size / 1e9:.1f} GB")
    sources = None if adapter or hasattr(config, "quantization_config") else _sources(model, folder)
    if sources is None:
        model = _load_by_transformers(folder, name, dtype)
    if adapter:
        model = adapters.merge(model, adapter, vocabulary)
    model.generation_config = _generation_config(folder, model)
    return model.eval().requires_grad_(False), sources, size


def _read_and_pack(model: CausalLM, sources: _Sources | None, name: str, precision: Precision) -> None:
    """Read the model's weights, if there are sources, and pack its linear layers."""
    packs = model.is_backend_compatible()
    # Each layer is read, packed and let go of before the next, so no more than one lies in memory twice; the largest
    # come first, while there is room.
    sizes = {
        path: sum(tensor.nbytes for tensor in module.parameters(recurse=False))
        for path, module in model.named_modules()
    }
    coarse = []
    for path in sorted(sizes, key=sizes.__getitem__, reverse=True):
        module = model.get_submodule(path)
        if sources is not None:
            _fill(path, module, sources)
        if packs and type(module) is nn.Linear:
            packed = pack(module.weight.data, _data(module.bias), precision)
            model.set_submodule(path, packed)
            memory.give_back()
            if precision == "int8" and isinstance(packed, PackedLinear):
                coarse.append(path)
    if not packs:
        model.tie_weights()
    if coarse:
        log.warning(
            "%d of the linear layers of %s stay in %s, as int8 would round them too coarsely: %s.",
            len(coarse),
            name,
            model.dtype,
            ", ".join(sorted(coarse)),
        )


def _load_by_transformers(folder: Path, name: str, dtype: torch.dtype) -> CausalLM:
    try:
        model, info = transformers.AutoModelForCausalLM.from_pretrained(
            folder, dtype=dtype, use_safetensors=True, trust_remote_code=False, output_loading_info=True
        )
    except RuntimeError as error:
        raise ModelError(
            f"The weights of {name} do not have the shapes that its config.json tells. Save or download it again."
        ) from error
    if info["missing_keys"]:
        raise ModelError(
            f"The weights of {name} are incomplete: {sorted(info['missing_keys'])[0]} is missing. Save or"
            " download the model again."
        )
    return model


def _generation_config(folder: Path, model: CausalLM) -> transformers.GenerationConfig:
    """The model's own settings of generation; where they make no sense, those that its config implies."""
    implied = transformers.GenerationConfig.from_model_config(model.config)
    file = folder / "generation_config.json"
    if not file.is_file():
        return implied
    try:
        own = transformers.GenerationConfig.from_pretrained(folder)
        if not all(isinstance(end, int) for end in _listed(own.eos_token_id)):
            raise ValueError(f"eos_token_id is {own.eos_token_id!r}")
        if not float(own.repetition_penalty or 1) > 0:
            raise ValueError(f"repetition_penalty is {own.repetition_penalty!r}")
    except Exception as error:
        log.warning("%s is not heeded: %s", file, first_sentence(error))
        return implied
    return own


def _sources(model: CausalLM, folder: Path) -> _Sources | None:
    """Where each of the model's tensors is: its file and its name there.

    None where the names and shapes in the files are not the model's own. Then transformers knows what to do: how old
    or foreign checkpoints map to its models, or what to say of a broken one.
    """
    found: dict[str, tuple[Path, str]] = {}
    shapes: dict[str, list[int]] = {}
    for file in _weight_files(folder):
        with safe_open(file, "pt") as tensors:
            for key in tensors.keys():  # noqa: SIM118 - it is no dictionary
                found[key], shapes[key] = (file, key), tensors.get_slice(key).get_shape()
    tied = _tied(model)
    wanted = model.state_dict()
    sources = {key: found.get(tied.get(key, key)) for key in wanted}
    extra = found.keys() - wanted.keys()
    if extra or any(source is None or shapes[source[1]] != list(wanted[key].shape) for key, source in sources.items()):
        return None
    return sources  # type: ignore[return-value]


def _tied(model: CausalLM) -> dict[str, str]:
    """The tensors that are the same as others, with the names of those."""
    return getattr(model, "all_tied_weights_keys", None) or {}


def _weight_files(folder: Path) -> list[Path]:
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        return [folder / file for file in sorted(set(json.loads(index.read_text())["weight_map"].values()))]
    file = folder / "model.safetensors"
    return [file] if file.is_file() else []


def _fill(path: str, module: nn.Module, sources: _Sources) -> None:
    """Read a module's own tensors, not those of the modules within it, into their places."""
    for name, tensor in module.state_dict().items():
        if "." not in name:
            file, key = sources[f"{path}.{name}" if path else name]
            # Opened each time, as an open file keeps in memory what has been read of it.
            with safe_open(file, "pt") as tensors:
                tensor.copy_(tensors.get_tensor(key))


def _size(model: CausalLM, *, in_int8: bool) -> int:
    """How many bytes the weights take."""
    linear = {id(layer.weight) for layer in model.modules() if type(layer) is nn.Linear}
    return sum(tensor.numel() if in_int8 and id(tensor) in linear else tensor.nbytes for tensor in model.parameters())


def check_memory(needed: int, what: str) -> None:
    """Raise ModelError when so many bytes are not to be had; `what` begins the sentence that says so."""
    free = memory.free()
    if needed > free:
        raise ModelError(
            f"{what}, but only {free / 1e9:.1f} GB of memory are free. Make MAX_BATCH or MAX_PROMPT_TOKENS"
            " smaller, set MODEL_PRECISION to bfloat16 or int8, or take a smaller model."
        )


def _data(tensor: torch.Tensor | None) -> torch.Tensor | None:
    return None if tensor is None else tensor.data


def _end_tokens(model: CausalLM, tokenizer: Tokenizer) -> tuple[int, ...]:
    own = _listed(model.generation_config.eos_token_id)
    # A fine-tune's <|im_end|> is often added without being declared special.
    marks = [id_ for id_, token in tokenizer.added_tokens_decoder.items() if _MARK.fullmatch(token.content)]
    return tuple(sorted({*own, *tokenizer.all_special_ids, *marks} - _thinking_marks(tokenizer).keys()))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _thinking_marks(tokenizer: Tokenizer) -> dict[int, Any]:
    return {id_: token for id_, token in tokenizer.added_tokens_decoder.items() if token.content in (BEGIN, END)}
