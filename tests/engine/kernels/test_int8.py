"""Int8 layers: exact products, rows that depend on no other, outliers that cost the others little."""

import pytest
import torch
import torch.nn.functional as F

from bot.engine.kernels import int8
from bot.engine.kernels.floating import Unsuitable
from bot.engine.kernels.int8 import (
    FBGEMMProduct,
    Int8Linear,
    OneDNNProduct,
    exact_range,
    is_exact,
    rotate,
    rotation,
    round_weight,
)

PRODUCTS = [product for product in (FBGEMMProduct, OneDNNProduct) if is_exact(product)]


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def with_outliers(rows: torch.Tensor) -> torch.Tensor:
    rows[:, 7] *= 30
    rows[:, 9] *= 10
    return rows


def error(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float((found.double() - expected.double()).norm() / expected.double().norm())


def int8_layer(weight: torch.Tensor, bias: torch.Tensor | None, product: type[int8.Product]) -> Int8Linear:
    return Int8Linear(round_weight(weight, product), bias, product)


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("width", [192, 193])
def test_it_is_as_near_as_its_rounding_allows(product, width):
    weight, rows, bias = random(80, width), random(40, width, seed=1), random(80, seed=2)
    layer = int8_layer(weight, bias, product)
    assert error(layer(rows[None])[0], rows @ weight.T + bias) < 0.015


@pytest.mark.parametrize("product", PRODUCTS)
def test_outliers_do_not_coarsen_the_other_columns(product):
    weight, rows = random(80, 447), with_outliers(random(40, 447, seed=1))
    weight[:, [7, 9]] = 0
    unrotated = error(int8_layer(weight, None, product)(rows), rows @ weight.T)
    weight, rows = F.pad(weight, (0, 1)), F.pad(rows, (0, 1))
    assert error(int8_layer(weight, None, product)(rows), rows @ weight.T) < 0.5 * unrotated


@pytest.mark.parametrize(("width", "block"), [(1536, 64), (96, 32), (10, 2), (7, 1)])
def test_a_rotation_keeps_products(width, block):
    matrix = rotation(width)
    assert len(matrix) == block
    assert torch.allclose(matrix @ matrix.T, torch.eye(block), atol=1e-6)
    assert torch.allclose(matrix.abs(), torch.tensor(block**-0.5))
    weight, rows = random(5, width), random(3, width, seed=1)
    assert error(rotate(rows, matrix) @ rotate(weight, matrix).T, rows @ weight.T) < 1e-5


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("sign", [1, -1])
def test_the_largest_weights_and_inputs_do_not_saturate(product, sign):
    matrix = rotation(256)
    weight = sign * rotate(torch.ones(64, 256), matrix.T)  # that is rotated into ones
    layer = int8_layer(weight, None, product)
    assert (layer(rotate(torch.ones(2, 256), matrix.T)) - sign * 256).abs().max() < 0.01 * 256


@pytest.mark.parametrize("product", PRODUCTS)
def test_a_row_depends_on_no_other_to_the_last_bit(product):
    rows = with_outliers(random(40, 1024, seed=1))
    layer = int8_layer(random(256, 1024), random(256), product)
    together = layer(rows)
    louder = rows.clone()
    louder[1:] *= 1000
    assert layer(louder)[0].equal(together[0])
    for count in (0, 1, 2, 3, 8, 16, 33):
        assert layer(rows[:count]).equal(together[:count])


@pytest.mark.parametrize("product", PRODUCTS)
def test_a_row_of_zeros_gives_the_bias_and_one_that_is_no_number_no_number(product):
    layer = int8_layer(random(32, 64), torch.arange(32), product)
    rows = torch.stack((torch.zeros(64), torch.full((64,), torch.nan), torch.ones(64)))
    out = layer(rows)
    assert out[0].equal(torch.arange(32.0))
    assert out[1].isnan().all()
    assert out[2].isfinite().all()


def test_a_weight_of_zeros_is_not_refused():
    layer = int8_layer(torch.zeros(80, 192), None, PRODUCTS[0])
    assert layer(random(2, 192)).equal(torch.zeros(2, 80))


def test_a_weight_that_would_be_rounded_too_coarsely_is_refused():
    weight = random(80, 192)
    weight[:, 7] = 600.0  # one large weight in each channel takes most of the 255 steps
    with pytest.raises(Unsuitable):
        int8_layer(weight, None, PRODUCTS[0])


class Saturating:
    """A product that adds neighbouring products in 16 bits, as x86 does without VNNI."""

    library = "test"

    def __init__(self, weight: int8.RoundedWeight, steps: int) -> None:
        self._weight, self._steps = weight, steps

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        integers = self._weight.integers.double()
        unsigned = (rows.double() * self._steps).round() + self._steps
        pairs = (unsigned[:, None] * integers).unflatten(2, (-1, 2)).sum(3).clamp(-(2**15), 2**15 - 1)
        out = pairs.sum(2) - self._steps * integers.sum(1)
        return (out * self._weight.scale / self._steps).float()


class Lying(Saturating):
    """A product that is right for large batches only."""

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        out = super().__call__(rows)
        return out * 1.001 if len(rows) == 2 else out


class Failing(Saturating):
    """A product that this CPU does not have."""

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("no such instruction")


def test_a_product_is_used_only_in_the_range_in_which_it_is_exact():
    narrow = exact_range(Saturating)
    assert narrow.steps == 116
    rounded = round_weight(rotate(random(64, 256), rotation(256).T).abs(), Saturating)
    assert int(rounded.integers.int().abs().unflatten(1, (-1, 2)).sum(2).max()) in (narrow.pair - 1, narrow.pair)
    matrix = rotation(256)
    weight, rows = (rotate(torch.ones(count, 256), matrix.T) for count in (8, 2))
    assert (int8_layer(weight, None, Saturating)(rows) - 256).abs().max() < 0.01 * 256


@pytest.mark.parametrize("product", [Lying, Failing])
def test_a_product_that_is_wrong_is_not_used(product):
    assert not is_exact(product)
    with pytest.raises(Unsuitable):
        int8_layer(torch.ones(8, 64), None, product)
