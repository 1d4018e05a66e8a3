"""Linear layers with 8-bit weights, and what keeps their answers near to the model's own.

Each output channel's weights have a scale of their own, and so has each row of inputs: no row is rounded with its
neighbour's scale. Two things bound what rounding costs:

- Inputs and weights are rotated before they are rounded, which does not change their product. A few columns of the
  inputs are far larger than the others and would take most of the steps; rotated, each of these is spread over a block
  of columns. (Rotating is QuIP's idea, Chee et al. 2023, and doing it by Hadamard matrices QuaRot's, Ashkboos et al.
  2024. Here blocks are rotated on the way, so that the model around the layer stays as it is.)
- Products are exact. Without VNNI, x86 adds neighbouring products in 16 bits, which saturate without a word. There the
  inputs have fewer steps, and the scale of a channel is so large that no two neighbouring weights exceed 16 bits.
"""

import warnings
from functools import cache
from typing import NamedTuple, Protocol

import torch
import torch.nn.functional as F
from torch import nn

from bot.engine.kernels.floating import Unsuitable, use_fbgemm

_BLOCK = 64  # columns that are rotated together, at most; twice as many would cost twice as much, and hardly help
_WEIGHT_STEPS = 127
_PART = 2**19  # weights that are rounded at a time, so that a cache holds them
_COARSE = 0.05
# The largest norm of the rounding error, relative to that of the weights without the largest of each channel. Most
# layers have about 0.01.
_TINY = 1e-12


class Range(NamedTuple):
    """Where a product is exact: with inputs up to `steps`, and two neighbouring weights up to `pair` in sum."""

    steps: int
    pair: int


_RANGES = (Range(127, 2 * _WEIGHT_STEPS), Range(116, 141))
# An input has an unsigned byte, in which 0 is `steps`. With the second, 2 * 116 * 141 fits into 16 bits; of the ranges
# that do, it loses least.


class RoundedWeight(NamedTuple):
    """Integers (out, in), and each output channel's scale (out): the weight is about their product."""

    integers: torch.Tensor
    scale: torch.Tensor


class Product(Protocol):
    """A library's product of rows and a rounded weight.

    Raises AttributeError or RuntimeError where torch or this CPU does not have it.
    """

    library: str

    def __init__(self, weight: RoundedWeight, steps: int) -> None: ...

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        """Rows (n, in) between -1 and 1, which are rounded to 1 / steps, times the weight: (n, out)."""


class FBGEMMProduct:
    """FBGEMM's product, which rounds the rows itself."""

    library = "FBGEMM"

    def __init__(self, weight: RoundedWeight, steps: int) -> None:
        use_fbgemm()
        zeros = torch.zeros(len(weight.scale), dtype=torch.int64)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # these tensors are to leave torch for a package of their own
            quantized = torch._make_per_channel_quantized_tensor(weight.integers, weight.scale.double(), zeros, 0)
            self._packed = torch.ops.quantized.linear_prepack(quantized, None)
        self._steps = steps

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        return torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32(  # type: ignore[no-any-return]
            rows, 1 / self._steps, self._steps, self._packed
        )


class OneDNNProduct:
    """oneDNN's product. Its rows are unsigned, as for signed ones it would reorder the whole weight at each call."""

    library = "oneDNN"

    def __init__(self, weight: RoundedWeight, steps: int) -> None:
        self._packed = torch.ops.onednn.qlinear_prepack(weight.integers, None)
        self._scale, self._steps, self._zero = weight.scale, steps, torch.tensor(float(steps))
        self._zeros = torch.zeros(len(weight.scale), dtype=torch.int32)

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        unsigned = torch.add(self._zero, rows, alpha=self._steps).round_().to(torch.uint8)
        return torch.ops.onednn.qlinear_pointwise(  # type: ignore[no-any-return]
            unsigned, 1 / self._steps, self._steps, self._packed, self._scale, self._zeros, None,
            1.0, 0, torch.float32, "none", [], "",
        )  # fmt: skip


class Int8Linear(nn.Module):
    """A layer with a weight from `round_weight`, whose inputs are rotated and rounded, too.

    Raises Unsuitable where the product is not exact on this CPU.
    """

    def __init__(self, weight: RoundedWeight, bias: torch.Tensor | None, product: type[Product]) -> None:
        super().__init__()
        self._product = product(weight, exact_range(product).steps)
        self._rotation = rotation(weight.integers.shape[1])
        self._bias = None if bias is None else bias.float()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows = rotate(x.float().reshape(-1, x.shape[-1]), self._rotation)
        largest = _largest(rows)
        out = self._product(rows.div_(largest))
        out = out.mul_(largest) if self._bias is None else torch.addcmul(self._bias, out, largest)
        return out.to(x.dtype).view(*x.shape[:-1], out.shape[1])


