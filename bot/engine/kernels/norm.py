"""RMS normalization in four calls, where a model's own code and torch's `rms_norm` take six."""

import torch
from torch import nn

_TOLERANCE = {torch.float32: 1e-6, torch.bfloat16: 1e-2}
# The largest norm of the difference to the model's own output, relative to that.


class RMSNorm(nn.Module):
    """Root mean square layer normalization (Zhang and Sennrich 2019) by `scale`, which is computed from `weight`."""

    def __init__(self, weight: nn.Parameter, scale: torch.Tensor, epsilon: float) -> None:
        super().__init__()
        self.weight = weight
        self._scale = scale.float() * len(scale) ** 0.5
        self._least = torch.tensor((epsilon * len(scale)) ** 0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        norm = torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=torch.float32)
        return x.div(norm.hypot(self._least)).mul_(self._scale).to(x.dtype)


def replace_norms(model: nn.Module) -> None:
    """Replace the model's RMS norms by ours, where these compute the same."""
    for name, module in list(model.named_modules()):
        if "RMSNorm" in type(module).__name__ and (ours := _equal_norm(module)):
            model.set_submodule(name, ours)


def _equal_norm(module: nn.Module) -> RMSNorm | None:
    weight = getattr(module, "weight", None)
    epsilon = getattr(module, "variance_epsilon", getattr(module, "eps", None))
    if weight is None or epsilon is None:
        return None
    rows = torch.randn(4, len(weight), generator=torch.Generator().manual_seed(0)).to(weight.dtype)
    expected = module(rows)
    for scale in (weight.data, 1 + weight.data):  # Gemma's weights are around 0
        ours = RMSNorm(weight, scale, epsilon)
        if (ours(rows) - expected).norm() <= _TOLERANCE[weight.dtype] * expected.norm():
            return ours
    return None
