"""RMS norms are replaced only by what computes the same."""

import pytest
import torch
from torch import nn
from transformers.models.gemma.modeling_gemma import GemmaRMSNorm
from transformers.models.qwen2.modeling_qwen2 import Qwen2RMSNorm

from bot.engine.kernels.norm import RMSNorm, replace_norms


class OddRMSNorm(Qwen2RMSNorm):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) + 0.01


def model_with(norm: nn.Module) -> nn.Module:
    nn.init.normal_(norm.weight)
    return nn.Sequential(norm)


@pytest.mark.parametrize("kind", [Qwen2RMSNorm, GemmaRMSNorm])
def test_a_norm_is_replaced_by_an_equal_one(kind):
    model, x = model_with(kind(64)), torch.randn(3, 64)
    expected = model(x)
    replace_norms(model)
    assert isinstance(model[0], RMSNorm)
    assert torch.allclose(model(x), expected, atol=1e-5)


def test_an_odd_norm_stays():
    model = model_with(OddRMSNorm(64))
    replace_norms(model)
    assert isinstance(model[0], OddRMSNorm)
