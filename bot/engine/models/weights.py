"""A model's weights: safetensors files → layers packed for this CPU, one at a time."""

import json
import logging
import os
from pathlib import Path
from typing import TypeAlias

import torch
import transformers
from safetensors import safe_open
from torch import nn

from bot.engine import ModelError
from bot.engine.kernels.linear import PackedLinear, Precision, pack
from bot.engine.models import CausalLM, memory

log = logging.getLogger(__name__)

Sources: TypeAlias = dict[str, tuple[Path, str]]
"""Where each of a model's tensors is stored: its file, and its name there."""


def find_sources(model: CausalLM, folder: Path) -> Sources | None:
    """The sources of a model's tensors.

    None where the files' names and shapes are not the model's. Only transformers can map old or foreign checkpoints to
    its models, or say what is wrong with a broken one.
    """
    stored: Sources = {}
    shapes: dict[str, list[int]] = {}
    for file in _weight_files(folder):
        with safe_open(file, "pt") as tensors:
            for key in tensors.keys():  # noqa: SIM118 - it is no dictionary
                stored[key], shapes[key] = (file, key), tensors.get_slice(key).get_shape()
    tied = tied_weights(model)
    wanted = model.state_dict()
    sources = {key: stored.get(tied.get(key, key)) for key in wanted}
    extra = stored.keys() - wanted.keys()
    if extra or any(source is None or shapes[source[1]] != list(wanted[key].shape) for key, source in sources.items()):
        return None
    return sources  # type: ignore[return-value]


def tied_weights(model: CausalLM) -> dict[str, str]:
    """The names of tensors that share another's memory → the names of those."""
    return getattr(model, "all_tied_weights_keys", None) or {}


def weight_bytes(model: CausalLM, *, int8: bool) -> int:
    """The size of the weights in bytes, those of linear layers as `int8` if so."""
    linear = {id(layer.weight) for layer in model.modules() if type(layer) is nn.Linear}
    return sum(tensor.numel() if int8 and id(tensor) in linear else tensor.nbytes for tensor in model.parameters())


def read_and_pack(model: CausalLM, sources: Sources | None, name: str, precision: Precision) -> None:
    """Read the model's weights, if there are sources, and pack its linear layers."""
    packs = model.is_backend_compatible()
    # Each layer is read, packed and freed before the next, so at most one is in memory twice. The largest come first,
    # while there is room.
    sizes = {
        path: sum(tensor.nbytes for tensor in module.parameters(recurse=False))
        for path, module in model.named_modules()
    }
    not_quantized = []
    for path in sorted(sizes, key=sizes.__getitem__, reverse=True):
        module = model.get_submodule(path)
        if sources is not None:
            _fill(path, module, sources)
        if packs and type(module) is nn.Linear:
            packed = pack(module.weight.data, None if module.bias is None else module.bias.data, precision)
            model.set_submodule(path, packed)
            memory.trim()
            if precision == "int8" and isinstance(packed, PackedLinear):
                not_quantized.append(path)
    if not packs:
        model.tie_weights()
    if not_quantized:
        log.warning(
            "%d of the linear layers of %s stay in %s, as int8 would round them too coarsely: %s.",
            len(not_quantized),
            name,
            model.dtype,
            ", ".join(sorted(not_quantized)),
        )


def load_by_transformers(folder: Path, name: str, dtype: torch.dtype) -> CausalLM:
    """The model with its weights, as transformers reads them. Raises ModelError where they are not the model's."""
    try:
        model, info = transformers.AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=dtype,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
            adapter_kwargs={"subfolder": os.devnull},  # else an adapter left in the folder is read and applied, too
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


def _weight_files(folder: Path) -> list[Path]:
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        return [folder / file for file in sorted(set(json.loads(index.read_text())["weight_map"].values()))]
    file = folder / "model.safetensors"
    return [file] if file.is_file() else []


def _fill(path: str, module: nn.Module, sources: Sources) -> None:
    """Read a module's own tensors, not those of its submodules."""
    for name, tensor in module.state_dict().items():
        if "." not in name:
            file, key = sources[f"{path}.{name}" if path else name]
            # Opened for each tensor, as an open file keeps in memory what has been read from it.
            with safe_open(file, "pt") as tensors:
                tensor.copy_(tensors.get_tensor(key))
