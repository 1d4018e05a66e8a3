"""Linear layers with 8-bit weights, and what keeps their answers near to the model's own.

Each output channel's weights have a scale of their own, and so has each row of inputs: no row is rounded with its
neighbour's scale. Three things bound what rounding costs:

- Products are exact. Without VNNI, x86 adds neighbouring products in 16 bits, which saturate without a word. There the
  inputs have fewer steps, and the scale of a channel is so large that no two neighbouring weights exceed 16 bits.
- A few columns of the inputs are far larger than the others and would take most of the steps (LLM.int8(), Dettmers et
  al. 2022). They are split into equal parts (outlier channel splitting, Zhao et al. 2019). The parts are shifted
  against each other by fractions of a step, so that their sum is rounded as finely as an ordinary column.
- A layer that still loses much is computed `twice`: a second row holds what rounding took from the first. The weights
  are read once for both, so with few rows this costs next to nothing.
"""

import warnings
from functools import cache
from typing import NamedTuple, Protocol

import torch
import torch.nn.functional as F
from torch import nn

from bot.engine.kernels.floating import Unsuitable, use_fbgemm

_WEIGHT_STEPS = 127
_COARSE = 0.05
# The largest norm of the rounding error, relative to that of the weights without the largest of each channel, which
# sets the channel's scale. Most layers have about 0.01.
_TINY = 1e-12

SPLIT_SHARE = 0.1
"""The parts that splitting may add to a layer, relative to the number of its columns."""


class Range(NamedTuple):
    """Where a product is exact: with inputs up to `steps`, and two neighbouring weights up to `pair` in sum."""

    steps: int
    pair: int


_RANGES = (Range(126, 2 * _WEIGHT_STEPS), Range(95, 170))
# An input has an unsigned byte, in which 0 is steps + 1. With the second, (2 * 95 + 1) * 170 fits into 16 bits.


class RoundedWeight(NamedTuple):
    """Integers (out, in), and each output channel's scale (out): the weight is about their product."""

    integers: torch.Tensor
    scale: torch.Tensor


class Split(NamedTuple):
    """How inputs are laid out: all columns and then those of `more`, times `factor`, plus `shift` (steps)."""

    more: torch.Tensor
    factor: torch.Tensor
    shift: torch.Tensor


class Product(Protocol):
    """A library's product of rows and a rounded weight.

    Raises AttributeError or RuntimeError where torch or this CPU does not have it.
    """

    library: str

    def __init__(self, weight: RoundedWeight, steps: int) -> None: ...

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        """Rows (n, in), which are rounded to integers, times the weight: (n, out).

        The last two columns are `edges`, with weights of 0, and the others lie between these.
        """


def edges(steps: int) -> tuple[float, float]:
    """The inputs that are the smallest and the largest unsigned byte, if 0 is steps + 1."""
    return -(steps + 1), 254 - steps


class FBGEMMProduct:
    """FBGEMM's product, which finds one scale for all rows from the smallest and the largest value, the edges."""

    library = "FBGEMM"

    def __init__(self, weight: RoundedWeight, steps: int) -> None:
        use_fbgemm()
        zeros = torch.zeros(len(weight.scale), dtype=torch.int64)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # these tensors are to leave torch for a package of their own
            quantized = torch._make_per_channel_quantized_tensor(weight.integers, weight.scale.double(), zeros, 0)
            self._packed = torch.ops.quantized.linear_prepack(quantized, None)

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        return torch.ops.quantized.linear_dynamic(rows, self._packed, False)  # type: ignore[no-any-return]


