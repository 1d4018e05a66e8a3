"""Measures the demo model: `python -m bot.demo.evaluate`.

The model holds chats of several turns, with values and phrases that training never saw. Its prompts include the last
five turns, with its own answers. An answer is right only if it is word for word the expected one: a wrong letter in
a name, another speaker's value and a value from a turn outside the window all count as wrong.
"""

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from bot.demo import MODEL, phrasebook, tokenizer, values
from bot.demo.conversation import WINDOW, Conversation, Dialogue, Turn
from bot.demo.dialogues import speakers, system_prompt

SEED = 7
BATCH = 64
LONGEST_ANSWER = 160  # tokens

_OTHERS = ("greet", "how are you", "thanks", "identity", "install", "help", "/clear", "memory")
_KINDS = (
    ("name", ""),
    ("live", ""),
    ("called", "dog"),
    ("called", "sister"),
    ("my", "favourite colour"),
    ("my", "favourite food"),
    ("my", "lucky number"),
    ("the", "number"),
    ("the", "code"),
)


def _chat(rng: random.Random, people: Sequence[str | None] | None = None) -> Conversation:
    who = speakers(rng, "held out") if people is None else tuple(people)
    return Conversation(rng, "held out", who, system_prompt(rng, "held out"))


def _between(chat: Conversation, turns: int) -> None:
    """Adds turns about other things, by any speaker."""
    for _ in range(turns):
        speaker = chat.rng.choice(chat.speakers)
        if chat.rng.random() < 0.2:
            chat.repeat(speaker)
        else:
            chat.talk(speaker, chat.rng.choice((*_OTHERS, "refuse", "statement")))


def _situation(name: str) -> Callable[[random.Random], Conversation]:
    def scenario(rng: random.Random) -> Conversation:
        chat = _chat(rng)
        _between(chat, rng.randint(0, 2))
        chat.talk(chat.speakers[0], name)
        return chat

    return scenario


def _told(between: int, *kinds: tuple[str, str]) -> Callable[[random.Random], Conversation]:
    def scenario(rng: random.Random) -> Conversation:
        chat = _chat(rng)
        speaker = rng.choice(chat.speakers)
        kind, key = rng.choice(kinds)
        chat.tell(speaker, kind, key)
        _between(chat, between)
        chat.ask(speaker, kind, key)
        return chat

    return scenario


def _named(make: Callable[[random.Random, values.Split], str]) -> Callable[[random.Random], Conversation]:
    def scenario(rng: random.Random) -> Conversation:
        chat = _chat(rng)
        speaker = rng.choice(chat.speakers)
        chat.tell(speaker, "name", value=make(rng, "held out"))
        _between(chat, rng.randint(0, 3))
        chat.ask(speaker, "name")
        return chat

    return scenario


def _pet(rng: random.Random) -> Conversation:
    chat = _chat(rng)
    speaker = rng.choice(chat.speakers)
    chat.tell(speaker, "called", rng.choice(phrasebook.PETS))
    _between(chat, rng.randint(0, 3))
    chat.ask(speaker, "called", "pet")
    return chat


def _two_at_once(rng: random.Random) -> Conversation:
    chat = _chat(rng)
    speaker = rng.choice(chat.speakers)
    first, second = rng.sample(_KINDS[:3], 2)
    chat.tell_two(speaker, first, second)
    _between(chat, rng.randint(0, 3))
    chat.ask(speaker, *rng.choice((first, second)))
    return chat


def _correction(rng: random.Random) -> Conversation:
    chat = _chat(rng)
    speaker = rng.choice(chat.speakers)
    kind, key = rng.choice(_KINDS)
    chat.tell(speaker, kind, key)
    _between(chat, rng.randint(0, 1))
    chat.tell(speaker, kind, key)
    _between(chat, rng.randint(0, 2))
    chat.ask(speaker, kind, key)
    return chat


def _pair(rng: random.Random) -> tuple[Conversation, str, str]:
    one = values.display_name(rng, "held out")
    while (other := values.display_name(rng, "held out")).casefold() == one.casefold():
        pass
    return _chat(rng, (one, other)), one, other


def _both_told(rng: random.Random) -> Conversation:
    chat, one, other = _pair(rng)
    kind, key = rng.choice(_KINDS[:7])
    chat.tell(one, kind, key)
    _between(chat, rng.randint(0, 1))
    chat.tell(other, kind, key)
    _between(chat, rng.randint(0, 2))
    chat.ask(rng.choice((one, other)), kind, key)
    return chat


def _only_other_told(rng: random.Random) -> Conversation:
    chat, one, other = _pair(rng)
    kind, key = rng.choice(_KINDS[:7])
    chat.tell(one, kind, key)
    _between(chat, rng.randint(0, 3))
    chat.ask(other, kind, key)
    return chat


def _about_other(rng: random.Random) -> Conversation:
    chat, one, other = _pair(rng)
    kind, key = rng.choice(_KINDS[:7])
    chat.tell(one, kind, key)
    if rng.random() < 0.5:
        chat.tell(other, kind, key)
    _between(chat, rng.randint(0, 2))
    chat.ask_about(other, one, kind, key)
    return chat


def _not_told(rng: random.Random) -> Conversation:
    chat = _chat(rng)
    speaker = rng.choice(chat.speakers)
    told, asked = rng.sample(_KINDS, 2)
    if rng.random() < 0.6:
        chat.tell(speaker, *told)
    _between(chat, rng.randint(0, 3))
    chat.ask(speaker, *asked)
    return chat


