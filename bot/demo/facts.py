"""What can be told to the demo model, and the sentences in which it answers."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Fact:
    """Something told: by whom (None: a chat without names), what kind of fact, of what thing, and the value."""

    speaker: str | None
    kind: str
    key: str
    value: str


def spelt(key: str) -> str:
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


def acknowledge(facts: Iterable[Fact]) -> str:
    """The answer to facts when they are told."""
    names = [f"Nice to meet you, {fact.value}." for fact in facts if fact.kind == "name"]
    others = [sentence(fact.kind, fact.key, fact.value) for fact in facts if fact.kind != "name"]
    return " ".join(names + ([f"Got it, {' and '.join(others)}."] if others else []))
