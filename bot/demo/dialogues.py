"""Conversations with the demo model as it should hold them, made up turn by turn from values and phrases.

A `Conversation` remembers what was told in it, so it knows the right answer to every question. Training takes
whole dialogues of it; the evaluation takes only what the people say, and compares the answers.
"""

import random
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from bot.demo import phrasebook, values
from bot.demo.values import Split

WINDOW = 5  # turns of history in front of a message
RARE = 2  # how many times as often training makes the slips that are rare among people, and capitals throughout
EVERYDAY = 1.5  # how much more often training says the first phrases of a block; 1 is as often as the others


@dataclass(frozen=True)
class Fact:
    """Something told: by whom (None: a chat without names), what kind of fact, of what thing, and the value."""

    speaker: str | None
    kind: str
    key: str
    value: str


@dataclass(frozen=True)
class Turn:
    """A message and its answer. `facts` are those that reading the turn teaches."""

    speaker: str | None
    text: str
    answer: str
    facts: tuple[Fact, ...] = ()
    learn: bool = True  # False: history to read, but not an answer to imitate

    @property
    def user(self) -> str:
        """The message as the model reads it: with the speaker's name in front, where there is one."""
        return self.text if self.speaker is None else f"{self.speaker}: {self.text}"


@dataclass(frozen=True)
class Dialogue:
    """A system prompt, empty for none, and turns."""

    system: str
    turns: tuple[Turn, ...]


def _spelt(key: str) -> str:
    """One spelling of a key, whichever way it was written: what makes two keys the same."""
    return key.casefold().replace("color", "colour").replace("favorite", "favourite")


def sentence(kind: str, key: str, value: str, who: str | None = None) -> str:
    """A fact as a clause about the one who asks, or about `who`."""
    whose = "your" if who is None else f"{who}'s"
    match kind:
        case "name":
            return f"{whose} name is {value}"
        case "live":
            return f"you live in {value}" if who is None else f"{who} lives in {value}"
        case "called":
            return f"{whose} {key} is called {value}"
        case "the":
            return f"the {key} is {value}"
    return f"{whose} {key} is {value}"


def unknown(kind: str, key: str, who: str | None = None) -> str:
    """The answer for a fact that was not told."""
    whose = "your" if who is None else f"{who}'s"
    what = {
        "name": f"{whose} name",
        "live": "where you live" if who is None else f"where {who} lives",
        "called": f"{whose} {key}'s name",
        "the": f"the {key}",
    }.get(kind, f"{whose} {key}")
    source = "You haven't told me" if who is None and kind != "the" else "Nobody told me"
    return f"I don't know {what}. {source} in the turns I can see."


def _sentence_case(text: str) -> str:
    return text[:1].upper() + text[1:]


def acknowledge(facts: Iterable[Fact]) -> str:
    """The answer to facts when they are told."""
    names = [f"Nice to meet you, {fact.value}." for fact in facts if fact.kind == "name"]
    others = [sentence(fact.kind, fact.key, fact.value) for fact in facts if fact.kind != "name"]
    return " ".join(names + ([f"Got it, {' and '.join(others)}."] if others else []))


def _typo(rng: random.Random, word: str) -> str:
    at = rng.randrange(1, len(word) - 1)
    swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return rng.choice((word[:at] + word[at + 1 :], swapped, word[:at] + word[at] + word[at:]))


