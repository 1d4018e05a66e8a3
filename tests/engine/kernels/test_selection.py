"""Kernels are chosen by what they compute and how fast; never one that is wrong."""

import time

import pytest
import torch

from bot.engine.kernels import selection
from bot.engine.kernels.floating import FBGEMMFloat16Linear, OneDNNLinear, PlainLinear
from bot.engine.kernels.int8 import FBGEMMProduct
from bot.engine.kernels.selection import Kernels, dtype_of, select


class Wrong(OneDNNLinear):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) * 1.001


class DependsOnNeighbours(PlainLinear):
    library = "test"

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) * (1 + 1e-6 * (x.shape[-2] == 1))


class Slow(OneDNNLinear):
    library = "slow"

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        time.sleep(0.02)
        return super().forward(x)


@pytest.mark.parametrize("liar", [Wrong, DependsOnNeighbours])
def test_a_kernel_that_lies_is_not_chosen(liar, monkeypatch):
    monkeypatch.setitem(selection._FLOATING, "float32", (liar, OneDNNLinear))
    assert select("float32", [(64, 64)]) == Kernels("float32", OneDNNLinear)


def test_the_fastest_right_kernel_is_chosen(monkeypatch):
    monkeypatch.setitem(selection._FLOATING, "float32", (Slow, OneDNNLinear))
    assert select("float32", [(512, 512)]).floating is OneDNNLinear
    monkeypatch.setitem(selection._FLOATING, "float32", (OneDNNLinear, Slow))
    assert select("float32", [(512, 512)]).floating is OneDNNLinear


def test_auto_is_the_fastest_that_keeps_the_answers(monkeypatch):
    seconds = {"float32": 3.0, "bfloat16": 2.0, "float16": 1.0}
    monkeypatch.setattr(selection, "_seconds", lambda kernels, shape, limit: seconds[kernels.precision])
    best = min((each for each in seconds if selection._candidates(each)), key=seconds.__getitem__)
    assert select("auto", [(64, 64)]).precision == best
    seconds["float32"] = 0.5
    assert select("auto", [(64, 64)]).precision == "float32"


def test_the_shape_that_most_weights_have_is_timed(monkeypatch):
    timed = []
    monkeypatch.setitem(selection._FLOATING, "float32", (OneDNNLinear, Slow))
    monkeypatch.setattr(selection, "_seconds", lambda kernels, shape, limit: timed.append(shape) or 1.0)
    select("float32", [(300, 100), *[(100, 200)] * 2, (100, 100)])
    assert set(timed) == {(100, 200)}


def test_a_choice_in_words():
    assert str(Kernels("float16", FBGEMMFloat16Linear)) == "float16 (FBGEMM)"
    assert str(Kernels("int8", OneDNNLinear, FBGEMMProduct)) == "int8 (FBGEMM)"


def test_a_model_without_linear_layers_has_kernels_all_the_same():
    assert select("auto", []).precision in ("float32", "bfloat16", "float16")


def test_where_bfloat16_is_only_emulated_activations_are_float32(monkeypatch, no_caches):
    monkeypatch.setattr(selection.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    assert dtype_of("int8") == torch.float32
