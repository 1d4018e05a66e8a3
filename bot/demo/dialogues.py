"""Endless random dialogues to train the demo model on.

Functions that take a `Conversation` add turns to it.
"""

import random
from collections.abc import Iterator

from bot.demo import phrasebook, values
from bot.demo.conversation import WINDOW, Conversation, Dialogue, Turn
from bot.demo.facts import spelt
from bot.demo.values import Split
from bot.demo.variation import filled

# The relative frequency of each situation of `phrasebook.TALK`.
_SITUATIONS = {
    "greet": 9,
    "how are you": 7,
    "thanks": 8,
    "bye": 6,
    "fine": 9,
    "blame": 5,
    "identity": 8,
    "install": 6,
    "help": 13,
    "/ask": 3,
    "/clear": 7,
    "/quit": 4,
    "memory": 7,
    "storage": 6,
    "refuse": 24,
    "statement": 22,
}


def _chatter(talk: Conversation, speaker: str | None) -> None:
    """Adds a turn without facts."""
    rng = talk.rng
    kind = rng.random()
    if kind < 0.03:
        talk.gibberish(speaker)
    elif kind < 0.05:
        talk.ramble(speaker)
    else:
        talk.talk(speaker, rng.choices(tuple(_SITUATIONS), tuple(_SITUATIONS.values()))[0])


def _tell(talk: Conversation, speaker: str | None) -> None:
    """Adds a turn that tells one fact or two."""
    rng = talk.rng
    told = [(fact.kind, fact.key) for fact in talk.visible()]
    # Often a fact that was told before, so that the same or another speaker gives it another value.
    subject = rng.choice(told) if told and rng.random() < 0.4 else talk.subject()
    style = rng.random()
    if style < 0.11:
        other = talk.subject()
        if other[0] != subject[0]:
            talk.tell_two(speaker, subject, other)
            return
    if style < 0.17:
        talk.tell_in_passing(speaker, *subject)
        return
    talk.tell(speaker, *subject)
    if rng.random() < 0.05:
        turn = talk.turns[-1]
        talk.turns[-1] = Turn(speaker, turn.text, rng.choice(phrasebook.PLAIN_REPLIES), turn.facts, learn=False)


def _ask(talk: Conversation, speaker: str | None) -> None:
    """Adds a question, mostly for a fact that was told."""
    rng = talk.rng
    told = talk.visible()
    own = [fact for fact in told if fact.speaker == speaker]
    others = [fact for fact in told if fact.speaker != speaker]
    choice = rng.random()
    if choice < 0.06:
        talk.ask_everything(speaker)
        return
    subject = talk.subject()
    pool = own if own and (choice < 0.6 or not others) else others
    if pool and choice < 0.82:
        fact = rng.choice(pool)
        subject = fact.kind, spelt(fact.key)
        if fact.key in phrasebook.PETS:
            subject = "called", rng.choice((fact.key, fact.key, "pet"))
        elif fact.kind == "my" and fact.key.endswith(" number") and rng.random() < 0.2:
            subject = "the", "number"
    elif subject[1] in phrasebook.PETS:
        subject = "called", rng.choice((subject[1], "pet"))
    named = [who for who in talk.speakers if who and who != speaker]
    if subject[0] in phrasebook.ASK_ABOUT and rng.random() < (0.05 if speaker is None else 0.25):
        stranger = not named or rng.random() < 0.1
        who = values.display_name(rng, talk.split) if stranger else rng.choice(named)
        talk.ask_about(speaker, who, *subject)
    else:
        talk.ask(speaker, *subject)


def _tell_and_ask(talk: Conversation, speaker: str | None) -> None:
    """Adds a message that both tells a fact and asks for it."""
    talk.tell(speaker, *talk.subject())
    told = talk.turns[-1]
    fact = told.facts[0]
    talk.ask(speaker, fact.kind, fact.key)
    asked = talk.turns.pop()
    talk.turns[-1] = Turn(speaker, f"{told.text} {asked.text}", asked.answer, told.facts)


def _orphan(talk: Conversation, speaker: str | None) -> None:
    """Adds a turn whose answer states a fact, while the turn that told the fact has left the window."""
    talk.tell(speaker, *talk.subject())
    fact = talk.turns[-1].facts[0]
    talk.ask(speaker, fact.kind, fact.key)
    asked, told = talk.turns.pop(), talk.turns.pop()
    talk.turns.append(Turn(speaker, asked.text, asked.answer, told.facts, learn=False))


