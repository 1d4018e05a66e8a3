"""A conversation with the demo model, built turn by turn together with the right answers.

A `Conversation` keeps the facts told in it, and so knows the right answer to every question. Training uses whole
conversations; the evaluation uses the messages, and compares the model's answers with the right ones.
"""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from bot.demo import phrasebook, values
from bot.demo.facts import Fact, acknowledge, sentence, spelt, unknown
from bot.demo.values import Split
from bot.demo.variation import american, filled, loosen, sentence_case, vary

WINDOW = 5  # turns of history in the prompt, before the new message
RARE = 2  # training has typos and messages all in capitals this many times as often as the evaluation
EVERYDAY = 1.5  # how strongly training prefers the first phrases of a block; 1 is not at all


@dataclass(frozen=True)
class Turn:
    """A message and its answer."""

    speaker: str | None
    text: str
    answer: str
    facts: tuple[Fact, ...] = ()  # those that the turn tells, or repeats in its answer
    learn: bool = True  # False: the answer is context, but not a target of training

    @property
    def user(self) -> str:
        """The message as the model reads it: after the speaker's name, if there is one."""
        return self.text if self.speaker is None else f"{self.speaker}: {self.text}"


@dataclass(frozen=True)
class Dialogue:
    """A system prompt (empty for none) and the turns."""

    system: str
    turns: tuple[Turn, ...]


