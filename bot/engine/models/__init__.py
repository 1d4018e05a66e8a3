"""Where weights come from: a name → a model in memory, ready to generate.

locate     a model's name → its folder or file, or a sentence that says what is wrong with it (without torch)
hub        models of the Hugging Face hub, downloaded once
loading    prepare and load: the model built and checked first, its weights read afterwards
tokenizer  the tokenizer: whether it belongs to the model, and which tokens end an answer
weights    safetensors → packed layers, one at a time
gguf       GGUF files, read by transformers
digest     a digest of a model's weights
lora       LoRA adapters, merged into their base model
progress   how far a download or the loading is, on standard error
memory     how much memory is available
"""

from typing import Any, TypeAlias

CausalLM: TypeAlias = Any
"""A `transformers` decoder-only model with its language-model head."""