class OneDNNProduct:
    """oneDNN's product. Its rows are unsigned, as for signed ones it would reorder the whole weight at each call."""

    library = "oneDNN"

    def __init__(self, weight: RoundedWeight, steps: int) -> None:
        self._packed = torch.ops.onednn.qlinear_prepack(weight.integers, None)
        self._scale, self._zero = weight.scale, steps + 1
        self._zeros = torch.zeros(len(weight.scale), dtype=torch.int32)

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        unsigned = rows.round().add_(self._zero).to(torch.uint8)
        return torch.ops.onednn.qlinear_pointwise(  # type: ignore[no-any-return]
            unsigned, 1.0, self._zero, self._packed, self._scale, self._zeros, None,
            1.0, 0, torch.float32, "none", [], "",
        )  # fmt: skip


class Int8Linear(nn.Module):
    """A layer with a rounded weight, whose inputs are `split`, or which is computed twice where `split` is None.

    Raises Unsuitable where the product is not exact on this CPU.
    """

    def __init__(
        self, weight: RoundedWeight, bias: torch.Tensor | None, product: type[Product], split: Split | None
    ) -> None:
        super().__init__()
        exact = exact_range(product)
        self._product = product(_laid_out(weight, split, exact.pair), exact.steps)
        self._bias = None if bias is None else bias.float()
        self._steps, self._edges = exact.steps, torch.tensor(edges(exact.steps), dtype=torch.float32)
        self._split = split and Split(
            F.pad(split.more, (0, 2)), F.pad(split.factor, (0, 2)), torch.cat((split.shift, self._edges))
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows = x.reshape(-1, x.shape[-1]).float()
        out, step = self._once(rows, self._split) if self._split else self._twice(rows)
        out = out.mul_(step) if self._bias is None else torch.addcmul(self._bias, out, step)
        return out.to(x.dtype).reshape(*x.shape[:-1], out.shape[1])

    def _once(self, rows: torch.Tensor, split: Split) -> tuple[torch.Tensor, torch.Tensor]:
        parts = torch.cat((rows, rows.index_select(1, split.more)), 1).mul_(split.factor)
        step = _steps_of(parts, self._steps)
        return self._product(torch.addcdiv(split.shift, parts, step)), step

    def _twice(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        count, width = rows.shape
        step = _steps_of(rows, self._steps)
        scaled = rows / step
        both = rows.new_empty(2 * count, width + 2)
        both[:, width:] = self._edges
        torch.round(scaled, out=both[:count, :width])
        rest = scaled.sub_(both[:count, :width])
        torch.mul(rest, 2 * self._steps, out=both[count:, :width])  # rounding takes half a step at most
        out = self._product(both)
        return out[:count].add_(out[count:], alpha=0.5 / self._steps), step


def round_weight(weight: torch.Tensor, product: type[Product]) -> RoundedWeight:
    """A weight (out, in), rounded. Raises Unsuitable where a few large weights leave the others too few steps."""
    pair = exact_range(product).pair
    rounded = RoundedWeight(torch.empty(weight.shape, dtype=torch.int8), torch.empty(len(weight)))
    lost = others = 0.0  # sums of squares
    for start in range(0, len(weight), 256):  # rounding all at once takes several times the memory
        part = slice(start, start + 256)
        exact = weight[part].float()
        largest = _largest(exact)
        scale = largest / _WEIGHT_STEPS
        if pair < 2 * _WEIGHT_STEPS:
            scale = torch.maximum(scale, _largest_pair(exact.abs()) / (pair - 1))
        integers = (exact / scale).round_()
        rounded.integers[part], rounded.scale[part] = integers, scale[:, 0]
        lost += float((exact - integers.mul_(scale)).norm()) ** 2
        others += float(exact.norm()) ** 2 - float(largest.norm()) ** 2
    if lost > _COARSE**2 * others:
        raise Unsuitable
    return rounded


def split_outliers(largest: torch.Tensor) -> Split:
    """Split the columns whose inputs are largest; `largest` (in) is the largest absolute input of each."""
    most = int(SPLIT_SHARE * len(largest))
    low, high = largest.max() / (most + 1), largest.max().clamp(min=_TINY)
    for _ in range(30):  # bisection: the lowest level down to which no more than `most` parts are added
        level = (low + high) / 2
        low, high = (low, level) if (largest / level).ceil().sub(1).clamp(min=0).sum() <= most else (level, high)
    parts = (largest / high).ceil().clamp(min=1).long()
    # The first part of each column stays in its place, so that few neighbours change.
    columns, number = [torch.arange(len(largest))], [torch.zeros(len(largest))]
    for place in range(1, int(parts.max())):
        columns.append((parts > place).nonzero()[:, 0])
        number.append(torch.full((len(columns[-1]),), float(place)))
    count = parts[torch.cat(columns)].float()
    more = torch.cat([torch.empty(0, dtype=torch.long), *columns[1:]])
    return Split(more, 1 / count, (torch.cat(number) + 0.5) / count - 0.5)


def rounded_once(rows: torch.Tensor, split: Split, product: type[Product]) -> torch.Tensor:
    """Rows (n, in) as a layer with this split rounds them."""
    parts = torch.cat((rows, rows[:, split.more]), 1) * split.factor
    step = _steps_of(parts, exact_range(product).steps)
    rounded = (parts / step + split.shift).round_() * step
    width = rows.shape[1]
    return rounded[:, :width].index_add(1, split.more, rounded[:, width:])


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
    integers = torch.randint(-pair // 2, pair // 2 + 1, (64, 256), generator=random).clamp_(-127, 127)
    integers[:8], integers[8:16] = pair // 2, -(pair // 2)
    integers[16:24, ::2], integers[16:24, 1::2] = _WEIGHT_STEPS, rest
    integers[24:32, ::2], integers[24:32, 1::2] = -rest, -_WEIGHT_STEPS
    rows = torch.randint(-steps, steps + 1, (33, 256), generator=random)
    rows[0], rows[1], rows[2, ::2] = steps, -steps, steps
    expected = (rows @ integers.T).double()
    padded = torch.cat((rows.float(), torch.tensor(edges(steps)).expand(len(rows), 2)), 1)
    try:
        multiply = product(RoundedWeight(F.pad(integers, (0, 2)).to(torch.int8), torch.ones(64)), steps)
        together = multiply(padded)
        alone = all(multiply(padded[:count]).equal(together[:count]) for count in (1, 2, 3, 7, 8, 16))
    except (AttributeError, RuntimeError):
        return False
    return alone and bool(((together.double() - expected).abs() < 0.5).all())


def _laid_out(weight: RoundedWeight, split: Split | None, pair: int) -> RoundedWeight:
    """The weight with the columns of a split, and two of 0.

    Channels in which two columns have become neighbours that exceed `pair` get a larger scale.
    """
    integers, scale = weight
    more = integers[:, split.more if split else slice(0)]
    integers = torch.cat((integers, more, integers.new_zeros(len(integers), 2)), 1)
    width = weight.integers.shape[1]
    sums = _largest_pair(integers[:, width - width % 2 :].abs().short())[:, 0]
    over = (sums > pair).nonzero()[:, 0]
    factor = sums[over] / (pair - 1)
    integers[over] = (integers[over] / factor[:, None]).round_().to(torch.int8)
    return RoundedWeight(integers, scale.index_copy(0, over, scale[over] * factor))


def _steps_of(rows: torch.Tensor, steps: int) -> torch.Tensor:
    """The size of a step for each row (n, 1)."""
    return _largest(rows).mul_(1 / steps)


def _largest(rows: torch.Tensor) -> torch.Tensor:
    """The largest absolute value of each row (n, 1), and never 0."""
    return rows.abs().amax(1, keepdim=True).clamp_(min=_TINY)


def _largest_pair(absolute: torch.Tensor) -> torch.Tensor:
    """The largest sum of two neighbours in each row (n, 1), where neighbours begin at even columns."""
    if absolute.shape[1] % 2:
        absolute = F.pad(absolute, (0, 1))
    return (absolute[:, ::2] + absolute[:, 1::2]).amax(1, keepdim=True)
