"""Ids and display names leave an example; invented names, stable for each person, take their place."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache

import regex

from bot.engine.prompt import NAMELESS, clean_name
from bot.storage.example import Example
from bot.storage.turns import Person, Turn

# Some scripts put no space between words, and Hangul joins particles to names, so that a name may end anywhere there.
_IN_WORD = regex.compile(
    r"(?V1)[[\p{L}\p{M}\p{N}]--[\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}"
    r"\p{Myanmar}\p{Tibetan}]]"
)
_WORD_OR_EMOJI = regex.compile(r"[\p{L}\p{N}\p{So}]")
_IDS = re.compile(
    r"<(?P<kind>@!?|@&|#|a?:\w+:|/[^:<>]+:)(?P<mentioned>[0-9]{1,20})>"
    r"|(?P<link>(?:https?://)?(?:www\.|ptb\.|canary\.)?discord(?:app)?\.com/channels/[\w@/]+)"
    r"|(?<![0-9])(?P<bare>[0-9]{17,20})(?![0-9])"
)


def without_names(examples: Collection[Example], numbers: Mapping[int, int]) -> Iterator[Example]:
    """The examples with no id and no display name in their texts.

    People are `Person N`, by their `numbers`, and `Somebody` without one. Known are the names of those who asked, and
    of those whom the questions mention or quote, in any example of the same server or direct conversation.
    """
    known: defaultdict[int, dict[Person, None]] = defaultdict(dict)
    for example in examples:
        known[_place(example)].update(dict.fromkeys(_people(example)))
    for example in examples:
        yield _rewritten(example, _Rewriter([*known[_place(example)], *_people(example)], numbers))


def _place(example: Example) -> int:
    """The id of the server, or of the direct conversation, that an example is from."""
    channel = example.turn.channel
    return channel.guild or channel.channel


def _people(example: Example) -> list[Person]:
    """Those whom an example names, in the order in which it does."""
    return [person for turn in example.turns for person in (*(turn.people or ()), Person(turn.asker, turn.asker_name))]


def _rewritten(example: Example, rewrite: "_Rewriter") -> Example:
    def rewritten(turn: Turn) -> Turn:
        name, question, answer = rewrite.invented(turn.asker), rewrite(turn.question), rewrite(turn.answer)
        return replace(turn, asker_name=name, question=question, answer=answer)

    return replace(
        example,
        system=rewrite(example.system),
        turns=tuple(map(rewritten, example.turns)),
        correction=None if example.correction is None else rewrite(example.correction),
    )


class _Rewriter:
    """Rewrites texts in which people are named; of two with the same name, the last one is meant."""

    def __init__(self, people: Iterable[Person], numbers: Mapping[int, int]) -> None:
        self._numbers = numbers
        self._names: dict[int, str] = {}
        self._invented: dict[str, str] = {}  # by what is searched, folded
        for person in people:
            self._names[person.id] = person.name
            for before, searched, after in _searched(person.name):
                self._invented[searched] = before + self.invented(person.id) + after
        self._first = {text[0] for text in self._invented}
        self._lengths = sorted({len(text) for text in self._invented}, reverse=True)

    def invented(self, person: int) -> str:
        """The name that stands for a person."""
        return f"Person {self._numbers[person]}" if person in self._numbers else NAMELESS

    def __call__(self, text: str) -> str:
        """The text without ids and names."""
        text = _IDS.sub(self._without_id, text)
        folded, origin = _fold(text)
        pieces, done, at = [], 0, 0
        while at < len(folded):
            name = self._name_at(folded, at)
            if name:
                pieces += [text[done : origin[at]], self._invented[name]]
                done = origin[at + len(name)]
            at += len(name) or 1
        return "".join([*pieces, text[done:]])

    def _name_at(self, folded: str, at: int) -> str:
        """The longest name that begins at a place in a folded text; empty if none does."""
        if folded[at] in self._first and not _within_word(folded, at):
            for length in self._lengths:
                name = folded[at : at + length]
                if name in self._invented and not _within_word(folded, at + len(name)):
                    return name
        return ""

    def _without_id(self, found: re.Match[str]) -> str:
        """What stands for an id: for that of a person whose name is known, the name, which is rewritten next."""
        if found["link"]:
            return "(link to a message)"
        if found["bare"]:
            return self._names.get(int(found["bare"]), "(id)")
        match found["kind"]:
            case "@" | "@!":
                return f"@{self._names.get(int(found['mentioned']), NAMELESS)}"
            case "@&":
                return "@role"
            case "#":
                return "#channel"
            case kind:
                return kind.removeprefix("a") if kind[0] != "/" else kind.removesuffix(":")


@cache
def _searched(name: str) -> list[tuple[str, str, str]]:
    """What to search for a name, folded, between the texts that are to stay before and after it.

    The name is searched as it is and as the model reads it. One of nothing but punctuation would be found everywhere,
    and so is searched only where Parley itself has put it.
    """
    cleaned = clean_name(name)
    if not cleaned:
        return []
    around = [("", "")] if _WORD_OR_EMOJI.search(cleaned) else [("@", ""), ("", " wrote:")]
    return [
        (before, _folded(before + spelling + after), after)
        for spelling in {name.strip(), cleaned}
        for before, after in around
    ]


def _fold(text: str) -> tuple[str, list[int]]:
    """A text as names are compared, and for each of its characters, and its end, the place in the original.

    Upper and lower case are the same, and so are letters that only look different, such as full-width ones, and any
    stretch of white space. What is invisible is left out.
    """
    folded: list[str] = []
    origin: list[int] = []
    for place, char in enumerate(text):
        for each in _folded_char(char):
            if each != " " or folded[-1:] != [" "]:
                folded.append(each)
                origin.append(place)
    return "".join(folded), [*origin, len(text)]


def _folded(text: str) -> str:
    return _fold(text)[0]


@cache
def _folded_char(char: str) -> str:
    if char.isspace():
        return " "
    if not char.isprintable():
        return ""
    return unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", char).casefold())


def _within_word(text: str, place: int) -> bool:
    """Whether a place in a text is between two characters of one word."""
    return 0 < place < len(text) and _in_word(text[place - 1]) and _in_word(text[place])


@cache
def _in_word(char: str) -> bool:
    return _IN_WORD.match(char) is not None
