"""Int8 layers: exact products, rows that depend on no other, outliers that cost the others nothing."""

import pytest
import torch

from bot.engine.kernels import int8
from bot.engine.kernels.floating import Unsuitable
from bot.engine.kernels.int8 import (
    FBGEMMProduct,
    Int8Linear,
    OneDNNProduct,
    exact_range,
    is_exact,
    round_weight,
    rounded_once,
    split_outliers,
)

PRODUCTS = [product for product in (FBGEMMProduct, OneDNNProduct) if is_exact(product)]


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def with_outliers(rows: torch.Tensor) -> torch.Tensor:
    rows[:, 7] *= 30
    rows[:, 9] *= 10
    return rows


def dequantized(weight: int8.RoundedWeight) -> torch.Tensor:
    return weight.integers.float() * weight.scale[:, None]


def error(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float((found.double() - expected.double()).norm() / expected.double().norm())


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("width", [192, 193])
@pytest.mark.parametrize("twice", [False, True])
def test_it_is_as_near_as_its_rounding_allows(product, width, twice):
    weight, rows = random(80, width), with_outliers(random(40, width, seed=1))
    rounded, split = round_weight(weight, product), split_outliers(rows.abs().amax(0))
    bias = random(80, seed=2)
    layer = Int8Linear(rounded, bias, product, None if twice else split)
    expected = rows @ dequantized(rounded).T + bias
    assert error(layer(rows[None])[0], expected) < (1e-3 if twice else 0.01)
    assert error(dequantized(rounded), weight) < 0.012
    if not twice:
        assert error(layer(rows), rounded_once(rows, split, product) @ dequantized(rounded).T + bias) < 0.005


@pytest.mark.parametrize("product", PRODUCTS)
def test_outliers_do_not_coarsen_the_other_columns(product):
    weight, rows = round_weight(random(80, 400), product), with_outliers(random(40, 400, seed=1))
    expected = rows @ dequantized(weight).T
    plain = Int8Linear(weight, None, product, split_outliers(torch.ones(400)))
    split = Int8Linear(weight, None, product, split_outliers(rows.abs().amax(0)))
    assert error(split(rows), expected) < 0.5 * error(plain(rows), expected)


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("twice", [False, True])
def test_the_largest_weights_and_inputs_do_not_saturate(product, sign, twice):
    weight = round_weight(torch.full((64, 256), float(sign)), product)
    layer = Int8Linear(weight, None, product, None if twice else split_outliers(torch.ones(256)))
    assert (layer(torch.ones(2, 256)) - sign * 256).abs().max() < 0.01 * 256  # what rounding may take


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("twice", [False, True])
def test_a_row_depends_on_no_other_to_the_last_bit(product, twice):
    rows = with_outliers(random(40, 1024, seed=1))
    weight = round_weight(random(256, 1024), product)
    layer = Int8Linear(weight, random(256), product, None if twice else split_outliers(rows.abs().amax(0)))
    together = layer(rows)
    louder = rows.clone()
    louder[1:] *= 1000
    assert layer(louder)[0].equal(together[0])
    for count in (0, 1, 2, 3, 8, 16, 33):
        assert layer(rows[:count]).equal(together[:count])
    assert (layer(torch.zeros(1, 1024)) == layer(torch.zeros(2, 1024))[0]).all()


def test_a_split_adds_up_to_the_column():
    largest = torch.ones(100)
    largest[[3, 50]] = torch.tensor([5.0, 2.0])
    split = split_outliers(largest)
    assert split.more.tolist().count(3) == 4
    assert split.more.tolist().count(50) == 1
    assert len(split.more) <= 10
    assert torch.ones(100).index_add(0, split.more, torch.ones(5)).reciprocal()[3] == split.factor[3]
    # The shifts of one column's parts lie evenly around 0, so their sum is rounded like one number with finer steps.
    parts = [3, *(100 + (split.more == 3).nonzero()[:, 0]).tolist()]
    assert torch.allclose(split.shift[parts].sort().values, torch.tensor([-0.4, -0.2, 0.0, 0.2, 0.4]))


def test_a_weight_that_would_be_rounded_too_coarsely_is_refused():
    weight = random(80, 192)
    weight[:, 7] = 60.0  # one large weight in each channel takes most of the 255 steps
    with pytest.raises(Unsuitable):
        round_weight(weight, PRODUCTS[0])


class Saturating:
    """A product that adds neighbouring products in 16 bits, as x86 does without VNNI."""

    library = "test"

    def __init__(self, weight: int8.RoundedWeight, steps: int) -> None:
        self._weight, self._zero = weight, steps + 1

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        integers = self._weight.integers.double()
        unsigned = rows.round().double() + self._zero
        pairs = (unsigned[:, None] * integers).unflatten(2, (-1, 2)).sum(3).clamp(-(2**15), 2**15 - 1)
        out = pairs.sum(2) - self._zero * integers.sum(1)
        return (out * self._weight.scale).float()


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
    assert exact_range(Saturating).steps == 95
    weight = round_weight(torch.ones(8, 64), Saturating)
    out = Int8Linear(weight, None, Saturating, split_outliers(torch.ones(64)))(torch.ones(2, 64))
    assert (out - 64).abs().max() < 0.01 * 64


def test_split_columns_that_become_neighbours_do_not_saturate():
    weight, rows = torch.full((8, 64), 0.01), torch.ones(2, 64)
    weight[:, [4, 10]], rows[:, [4, 10]] = 1, 2
    layer = Int8Linear(round_weight(weight, Saturating), None, Saturating, split_outliers(rows.amax(0)))
    assert error(layer(rows), rows @ weight.T) < 0.03


@pytest.mark.parametrize("product", [Lying, Failing])
def test_a_product_that_is_wrong_is_not_used(product):
    assert not is_exact(product)
    with pytest.raises(Unsuitable):
        round_weight(torch.ones(8, 64), product)
