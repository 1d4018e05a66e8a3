"""Shows an answer while it grows: as rendered Markdown in a terminal, as it is anywhere else."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.markdown import Markdown
from rich.segment import Segment

from bot.printable import printable


class Screen(Protocol):
    """Where an answer is shown."""

    def show(self, text: str, known: int = 0) -> None:
        """Show an answer, all of it so far, but for as many characters as stand further up, below an earlier label."""


@contextmanager
def screen(label: str = "") -> Iterator[Screen]:
    """A screen for one answer, which the label announces; on leaving, the answer stays there."""
    if not is_terminal() or os.environ.get("TERM") == "dumb":  # which cannot overwrite what it shows
        plain = _Plain()
        write(label)
        try:
            yield plain
        finally:
            print(flush=True)
    else:
        if label:
            print(label)
        with _Rendered() as rendered:
            yield rendered


def is_terminal() -> bool:
    """Whether standard output is one."""
    return bool(sys.stdout and sys.stdout.isatty())


def write(text: str) -> None:
    """Write to standard output; without control characters where that is a terminal."""
    print(printable(text) if is_terminal() else text, end="", flush=True)


class _Plain:
    def __init__(self) -> None:
        self._written = 0

    def show(self, text: str, known: int = 0) -> None:
        write(text[max(self._written, known) :])
        self._written = len(text)


class _Rendered:
    """Prints each block of Markdown, such as a paragraph or a list, for good once the next one has begun.

    The block that still grows is drawn again and again, as far as it fits on the screen. One that begins in text that
    is known is shown as a whole: the rest of a code block or a table is none by itself.
    """

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        self._live = Live(
            console=self._console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
        )
        self._start = 0
        self._text = ""  # from there on
        self._printed = 0

    def __enter__(self) -> "_Rendered":
        return self

    def __exit__(self, *exception: object) -> None:
        self._live.stop()
        self._print(len(self._text))

    def show(self, text: str, known: int = 0) -> None:
        if not text:  # the model may still be loading, and show that
            return
        self._live.start()
        if not self._text:
            self._start = _last_block(printable(text[:known]))
        self._text = printable(text)[self._start :]
        self._print(self._printed + _last_block(self._text[self._printed :]))
        self._live.update(_Bottom(_rendered(self._text[self._printed :])), refresh=True)

    def _print(self, end: int) -> None:
        if part := self._text[self._printed : end].strip():
            if self._printed:
                self._console.print()
            self._console.print(_rendered(part))
            self._printed = end


class _Bottom:
    """As much of the end of something as fits on the screen."""

    def __init__(self, whole: Markdown) -> None:
        self._whole = whole

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in console.render_lines(self._whole, options, pad=False)[1 - console.height :]:
            yield from line
            yield Segment.line()


# What looks like HTML, as List<int> does, is text.
_PARSER = MarkdownIt("commonmark", {"html": False}).enable(["strikethrough", "table"])


def _last_block(text: str) -> int:
    """Where the last block of a text begins; no more text can change those before it."""
    starts = [token.map[0] for token in _PARSER.parse(text) if token.level == 0 and token.map]
    return sum(len(line) + 1 for line in text.split("\n")[: starts[-1]]) if starts else 0


def _rendered(text: str) -> Markdown:
    """The text as rich shows it, with a new line where the model began one, as in Discord."""
    markdown = Markdown("", hyperlinks=False)
    markdown.parsed = [_with_line_ends(token) for token in _PARSER.parse(text)]
    return markdown


def _with_line_ends(token: Token) -> Token:
    for child in token.children or ():
        if child.type == "softbreak":
            child.type = "hardbreak"
    return token