@dataclass
class Conversation:
    """A conversation; each of its public methods from `tell` on adds one turn.

    Args:
        rng: the source of every choice.
        split: the side of the split that values and phrases come from.
        speakers: display names of the participants; (None,) for a chat without names.
        system: the system prompt; empty for none.
    """

    rng: random.Random
    split: Split
    speakers: tuple[str | None, ...] = (None,)
    system: str = phrasebook.SYSTEM_PROMPT
    turns: list[Turn] = field(default_factory=list)

    def dialogue(self) -> Dialogue:
        """The conversation so far."""
        return Dialogue(self.system, tuple(self.turns))

    def visible(self) -> list[Fact]:
        """The facts in the turns that the next prompt will include, oldest first."""
        return [fact for turn in self.turns[-WINDOW:] for fact in turn.facts]

    def _known(self, speaker: str | None, kind: str, key: str) -> Fact | None:
        """The fact that answers a question: the latest visible one of this kind and key, else one that comes close."""
        mine = [fact for fact in reversed(self.visible()) if fact.speaker == speaker or kind == fact.kind == "the"]

        def latest(fits: Callable[[Fact], bool]) -> Fact | None:
            return next((fact for fact in mine if fits(fact)), None)

        if key == "pet":
            return latest(lambda f: f.key in phrasebook.PETS)
        found = latest(lambda f: f.kind == kind and spelt(f.key) == spelt(key))
        if found is None and kind == "the" and key == "number":
            found = latest(lambda f: f.kind == "my" and f.key.endswith(" number"))
        return found

    def _say(self, phrase: str, **slots: str) -> str:
        """The phrase with its slots filled, at random where no value is given."""
        slots = {"w": values.word(self.rng, self.split), **slots}
        for slot, options in (("x", phrasebook.SUBJECTS), ("n", None)):
            while "{" + slot + "}" in phrase:
                known = options is not None and self.rng.random() < 0.75
                value = self.rng.choice(options) if known and options else ""
                if not value:
                    make = values.word if slot == "x" else values.number
                    value = make(self.rng, self.split)
                phrase = phrase.replace("{" + slot + "}", value, 1)
        return filled(phrase, **slots)

    def _choose(self, block: phrasebook.Phrases) -> str:
        """A random phrase of the block; training prefers the first ones."""
        options = block.of(self.split)
        skew = EVERYDAY if self.split == "train" else 1
        return options[int(len(options) * self.rng.random() ** skew)]

    def _phrase(self, block: phrasebook.Phrases, ending: bool = True) -> str:
        return self._vary(self._choose(block), ending)

    def _vary(self, phrase: str, ending: bool = True, *, shorten: bool = False) -> str:
        """The phrase as someone types it; in training, never so that it becomes a held-out one."""
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
        """A random value for a fact."""
        rng, split = self.rng, self.split
        if split == "train" and "number" not in key and rng.random() < 0.05:
            return self._said_word()  # the model must copy words that are one token as well as words in letters
        match kind:
            case "name":
                return values.name(rng, split)
            case "live":
                return values.place(rng, split)
            case "called":
                return values.pet(rng, split)
        if "colour" in spelt(key):
            return values.colour(rng, split)
        if "number" in key:
            return values.number(rng, split)
        return values.code(rng, split) if kind == "the" else values.thing(rng, split)

    def _said_word(self) -> str:
        """A word that occurs in the phrases, capitalised or not, at times next to a made-up one."""
        word = self.rng.choice(phrasebook.WORDS)
        if self.rng.random() < 0.5:
            word = sentence_case(word)
        if self.rng.random() < 0.2:
            both = [word, values.word(self.rng, self.split)]
            self.rng.shuffle(both)
            return " ".join(both)
        return word

    def subject(self) -> tuple[str, str]:
        """A random kind and key of a fact."""
        rng = self.rng
        kind = rng.choices(("name", "live", "called", "my", "the"), (26, 16, 20, 28, 10))[0]
        key = {
            "called": rng.choice(phrasebook.PETS if rng.random() < 0.7 else phrasebook.NAMED),
            "my": "lucky number" if rng.random() < 0.15 else f"favourite {rng.choice(phrasebook.FAVOURITES)}",
            "the": rng.choice(phrasebook.REMEMBERED),
        }.get(kind, "")
        return kind, key

    def _statement(self, speaker: str | None, kind: str, key: str, value: str | None, ending: bool) -> tuple[str, Fact]:
        """A sentence that tells a fact, and the fact."""
        block = phrasebook.TELL[kind]
        if kind == "my" and key in phrasebook.TELL and self.rng.random() < 0.4:
            block = phrasebook.TELL[key]
        phrase = self._choose(block)
        if self.rng.random() < 0.3 and (kind != "the" or phrase.startswith("the ")):
            phrase = self._choose(phrasebook.TELL_FRAMES).replace("{s}", phrase)
        text = self._vary(phrase, ending, shorten=True)
        if "{k}" in text and self.rng.random() < 0.3:
            key = american(key)
        fact = Fact(speaker, kind, key, self.value(kind, key) if value is None else value)
        return self._say(text, v=fact.value, k=fact.key), fact

    def tell(self, speaker: str | None, kind: str, key: str = "", value: str | None = None) -> Fact:
        """The speaker tells a fact, which is returned."""
        text, fact = self._statement(speaker, kind, key, value, ending=True)
        self._add(speaker, text, acknowledge([fact]), [fact])
        return fact

    def tell_two(self, speaker: str | None, first: tuple[str, str], second: tuple[str, str]) -> None:
        """The speaker tells two facts in one message."""
        joint = self.rng.choice((" and ", " and ", ". ", ", ", ", and ", "! "))
        one, fact = self._statement(speaker, *first, value=None, ending=False)
        two, other = self._statement(speaker, *second, value=None, ending=True)
        self._add(speaker, one + joint + two, acknowledge([fact, other]), [fact, other])

    def tell_in_passing(self, speaker: str | None, kind: str, key: str = "") -> None:
        """The speaker tells a fact before or after a sentence about something else."""
        text, fact = self._statement(speaker, kind, key, value=None, ending=False)
        parts = [text, self._noise()]
        self.rng.shuffle(parts)
        self._add(speaker, self.rng.choice((". ", ". ", "! ", ", ")).join(parts), acknowledge([fact]), [fact])

    def _answer(self, speaker: str | None, kind: str, key: str, who: str | None) -> tuple[str, list[Fact]]:
        """The right answer to a question of `speaker`, about `who` if given, and the fact it rests on."""
        of = speaker if who is None else self._named(who)
        fact = self._known(of, kind, key)
        if fact is None:
            return unknown(kind, key, who), []
        spelling = key if spelt(fact.key) == spelt(key) else fact.key
        clause = sentence(fact.kind, spelling, fact.value, who)
        return (sentence_case(clause) if who is None else clause) + ".", [fact]

    def _named(self, who: str) -> str:
        """The speaker with this name, whatever its casing."""
        return next((s for s in self.speakers if s and s.casefold() == who.casefold()), who)

    def _question(self, direct: phrasebook.Phrases, objects: tuple[str, ...]) -> str:
        """A direct question, or at times a frame with one of `objects` in it."""
        phrase = self._choose(direct)
        if self.rng.random() < 0.3:
            phrase = self._choose(phrasebook.ASK_FRAMES).replace("{q}", self.rng.choice(objects))
        return self._vary(phrase, shorten=True)

    def ask(self, speaker: str | None, kind: str, key: str = "") -> None:
        """The speaker asks for a fact of their own. The key `pet` stands for any pet."""
        topic = "pet" if key == "pet" and self.rng.random() < 0.5 else kind
        if kind == "my" and key in phrasebook.ASK and self.rng.random() < 0.4:
            topic = key
        text = self._question(phrasebook.ASK[topic], phrasebook.OBJECTS[topic])
        if "{k}" in text and self.rng.random() < 0.3:
            key = american(key)
        self._add(speaker, self._say(text, k=key), *self._answer(speaker, kind, key, None))

    def ask_about(self, speaker: str | None, who: str, kind: str, key: str = "") -> None:
        """The speaker asks for a fact of `who`, who need not take part in the conversation."""
        text = self._question(phrasebook.ASK_ABOUT[kind], phrasebook.OBJECTS_ABOUT[kind])
        if who.isascii() and self.rng.random() < 0.05:
            who = who.lower()
        self._add(speaker, self._say(text, p=who, k=key), *self._answer(speaker, kind, key, who))

    def ask_everything(self, speaker: str | None) -> None:
        """The speaker asks for everything that is known about them."""
        latest = {(f.kind, spelt(f.key)): f for f in self.visible() if f.speaker == speaker and f.kind != "the"}
        known = [sentence_case(sentence(f.kind, f.key, f.value)) + "." for f in latest.values()]
        self._add(
            speaker,
            self._phrase(phrasebook.ASK["about me"]),
            " ".join(known) or phrasebook.NOTHING_KNOWN,
            latest.values(),
        )

    def talk(self, speaker: str | None, situation: str) -> None:
        """The speaker says something that always has the same answer."""
        answer, block = phrasebook.TALK[situation]
        self._add(speaker, self._say(self._phrase(block)), answer)

    def ramble(self, speaker: str | None) -> None:
        """The speaker writes a long message without a fact in it."""
        text = " ".join(self._noise() for _ in range(self.rng.randint(2, 7)))
        self._add(speaker, text, phrasebook.TALK["statement"][0])

    def gibberish(self, speaker: str | None) -> None:
        """The speaker sends random letters or emoji."""
        maker = self.rng.choice((values.letters, values.any_script, values.script, values.word))
        text = self.rng.choice((" ", "")).join(maker(self.rng, self.split) for _ in range(self.rng.randint(1, 6)))
        self._add(speaker, text, phrasebook.TALK["statement"][0])

    def repeat(self, speaker: str | None, text: str | None = None) -> None:
        """The speaker asks for a text to be repeated; a random one by default."""
        rng = self.rng
        if text is None and rng.random() < 0.06:
            text = self._noise()
        elif text is None:
            most = rng.choice((1, 3, 6))
            makers = (values.word, values.common_word, values.letters, lambda r, _: r.choice(phrasebook.SUBJECTS))
            chosen = rng.choices(makers, k=rng.choice((1, 2)))
            text = " ".join(rng.choice(chosen)(rng, self.split) for _ in range(rng.randint(1, most)))
            if rng.random() < 0.15:
                text = sentence_case(text) + rng.choice(".!?")
        quoted = f'"{text}"' if rng.random() < 0.1 else text
        self._add(speaker, self._say(self._phrase(phrasebook.REPEAT, ending=False), v=quoted), text)
