"""Splits a long text into messages of at most 2000 characters, where it hurts least. Pure functions."""

from collections.abc import Iterator
from dataclasses import dataclass

import regex

LIMIT = 2000
"""The longest message, in code points, as Discord counts."""

_CLOSING = "\n```"
_LONGEST_FENCE = 40
_CODE_BLOCK = regex.compile(
    r"^ {0,3}(?P<fence>```[^`\n]*)\n(?P<code>[\s\S]*?)(?:^ {0,3}```[^\S\n]*$|\z)", regex.MULTILINE
)
# A code span, a link with its text, an address, a mention or custom emoji. One that reaches the end of the window may
# go on behind it.
_UNBREAKABLE = regex.compile(
    r"(?<!`)(?P<ticks>`+)(?!`)(?:(?!\n\s*\n)[\s\S])*?(?:(?<!`)(?P=ticks)(?!`)|\z)"
    r"|\[[^\[\]\n]*(?:\](?:\([^()\s]*(?:\)|\z)|\z)|\z)"
    r"|https?://\S+"
    r"|<[@#:a][^<>\s]*(?:>|\z)"
)
_PARAGRAPH, _LINE = regex.compile(r"\n[^\S\n]*\n\s*"), regex.compile(r"\n")
# What people see as one character. For a flag, which is two letters, \X alone would look at all the flags before it.
_CHARACTER = regex.compile(r"\p{RI}{2}[\p{GCB=Extend}\p{GCB=ZWJ}\p{GCB=SpacingMark}]*|\X")
_SENTENCE, _WORD = regex.compile(r"[.!?…]['\")\]*_”’]*\s+|[。！？]"), regex.compile(r"\s+")


@dataclass(frozen=True)
class Page:
    """What one message shows. `end` is where the next begins in the text; it opens the code block `fence` again."""

    content: str
    end: int
    fence: str = ""


def pages(text: str, start: int = 0, fence: str = "") -> Iterator[Page]:
    """The pages of `text` from `start` on; `fence` is the opening line of the code block that `start` is in, or blank.

    The last page may grow when the text does. Those before it are final: text that is added later does not move their
    ends.
    """
    while True:
        opening = f"{fence}\n" if fence else ""
        rest = text[start:]
        shown = opening + rest if rest.strip() else ""
        if len(shown) <= LIMIT:
            yield Page(shown, len(text), fence)
            return
        size, fence = _break(shown[: LIMIT - len(_CLOSING) + 1], len(opening))
        start += size - len(opening)
        yield Page(f"{shown[:size].rstrip()}{_CLOSING}" if fence else shown[:size], start, fence)


def _break(window: str, least: int) -> tuple[int, str]:
    """Where to break, between `least` and the window's last character, and the fence that is open there."""
    enough = len(window) // 3  # a shorter message looks odd
    taboo: set[int] = set()
    in_block: set[int] = set()
    fences: dict[int, str] = {}  # by place in the code
    for block in _CODE_BLOCK.finditer(window):
        in_block.update(range(*block.span()))
        fence = block["fence"].strip()
        fences |= dict.fromkeys(
            range(block.start("code"), block.end()), fence if len(fence) <= _LONGEST_FENCE else "```"
        )
        # Each end of a code block stays with some of the code.
        taboo.update(range(block.start() + 1, block.start("code") + 1), range(block.end("code"), block.end()))
    for match in _UNBREAKABLE.finditer(window):
        goes_on = match.end() == len(window)
        early = goes_on and match.start() < enough  # an early stray backtick is no code span
        if match.start() not in in_block and not early:
            taboo.update(range(match.start() + 1, match.end() + goes_on))
    whole = {match.end() for match in _CHARACTER.finditer(window) if least < match.end() < len(window)}
    good = whole - taboo
    prose = good - fences.keys()
    for pattern, where in ((_PARAGRAPH, good), (_LINE, good), (_SENTENCE, prose), (_WORD, prose)):
        if places := [end for match in pattern.finditer(window) if (end := match.end()) in where and end >= enough]:
            return places[-1], fences.get(places[-1], "")
    place = max(good or whole, default=len(window) - 1)
    return place, fences.get(place, "")
