"""Layers that read the same input are found, and compute together what they did apart."""

import torch
from torch import nn

from bot.engine.kernels.floating import PlainLinear
from bot.engine.kernels.siblings import find_siblings, install
from tests.support.local import tiny


def test_query_key_and_value_are_siblings_and_gate_and_up():
    groups = find_siblings(tiny())
    names = [[name.rpartition(".")[2] for name in group] for group in groups if ".0." in group[0]]
    assert names == [["q_proj", "k_proj", "v_proj"], ["o_proj"], ["gate_proj", "up_proj"], ["down_proj"]]
    assert sum(map(len, groups)) == sum(type(layer) is nn.Linear for layer in tiny().modules())


class Odd(nn.Module):
    """A model that calls one layer twice, and one never."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c, self.unused = (nn.Linear(8, 8) for _ in range(4))

    def forward(self, input_ids: torch.Tensor, **unused: object) -> torch.Tensor:
        x = torch.ones(1, 8)
        return self.a(x) + self.b(x) + self.c(self.a(x))


def test_a_layer_that_is_called_twice_or_never_is_alone():
    assert sorted(find_siblings(Odd())) == [["a"], ["b"], ["c"], ["unused"]]


def test_a_model_whose_pass_fails_has_no_siblings_and_works_as_before():
    class Broken(Odd):
        def forward(self, **unused: object) -> torch.Tensor:
            self.a(torch.ones(1, 8))
            raise RuntimeError("broken")

    model = Broken()
    assert sorted(find_siblings(model)) == [["a"], ["b"], ["c"], ["unused"]]
    assert model.a(torch.ones(1, 8)).abs().sum() > 0


class Pair(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(8, 3), nn.Linear(8, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat((self.a(x), self.b(x)), -1)


def test_siblings_compute_what_they_did_apart_in_any_order():
    model, x, y = Pair(), torch.randn(4, 8), torch.randn(2, 8)
    expected = [model(x), model(y), model.b(x), model.a(y), model.b(y), model.b(y)]
    both = PlainLinear(torch.cat((model.a.weight, model.b.weight)), torch.cat((model.a.bias, model.b.bias)))
    calls = []
    both.register_forward_hook(lambda *_: calls.append(1))
    install(model, ["a", "b"], both)
    model(x)
    assert len(calls) == 1
    found = [model(x), model(y), model.b(x), model.a(y), model.b(y), model.b(y)]
    assert all(torch.allclose(one, other, atol=1e-6) for one, other in zip(found, expected, strict=True))
