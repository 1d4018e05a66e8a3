"""Find out whether a model can be batched: what its layers keep, and whether our passes compute what its own do."""

from collections.abc import Sequence

import torch

from bot.engine import ModelError
from bot.engine.local.attention import NAME, Pass, Probe, Reading, Span, Unsupported
from bot.engine.local.kv_cache import KVCache, Layer
from bot.engine.models.loading import CausalLM

_TOLERANCE = {torch.float32: 1e-3, torch.bfloat16: 0.05}
# How far two ways to the same logits may lie apart by rounding, relative to the logits themselves. A wrong mask,
# position or scale puts them much farther apart.


@torch.inference_mode()
def forward(model: CausalLM, tokens: Sequence[int], reading: Pass, wanted: Sequence[int]) -> torch.Tensor:
    """One pass of the model over `tokens`; returns the logits (len(wanted), vocabulary) behind the `wanted` ones."""
    logits: torch.Tensor = model(
        input_ids=torch.tensor([tokens]),
        position_ids=reading.positions[None],
        use_cache=False,
        logits_to_keep=torch.tensor(wanted, dtype=torch.long),
        reading=reading,
    ).logits[0]
    return logits


def probe(model: CausalLM, length: int) -> list[Layer]:
    """Switch the model to our attention; returns what each of its layers must keep of a token.

    It reads a few tokens in its own way and in ours, as far apart as sequences of `length` tokens go. Raises
    Unsupported where that is not the same, or the model's state is no ordinary KV cache; then it is left as it was.
    Raises ModelError where it does not even work in its own way.
    """
    own = model.config._attn_implementation
    tokens = [7919 * place % model.config.get_text_config().vocab_size for place in range(12)]
    try:
        with torch.inference_mode():
            expected = model(input_ids=torch.tensor([tokens]), use_cache=False).logits[0]
    except Exception as error:
        raise ModelError(f"The model has been loaded but cannot be run: {error}") from error
    if not expected.isfinite().all():
        raise ModelError("The model's weights are broken: what it computes are no numbers. Train or download it again.")
    try:
        model.set_attn_implementation(NAME)
        layers = _layers(model)
        _compare(model, layers, length, tokens, expected)
    except Exception as error:
        model.set_attn_implementation(own)
        # A model that our way does not suit may fail in it anywhere and anyhow.
        raise Unsupported(str(error)) from error
    return layers


def _layers(model: CausalLM) -> list[Layer]:
    looking = Probe()
    forward(model, [0], looking, [0])
    if sorted(looking.layers) != list(range(model.config.get_text_config().num_hidden_layers)):
        raise Unsupported("it has layers without attention, or attention that cannot be replaced")
    return [looking.layers[layer] for layer in sorted(looking.layers)]


def _compare(
    model: CausalLM, layers: Sequence[Layer], length: int, tokens: Sequence[int], expected: torch.Tensor
) -> None:
    """Read the tokens in chunks, beside a neighbour at the far end of its slot."""
    cache = KVCache(layers, 2, length, model.dtype)
    for start, end in ((0, 7), (7, 11), (11, 12)):
        far = Span(1, length - (end - start), end - start)
        reading = Reading([far, Span(0, start, end - start)], cache)
        row = [*reversed(tokens[start:end]), *tokens[start:end]]
        logits = forward(model, row, reading, [len(row) - 1])
        if logits.shape != expected[end - 1 : end].shape:
            raise Unsupported("it does not give the logits that it is asked for")
        apart = (logits[0].float() - expected[end - 1].float()).norm() / expected[end - 1].float().norm()
        if not apart <= _TOLERANCE[model.dtype]:
            raise Unsupported(f"its logits come out differently (by {apart:.2g})")
