"""Whether a model can be batched: what its layers cache, and whether our forward pass gives the model's own logits."""

from collections.abc import Sequence

import torch

from bot.engine import ModelError
from bot.engine.kernels.selection import Precision
from bot.engine.local.attention import NAME, Chunk, ForwardBatch, ForwardContext, LayerProbe, Unsupported
from bot.engine.local.kv_cache import KVCache, LayerSpec
from bot.engine.models import CausalLM

_TOLERANCE: dict[Precision, float] = {"float32": 1e-3, "float16": 1e-3, "bfloat16": 0.1, "int8": 0.2}
# The largest relative error between logits that differ by rounding only. With coarse steps, a difference in the last
# bit makes other values round the other way: in SmolLM2-135M it grows to 0.04 in bfloat16 and 0.1 in int8. A wrong mask
# or position causes a larger one: without a mask, at least 0.23 there.


@torch.inference_mode()
def forward(model: CausalLM, tokens: Sequence[int], context: ForwardContext, logits_at: Sequence[int]) -> torch.Tensor:
    """One forward pass over `tokens`; returns the logits (len(logits_at), vocabulary) at these indices of `tokens`."""
    logits: torch.Tensor = model(
        input_ids=torch.tensor([tokens]),
        position_ids=context.positions[None],
        use_cache=False,
        logits_to_keep=torch.tensor(logits_at, dtype=torch.long),
        forward_context=context,
    ).logits[0]
    return logits


def probe(model: CausalLM, length: int, precision: Precision) -> list[LayerSpec]:
    """Switch the model to our attention; returns what each of its layers caches.

    Compares the logits of a few tokens with those of the model's own attention, at positions as far apart as sequences
    of `length` tokens have them. Raises Unsupported where they differ, or where the model's state is not an ordinary KV
    cache; the model then keeps its own attention. Raises ModelError where the model fails even with that.
    """
    own = model.config._attn_implementation
    tokens = [7919 * place % model.config.get_text_config().vocab_size for place in range(12)]
    try:
        with torch.inference_mode():
            expected = model(input_ids=torch.tensor([tokens]), use_cache=False).logits[0]
    except Exception as error:
        raise ModelError(f"The model has been loaded but cannot be run: {error}") from error
    if not expected.isfinite().all():
        raise ModelError(
            "The model's weights are broken: its logits are infinite or not a number. Train or download it again."
        )
    try:
        model.set_attn_implementation(NAME)
        layers = _probe_layers(model)
        _compare(model, layers, length, tokens, expected, _TOLERANCE[precision])
    except Exception as error:
        model.set_attn_implementation(own)
        # A model that is not made for our attention can fail anywhere, with any exception.
        raise Unsupported(str(error)) from error
    return layers


def _probe_layers(model: CausalLM) -> list[LayerSpec]:
    layer_probe = LayerProbe()
    forward(model, [0], layer_probe, [0])
    if sorted(layer_probe.layers) != list(range(model.config.get_text_config().num_hidden_layers)):
        raise Unsupported("it has layers without attention, or attention that cannot be replaced")
    return [layer_probe.layers[layer] for layer in sorted(layer_probe.layers)]


def _compare(
    model: CausalLM,
    layers: Sequence[LayerSpec],
    length: int,
    tokens: Sequence[int],
    expected: torch.Tensor,
    tolerance: float,
) -> None:
    """Run the tokens in chunks, beside a neighbour at the far end of its slot."""
    cache = KVCache(layers, 2, length, model.dtype)
    for tensor in (*cache.keys, *cache.values):
        tensor.zero_()  # the neighbour attends to positions that nothing has been written to
    for start, end in ((0, 7), (7, 11), (11, 12)):
        neighbour = Chunk(1, length - (end - start), end - start)
        batch = ForwardBatch([neighbour, Chunk(0, start, end - start)], cache)
        row = [*reversed(tokens[start:end]), *tokens[start:end]]
        logits = forward(model, row, batch, [len(row) - 1])
        if logits.shape != expected[end - 1 : end].shape:
            raise Unsupported("it does not return the logits that are asked for")
        error = (logits[0].float() - expected[end - 1].float()).norm() / expected[end - 1].float().norm()
        if not error <= tolerance:
            raise Unsupported(f"its logits come out differently (by {error:.2g})")
