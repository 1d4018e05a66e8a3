"""A model's weights: safetensors files → layers packed for this CPU, one at a time."""

import json
import logging
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias

import torch
import transformers
from safetensors import safe_open
from torch import nn

from bot.engine import ModelError
from bot.engine.kernels.int8 import Int8Linear
from bot.engine.kernels.norm import replace_norms
from bot.engine.kernels.selection import Kernels, Precision, bytes_per_weight, make_layer
from bot.engine.kernels.siblings import install
from bot.engine.models import CausalLM, memory
from bot.engine.models.progress import Progress, above_bars

log = logging.getLogger(__name__)

_THREADS = 2  # that read and pack layers: FBGEMM packs each in one thread

Sources: TypeAlias = dict[str, tuple[Path, str]]
"""Where each of a model's tensors is stored: its file, and its name there."""


def weight_files(folder: Path) -> list[Path]:
    """The files that transformers reads: model.safetensors, else those of the index.

    Raises ModelError where one is missing.
    """
    whole, index = folder / "model.safetensors", folder / "model.safetensors.index.json"
    if whole.is_file():
        return [whole]
    if not index.is_file():
        raise ModelError(
            f"The folder {folder} has neither {whole.name} nor {index.name}, which names the files of the weights."
            " Save or download the model again."
        )
    try:
        files = [folder / file for file in sorted(set(json.loads(index.read_text())["weight_map"].values()))]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{index} is damaged. Save or download the model again.") from error
    if missing := [file for file in files if not file.is_file()]:
        raise ModelError(f"{missing[0]} is missing, which {index.name} names. Save or download the model again.")
    return files


def find_sources(model: CausalLM, files: Iterable[Path], name: str) -> Sources | None:
    """The sources of a model's tensors. Tied ones that are stored with different values are untied.

    None where the files' names and shapes are not the model's. Only transformers can map old or foreign checkpoints to
    its models, or say what is wrong with a broken one.
    """
    stored: Sources = {}
    shapes: dict[str, list[int]] = {}
    for file in files:
        with safe_open(file, "pt") as tensors:
            for key in tensors.keys():  # noqa: SIM118 - it is no dictionary
                stored[key], shapes[key] = (file, key), tensors.get_slice(key).get_shape()
    tied = tied_weights(model)
    for target, source in list(tied.items()):
        if target in stored and source in stored and not _equal(stored[target], stored[source], model.dtype):
            _untie(model, target, name)
    wanted = model.state_dict()
    sources = {key: stored.get(tied.get(key, key)) for key in wanted}
    extra = stored.keys() - wanted.keys()
    if extra or any(source is None or shapes[source[1]] != list(wanted[key].shape) for key, source in sources.items()):
        return None
    return sources  # type: ignore[return-value]


def _untie(model: CausalLM, target: str, name: str) -> None:
    log.warning("%s stores %s, which is used, although its config.json ties it.", name, target)
    tied_weights(model).pop(target, None)
    model.config.tie_word_embeddings = False  # or a change of the embeddings would tie it again


def tied_weights(model: CausalLM) -> dict[str, str]:
    """The names of tensors that share another's memory → the names of those."""
    return getattr(model, "all_tied_weights_keys", None) or {}


def weight_bytes(model: CausalLM, precision: Precision | None) -> int:
    """The size of the weights in bytes, those of linear layers in `precision` unless that is None."""
    if precision is None:
        return sum(int(tensor.nbytes) for tensor in model.parameters())
    linear = [layer.weight for layer in model.modules() if type(layer) is nn.Linear]
    packed = {id(weight) for weight in linear}
    embedding = model.get_input_embeddings().weight  # which stays beside a head that is tied to it
    rest = [tensor for tensor in model.parameters() if id(tensor) not in packed or tensor is embedding]
    packed_bytes = sum(int(weight.numel()) for weight in linear) * bytes_per_weight(precision)
    return packed_bytes + sum(int(tensor.nbytes) for tensor in rest)


