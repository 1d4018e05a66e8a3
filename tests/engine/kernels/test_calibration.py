"""Calibration sees exact inputs, measures what rounding them loses, and spends more work where that is most."""

import pytest
import torch
from torch import nn

from bot.engine.kernels.calibration import CalibrationLinear, choose_twice
from bot.engine.kernels.int8 import FBGEMMProduct, Int8Linear, OneDNNProduct, is_exact
from bot.engine.models import loading

PRODUCTS = [product for product in (FBGEMMProduct, OneDNNProduct) if is_exact(product)]


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def error(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float((found - expected).norm() / expected.norm())


@pytest.mark.parametrize("product", PRODUCTS)
def test_it_computes_with_exact_inputs_and_measures_the_loss(product):
    weight, bias, x = random(80, 192), random(80, seed=2), random(1, 20, 192, seed=1)
    layer = CalibrationLinear(weight, bias, product)
    exact = layer(x)
    assert error(exact, x @ weight.T + bias) < 0.012
    once, twice = (layer.calibrated(twice=twice)(x) for twice in (False, True))
    assert error(twice, exact) < 1e-3
    assert error(once - bias, exact - bias) ** 2 == pytest.approx(layer.loss, rel=0.5)


@pytest.mark.parametrize("product", PRODUCTS)
def test_columns_that_were_large_are_split(product):
    weight, x = random(80, 192), random(20, 192, seed=1)
    x[:, 5] *= 50
    layer = CalibrationLinear(weight, None, product)
    exact = layer(x)
    assert error(layer.calibrated(twice=False)(x), exact) < 0.005


def test_a_layer_that_was_not_called_is_computed_twice():
    layer = CalibrationLinear(random(80, 192), None, PRODUCTS[0]).calibrated(twice=False)
    assert layer._split is None


class Loss(nn.Module):
    def __init__(self, loss: float, size: int) -> None:
        super().__init__()
        self.loss, self.size = loss, size


def test_the_layers_that_lose_most_for_their_size_are_computed_twice():
    small, large, largest, fine = Loss(1e-3, 10), Loss(2e-3, 25), Loss(9e-3, 60), Loss(1e-6, 5)
    assert choose_twice([largest, fine, large, small]) == {small, large}
    assert choose_twice([fine]) == choose_twice([]) == set()


def test_a_model_in_int8_is_calibrated():
    layers = [layer for layer in loading.load("demo", "int8").model.modules() if isinstance(layer, Int8Linear)]
    twice = [layer for layer in layers if layer._split is None]
    assert 0 < len(twice) < len(layers)