def _display_name_only(rng: random.Random) -> Conversation:
    chat = _chat(rng, [values.display_name(rng, "held out")])
    _between(chat, rng.randint(0, 3))
    chat.ask(chat.speakers[0], "name")
    return chat


def _everything(rng: random.Random) -> Conversation:
    chat = _chat(rng)
    speaker = rng.choice(chat.speakers)
    for kind, key in rng.sample(_KINDS[:7], rng.randint(0, 2)):
        chat.tell(speaker, kind, key)
    chat.ask_everything(speaker)
    return chat


def _repeat(rng: random.Random) -> Conversation:
    chat = _chat(rng)
    _between(chat, rng.randint(0, 2))
    chat.repeat(rng.choice(chat.speakers))
    return chat


ABILITIES: dict[str, Callable[[random.Random], Conversation]] = {
    **{f"says the right thing: {name}": _situation(name) for name in phrasebook.TALK},
    **{f"told, asked at once: {key or kind}": _told(0, (kind, key)) for kind, key in _KINDS},
    "told, asked at once: the pet": _pet,
    **{f"told, asked after {n} other turns": _told(n, *_KINDS) for n in range(1, WINDOW)},
    "forgotten after 5 other turns": _told(WINDOW, *_KINDS),
    "forgotten after 7 other turns": _told(WINDOW + 2, *_KINDS),
    "two facts in one message": _two_at_once,
    "the latest value counts": _correction,
    "two speakers told, own value": _both_told,
    "only the other speaker told": _only_other_told,
    "the other speaker's value": _about_other,
    "not told": _not_told,
    "a display name is not a told name": _display_name_only,
    "all that is known": _everything,
    "a name of random letters": _named(values.letters),
    "a real first name": _named(values.first_name),
    "a name of two words": _named(values.two_words),
    "a name beyond ASCII": _named(values.any_script),
    "a name with digits": _named(values.handle),
    "repeats a text": _repeat,
}


def conversations(each: int, seed: int = SEED) -> list[tuple[str, Conversation]]:
    """`each` chats for every ability; the last turn is the one to judge."""
    rng = random.Random(seed)
    return [(ability, make(rng)) for ability, make in ABILITIES.items() for _ in range(each)]


@torch.inference_mode()
def replies(
    model: PreTrainedModel, tokens: PreTrainedTokenizerBase, dialogues: Sequence[Dialogue], sample: bool
) -> list[str]:
    """The model's answers to the last turns of dialogues."""
    prompts = [tokenizer.encode(tokens, dialogue, reply=True)[0] for dialogue in dialogues]
    answers = [""] * len(prompts)
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    for group in (order[at : at + BATCH] for at in range(0, len(order), BATCH)):
        longest = max(len(prompts[i]) for i in group)
        gaps = [longest - len(prompts[i]) for i in group]
        ids = torch.tensor([[tokens.pad_token_id] * gap + prompts[i] for gap, i in zip(gaps, group, strict=True)])
        seen = torch.tensor([[0] * gap + [1] * (longest - gap) for gap in gaps])
        greedy = {} if sample else {"temperature": None, "top_p": None, "top_k": None}
        made = model.generate(
            input_ids=ids, attention_mask=seen, do_sample=sample, max_new_tokens=LONGEST_ANSWER, **greedy
        )
        for i, text in zip(group, tokens.batch_decode(made[:, longest:], skip_special_tokens=True), strict=True):
            answers[i] = text
    return answers


def hold(
    model: PreTrainedModel, tokens: PreTrainedTokenizerBase, chats: Sequence[Conversation], sample: bool
) -> list[list[str]]:
    """The model's answers in each chat. It reads its own earlier answers, in a window of five turns."""
    held: list[list[Turn]] = [[] for _ in chats]
    for at in range(max(len(chat.turns) for chat in chats)):
        going = [i for i, chat in enumerate(chats) if at < len(chat.turns)]
        asked = [Dialogue(chats[i].system, (*held[i][-WINDOW:], chats[i].turns[at])) for i in going]
        for i, answer in zip(going, replies(model, tokens, asked, sample), strict=True):
            turn = chats[i].turns[at]
            held[i].append(Turn(turn.speaker, turn.text, answer))
    return [[turn.answer for turn in turns] for turns in held]


def is_right(ability: str, expected: str, answer: str) -> bool:
    """Whether an answer is the expected one; the two that say the model can't help are interchangeable."""
    beyond = [phrasebook.TALK[situation][0] for situation in ("refuse", "statement")]
    return answer == expected or (expected in beyond and answer in beyond)


def main(folder: Path = MODEL, each: int = 10) -> None:
    """Prints how many answers of the model in `folder` are right, for each ability; computes in float32."""
    torch.manual_seed(SEED)
    torch.set_num_threads(2)
    tokens = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    named = conversations(each)
    right = {ability: [0, 0] for ability in ABILITIES}
    for column, how in enumerate(("greedy", "sampled")):
        print(f"Holding {len(named)} unseen chats, {how} ...", flush=True)
        held = hold(model, tokens, [chat for _, chat in named], sample=how == "sampled")
        for (ability, chat), answers in zip(named, held, strict=True):
            right[ability][column] += is_right(ability, chat.turns[-1].answer, answers[-1])
    width = max(map(len, ABILITIES))
    print(f"\n{f'right of {each}':{width}}  greedy  sampled")
    for ability, counts in right.items():
        print(f"{ability:{width}}  {counts[0]:6}  {counts[1]:7}")
    greedy, sampled = (sum(column) / len(named) for column in zip(*right.values(), strict=True))
    print(f"{f'of all {len(named)}':{width}}  {greedy:6.1%}  {sampled:7.1%}")


if __name__ == "__main__":
    main()
