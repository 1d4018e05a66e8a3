"""Builds the demo model's tokenizer: whole words for what is said often, single bytes for everything else.

Any name is a row of single letters, the same row wherever it stands, so that copying it is one and the same
step again and again, for names of every script. What the model itself says in one wording comes in pieces of
a few words, which keeps its sequences short.
"""

import re
from collections import Counter
from collections.abc import Iterator

from tokenizers import AddedToken, pre_tokenizers
from transformers import Qwen2Tokenizer

from bot.demo import phrases
from bot.demo.dialogues import Dialogue, sentence, unknown

WORDS = 740  # the most frequent words of the phrases; the rest is spelt
PIECE = 4  # words in a piece of an answer
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
_SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
_WORD = r"/?[A-Za-z][A-Za-z']*[A-Za-z]|\b[AI]\b"


def _answers() -> Iterator[str]:
    """Everything the model says, with a bar for each value."""
    yield phrases.SYSTEM_PROMPT
    yield phrases.NOTHING_KNOWN
    yield from (answer for answer, _ in phrases.TALK.values())
    for kind in phrases.TELL:
        for who in (None, "|"):
            clause = sentence(kind, "|", "|", who)
            yield from (clause, clause[:1].upper() + clause[1:], unknown(kind, "|", who))
    yield "Nice to meet you, |. Got it, |"


def _pieces() -> Iterator[str]:
    """The answers in pieces of a few words, punctuation left out."""
    for answer in _answers():
        for run in re.findall(r"[\w/'-]+(?: [\w/'-]+)*", answer):
            words = run.strip("'").split(" ")
            for i in range(0, len(words), PIECE):
                yield " ".join(words[i : i + PIECE])


def _words() -> Iterator[str]:
    """The words that people say in training, values left out, as often as they weigh."""
    for answer in _answers():
        yield from 5 * re.findall(_WORD, answer)
    blocks = [block for _, block in phrases.TALK.values()]
    for group in (phrases.TELL, phrases.ASK, phrases.ASK_ABOUT):
        blocks += 4 * list(group.values())
    for block in (*blocks, *4 * [phrases.REPEAT], phrases.SYSTEM_PROMPTS):
        for phrase in block.train:
            text = re.sub(r"\{\w\}", " ", phrase)
            yield from re.findall(_WORD, text)
            yield from re.findall(_WORD, text[:1].upper() + text[1:])[:1]
    keys = (*phrases.PETS, *phrases.NAMED, *phrases.FAVOURITES, *phrases.LUCKY, *phrases.OWN, *phrases.REMEMBERED)
    for key in 3 * [*keys, "favorite color", *phrases.SUBJECTS]:
        yield from re.findall(_WORD, key)


def build() -> Qwen2Tokenizer:
    """The tokenizer: Qwen2's own with single bytes, words and pieces added, and Qwen2's chat template."""
    counts = Counter(word for word in _words() if len(word) > 1)
    frequent = sorted(counts, key=lambda word: (-counts[word], word))[:WORDS]
    added = dict.fromkeys(["system", "user", "assistant", *frequent, *(p for p in _pieces() if len(p) > 1)])
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Qwen2Tokenizer(
        vocab={letter: i for i, letter in enumerate(alphabet)},
        merges=[],
        unk_token=None,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        extra_special_tokens=["<|im_start|>"],
        chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
    )
    tokenizer.add_tokens([AddedToken(text, single_word=True, normalized=False) for text in added])
    return tokenizer


def encode(tokenizer: Qwen2Tokenizer, dialogue: Dialogue, reply: bool = False) -> tuple[list[int], list[bool]]:
    """A dialogue as the chat template lays it out.

    Args:
        tokenizer: from `build`, or loaded.
        dialogue: what was said.
        reply: whether the last turn's answer is left open, for the model to give.

    Returns:
        The n token ids, and for each whether it is a part of an answer to imitate.
    """
    ids: list[int] = []
    learn: list[bool] = []

    def add(text: str, markup: bool, answer: bool = False) -> None:
        # Markup and content never share a token, and markup that someone types is just text.
        new = tokenizer(text, split_special_tokens=not markup)["input_ids"]
        ids.extend(new)
        learn.extend([answer] * len(new))

    if dialogue.system:
        add("<|im_start|>system\n", True)
        add(dialogue.system, False)
        add("<|im_end|>\n", True)
    for turn in dialogue.turns:
        add("<|im_start|>user\n", True)
        add(turn.user, False)
        add("<|im_end|>\n<|im_start|>assistant\n", True)
        if reply and turn is dialogue.turns[-1]:
            break
        add(turn.answer, False, turn.learn)
        add("<|im_end|>", True, turn.learn)
        add("\n", True)
    return ids, learn
