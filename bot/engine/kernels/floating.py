"""Linear layers that keep a floating-point weight, in the layouts that this CPU's libraries read fastest.

Generating a token takes little longer than reading the weights from memory. torch's own `F.linear` reads plain weights
at about three quarters of the memory bandwidth. oneDNN and FBGEMM get closer to it with weights that are reordered in
advance. torch exposes oneDNN's only to its compiler, as private operators, which may change with torch's version; that
is therefore pinned.
"""

from functools import cache

import torch
import torch.nn.functional as F
from torch import nn

_BLOCK = 120  # FBGEMM splits the rows of a product into blocks of this many
_LARGEST_FLOAT16 = torch.finfo(torch.float16).max


class Unsuitable(Exception):
    """A kernel cannot hold a layer's weight precisely enough, or does not work on this CPU."""


class PlainLinear(nn.Module):
    """torch's own linear layer. It copies the weight, which may be mapped from a file."""

    library = "torch"

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        super().__init__()
        self._weight, self._bias = weight.clone(), bias

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.linear(x, self._weight, self._bias)


class OneDNNLinear(nn.Module):
    """A float32 or bfloat16 layer with its weight reordered by oneDNN, in the layout that it wants for several rows."""

    library = "oneDNN"
    _rows = 8

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        super().__init__()
        self._packed = torch.ops.mkldnn._reorder_linear_weight(weight, self._rows)
        self._bias = bias
        # For a single row, oneDNN may have another kernel, which rounds differently. It depends on the CPU, the shape
        # and the number of threads. Then the row is doubled.
        pair = torch.randn(2, weight.shape[1], generator=torch.Generator().manual_seed(0)).to(weight.dtype)
        self._doubled = not self._multiply(pair[:1]).equal(self._multiply(pair)[:1])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self._doubled or x.numel() != x.shape[-1]:
            return self._multiply(x)
        return self._multiply(x.expand(*x.shape[:-2], 2, -1).contiguous())[..., :1, :]

    def _multiply(self, x: torch.Tensor) -> torch.Tensor:
        return torch.ops.mkldnn._linear_pointwise(x, self._packed, self._bias, "none", [], "")  # type: ignore[no-any-return]


class OneDNNRowLinear(OneDNNLinear):
    """The same in the layout that oneDNN wants for one row. On some CPUs, that is faster for several rows, too."""

    _rows = 1


class FBGEMMFloat16Linear(nn.Module):
    """A float16 weight, multiplied by float32 rows and summed in float32 by FBGEMM.

    Raises Unsuitable for weights beyond float16's range, and where no number of rows gives the same results as others.
    """

    library = "FBGEMM"

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        super().__init__()
        least, most = weight.aminmax()
        if not (least >= -_LARGEST_FLOAT16 and most <= _LARGEST_FLOAT16):
            raise Unsuitable
        self._counts = _alike_counts()
        use_fbgemm()
        self._packed = torch.ops.quantized.linear_prepack_fp16(weight.float(), None)
        self._bias = None if bias is None else bias.float()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows = x.reshape(-1, x.shape[-1]).float()
        added = self._counts[len(rows) % _BLOCK] - len(rows) % _BLOCK
        if added:
            rows = F.pad(rows, (0, 0, 0, added))
        out = torch.ops.quantized.linear_dynamic_fp16(rows, self._packed)
        if added:
            out = out[:-added]
        if self._bias is not None:
            out += self._bias
        return out.to(x.dtype).reshape(*x.shape[:-1], out.shape[1])  # type: ignore[no-any-return]


@cache
def _alike_counts() -> tuple[int, ...]:
    """For each number of rows below a block, the next one for which FBGEMM rounds as it does for a whole block.

    FBGEMM has a kernel for each small number of rows, and those for one and two rows sum in another order.
    """
    random = torch.Generator().manual_seed(0)
    use_fbgemm()
    packed = torch.ops.quantized.linear_prepack_fp16(torch.randn(32, 512, generator=random), None)
    rows = torch.randn(_BLOCK, 512, generator=random)
    whole = torch.ops.quantized.linear_dynamic_fp16(rows, packed)
    alike = [
        count
        for count in range(1, _BLOCK + 1)
        if torch.ops.quantized.linear_dynamic_fp16(rows[:count], packed).equal(whole[:count])
    ]
    return (0, *(next(count for count in alike if count >= wanted) for wanted in range(1, _BLOCK)))


def use_fbgemm() -> None:
    """Have torch pack quantized weights for FBGEMM. Raises RuntimeError where torch is built without it."""
    torch.backends.quantized.engine = "fbgemm"
