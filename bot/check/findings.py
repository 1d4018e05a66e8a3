"""Findings: what a check looked at, how it is, what to do about it, and how all of them are printed.

Each area is checked by itself, whatever is wrong with the others, and yields its findings one by one.
"""

import json
import logging
import sys
import textwrap
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from bot.printable import printable

log = logging.getLogger(__name__)

_FAULT = "This is a fault of Parley's own. With --debug you see where it happened; please report it."


class Mark(Enum):
    """How a thing is; SKIPPED does not apply, or could not be checked because of something else."""

    OK = "✓"
    WRONG = "✗"
    SKIPPED = "\N{EN DASH}"


@dataclass(frozen=True)
class Finding:
    """One thing that was checked: a sentence on how it is, what to do if it is wrong, and text to show below.

    `facts` are for programs, in values that JSON has.
    """

    mark: Mark
    what: str
    todo: str = ""
    shown: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        below = [textwrap.indent(text, "      ") for text in (self.todo, self.shown) if text]
        return "\n".join([f"  {_printable(self.mark)} {self.what}", *below])


Findings = AsyncIterator[Finding]


def _printable(mark: Mark) -> str:
    """The mark, or a word where the encoding of standard output lacks it, as in a file on Windows."""
    try:
        mark.value.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return mark.name
    return mark.value


def ok(what: str, *, shown: str = "", **facts: Any) -> Finding:
    """A thing that is as it should be."""
    return Finding(Mark.OK, what, shown=shown, facts=facts)


def wrong(what: str, todo: str, **facts: Any) -> Finding:
    """A thing that is not, and what to do about it."""
    return Finding(Mark.WRONG, what, todo, facts=facts)


def skipped(what: str, **facts: Any) -> Finding:
    """A thing that was not checked, and why."""
    return Finding(Mark.SKIPPED, what, facts=facts)


async def check(areas: Mapping[str, Findings], *, as_json: bool) -> bool:
    """Check the areas, by name, one after the other, and print the findings; returns whether nothing is wrong.

    Each finding is printed at once, or all of them as one JSON document at the end.
    """
    found: list[tuple[str, Finding]] = []
    for area, findings in areas.items():
        if not as_json:
            print(area.capitalize(), flush=True)
        async for finding in _until_it_fails(findings):
            found.append((area, finding))
            if not as_json:
                print(printable(str(finding)), flush=True)
    all_well = all(finding.mark is not Mark.WRONG for _, finding in found)
    if as_json:
        print(json.dumps({"ok": all_well, "findings": [_as_json(*each) for each in found]}, indent=2))
    return all_well


async def _until_it_fails(findings: Findings) -> Findings:
    """An area's findings; an unexpected error becomes the last of them and ends that area only."""
    try:
        async for finding in findings:
            yield finding
    except Exception as error:
        log.debug("The check has failed.", exc_info=True)
        yield wrong(f"The rest could not be looked at: {error!r}", _FAULT)


def _as_json(area: str, finding: Finding) -> dict[str, Any]:
    texts = {"what": finding.what, "todo": finding.todo, "shown": finding.shown}
    return {
        "area": area,
        "mark": finding.mark.name.lower(),
        **{name: text for name, text in texts.items() if text},
        "facts": dict(finding.facts),
    }


def counted(number: int, noun: str) -> str:
    """A number of things, written for people."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def size(count: float) -> str:
    """A number of bytes, written for people."""
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
