"""Models of a known shape with random weights, to measure without a download: speed depends on the shape alone.

python -m bot.bench.shapes NAME FOLDER
"""

import sys
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file
from tokenizers import pre_tokenizers

SHAPES = {
    "qwen2-1.5b": {
        "vocab_size": 151936,
        "hidden_size": 1536,
        "intermediate_size": 8960,
        "num_hidden_layers": 28,
        "num_attention_heads": 12,
        "num_key_value_heads": 2,
        "max_position_embeddings": 32768,
        "tie_word_embeddings": True,
    }
}
"""Each shape's arguments for transformers' Qwen2Config."""

_NOISE = 2**20 + 7  # coprime to the widths, so that no two tokens have the same row: equal logits take longer to sample


def make(shape: str, folder: Path) -> None:
    """Save a model in bfloat16, and a tokenizer that knows every byte, and words for the other tokens."""
    config = transformers.Qwen2Config(**SHAPES[shape], architectures=["Qwen2ForCausalLM"])
    with torch.device("meta"):
        model = transformers.Qwen2ForCausalLM(config)
    noise = torch.randn(_NOISE).mul(0.02).bfloat16()
    weights = {
        name: noise.repeat(tensor.numel() // len(noise) + 1)[: tensor.numel()].reshape(tensor.shape).clone()
        for name, tensor in model.state_dict().items()
        if name != "lm_head.weight"
    }
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    config.save_pretrained(folder)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = [*alphabet, *(f"w{number}" for number in range(config.vocab_size - len(alphabet)))]
    vocabulary = {word: number for number, word in enumerate(words)}
    transformers.Qwen2Tokenizer(vocabulary, merges=[]).save_pretrained(folder)


if __name__ == "__main__":
    make(sys.argv[1], Path(sys.argv[2]))
