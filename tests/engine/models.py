"""Small random models in folders, as a fine-tune leaves them."""

from pathlib import Path

import torch
from transformers import GenerationConfig, Qwen2Config, Qwen2ForCausalLM

from tests.tokenizers import CHATML, make_tokenizer


def save_model(folder: Path, *, template: str | None = CHATML, context: int = 512, endless: bool = False) -> Path:
    """A Qwen2 of two layers with random weights, always the same, and a small tokenizer.

    `endless`: no answer ends by itself, as none of the 50 likeliest tokens is ever an end token.
    """
    tokenizer = make_tokenizer(template=template)
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=context,
        tie_word_embeddings=False,
        initializer_range=0.5,  # large enough that the likeliest token changes from place to place
    )
    model = Qwen2ForCausalLM(config)
    if endless:
        model.lm_head.weight.data[tokenizer.all_special_ids] = 0
    model.generation_config = GenerationConfig(eos_token_id=tokenizer.eos_token_id)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
