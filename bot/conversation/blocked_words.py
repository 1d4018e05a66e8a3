"""Words and regular expressions that no answer shows, from BLOCKED_WORDS_FILE."""

import logging
import re
from collections.abc import Collection, Iterable, Mapping
from itertools import groupby
from typing import Self

import regex

from bot.conversation.text_filter import LONGEST, UNFILTERED, GrowingTextPattern, TextFilter
from bot.settings import SettingsError, read_file
from bot.texts import REPLACED

log = logging.getLogger(__name__)

_OPTION = "BLOCKED_WORDS_FILE"
_TIMEOUT = 0.5  # seconds of CPU time for each search; an ordinary one takes microseconds
_CONTEXT = 100  # characters before a text that patterns can look back at
# A letter or digit of a script that puts spaces between words.
_LETTER = r"[^\W_\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"


class BlockedWords:
    """Replaces words and phrases, which match as a whole and in any case, and what regular expressions match.

    The expressions are given by their lines in the file. Without any of both, texts stay as they are.
    """

    def __init__(self, words: Collection[str], expressions: Mapping[int, str]) -> None:
        self.words = len(words)
        self.expressions = len(expressions)
        self._patterns: dict[str, GrowingTextPattern] = {}
        if words:
            self._patterns["a word"] = GrowingTextPattern(_any_of(words), regex.IGNORECASE, _TIMEOUT)
        for line, expression in expressions.items():
            self._patterns[f"line {line}"] = GrowingTextPattern(_with_braces(expression), timeout=_TIMEOUT)

    def __bool__(self) -> bool:
        return bool(self._patterns)

    @classmethod
    def read(cls, file: str | None) -> Self:
        """Read the file: a word or phrase on each line, or a regular expression between slashes; # begins a comment.

        Raises SettingsError with a line for each regular expression that is none, or when the file cannot be read.
        """
        words, expressions, problems = set(), {}, []
        for number, line in enumerate(read_file(_OPTION, file).split("\n") if file else (), 1):
            text = line.strip()
            if expression := re.fullmatch("/(.+)/", text):
                expressions[number] = expression[1]
                if reason := _fault(expression[1]):
                    problems.append(f"{_OPTION}: line {number} of {file} is no regular expression: {reason}.")
            elif re.match("/.*/.", text):
                problems.append(
                    f"{_OPTION}: line {number} of {file} goes on behind the last slash; write options within the"
                    " expression, such as /(?i:bad)/ for /bad/i."
                )
            elif text and not text.startswith("#"):
                words.add(text)
        if problems:
            raise SettingsError("\n".join(problems))
        return cls(words, expressions)

    def filter(self) -> TextFilter:
        """A filter for one text."""
        return _WordFilter(self._patterns) if self._patterns else UNFILTERED

    def replace(self, text: str) -> str:
        """A whole text, filtered."""
        words = self.filter()
        return words.push(text) + words.finish()


NO_WORDS = BlockedWords((), {})


class _WordFilter:
    """Replaces what the patterns match. Matches of several that overlap are replaced together.

    A pattern that takes too long on a text ends it: nobody knows whether the rest may be shown.
    """

    def __init__(self, patterns: Mapping[str, GrowingTextPattern]) -> None:
        self._patterns = patterns
        self._text = ""  # the end of what has been shown, and what is held back
        self._shown = 0  # index of the first character that is held back
        self._search_at = 0  # length of the text at which it is searched again
        self.ended = False

    def push(self, text: str) -> str:
        """See TextFilter."""
        self._text += text
        return self._release(whole=False) if len(self._text) >= self._search_at else ""

    def finish(self) -> str:
        """See TextFilter."""
        return self._release(whole=True)

    def _release(self, *, whole: bool) -> str:
        """What of the text is certain: all of it, if it is the whole text."""
        if self.ended:
            return ""
        text, start, end, spans = self._text, self._shown, len(self._text), []
        for where, pattern in self._patterns.items():
            try:
                undecided = len(text) if whole else pattern.find_undecided(text, start)
                spans += [match.span() for match in pattern.find(text, start, undecided)]
            except TimeoutError:
                log.warning("A search for %s of %s took too long, so an answer was ended.", where, _OPTION)
                self.ended = True
                return REPLACED
            end = min(end, undecided)
        spans.sort()
        for first, last in reversed(spans):
            if last > end and first >= len(text) - LONGEST:  # what overlaps it is undecided
                end = min(end, first)
        shown = ""
        for first, last in spans:
            if start <= first < end:
                shown += text[start:first] + REPLACED
            if first < end:
                start = max(start, last)
        end = max(start, end)
        kept = max(0, end - _CONTEXT)
        self._text, self._shown = text[kept:], end - kept
        # Not with every character that comes to many, so that these are read in linear time.
        self._search_at = len(self._text) + (len(text) - end) // 8
        return shown + text[start:end]


def _fault(expression: str) -> str | None:
    """What is wrong with a regular expression: it has to be one of Python's, and of the package that searches."""
    try:
        re.compile(expression)
        GrowingTextPattern(_with_braces(expression))
    except (re.error, regex.error, OverflowError, RecursionError) as error:
        return str(error)
    return None


def _with_braces(expression: str) -> str:
    """A regular expression with its literal braces escaped: regex would read {e} as a search for what is similar."""
    escape_or_brace = r"(?s)(\\(?:N\{[^}]*\}|.))|\{(?!(?:[0-9]+|[0-9]*,[0-9]*)\})"
    return re.sub(escape_or_brace, lambda found: found[1] or r"\{", expression)


def _any_of(words: Iterable[str]) -> str:
    """A pattern for any of these words and phrases, with any white space between the words of a phrase.

    Grouped by the boundaries that they need, as a search for a plain alternation is fast; longer ones come first.
    """

    def boundaries(word: str) -> tuple[str, str]:
        before = rf"(?<!{_LETTER})" if regex.match(_LETTER, word[0]) else ""
        after = rf"(?!{_LETTER})" if regex.match(_LETTER, word[-1]) else ""
        return before, after

    def alternation(words: Iterable[str]) -> str:
        return "|".join(r"\s+".join(map(regex.escape, word.split())) for word in words)

    groups = groupby(sorted(words, key=lambda word: (boundaries(word), -len(word))), boundaries)
    return "|".join(f"{before}(?:{alternation(group)}){after}" for (before, after), group in groups)
