"""Small real tokenizers of the same kind as Qwen2's, without a download."""

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_TEXT = [
    "the quick brown fox jumps over the lazy dog",
    "User: hello",
    "Assistant: how are you",
    "system user assistant",
]
_MARKS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


def make_tokenizer(
    *,
    template: str | None = CHATML,
    declared_special: bool = True,
    normalizer: normalizers.Normalizer | None = None,
) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer; `declared_special=False` adds ChatML's marks as ordinary tokens."""
    tokenizer = Tokenizer(models.BPE())
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(_TEXT, trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet))
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, chat_template=template, clean_up_tokenization_spaces=False
    )
    wrapped.add_tokens(_MARKS, special_tokens=declared_special)
    if declared_special:
        wrapped.eos_token = "<|im_end|>"
    return wrapped
