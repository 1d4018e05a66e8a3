"""Packed layers compute what plain ones do, and each row by itself, to the last bit."""

import pytest
import torch
import torch.nn.functional as F

from bot.engine.kernels.floating import FBGEMMFloat16Linear, OneDNNLinear, OneDNNRowLinear, PlainLinear, Unsuitable
from bot.engine.kernels.selection import Kernels, make_layer, select

KERNELS = [
    (OneDNNLinear, torch.float32),
    (OneDNNRowLinear, torch.float32),
    (FBGEMMFloat16Linear, torch.float32),
    (PlainLinear, torch.bfloat16),
]
TOLERANCE = {OneDNNLinear: 1e-5, OneDNNRowLinear: 1e-5, FBGEMMFloat16Linear: 1e-3, PlainLinear: 1e-2}


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("kernel", "dtype"), KERNELS)
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("count", [0, 1, 2, 7, 17])
def test_it_computes_what_a_plain_layer_does(kernel, dtype, bias, count):
    weight, x = random(80, 192).to(dtype), random(1, count, 192, seed=1).to(dtype)
    shift = random(80, seed=2).to(dtype) * 10 if bias else None
    out = kernel(weight, shift)(x)
    expected = F.linear(x.double(), weight.double(), shift if shift is None else shift.double())
    assert out.dtype == x.dtype
    assert out.shape == expected.shape
    assert (out.double() - expected).norm() <= TOLERANCE[kernel] * expected.norm()


@pytest.mark.parametrize(("kernel", "dtype"), KERNELS)
def test_a_row_depends_on_no_other_to_the_last_bit(kernel, dtype):
    layer = kernel(random(256, 1024).to(dtype), random(256).to(dtype))
    x = random(1, 130, 1024, seed=1).to(dtype)
    together = layer(x[:, :64])
    louder = x[:, :64].clone()
    louder[:, 1:] *= 1000
    assert layer(louder)[:, 0].equal(together[:, 0])
    for count in (1, 2, 3, 5, 6, 7, 8, 13, 16, 33):
        assert layer(x[:, :count]).equal(together[:, :count])
    if kernel is FBGEMMFloat16Linear:  # it computes blocks of 120 rows
        whole = layer(x)
        for count in (121, 122, 127):
            assert layer(x[:, :count]).equal(whole[:, :count])


def test_weights_beyond_float16_stay_in_float32():
    weight = random(16, 32)
    weight[3, 3] = 1e5
    with pytest.raises(Unsuitable):
        FBGEMMFloat16Linear(weight, None)
    layer = make_layer(Kernels("float16", FBGEMMFloat16Linear), weight, None)
    assert isinstance(layer, PlainLinear)
    assert layer(torch.eye(32))[3, 3] == 1e5


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16", "int8"])
def test_without_the_libraries_plain_layers_take_over(precision, monkeypatch, no_caches):
    class Missing:
        def __getattr__(self, name):
            raise AttributeError(name)

    for library in ("mkldnn", "onednn", "quantized"):
        monkeypatch.setattr(torch.ops, library, Missing(), raising=False)
    kernels = select(precision, [(64, 64)])
    assert kernels.floating is PlainLinear
    assert kernels.product is None
    assert kernels.precision == ("bfloat16" if precision == "bfloat16" else "float32")
