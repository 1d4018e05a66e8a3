"""Which files are text that a model can read, and how it is given to the model."""

import re

LONGEST_FILE = 64 * 1024  # bytes


def decoded(data: bytes) -> str | None:
    """The text of a file, or None if it is none in UTF-8, or too long."""
    if len(data) > LONGEST_FILE or b"\0" in data:
        return None
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n").strip("\n")
    except UnicodeDecodeError:
        return None


def fenced(name: str, text: str) -> str:
    """The text of a file in a code block below its name, with a fence longer than any in the text."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{name}:\n{fence}\n{text}\n{fence}"
