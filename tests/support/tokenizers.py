"""Small real tokenizers of the same kind as Qwen2's, without a download."""

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen2Tokenizer

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
ZEPHYR = (
    "{% for message in messages %}<|{{ message.role }}|>\n{{ message.content }}{{ eos_token }}\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
LLAMA_2 = (
    "{% for message in messages %}"
    "{% if message.role == 'system' %}[INST] <<SYS>>\n{{ message.content }}\n<</SYS>>\n\n"
    "{% elif message.role == 'user' %}"
    "{{ '[INST] ' if loop.first or loop.previtem.role != 'system' }}{{ message.content }} [/INST]"
    "{% else %} {{ message.content }} {{ eos_token }}{% endif %}{% endfor %}"
)
ALPACA = (
    "{% for message in messages %}{% if message.role == 'system' %}{{ message.content }}\n\n"
    "{% elif message.role == 'user' %}### Instruction:\n{{ message.content }}\n\n"
    "{% else %}### Response:\n{{ message.content }}{{ eos_token }}\n\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}### Response:\n{% endif %}"
)
VICUNA = (
    "{% for message in messages %}{% if message.role == 'system' %}{{ message.content }} "
    "{% elif message.role == 'user' %}USER: {{ message.content }} "
    "{% else %}ASSISTANT: {{ message.content }}{{ eos_token }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}ASSISTANT:{% endif %}"
)
TYPED = CHATML.replace("{{ message['content'] }}", "{% for part in message['content'] %}{{ part['text'] }}{% endfor %}")
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


def make_poor_tokenizer(letters: str) -> Qwen2Tokenizer:
    """A tokenizer without a chat template that knows these letters, and makes nothing of all others."""
    return Qwen2Tokenizer({letter: number for number, letter in enumerate(letters)}, merges=[])
