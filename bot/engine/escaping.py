"""Marks that people write, broken by a zero-width space, so that nobody can forge a role. Pure functions."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import partial

_ZERO_WIDTH_SPACE = "\u200b"
_LINE_ENDS = "\n\r\v\f\x85\u2028\u2029"
# The first character of a mark of the common chat templates: <|im_start|>, <|eot_id|>, <start_of_turn>, </s>, [INST],
# <<SYS>> …
_COMMON_MARK = re.compile(
    r"<(?=\|[^<>|\s]+\|>|\uff5c[^<>\s]+\uff5c>|</?SYS>>"
    r"|/?(?:s|bos|eos|pad|unk|start_of_turn|end_of_turn|think|tool_call|tool_response)>)"
    r"|\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\])",
    re.IGNORECASE,
)


def escape_marks(text: str, marks: Iterable[str]) -> str:
    def escape(text: str) -> str:
        for mark in marks:
            text = text.replace(mark, mark[0] + _ZERO_WIDTH_SPACE + mark[1:])
        return text

    return _escape_normalized(text, escape)


def escape_common_marks(text: str) -> str:
    return _escape_normalized(text, partial(_COMMON_MARK.sub, rf"\g<0>{_ZERO_WIDTH_SPACE}"))


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
