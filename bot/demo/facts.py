"""Facts that people tell the demo model, and the sentences in which it answers."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Fact:
    """A fact, as one speaker told it."""

    speaker: str | None  # a display name; None in a chat without names
    kind: str  # name, live, called, my or the: the kinds of `phrasebook.TELL`
    key: str  # what the value belongs to, such as dog or favourite food; empty for a name and for where one lives
    value: str


def spelt(key: str) -> str:
    """The key in lower case and British spelling, so that two spellings of it compare equal."""
    return key.casefold().replace("color", "colour").replace("favorite", "favourite")


def sentence(kind: str, key: str, value: str, who: str | None = None) -> str:
    """The fact as a clause, addressed to the asker or, if `who` is given, about that person."""
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
    """The answer to a question about a fact that was not told."""
    whose = "your" if who is None else f"{who}'s"
    what = {
        "name": f"{whose} name",
        "live": "where you live" if who is None else f"where {who} lives",
        "called": f"{whose} {key}'s name",
        "the": f"the {key}",
    }.get(kind, f"{whose} {key}")
    source = "You haven't told me" if who is None and kind != "the" else "Nobody told me"
    return f"I don't know {what}. {source} in the turns I can see."


def acknowledge(facts: Iterable[Fact]) -> str:
    """The answer to a message that tells facts."""
    names = [f"Nice to meet you, {fact.value}." for fact in facts if fact.kind == "name"]
    others = [sentence(fact.kind, fact.key, fact.value) for fact in facts if fact.kind != "name"]
    return " ".join(names + ([f"Got it, {' and '.join(others)}."] if others else []))
