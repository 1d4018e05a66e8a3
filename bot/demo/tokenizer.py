"""Builds the demo model's tokenizer: tokens for frequent words, single bytes for everything else.

A name is a sequence of single bytes, nearly always the same one wherever it occurs. Copying it is then one step,
repeated, for names in every script. The model's fixed answers are cut into tokens of a few words, which keeps
sequences short.
"""

import re
import string
from collections import Counter
from collections.abc import Iterator

from tokenizers import AddedToken, pre_tokenizers
from transformers import Qwen2Tokenizer

from bot.demo import phrasebook
from bot.demo.conversation import Dialogue
from bot.demo.facts import sentence, unknown

WORDS = 700  # how many frequent words are tokens; the others are spelt in bytes
SHORT = 3  # words of up to so many letters become tokens without the space before them: many names begin with one
OPENINGS = 260  # how many frequent first words of a message are tokens
CAPITALS = frozenset(string.ascii_uppercase) - {"I"}  # a capital begins a name, and names are spelt in bytes
PIECE = 4  # the most words of an answer in one token
SHORTEST = 3  # the fewest
# ChatML. If every message begins with a name, as in "Ann: hello", the user's role is followed by the speaker's number
# in order of appearance: so small a model tells two numbers apart more easily than two names.
CHAT_TEMPLATE = (
    "{% set talk = namespace(named=true, speakers=[]) %}"
    "{% for message in messages %}"
    "{% if message['role'] == 'user' and ': ' not in message['content'] %}{% set talk.named = false %}{% endif %}"
    "{% endfor %}"
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] }}"
    "{% if message['role'] == 'user' and talk.named %}"
    "{% set speaker = message['content'].split(': ')[0] %}"
    "{% if speaker not in talk.speakers %}{% set talk.speakers = talk.speakers + [speaker] %}{% endif %}"
    "{{ ' ' ~ (talk.speakers.index(speaker) + 1) }}"
    "{% endif %}"
    "{{ '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
_WORD = r"/?[A-Za-z][A-Za-z']*[A-Za-z]|\b[AI]\b"


def _answers() -> Iterator[str]:
    """Everything the model says, with | in place of values."""
    yield phrasebook.SYSTEM_PROMPT
    yield phrasebook.NOTHING_KNOWN
    yield from (answer for answer, _ in phrasebook.TALK.values())
    for kind in phrasebook.TELL:
        for who in (None, "|"):
            clause = sentence(kind, "|", "|", who)
            yield from (clause, clause[:1].upper() + clause[1:], unknown(kind, "|", who))
    yield "Nice to meet you, |. Got it, |"


def _pieces() -> Iterator[str]:
    """The answers in pieces of a few words, without punctuation."""
    for answer in _answers():
        for run in re.findall(r"[\w/'-]+(?: [\w/'-]+)*", answer):
            words = run.strip("'").split(" ")
            for i in range(0, len(words), PIECE):
                if len(words[i : i + PIECE]) >= SHORTEST:
                    yield " ".join(words[i : i + PIECE])


def _phrases() -> Iterator[str]:
    """What people say in training; phrases from short lists are repeated, to count as much as those from long ones."""
    yield from (phrase for _, block in phrasebook.TALK.values() for phrase in block.train)
    for group in (phrasebook.TELL, phrasebook.ASK, phrasebook.ASK_ABOUT):
        yield from 4 * [phrase for block in group.values() for phrase in block.train]
    for block in (phrasebook.REPEAT, phrasebook.TELL_FRAMES, phrasebook.ASK_FRAMES):
        yield from 4 * block.train
    for objects in (phrasebook.OBJECTS, phrasebook.OBJECTS_ABOUT):
        yield from 4 * [text for texts in objects.values() for text in texts]
    yield from phrasebook.SYSTEM_PROMPTS.train


def _words() -> Iterator[str]:
    """All words that people and the model say, repeated by their weight."""
    for text in (*5 * list(_answers()), *_phrases()):
        yield from re.findall(_WORD, re.sub(r"\{\w\}", " ", text))
    yield from 9 * (
        *phrasebook.PETS,
        *phrasebook.NAMED,
        *phrasebook.FAVOURITES,
        *phrasebook.REMEMBERED,
        "favorite",
        "color",
        "lucky",
    )


def _first_words() -> Iterator[str]:
    """The first words of phrases, capitalised and not."""
    for text in (*_phrases(), *4 * phrasebook.OPENERS):
        for word in re.findall(rf"^({_WORD})", text):
            yield from (word, word[:1].upper() + word[1:])


def build() -> Qwen2Tokenizer:
    """A `Qwen2Tokenizer` with single bytes as its vocabulary, and words and pieces of answers as added tokens."""
    counts = Counter(word for word in _words() if len(word) > 1 and word[0] not in CAPITALS)
    frequent = sorted(counts, key=lambda word: (-counts[word], word))[:WORDS]
    first = Counter(word for word in _first_words() if len(word) > 1)
    openings = sorted(first, key=lambda word: (-first[word], word))[:OPENINGS]
    pieces = list(_pieces())
    short = [word for word in frequent if len(word) <= SHORT]
    whole = dict.fromkeys(["system", "user", "assistant", "Got", "Sorry", *short, *openings, *pieces])
    spaced = dict.fromkeys(f" {text}" for text in (*pieces, *frequent) if len(text) > SHORT)
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
    tokenizer.add_tokens([AddedToken(text, single_word=True, normalized=False) for text in whole])
    # Not `single_word`: it would refuse these, because the letter before the space belongs to a word too.
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in spaced])
    return tokenizer


def encode(tokenizer: Qwen2Tokenizer, dialogue: Dialogue, reply: bool = False) -> tuple[list[int], list[bool]]:
    """The token ids of a dialogue, formatted as by the chat template.

    Args:
        tokenizer: from `build`, or loaded.
        dialogue: the dialogue.
        reply: whether to stop before the last answer, for the model to generate it.

    Returns:
        The token ids, and for each whether it is a target of training.
    """
    ids: list[int] = []
    learn: list[bool] = []

    def add(text: str, markup: bool, answer: bool = False) -> None:
        # Each part is tokenized alone, so no token spans two parts; special tokens that a user types stay text.
        new = tokenizer(text, split_special_tokens=not markup)["input_ids"]
        ids.extend(new)
        learn.extend([answer] * len(new))

    if dialogue.system:
        add("<|im_start|>system\n", True)
        add(dialogue.system, False)
        add("<|im_end|>\n", True)
    names = [turn.user.split(": ")[0] for turn in dialogue.turns]
    numbers = {name: f" {i}" for i, name in enumerate(dict.fromkeys(names), start=1)}
    named = all(": " in turn.user for turn in dialogue.turns)
    for turn, name in zip(dialogue.turns, names, strict=True):
        add(f"<|im_start|>user{numbers[name] if named else ''}\n", True)
        add(turn.user, False)
        add("<|im_end|>\n<|im_start|>assistant\n", True)
        if reply and turn is dialogue.turns[-1]:
            break
        add(turn.answer, False, turn.learn)
        add("<|im_end|>", True, turn.learn)
        add("\n", True)
    return ids, learn
