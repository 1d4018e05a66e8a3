"""Filters for the text of an answer while it grows: what is not yet certain is held back."""

from typing import Protocol

import regex

LONGEST = 1000
"""How many characters at the end of a growing text are undecided at most."""


class TextFilter(Protocol):
    """Takes the text of one answer piece by piece, and returns what may be shown of it."""

    @property
    def ended(self) -> bool:
        """Whether the answer ends here, whatever else the model writes."""

    def push(self, text: str) -> str:
        """Add the next piece; returns the text that is now certain, often none."""

    def finish(self) -> str:
        """Returns the rest, as no more text comes."""


class FilterChain:
    """Filters, each of which reads what the one before it returns; without any, the text stays as it is."""

    def __init__(self, *filters: TextFilter) -> None:
        self._filters = filters

    @property
    def ended(self) -> bool:
        """See TextFilter."""
        return any(each.ended for each in self._filters)

    def push(self, text: str) -> str:
        """See TextFilter."""
        for each in self._filters:
            text = each.push(text)
        return text

    def finish(self) -> str:
        """See TextFilter."""
        text = ""
        for each in self._filters:
            text = each.push(text) + each.finish()
        return text


UNFILTERED = FilterChain()
"""Shows all of an answer."""


class GrowingTextPattern:
    """A regular expression that is searched for in a text to which more may come.

    `timeout` bounds each search, in seconds of the process's CPU time; what takes longer raises TimeoutError.
    """

    def __init__(self, pattern: str, flags: int = 0, timeout: float | None = None) -> None:
        self._pattern = regex.compile(pattern, flags)
        self._timeout = timeout
        # It never matches, as `(?!)` never does, but it matches partially wherever the pattern needs to know what
        # follows the text. The character after the pattern makes a match that ends with the text such a place, too.
        close = "\n)" if self._pattern.flags & regex.VERBOSE else ")"  # a verbose pattern may end in a comment
        self._partial = regex.compile(f"(?>{pattern}{close}(?s:.)(?!)", flags)

    def find_undecided(self, text: str, start: int) -> int:
        """The index of the first match, from `start` on, that depends on text still to come; else the text's length.

        What begins more than LONGEST characters before the end is decided, so that a growing text is searched in linear
        time.
        """
        start = max(start, len(text) - LONGEST)
        match = self._partial.search(text, start, partial=True, timeout=self._timeout)
        return match.start() if match else len(text)

    def find(self, text: str, start: int, end: int) -> list["regex.Match[str]"]:
        """The matches, but for empty ones, that begin between two indices."""
        matches = []
        for match in self._pattern.finditer(text, start, timeout=self._timeout):
            if match.start() >= end:
                break
            if match[0]:
                matches.append(match)
        return matches
