"""Small random models in folders, as fine-tuning saves them."""

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from transformers import GenerationConfig

from bot.engine import ModelError
from bot.engine.models import loading
from tests.support.tokenizers import CHATML, make_tokenizer

TOKENS = torch.tensor([[5, 7, 11, 13]])
_SMALL = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "initializer_range": 0.5,  # large enough that the likeliest token varies
    "pad_token_id": None,
}
ARCHITECTURES: dict[str, tuple[str, dict[str, Any]]] = {
    "qwen2": ("Qwen2", {"tie_word_embeddings": False}),
    "qwen3": ("Qwen3", {"head_dim": 16, "tie_word_embeddings": True}),
    "llama": ("Llama", {"attention_bias": True}),
    "mistral": ("Mistral", {"sliding_window": 24}),
    "gemma": ("Gemma", {"head_dim": 16, "num_key_value_heads": 1}),
    # Its logits are capped, so with large weights several tokens would tie.
    "gemma2": ("Gemma2", {"head_dim": 16, "sliding_window": 24, "query_pre_attn_scalar": 16, "initializer_range": 0.1}),
    "gemma3": ("Gemma3", {"head_dim": 16, "sliding_window": 24, "query_pre_attn_scalar": 16}),
    "phi3": ("Phi3", {}),
    "mamba": ("Mamba", {"state_size": 4}),  # has no keys and values at all
}
"""Kinds of model: the name of their class, and what they need beside the small sizes."""


def save_model(
    folder: Path,
    architecture: str = "qwen2",
    *,
    template: str | None = CHATML,
    context: int = 512,
    endless: bool = False,
    declared_special: bool = True,
    **options: Any,
) -> Path:
    """A model of two layers with the same random weights every time, and a small tokenizer.

    `endless`: no answer ends by itself, as an end token is never among the 50 likeliest. Further `options` go into
    the model's configuration.
    """
    tokenizer = make_tokenizer(template=template, declared_special=declared_special)
    torch.manual_seed(0)
    name, needs = ARCHITECTURES[architecture]
    model_class = getattr(transformers, f"{name}ForCausalLM")
    config = model_class.config_class(
        **{**_SMALL, "vocab_size": len(tokenizer), "max_position_embeddings": context, **needs, **options}
    )
    model = model_class(config)
    if endless:
        model.lm_head.weight.data[tokenizer.all_special_ids] = 0
    model.generation_config = GenerationConfig(eos_token_id=tokenizer.eos_token_id)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def logits(loaded: loading.LoadedModel) -> torch.Tensor:
    """The logits of `TOKENS`."""
    with torch.inference_mode():
        return loaded.model(input_ids=TOKENS, use_cache=False).logits


def refusal(name: Path | str, **options: Any) -> str:
    """The sentence with which a model is refused: one line that names it."""
    with pytest.raises(ModelError) as refused:
        loading.load(str(name), **options)
    sentence = str(refused.value)
    assert "\n" not in sentence
    assert str(name) in sentence
    return sentence
