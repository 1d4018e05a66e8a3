"""Two texts beside each other, in a terminal of any width."""

import re
import unicodedata
from collections.abc import Iterator
from itertools import zip_longest

from bot.printable import printable

_BETWEEN = " | "
_NARROW = 40  # columns; below, the texts stand one above the other


def side_by_side(left: str, right: str, width: int) -> Iterator[str]:
    """The lines of two texts, wrapped and beside each other, in at most `width` columns of a terminal."""
    if width < _NARROW:
        yield from wrap(left, width)
        yield from wrap(right, width)
        return
    half = (width - len(_BETWEEN)) // 2
    for one, other in zip_longest(wrap(left, half), wrap(right, half), fillvalue=""):
        yield f"{one}{' ' * (half - _columns(one))}{_BETWEEN}{other}".rstrip()


def wrap(text: str, width: int) -> Iterator[str]:
    """The lines of a text, made printable and wrapped at spaces, or within a word that is longer than a line."""
    for line in printable(text).expandtabs(4).split("\n"):
        begun = ""
        for piece in re.findall(r" +|[^ ]+", line):
            if begun.strip() and _columns(begun + piece) > width:
                yield begun.rstrip()
                begun = ""
                if piece.isspace():
                    continue
            for char in piece:
                if begun and _columns(begun + char) > width:
                    yield begun.rstrip()
                    begun = ""
                begun += char
        yield begun.rstrip()


def _columns(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return sum(map(_columns_of, text))


def _columns_of(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
