"""Calibration of int8 layers: which input columns are outliers, and which layers lose so much that they need more.

Both are found in one pass over a text, in which the layers compute with exact inputs and see them.
"""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import nn

from bot.engine.kernels.int8 import Int8Linear, Product, Split, round_weight, rounded_once, split_outliers

TEXT = """\
The ferry left at 6:45, and Ida was not on it. "You could have told me," she wrote to her brother; he sent three dots,
then nothing. She bought 2 kg of plums for $4.80, a ticket for the next one, and (why not?) a red kite.
def total(prices): return sum(p * 1.2 for p in prices)  # with tax
Und was kostet das? C'est gratuit. 1) Wash the plums. 2) Halve them. 3) Bake at 180 °C for half an hour."""
"""A text of the kinds of things that people write."""

_SAMPLE = 8  # tokens, of which the loss by rounding inputs is measured
_CHUNK = 2**21  # weights that are converted to floats at a time
_NOTABLE = 2e-5  # the least loss for which a layer is computed twice
_TWICE_SHARE = 0.4  # of all weights, at most; for many rows, twice takes twice the time


class CalibrationLinear(nn.Module):
    """A layer with a rounded weight (out, in) that computes with exact inputs and records what rounding them loses.

    Raises Unsuitable where the weight cannot be rounded.
    """

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None, product: type[Product]) -> None:
        super().__init__()
        self._weight, self._bias, self._product = round_weight(weight, product), bias, product
        self._split: Split | None = None
        self.loss = 0.0
        """The mean square of the error, relative to that of the output, if the layer is not computed twice."""

    @property
    def size(self) -> int:
        """The number of weights."""
        return self._weight.integers.numel()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows = x.reshape(-1, x.shape[-1]).float()
        self._split = split_outliers(rows.abs().amax(0))
        sample = rows[-_SAMPLE:]
        inputs = torch.cat((rows, rounded_once(sample, self._split, self._product) - sample))
        parts = max(1, _CHUNK // rows.shape[1])
        out = torch.cat(
            [
                F.linear(inputs, integers * scale[:, None])
                for integers, scale in zip(*(torch.split(tensor, parts) for tensor in self._weight), strict=True)
            ],
            1,
        )
        out, errors = out[: len(rows)], out[len(rows) :]
        self.loss = float((errors.square().sum(1) / out[-_SAMPLE:].square().sum(1).clamp(min=1e-12)).mean())
        if self._bias is not None:
            out = out + self._bias
        return out.to(x.dtype).reshape(*x.shape[:-1], out.shape[1])

    def calibrated(self, *, twice: bool) -> Int8Linear:
        """The layer for use. One that was not called is always computed twice."""
        return Int8Linear(self._weight, self._bias, self._product, None if twice else self._split)


def choose_twice(layers: Iterable[CalibrationLinear]) -> set[CalibrationLinear]:
    """The layers to be computed twice: those that lose notably, and most for their size."""
    layers = sorted(layers, key=lambda layer: layer.loss / layer.size, reverse=True)
    left = _TWICE_SHARE * sum(layer.size for layer in layers)
    chosen = set()
    for layer in layers:
        if layer.loss > _NOTABLE and layer.size <= left:
            chosen.add(layer)
            left -= layer.size
    return chosen