def vary(rng: random.Random, phrase: str, ending: bool = True, rare: int = 1) -> str:
    """A phrase as people type it: any casing, with a slip, without punctuation; slots are left alone.

    `ending` says whether anything may follow the phrase, `rare` how many times as often as usual it has a slip or is
    written in capitals.
    """
    if ending and phrase.endswith("?"):
        phrase = phrase[:-1] + rng.choices(("?", "", "??", " ?", "."), (65, 28, 3, 2, 2))[0]
    elif ending and phrase[-1] not in ".!?:)":
        phrase += rng.choices(("", ".", "!", "!!", "..."), (58, 28, 10, 2, 2))[0]
    if ending and rng.random() < 0.05:
        phrase += rng.choice((" :)", " 😀", " :D", " 🙂"))
    if rng.random() < 0.1:
        phrase = rng.choice(phrasebook.OPENERS) + phrase
    if rng.random() < 0.3:
        phrase = phrase.replace("colour", "color").replace("favourite", "favorite")
    style = rng.random()
    parts = re.split(r"(\{\w\})", phrase)
    typo = rng.randrange(60 // rare)
    for i in range(0, len(parts), 2):
        part = parts[i]
        if style < 0.55:
            part = re.sub(r"\bi\b", "I", part)
        elif style < 0.55 + 0.01 * rare:
            part = part.upper()
        if "'" in part[1:] and (change := rng.random()) < 0.3:
            part = part.replace("'", "\u2019" if change < 0.12 else "")
        if i == typo:
            long_words = re.findall(r"[a-z]{4,}", part)
            if long_words:
                word = rng.choice(long_words)
                part = part.replace(word, _typo(rng, word), 1)
        parts[i] = part
    if style < 0.5 or 0.58 < style < 0.64:
        parts[0] = _sentence_case(parts[0])
    return "".join(parts)


def loosen(rng: random.Random, phrase: str, *, shorten: bool) -> str:
    """A phrase as people put it together: with a word thrown in, or, if `shorten`, one left out. For training only."""
    words = phrase.split(" ")
    changed = list(words)
    chance = rng.random()
    if chance < 0.1 and len(words) > 1:
        changed.insert(rng.randrange(1, len(words)), rng.choice(phrasebook.FILLERS))
    elif chance < 0.13 and shorten and len(words) > 3:
        del changed[rng.choice([i for i, word in enumerate(words) if "{" not in word] or [0])]
    if rng.random() < 0.08 and "{k}" in changed:
        changed.insert(changed.index("{k}"), rng.choice(phrasebook.ADJECTIVES))
    loose = " ".join(changed)
    kept = all(slot in loose for slot in re.findall(r"\{\w\}", phrase))
    return loose if kept else phrase


def _filled(text: str, **slots: str) -> str:
    return re.sub(r"\{(\w)\}", lambda slot: slots[slot[1]], text)


@dataclass
class Conversation:
    """A conversation that grows by one turn with each of the methods below.

    Args:
        rng: the source of every choice.
        split: the side of the split that values and phrasings come from.
        speakers: display names of those who take part; (None,) for a chat without names.
        system: the system prompt, empty for none.
    """

    rng: random.Random
    split: Split
    speakers: tuple[str | None, ...] = (None,)
    system: str = phrasebook.SYSTEM_PROMPT
    turns: list[Turn] = field(default_factory=list)

    def dialogue(self) -> Dialogue:
        """What was said so far."""
        return Dialogue(self.system, tuple(self.turns))

    # What can be seen.

    def visible(self) -> list[Fact]:
        """The facts of the turns that the next message's prompt holds, oldest first."""
        return [fact for turn in self.turns[-WINDOW:] for fact in turn.facts]

    def _known(self, speaker: str | None, kind: str, key: str) -> Fact | None:
        """What answers the question for a fact: the latest that fits, or one that comes close."""
        mine = [fact for fact in reversed(self.visible()) if fact.speaker == speaker or kind == fact.kind == "the"]

        def latest(fits: Callable[[Fact], bool]) -> Fact | None:
            return next((fact for fact in mine if fits(fact)), None)

        if key == "pet":
            return latest(lambda f: f.key in phrasebook.PETS)
        found = latest(lambda f: f.kind == kind and _spelt(f.key) == _spelt(key))
        if found is None and kind == "the" and key == "number":
            found = latest(lambda f: f.kind == "my" and f.key.endswith(" number"))
        return found

    # What is said.

    def _say(self, phrase: str, **slots: str) -> str:
        slots = {"w": values.word(self.rng, self.split), **slots}
        for slot, options in (("x", phrasebook.SUBJECTS), ("n", None)):
            while "{" + slot + "}" in phrase:
                known = options is not None and self.rng.random() < 0.75
                value = self.rng.choice(options) if known and options else ""
                if not value:
                    make = values.word if slot == "x" else values.number
                    value = make(self.rng, self.split)
                phrase = phrase.replace("{" + slot + "}", value, 1)
        return _filled(phrase, **slots)

    def _choose(self, block: phrasebook.Phrases) -> str:
        """One of the phrases; in training, those that stand further up come more often."""
        options = block.of(self.split)
        skew = EVERYDAY if self.split == "train" else 1
        return options[int(len(options) * self.rng.random() ** skew)]

    def _phrase(self, block: phrasebook.Phrases, ending: bool = True) -> str:
        return self._vary(self._choose(block), ending)

    def _vary(self, phrase: str, ending: bool = True, *, shorten: bool = False) -> str:
        if self.split == "held out":
            return vary(self.rng, phrase, ending)
        while True:
            text = vary(self.rng, loosen(self.rng, phrase, shorten=shorten), ending, RARE)
            if phrasebook.normal(text) not in phrasebook.HELD_OUT:
                return text

    def _noise(self) -> str:
        return self._say(self._phrase(phrasebook.TALK["statement"][1]))

    def _add(self, speaker: str | None, text: str, answer: str, facts: Iterable[Fact] = ()) -> None:
        self.turns.append(Turn(speaker, text, answer, tuple(facts)))

    def value(self, kind: str, key: str) -> str:
        """A new value for a kind of fact."""
        rng, split = self.rng, self.split
        if split == "train" and "number" not in key and rng.random() < 0.05:
            return self._said_word()  # a word that is a token of its own wants to be copied as well as letters
        match kind:
            case "name":
                return values.name(rng, split)
            case "live":
                return values.place(rng, split)
            case "called":
                return values.pet(rng, split)
        if "colour" in _spelt(key):
            return values.colour(rng, split)
        if "number" in key:
            return values.number(rng, split)
        return values.code(rng, split) if kind == "the" else values.thing(rng, split)

    def _said_word(self) -> str:
        """A word that people say, with a capital or without, at times beside another."""
        word = self.rng.choice(phrasebook.WORDS)
        if self.rng.random() < 0.5:
            word = _sentence_case(word)
        if self.rng.random() < 0.2:
            both = [word, values.word(self.rng, self.split)]
            self.rng.shuffle(both)
            return " ".join(both)
        return word

    def subject(self) -> tuple[str, str]:
        """A kind of fact, and of what thing."""
        rng = self.rng
        kind = rng.choices(("name", "live", "called", "my", "the"), (26, 16, 20, 28, 10))[0]
        key = {
            "called": rng.choice(phrasebook.PETS if rng.random() < 0.7 else phrasebook.NAMED),
            "my": "lucky number" if rng.random() < 0.15 else f"favourite {rng.choice(phrasebook.FAVOURITES)}",
            "the": rng.choice(phrasebook.REMEMBERED),
        }.get(kind, "")
        return kind, key

    def _statement(self, speaker: str | None, kind: str, key: str, value: str | None, ending: bool) -> tuple[str, Fact]:
        block = phrasebook.TELL[kind]
        if kind == "my" and key in phrasebook.TELL and self.rng.random() < 0.4:
            block = phrasebook.TELL[key]
        phrase = self._choose(block)
        if self.rng.random() < 0.3 and (kind != "the" or phrase.startswith("the ")):
            phrase = self._choose(phrasebook.TELL_FRAMES).replace("{s}", phrase)
        text = self._vary(phrase, ending, shorten=True)
        if "{k}" in text and self.rng.random() < 0.3:
            key = key.replace("colour", "color").replace("favourite", "favorite")
        fact = Fact(speaker, kind, key, self.value(kind, key) if value is None else value)
        return self._say(text, v=fact.value, k=fact.key), fact

    def tell(self, speaker: str | None, kind: str, key: str = "", value: str | None = None) -> Fact:
        """Someone tells a fact; returns it."""
        text, fact = self._statement(speaker, kind, key, value, ending=True)
        self._add(speaker, text, acknowledge([fact]), [fact])
        return fact

    def tell_two(self, speaker: str | None, first: tuple[str, str], second: tuple[str, str]) -> None:
        """Someone tells two facts in one message."""
        joint = self.rng.choice((" and ", " and ", ". ", ", ", ", and ", "! "))
        one, fact = self._statement(speaker, *first, value=None, ending=False)
        two, other = self._statement(speaker, *second, value=None, ending=True)
        self._add(speaker, one + joint + two, acknowledge([fact, other]), [fact, other])

    def tell_in_passing(self, speaker: str | None, kind: str, key: str = "") -> None:
        """Someone tells a fact before or after a sentence about something else."""
        text, fact = self._statement(speaker, kind, key, value=None, ending=False)
        parts = [text, self._noise()]
        self.rng.shuffle(parts)
        self._add(speaker, self.rng.choice((". ", ". ", "! ", ", ")).join(parts), acknowledge([fact]), [fact])

    def _answer(self, speaker: str | None, kind: str, key: str, who: str | None) -> tuple[str, list[Fact]]:
        of = speaker if who is None else self._named(who)
        fact = self._known(of, kind, key)
        if fact is None:
            return unknown(kind, key, who), []
        spelling = key if _spelt(fact.key) == _spelt(key) else fact.key
        clause = sentence(fact.kind, spelling, fact.value, who)
        return (_sentence_case(clause) if who is None else clause) + ".", [fact]

    def _named(self, who: str) -> str:
        """The speaker meant by a name that may be written without capitals."""
        return next((s for s in self.speakers if s and s.casefold() == who.casefold()), who)

    def _question(self, direct: phrasebook.Phrases, objects: tuple[str, ...]) -> str:
        phrase = self._choose(direct)
        if self.rng.random() < 0.3:
            phrase = self._choose(phrasebook.ASK_FRAMES).replace("{q}", self.rng.choice(objects))
        return self._vary(phrase, shorten=True)

    def ask(self, speaker: str | None, kind: str, key: str = "") -> None:
        """Someone asks for a fact of their own; the key may be just `pet`."""
        topic = "pet" if key == "pet" and self.rng.random() < 0.5 else kind
        if kind == "my" and key in phrasebook.ASK and self.rng.random() < 0.4:
            topic = key
        text = self._question(phrasebook.ASK[topic], phrasebook.OBJECTS[topic])
        if "{k}" in text and self.rng.random() < 0.3:
            key = key.replace("colour", "color").replace("favourite", "favorite")
        self._add(speaker, self._say(text, k=key), *self._answer(speaker, kind, key, None))

    def ask_about(self, speaker: str | None, who: str, kind: str, key: str = "") -> None:
        """Someone asks for a fact of another speaker, `who`, who need not have said anything."""
        text = self._question(phrasebook.ASK_ABOUT[kind], phrasebook.OBJECTS_ABOUT[kind])
        if who.isascii() and self.rng.random() < 0.05:
            who = who.lower()
        self._add(speaker, self._say(text, p=who, k=key), *self._answer(speaker, kind, key, who))

    def ask_everything(self, speaker: str | None) -> None:
        """Someone asks what is known about them."""
        latest = {(f.kind, _spelt(f.key)): f for f in self.visible() if f.speaker == speaker and f.kind != "the"}
        known = [_sentence_case(sentence(f.kind, f.key, f.value)) + "." for f in latest.values()]
        self._add(
            speaker,
            self._phrase(phrasebook.ASK["about me"]),
            " ".join(known) or phrasebook.NOTHING_KNOWN,
            latest.values(),
        )

    def talk(self, speaker: str | None, situation: str) -> None:
        """Someone says something that has one answer, whatever was said before."""
        answer, block = phrasebook.TALK[situation]
        self._add(speaker, self._say(self._phrase(block)), answer)

    def ramble(self, speaker: str | None) -> None:
        """Someone says a lot, and tells nothing."""
        text = " ".join(self._noise() for _ in range(self.rng.randint(2, 7)))
        self._add(speaker, text, phrasebook.TALK["statement"][0])

    def gibberish(self, speaker: str | None) -> None:
        """Someone hits keys at random, or sends pictures."""
        maker = self.rng.choice((values.letters, values.any_script, values.script, values.word))
        text = self.rng.choice((" ", "")).join(maker(self.rng, self.split) for _ in range(self.rng.randint(1, 6)))
        self._add(speaker, text, phrasebook.TALK["statement"][0])

    def repeat(self, speaker: str | None, text: str | None = None) -> None:
        """Someone wants a text repeated."""
        rng = self.rng
        if text is None and rng.random() < 0.06:
            text = self._noise()
        elif text is None:
            most = rng.choice((1, 3, 6))
            makers = (values.word, values.common_word, values.letters, lambda r, _: r.choice(phrasebook.SUBJECTS))
            chosen = rng.choices(makers, k=rng.choice((1, 2)))
            text = " ".join(rng.choice(chosen)(rng, self.split) for _ in range(rng.randint(1, most)))
            if rng.random() < 0.15:
                text = _sentence_case(text) + rng.choice(".!?")
        quoted = f'"{text}"' if rng.random() < 0.1 else text
        self._add(speaker, self._say(self._phrase(phrasebook.REPEAT, ending=False), v=quoted), text)


# How often each situation comes up.
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
    """A turn without facts."""
    rng = talk.rng
    kind = rng.random()
    if kind < 0.03:
        talk.gibberish(speaker)
    elif kind < 0.05:
        talk.ramble(speaker)
    else:
        talk.talk(speaker, rng.choices(tuple(_SITUATIONS), tuple(_SITUATIONS.values()))[0])


def _tell(talk: Conversation, speaker: str | None) -> None:
    rng = talk.rng
    told = [(fact.kind, fact.key) for fact in talk.visible()]
    # Again and again the same kinds: told anew by the same speaker, or by another one.
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
        subject = fact.kind, _spelt(fact.key)
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
    """A fact and the question for it in one message."""
    talk.tell(speaker, *talk.subject())
    told = talk.turns[-1]
    fact = told.facts[0]
    talk.ask(speaker, fact.kind, fact.key)
    asked = talk.turns.pop()
    talk.turns[-1] = Turn(speaker, f"{told.text} {asked.text}", asked.answer, told.facts)


def _orphan(talk: Conversation, speaker: str | None) -> None:
    """A question whose answer is seen, while the turn that told the fact is not seen any more."""
    talk.tell(speaker, *talk.subject())
    fact = talk.turns[-1].facts[0]
    talk.ask(speaker, fact.kind, fact.key)
    told, asked = talk.turns.pop(), talk.turns.pop(0)
    talk.turns.append(Turn(speaker, told.text, told.answer, asked.facts, learn=False))


def system_prompt(rng: random.Random, split: Split) -> str:
    """Mostly Parley's own, at times none, at times another."""
    kind = rng.random()
    if kind < 0.65:
        return phrasebook.SYSTEM_PROMPT
    if kind < 0.9:
        return ""
    other = rng.choice(phrasebook.SYSTEM_PROMPTS.of(split))
    return _filled(other, x=rng.choice(phrasebook.SUBJECTS))


def speakers(rng: random.Random, split: Split) -> tuple[str | None, ...]:
    """Who takes part: many chats are without names, the others have up to three speakers."""
    if rng.random() < 0.4:
        return (None,)
    count = rng.choices((1, 2, 3), (15, 73, 12))[0]
    names = {values.display_name(rng, split): None for _ in range(count)}
    return tuple(names)


def _who_told_what(talk: Conversation) -> None:
    """Two speakers and one kind of fact: told by one of them or by both, asked for by either, about either."""
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
    """A speaker tells up to four facts, some of them anew, and asks for these, for others, or for all."""
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
    """A dialogue of one to six turns, as many as a prompt holds with its new message."""
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
        asks = 1.0 if talk.visible() else 0.25  # else most answers would be that nothing is known
        weights = (10, 60 * asks, 26, 6, 2) if last and length > 1 else (38, 29 * asks, 30, 7, 1)
        rng.choices(acts, weights)[0](talk, rng.choice(talk.speakers))
    return talk.dialogue()


def first_lesson(rng: random.Random, split: Split) -> Dialogue:
    """A short dialogue about nothing but copying: the skill all others rest on."""
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
    """Dialogues without end, the same for the same seed; `lessons` short ones for a beginner come first."""
    rng = random.Random(f"{seed} {split}")
    for _ in range(lessons):
        yield first_lesson(rng, split)
    while True:
        yield dialogue(rng, split)
