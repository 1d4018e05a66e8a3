"""Packed layers compute what plain ones do, each row by itself; plain ones take over where they are not available."""

import pytest
import torch
import torch.nn.functional as F

from bot.engine.kernels import linear
from bot.engine.kernels.linear import dtype_of, pack

PRECISIONS = ["float32", "bfloat16", "int8"]
TOLERANCE = {"float32": 1e-5, "bfloat16": 1e-2, "int8": 2e-2}


def make_layer(precision: str, *, bias: bool, inputs: int = 192, outputs: int = 80):
    random = torch.Generator().manual_seed(0)
    weight = torch.randn(outputs, inputs, generator=random).to(dtype_of(precision))
    shift = torch.randn(outputs, generator=random).to(dtype_of(precision)) * 10 if bias else None
    return pack(weight, shift, precision), weight, shift


def rows(precision: str, count: int, inputs: int = 192) -> torch.Tensor:
    return torch.randn(1, count, inputs, generator=torch.Generator().manual_seed(1)).to(dtype_of(precision))


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("count", [0, 1, 2, 17])
def test_it_computes_what_a_plain_layer_does(precision, bias, count):
    layer, weight, shift = make_layer(precision, bias=bias)
    x = rows(precision, count)
    out = layer(x)
    expected = F.linear(x.double(), weight.double(), shift if shift is None else shift.double())
    assert out.dtype == x.dtype
    assert out.shape == expected.shape
    assert (out.double() - expected).norm() <= TOLERANCE[precision] * expected.norm()


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("sign", [1, -1])
def test_the_largest_weights_and_inputs_do_not_saturate(precision, sign):
    ones = torch.ones(64, 256, dtype=dtype_of(precision))
    out = pack(ones * sign, None, precision)(ones[:2])
    assert (out.double() - sign * 256).abs().max() <= 0.5


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_row_depends_on_no_other_to_the_last_bit(precision):
    layer, _, _ = make_layer(precision, bias=True, inputs=1024, outputs=256)
    x = rows(precision, 40, 1024)
    together = layer(x)
    louder = x.clone()
    louder[:, 1:] *= 1000
    assert layer(louder)[:, 0].equal(together[:, 0])
    for count in (1, 2, 3, 8, 16, 33):
        assert layer(x[:, :count]).equal(together[:, :count])


@pytest.mark.parametrize("precision", PRECISIONS)
def test_without_the_private_operators_a_plain_layer_takes_over(precision, monkeypatch):
    class Missing:
        def __getattr__(self, name):
            raise AttributeError(name)

    monkeypatch.setattr(torch.ops, "mkldnn", Missing(), raising=False)
    monkeypatch.setattr(torch.ops, "onednn", Missing(), raising=False)
    layer, weight, _ = make_layer(precision, bias=False)
    assert isinstance(layer, linear.PlainLinear)
    x = rows(precision, 3)
    assert layer(x).equal(F.linear(x, weight))
    assert linear.resolve_precision("auto") == "float32"


def test_a_layer_that_int8_would_round_too_coarsely_stays_as_it_is():
    weight = torch.randn(80, 192, generator=torch.Generator().manual_seed(0))
    weight[:, 7] = 60.0  # one large weight in each channel takes most of the 255 steps
    layer = pack(weight.to(dtype_of("int8")), None, "int8")
    assert isinstance(layer, linear.PackedLinear)
    x = rows("int8", 3)
    assert (layer(x).double() - F.linear(x.double(), weight.double())).norm() <= 1e-2 * layer(x).double().norm()
    assert isinstance(make_layer("int8", bias=False)[0], linear.Int8Linear)


def test_where_bfloat16_is_only_emulated_float32_is_chosen(monkeypatch):
    monkeypatch.setattr(linear.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    assert linear.resolve_precision("auto") == "float32"