def system_prompt(rng: random.Random, split: Split) -> str:
    """A system prompt: mostly Parley's own, at times none, at times another one."""
    kind = rng.random()
    if kind < 0.65:
        return phrasebook.SYSTEM_PROMPT
    if kind < 0.9:
        return ""
    other = rng.choice(phrasebook.SYSTEM_PROMPTS.of(split))
    return filled(other, x=rng.choice(phrasebook.SUBJECTS))


def speakers(rng: random.Random, split: Split) -> tuple[str | None, ...]:
    """The participants: none with a name in 40 % of chats, otherwise up to three."""
    if rng.random() < 0.4:
        return (None,)
    count = rng.choices((1, 2, 3), (15, 73, 12))[0]
    names = {values.display_name(rng, split): None for _ in range(count)}
    return tuple(names)


def _who_told_what(talk: Conversation) -> None:
    """Two speakers and one kind of fact: one or both tell it, and either asks for their own or the other's."""
    rng = talk.rng
    kind, key = talk.subject()
    while kind == "the":
        kind, key = talk.subject()
    one, other = talk.speakers
    tellers = rng.choice(((one,), (one, other), (other, one)))
    for speaker in tellers:
        talk.tell(speaker, kind, key)
        if rng.random() < 0.15:
            _chatter(talk, rng.choice(talk.speakers))
    for _ in range(rng.randint(1, WINDOW + 1 - len(talk.turns))):
        asker, about = rng.choice(((one, other), (other, one)))
        if about is not None and rng.random() < 0.35:
            talk.ask_about(asker, about, kind, key)
        else:
            talk.ask(asker, kind, key)


def _told_and_asked(talk: Conversation) -> None:
    """One speaker tells up to four facts, at times one with two values, then asks for these, others, or all."""
    rng = talk.rng
    speaker = rng.choice(talk.speakers)
    subjects = [talk.subject() for _ in range(rng.randint(1, 3))]
    if rng.random() < 0.55:
        subjects.append(rng.choice(subjects))
    for subject in subjects:
        talk.tell(speaker, *subject)
    for _ in range(rng.randint(1, WINDOW + 1 - len(talk.turns))):
        choice = rng.random()
        if choice < 0.15:
            _chatter(talk, rng.choice(talk.speakers))
        elif choice < 0.45:
            talk.ask_everything(speaker)
        else:
            talk.ask(speaker, *(rng.choice(subjects) if choice < 0.8 else talk.subject()))


def dialogue(rng: random.Random, split: Split) -> Dialogue:
    """A dialogue of one to six turns; a prompt holds five and the new message."""
    talk = Conversation(rng, split, speakers(rng, split), system_prompt(rng, split))
    if len(talk.speakers) == 2 and rng.random() < 0.7:
        _who_told_what(talk)
        return talk.dialogue()
    if rng.random() < 0.25:
        _told_and_asked(talk)
        return talk.dialogue()
    acts = (_tell, _ask, _chatter, Conversation.repeat, _tell_and_ask)
    length = rng.choices(range(1, WINDOW + 2), (4, 4, 4, 4, 4, 6))[0]
    if length > 1 and rng.random() < 0.06:
        _orphan(talk, rng.choice(talk.speakers))
    while len(talk.turns) < length:
        last = len(talk.turns) == length - 1
        asks = 1.0 if talk.visible() else 0.25  # or most answers would be "I don't know"
        weights = (10, 60 * asks, 26, 6, 2) if last and length > 1 else (38, 29 * asks, 30, 7, 1)
        rng.choices(acts, weights)[0](talk, rng.choice(talk.speakers))
    return talk.dialogue()


def first_lesson(rng: random.Random, split: Split) -> Dialogue:
    """A short dialogue that practises copying, the skill that all others rest on."""
    talk = Conversation(rng, split, speakers(rng, split), system_prompt(rng, split))
    speaker = rng.choice(talk.speakers)
    if rng.random() < 0.6:
        talk.repeat(speaker)
        return talk.dialogue()
    kind, key = talk.subject()
    talk.tell(speaker, kind, key)
    if rng.random() < 0.5:
        talk.ask(speaker, kind, key)
    return talk.dialogue()


def dialogues(seed: int, split: Split, lessons: int = 0) -> Iterator[Dialogue]:
    """Endless dialogues, the same for the same seed. The first `lessons` are short ones about copying."""
    rng = random.Random(f"{seed} {split}")
    for _ in range(lessons):
        yield first_lesson(rng, split)
    while True:
        yield dialogue(rng, split)
