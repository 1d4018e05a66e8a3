"""Linear layers with weights packed for the CPU's matrix units. The only module that uses torch's private operators.

Generating a token takes little longer than reading the weights from memory. torch's own `F.linear` reads plain weights
at about three quarters of the memory bandwidth; oneDNN gets closer to it with weights reordered in advance. torch
exposes that only to its compiler, as the operators used here. They may change with torch's version, which is therefore
pinned, and where one is missing or does not work on this CPU, `F.linear` takes over.

In all of these layers a row's result depends on no other row. It is the same to the last bit in passes of a few dozen
rows; in passes of hundreds, oneDNN's bfloat16 kernels were observed to round one value in thousands differently.
"""

import platform
from functools import cache
from typing import Literal, TypeAlias, cast, get_args

import torch
import torch.nn.functional as F
from torch import nn

_COARSE = 0.05
# The largest norm of the rounding error, relative to that of the weights without the largest of each channel, which
# sets the channel's scale. Most layers have about 0.01.

Precision: TypeAlias = Literal["float32", "bfloat16", "int8"]


def resolve_precision(precision: str) -> Precision:
    """The precision that a MODEL_PRECISION means; `auto` is bfloat16 where this CPU has it natively, else float32."""
    if precision == "auto":
        return "bfloat16" if has_native_bfloat16() else "float32"
    assert precision in get_args(Precision)
    return cast(Precision, precision)


def has_native_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 natively; emulated, it is slower than float32."""
    try:
        # oneDNN also reports support where AVX512 only emulates it.
        emulated = platform.machine() in ("x86_64", "AMD64") and not torch.cpu._is_avx512_bf16_supported()
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()) and not emulated
    except AttributeError:
        return False


def dtype_of(precision: Precision) -> torch.dtype:
    """The type of everything but int8 weights: embeddings, norms, activations and the KV cache."""
    if precision == "int8":
        return torch.bfloat16 if has_native_bfloat16() else torch.float32
    return {"float32": torch.float32, "bfloat16": torch.bfloat16}[precision]


class TooCoarse(Exception):
    """Int8 would round a layer's weights too coarsely."""


def pack(weight: torch.Tensor, bias: torch.Tensor | None, precision: Precision) -> nn.Module:
    """A linear layer of weight (out, in) and bias (out), packed for this CPU, or a plain one where that fails.

    A layer for which int8 is too coarse keeps its weight's type.
    """
    kinds = (Int8Linear, PackedLinear) if precision == "int8" else (PackedLinear,)
    for kind in kinds:
        try:
            packed = kind(weight, bias)
            packed(torch.zeros(1, weight.shape[1], dtype=weight.dtype))
        except TooCoarse:
            continue
        except (AttributeError, RuntimeError):
            break
        return packed
    return PlainLinear(weight, bias)


class PlainLinear(nn.Module):
    """torch's own linear layer, over existing tensors."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        super().__init__()
        self._weight, self._bias = weight, bias

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.linear(x, self._weight, self._bias)


class PackedLinear(nn.Module):
    """A float32 or bfloat16 layer with its weight reordered by oneDNN."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        super().__init__()
        self._packed = torch.ops.mkldnn._reorder_linear_weight(weight, 1)
        self._bias = bias

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        # oneDNN has another kernel for a single float32 row, which rounds differently, so the row is doubled.
        single = x.dtype == torch.float32 and x.numel() == x.shape[-1]
        rows = x.expand(*x.shape[:-2], 2, -1).contiguous() if single else x
        out = torch.ops.mkldnn._linear_pointwise(rows, self._packed, self._bias, "none", [], "")
        return out[..., :1, :] if single else out  # type: ignore[no-any-return]


class Int8Linear(nn.Module):
    """A layer with int8 weights, a scale for each output channel, and inputs quantized with a scale for each row.

    torch's dynamically quantized layers use one scale for all rows, so one sequence's outlier would coarsen its
    neighbours. Here oneDNN multiplies plain int8 rows, exactly, and each row is then multiplied by its own scale.

    Raises TooCoarse where a few large weights leave the others of their channels too few steps, or where this CPU
    multiplies inexactly.
    """

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        super().__init__()
        steps = _exact_weight_steps()
        if not steps:
            raise TooCoarse
        quantized, self._scale = torch.empty(weight.shape, dtype=torch.int8), torch.empty(len(weight))
        lost = others = 0.0  # sums of squares
        for start in range(0, len(weight), 256):  # quantizing all at once takes several times the memory
            part = slice(start, start + 256)
            integers, scale = quantize(weight[part], steps)
            quantized[part], self._scale[part] = integers, scale[:, 0]
            lost += float((weight[part] - integers * scale).square().sum())
            others += float(weight[part].float().square().sum() - (steps * scale).square().sum())
        if lost > _COARSE**2 * others:
            raise TooCoarse
        self._packed = torch.ops.onednn.qlinear_prepack(quantized, None)
        self._bias = None if bias is None else bias.float()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows, scale = quantize(x.reshape(-1, x.shape[-1]))
        out = _multiply(rows, self._packed, self._scale)
        out = out * scale if self._bias is None else torch.addcmul(self._bias, out, scale)
        return out.to(x.dtype).reshape(*x.shape[:-1], out.shape[1])


def _multiply(rows: torch.Tensor, packed: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """Integer rows (n, in) times packed integer weights (out, in), each output times its scale (out)."""
    # Unsigned, around 128: for signed rows oneDNN would reorder the whole weight at each call.
    unsigned, zeros = (rows + 128).to(torch.uint8), torch.zeros(len(scale), dtype=torch.int32)
    return torch.ops.onednn.qlinear_pointwise(  # type: ignore[no-any-return]
        unsigned, 1.0, 128, packed, scale, zeros, None, 1.0, 0, torch.float32, "none", [], ""
    )


@cache
def _exact_weight_steps() -> int:
    """The largest integer that weights may have so that this CPU multiplies exactly; 0 if there is none.

    Without VNNI, oneDNN adds pairs of products in 16 bits, which saturate without a word when both factors have 8 bits:
    255 · 127 · 2 does not fit, 255 · 63 · 2 does. So the largest products are tried.
    """
    rows = torch.full((2, 128), 127.0)
    for steps in (127, 63):
        packed = torch.ops.onednn.qlinear_prepack(torch.full((64, 128), steps, dtype=torch.int8), None)
        if (_multiply(rows, packed, torch.ones(64)) == 127 * 128 * steps).all():
            return steps
    return 0


def quantize(rows: torch.Tensor, steps: int = 127) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows (n, m) → integers from -steps to steps and a scale for each row (n, 1), so that rows ≈ integers · scale."""
    rows = rows.float()
    scale = rows.abs().amax(1, keepdim=True).clamp(min=1e-12) / steps
    return (rows / scale).round(), scale