@cache
def rotation(width: int) -> torch.Tensor:
    """An orthogonal matrix (block, block) whose block divides the width: a Hadamard matrix with random signs."""
    block = min(_BLOCK, width & -width)  # the largest power of two that divides it
    matrix = torch.ones(1, 1)
    while len(matrix) < block:
        matrix = torch.cat((torch.cat((matrix, matrix), 1), torch.cat((matrix, -matrix), 1)))
    signs = torch.randint(2, (block, 1), generator=torch.Generator().manual_seed(0)) * 2 - 1
    return signs.mul(matrix).div(block**0.5)


def rotate(rows: torch.Tensor, rotation: torch.Tensor) -> torch.Tensor:
    """Rows (n, in), each block of columns rotated."""
    return rows.reshape(-1, rotation.shape[0]).mm(rotation).view(rows.shape)


def round_weight(weight: torch.Tensor, product: type[Product]) -> RoundedWeight:
    """A weight (out, in), rotated and rounded for a product.

    Raises Unsuitable where the product is not exact on this CPU, and where a few large weights leave the others too few
    steps.
    """
    pair = exact_range(product).pair
    rounded = RoundedWeight(torch.empty(weight.shape, dtype=torch.int8), torch.empty(len(weight)))
    lost = others = 0.0  # sums of squares
    count = max(1, _PART // weight.shape[1])
    for start in range(0, len(weight), count):
        part = slice(start, start + count)
        given = weight[part].float()
        rotated = rotate(given, rotation(weight.shape[1]))
        scale = _largest(rotated) / _WEIGHT_STEPS
        if pair < 2 * _WEIGHT_STEPS:
            scale = torch.maximum(scale, _largest_pair(rotated.abs()) / (pair - 1))
        rounded.integers[part], rounded.scale[part] = rotated.div_(scale).round_(), scale[:, 0]
        lost += given.shape[1] * float(scale.square().sum()) / 12  # the variance of what rounding takes is step² / 12
        others += float(given.norm()) ** 2 - float(_largest(given).norm()) ** 2
    if lost > max(_COARSE**2 * others, _TINY):  # a layer of zeros is exact
        raise Unsuitable
    return rounded


def is_exact(product: type[Product]) -> bool:
    """Whether there is a range in which the product is exact on this CPU."""
    try:
        exact_range(product)
    except Unsuitable:
        return False
    return True


@cache
def exact_range(product: type[Product]) -> Range:
    """The widest range in which the product is exact on this CPU. Raises Unsuitable if there is none."""
    for each in _RANGES:
        if _is_exact_in(product, each):
            return each
    raise Unsuitable(product)


def _is_exact_in(product: type[Product], tried: Range) -> bool:
    """Whether products are right: the largest, random ones, and those of each row whatever stands beside it."""
    steps, pair = tried
    random = torch.Generator().manual_seed(0)
    rest = min(_WEIGHT_STEPS, pair - _WEIGHT_STEPS)
    integers = torch.randint(-(pair // 2), pair // 2 + 1, (64, 256), generator=random)
    integers[:8], integers[8:16] = pair // 2, -(pair // 2)
    integers[16:24, ::2], integers[16:24, 1::2] = _WEIGHT_STEPS, rest
    integers[24:32, ::2], integers[24:32, 1::2] = -rest, -_WEIGHT_STEPS
    rows = torch.randint(-steps, steps + 1, (33, 256), generator=random)
    rows[0], rows[1], rows[2, ::2] = steps, -steps, steps
    expected = (rows @ integers.T).double()
    try:
        multiply = product(RoundedWeight(integers.to(torch.int8), torch.ones(64)), steps)
        together = multiply(rows / steps)
        alone = all(multiply(rows[:count] / steps).equal(together[:count]) for count in (1, 2, 3, 7, 8, 16))
    except (AttributeError, RuntimeError):
        return False
    return alone and bool(((together.double() * steps - expected).abs() < 0.5).all())


def _largest(rows: torch.Tensor) -> torch.Tensor:
    """The largest absolute value of each row (n, 1), and never 0."""
    return rows.abs().amax(1, keepdim=True).clamp_(min=_TINY)


def _largest_pair(absolute: torch.Tensor) -> torch.Tensor:
    """The largest sum of two neighbours in each row (n, 1), where neighbours begin at even columns."""
    if absolute.shape[1] % 2:
        absolute = F.pad(absolute, (0, 1))
    return (absolute[:, ::2] + absolute[:, 1::2]).amax(1, keepdim=True)
