"""Marks that people write, broken by a zero-width space, so that nobody can forge a role. Pure functions."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import partial

_ZERO_WIDTH_SPACE = "\u200b"
_LINE_ENDS = "\n\r\v\f\x85\u2028\u2029"
# The role marks of common chat templates, up to where they are broken: <|user|>, <start_of_turn>, [INST], <<SYS>>,
# ### Response: …
_ROLE_MARK = (
    r"<(?=\|[^<>|\s]+\|>|\uff5c[^<>\s]+\uff5c>|</?SYS>>|/?(?:start_of_turn|end_of_turn)>)"
    r"|\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\])"
    r"|\#\#\#(?=[ \t]*(?:Instruction|Input|Response|System|User|Human|Assistant)[ \t]*:)"
)
# These are marks only where they are tokens: </s>, <think> …
_TOKEN = r"<(?=/?(?:s|bos|eos|pad|unk|think|tool_call|tool_response)>)"


def escape_marks(text: str, special: Iterable[str], marks: Iterable[str] = ()) -> str:
    """The text without a mark: neither a special one, nor, in any case and spacing, one of `marks` or a common one."""
    insert = _inserter(_ROLE_MARK, *map(_loosen, marks))

    def escape(text: str) -> str:
        for mark in special:
            text = text.replace(mark, mark[0] + _ZERO_WIDTH_SPACE + mark[1:])
        return insert(text)

    return _escape_normalized(text, escape)


def escape_common_marks(text: str) -> str:
    """The text without a mark of a common chat template, where it is not known which of them are tokens."""
    return _escape_normalized(text, _inserter(_ROLE_MARK, _TOKEN))


def _inserter(*patterns: str) -> Callable[[str], str]:
    """A function that inserts a zero-width space after whatever matches one of the patterns."""
    return partial(re.compile("|".join(patterns), re.IGNORECASE).sub, rf"\g<0>{_ZERO_WIDTH_SPACE}")


def _loosen(mark: str) -> str:
    """A pattern for the beginning of a mark, which may have white space between its words and signs."""
    first, *others = re.findall(r"\w+|[^\w\s]+", mark)
    rest = "".join(rf"\s*{re.escape(other)}" for other in others)
    boundary = r"\b" if first.isalnum() else ""
    return rf"{boundary}{re.escape(first)}(?={rest})"


def escape_labels(text: str, labels: Iterable[str]) -> str:
    """The text with a zero-width space in each of these labels that begins a line."""
    pattern = "|".join(rf"{re.escape(label[:-1].rstrip())}(?=\s*{re.escape(label[-1])})" for label in labels)
    # A blank stretch is matched with or without a label behind it, as it would be read again from each of its lines.
    line_start = re.compile(rf"(?:^|[{_LINE_ENDS}])\s*({pattern})?", re.IGNORECASE)
    return _escape_normalized(
        text, partial(line_start.sub, lambda start: start[0] if start[1] is None else start[0] + _ZERO_WIDTH_SPACE)
    )


def _escape_normalized(text: str, escape: Callable[[str], str]) -> str:
    """The escaped text; in its normalized form if that, as some tokenizers read it, has something left to escape."""
    text = escape(text)
    normalized = normalize(text)
    escaped = escape(normalized)
    return text if escaped == normalized else escaped


def normalize(text: str) -> str:
    """The text with full-width letters, ligatures and the like as the plain letters that they stand for."""
    return unicodedata.normalize("NFKC", text)
