"""Which kernels are right on this CPU, and which of those is the fastest for a model's layers."""

import platform
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from math import ceil, inf
from typing import Literal, TypeAlias, cast, get_args

import torch
from torch import nn

from bot.engine.kernels.floating import FBGEMMFloat16Linear, OneDNNLinear, OneDNNRowLinear, PlainLinear, Unsuitable
from bot.engine.kernels.int8 import FBGEMMProduct, Int8Linear, OneDNNProduct, Product, is_exact, round_weight

Precision: TypeAlias = Literal["float32", "bfloat16", "float16", "int8"]
Shape: TypeAlias = tuple[int, int]
"""Outputs and inputs of a linear layer."""
Floating: TypeAlias = type[PlainLinear | OneDNNLinear | FBGEMMFloat16Linear]

_FLOATING: dict[Precision, tuple[Floating, ...]] = {
    "float32": (OneDNNRowLinear, OneDNNLinear, PlainLinear),
    "bfloat16": (OneDNNRowLinear, OneDNNLinear, PlainLinear),
    "float16": (FBGEMMFloat16Linear,),
}
_PRODUCTS: tuple[type[Product], ...] = (FBGEMMProduct, OneDNNProduct)
_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2, "int8": 1}
_TOLERANCE = {"float32": 1e-5, "bfloat16": 1e-2, "float16": 1e-3}
# The largest norm of a product's error, relative to that of the product.

_SAMPLE = 2**23  # weights; of a larger layer, no more are timed
_COLD = 2**26  # bytes of weights that are read in turn, so that they come from memory and not from a cache
_MOST_COPIES = 16  # of layers so small that a cache holds the whole model
_MIX = ((1, 1.0), (8, 1.0), (64, 0.25))
# Numbers of rows, and the share of each in the mix: answers in one channel, answers in several, a part of a prompt.


@dataclass(frozen=True)
class Kernels:
    """A precision and the kernels for it: `product` for int8, and `floating` for all layers that are not rounded."""

    precision: Precision
    floating: Floating
    product: type[Product] | None = None

    @property
    def library(self) -> str:
        """The library that computes most of the layers."""
        return (self.product or self.floating).library

    def __str__(self) -> str:
        """Such as "int8 (FBGEMM)"."""
        return f"{self.precision} ({self.library})"


def select(precision: str, shapes: Iterable[Shape]) -> Kernels:
    """The kernels for a model whose linear layers have these shapes.

    `precision` is a MODEL_PRECISION; `auto` is the fastest that keeps the model's answers. Of several kernels that are
    right on this CPU, the fastest is found by timing them on the shape that most of the weights have, for about a
    second. float16 and int8 become float32 where there is no kernel for them.
    """
    sizes = Counter[Shape]()
    for outputs, inputs in shapes:
        sizes[outputs, inputs] += outputs * inputs
    shape = max(sizes, key=sizes.__getitem__, default=(1, 1))
    if precision == "auto":
        candidates = [found for each in _FLOATING for found in _candidates(each)]
    else:
        assert precision in get_args(Precision)
        candidates = _candidates(cast(Precision, precision))
    candidates = candidates or [Kernels("bfloat16" if precision == "bfloat16" else "float32", PlainLinear)]
    return candidates[0] if len(candidates) == 1 else _fastest(candidates, shape)


def make_layer(kernels: Kernels, weight: torch.Tensor, bias: torch.Tensor | None) -> nn.Module:
    """A layer of weight (out, in) and bias (out). One that cannot be rounded is not; where all fails, it is plain."""
    if kernels.product:
        with suppress(Unsuitable):
            return Int8Linear(round_weight(weight, kernels.product), bias, kernels.product)
    dtype = dtype_of(kernels.precision)
    weight, bias = weight.to(dtype), None if bias is None else bias.to(dtype)
    try:
        layer = kernels.floating(weight, bias)
        layer(torch.zeros(1, weight.shape[1], dtype=weight.dtype))
    except (AttributeError, RuntimeError, Unsuitable):
        return PlainLinear(weight, bias)
    return layer