def read_and_pack(
    model: CausalLM,
    sources: Sources | None,
    name: str,
    kernels: Kernels | None,
    siblings: Iterable[list[str]],
) -> None:
    """Read the model's weights, if there are sources, and pack its linear layers, unless `kernels` is None.

    `siblings` names the layers, those together that are packed as one.
    """
    groups = [[path] for path, module in model.named_modules() if kernels is None or type(module) is not nn.Linear]
    groups += siblings if kernels else []

    def read(paths: list[str]) -> nn.Module | None:
        """Read the weights of these modules, and pack them if they are linear layers."""
        modules = [model.get_submodule(path) for path in paths]
        tensors = [_tensors(path, module, sources) for path, module in zip(paths, modules, strict=True)]
        if kernels is None or type(modules[0]) is not nn.Linear:
            if sources is not None:
                modules[0].load_state_dict(tensors[0], strict=False)  # its submodules' tensors are missing
            return None
        layer = _pack(tensors, kernels)
        install(model, paths, layer)
        del modules, tensors
        memory.trim()
        return layer

    # Each layer is read, packed and freed before the next, so at most one in each thread is in memory twice. The
    # largest come first, while there is room.
    groups.sort(key=lambda paths: _size(model, paths), reverse=True)
    sizes = [_size(model, paths) for paths in groups]
    unrounded: list[str] = []
    with above_bars(), Progress("Loading", sum(sizes)) as bar, ThreadPoolExecutor(_THREADS) as threads:
        for paths, size, layer in zip(groups, sizes, threads.map(read, groups), strict=True):
            if layer and kernels and kernels.product and not isinstance(layer, Int8Linear):
                unrounded += paths
            bar.update(size)
    if kernels is None:
        if sources is not None:
            model.tie_weights(recompute_mapping=False)
        return
    replace_norms(model)
    if unrounded:
        log.warning(
            "%d of the linear layers of %s are not rounded to int8, as that would be too coarse: %s.",
            len(unrounded),
            name,
            ", ".join(sorted(unrounded)),
        )


def _size(model: CausalLM, paths: list[str]) -> int:
    return sum(tensor.nbytes for path in paths for tensor in model.get_submodule(path).parameters(recurse=False))


def _pack(layers: list[dict[str, torch.Tensor]], kernels: Kernels) -> nn.Module:
    """One layer with the outputs of all linear layers, which have these tensors."""
    weights = [tensors["weight"] for tensors in layers]
    bias = None
    if any("bias" in tensors for tensors in layers):
        bias = torch.cat([tensors.get("bias", torch.zeros(len(tensors["weight"]))) for tensors in layers])
    return make_layer(kernels, weights[0] if len(weights) == 1 else torch.cat(weights), bias)


def load_by_transformers(
    folder: Path, name: str, config: transformers.PreTrainedConfig, dtype: torch.dtype
) -> CausalLM:
    """The model with its weights, as transformers reads them. Raises ModelError where they are not the model's."""
    try:
        model, info = transformers.AutoModelForCausalLM.from_pretrained(
            folder,
            config=config,
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
    for target in model.get_expanded_tied_weights_keys(all_submodels=True).keys() - tied_weights(model).keys():
        _untie(model, target, name)
    return model


def _tensors(path: str, module: nn.Module, sources: Sources | None) -> dict[str, torch.Tensor]:
    """A module's own tensors, not those of its submodules: as they are stored, if there are sources."""
    own = {name: tensor for name, tensor in module.state_dict().items() if "." not in name}
    return own if sources is None else {name: _read(*sources[f"{path}.{name}" if path else name]) for name in own}


def _equal(one: tuple[Path, str], other: tuple[Path, str], dtype: torch.dtype) -> bool:
    return torch.equal(_read(*one).to(dtype), _read(*other).to(dtype))


def _read(file: Path, key: str) -> torch.Tensor:
    # Opened for each tensor, as an open file keeps in memory what has been read from it.
    with safe_open(file, "pt") as tensors:
        tensor: torch.Tensor = tensors.get_tensor(key)
        return tensor
