"""Linear layers that read the same input, such as an attention's query, key and value, computed by one call.

Their weights are read in one go, and their input is rounded once. The model's own code stays as it is: the first that
it calls computes all of them, and each returns its own outputs.
"""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import torch
from torch import nn


class Sibling(nn.Module):
    """A layer in a model whose outputs are computed together with those of others."""

    def __init__(self, shared: "_Shared", index: int, out_features: int) -> None:
        super().__init__()
        self.out_features = out_features
        self._shared, self._index = shared, index

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self._shared.output(self._index, x)


class _Shared:
    """The outputs of all siblings for the last input, until each has taken its own."""

    def __init__(self, layer: nn.Module, outputs: list[int]) -> None:
        self._layer, self._outputs = layer, outputs
        self._input: torch.Tensor | None = None
        self._computed: dict[int, torch.Tensor] = {}

    def output(self, index: int, x: torch.Tensor) -> torch.Tensor:
        if self._input is not x or index not in self._computed:
            self._input = x
            self._computed = dict(enumerate(self._layer(x).split_with_sizes(self._outputs, -1)))
        output = self._computed.pop(index)
        if not self._computed:
            self._input = None
        return output


def install(model: nn.Module, names: Sequence[str], layer: nn.Module) -> None:
    """Put `layer`, which computes the outputs of all of them, in the place of the model's layers of these names."""
    if len(names) == 1:
        model.set_submodule(names[0], layer)
        return
    outputs = [int(model.get_submodule(name).out_features) for name in names]  # type: ignore[arg-type]
    shared = _Shared(layer, outputs)
    for index, name in enumerate(names):
        model.set_submodule(name, Sibling(shared, index, outputs[index]))


def find_siblings(model: nn.Module) -> list[list[str]]:
    """The names of the model's linear layers, those together that belong to one module and read the same input.

    They are found in a pass of one token, which computes no linear layer; so the weights need not have been read. Where
    the pass fails, no layer has siblings.
    """
    layers = {name: layer for name, layer in model.named_modules() if type(layer) is nn.Linear}
    calls: list[tuple[str, torch.Tensor]] = []

    def record(name: str, outputs: int, x: torch.Tensor) -> torch.Tensor:
        calls.append((name, x))
        return x.new_zeros(*x.shape[:-1], outputs)

    for name, layer in layers.items():
        layer.forward = partial(record, name, layer.out_features)  # type: ignore[method-assign]
    try:
        with torch.inference_mode():
            model(input_ids=torch.zeros(1, 1, dtype=torch.long), use_cache=False)
    except Exception:  # a model's code can fail anywhere
        calls.clear()
    finally:
        for layer in layers.values():
            del layer.forward
    groups: list[list[str]] = []
    for (_, before), (name, x) in pairwise([("", None), *calls]):
        parent = name.rpartition(".")[0]
        if x is before and groups[-1][-1].rpartition(".")[0] == parent:
            groups[-1].append(name)
        else:
            groups.append([name])
    # A layer that is called more than once has no siblings.
    counts = Counter(name for group in groups for name in group)
    groups = [group for group in groups if all(counts[name] == 1 for name in group)]
    grouped = {name for group in groups for name in group}
    return [*groups, *([name] for name in layers if name not in grouped)]