def dtype_of(precision: Precision) -> torch.dtype:
    """The type of everything but the linear layers' weights: embeddings, norms, activations and the KV cache."""
    if precision == "int8":
        return native_dtype()
    return torch.bfloat16 if precision == "bfloat16" else torch.float32


@cache
def native_dtype() -> torch.dtype:
    """bfloat16 where this CPU multiplies it natively, else float32; emulated, bfloat16 is slower than that."""
    try:
        # oneDNN also reports support where AVX512 only emulates it.
        emulated = platform.machine() in ("x86_64", "AMD64") and not torch.cpu._is_avx512_bf16_supported()
        native = torch.ops.mkldnn._is_mkldnn_bf16_supported() and not emulated
    except AttributeError:
        native = False
    return torch.bfloat16 if native else torch.float32


def bytes_per_weight(precision: Precision) -> int:
    """The size of a linear layer's weight, at most."""
    return _BYTES[precision]


def _candidates(precision: Precision) -> list[Kernels]:
    if precision == "int8":
        kept: Precision = "bfloat16" if dtype_of("int8") == torch.bfloat16 else "float16"
        floating = next((kernels.floating for kernels in _candidates(kept)), PlainLinear)
        return [Kernels("int8", floating, product) for product in _PRODUCTS if is_exact(product)]
    return [
        Kernels(precision, kernel)
        for kernel in _FLOATING[precision]
        if _is_right(kernel, precision)  # type: ignore[arg-type]  # mypy takes a union of types for not hashable
    ]


@cache
def _is_right(kernel: Floating, precision: Precision) -> bool:
    """Whether a kernel's products are right on this CPU, and those of each row whatever stands beside it."""
    random = torch.Generator().manual_seed(0)
    weight, rows = torch.randn(96, 512, generator=random), torch.randn(40, 512, generator=random)
    weight[:8], rows[:2] = 1, 1
    rows[:, 7] *= 30
    weight, rows = weight.to(dtype_of(precision)), rows.to(dtype_of(precision))
    expected = rows.double() @ weight.double().T
    try:
        layer = kernel(weight, None)
        together = layer(rows)
        alone = all(layer(rows[:count]).equal(together[:count]) for count in (1, 2, 3, 7, 8, 16))
    except (AttributeError, RuntimeError, Unsuitable):
        return False
    errors = (together.double() - expected).norm(dim=1) / expected.norm(dim=1)
    return alone and bool((errors <= _TOLERANCE[precision]).all())


def _fastest(candidates: Sequence[Kernels], shape: Shape) -> Kernels:
    best, least = candidates[0], inf
    for kernels in candidates:
        seconds = _seconds(kernels, shape, least)
        if seconds < least:
            best, least = kernels, seconds
    return best


def _seconds(kernels: Kernels, shape: Shape, limit: float) -> float:
    """The time of a layer for a mix of rows; infinite when it is over the limit."""
    inputs = shape[1]
    weight = torch.full((max(1, min(shape[0], _SAMPLE // inputs)), inputs), 0.02, dtype=dtype_of(kernels.precision))
    make: Callable[[], nn.Module]
    if kernels.product:
        make = partial(Int8Linear, round_weight(weight, kernels.product), None, kernels.product)
    else:
        make = partial(kernels.floating, weight, None)
    copies = ceil(_COLD / (weight.numel() * _BYTES[kernels.precision]))
    layers = [make() for _ in range(min(copies, _MOST_COPIES))]
    total = 0.0
    for count, share in _MIX:
        rows = torch.ones(count, inputs, dtype=weight.dtype)
        total += share * min(_run(layers, rows) for _ in range(2)) / len(layers)
        if total > limit:
            return inf
    return total


def _run(layers: Sequence[nn.Module], rows: torch.Tensor) -> float:
    started = time.perf_counter()
    for layer in layers:
        layer(rows)
    return time.perf_counter() - started
