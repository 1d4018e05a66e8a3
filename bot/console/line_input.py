"""What a person types: one line, or several between three quotes, with a history that the arrow keys go through."""

import logging
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from bot.signals import on_ctrl_c

try:
    import readline
except ImportError:  # not on every platform; input() then has no line editing and no history
    readline = None  # type: ignore[assignment]

log = logging.getLogger(__name__)

_QUOTES = '"""'
_MOST_LINES = 1000  # of the history


class Typed(NamedTuple):
    """What was typed. `quoted`: it was in quotes as a whole, and so is no command."""

    text: str
    quoted: bool = False


def read() -> Typed:
    """The next line, or the lines between three quotes, with what stands before them.

    Code that is pasted has such quotes of its own. Where they open on a line of their own, they close on one, too, that
    is not indented.

    Ctrl+C gives up lines that have not been closed. Raises EOFError or KeyboardInterrupt when the person leaves, and
    RuntimeError when there is no standard input.
    """
    # Reading blocks the event loop, on purpose: nothing else needs it while the prompt waits, and a line that is read
    # in a thread could not be interrupted.
    with on_ctrl_c(signal.default_int_handler):
        before, quotes, text = input("You: ").strip().partition(_QUOTES)
        if not quotes or before.strip() not in ("", "system", "/system"):
            return Typed(before + quotes + text)
        lines = [text]
        alone = not (before or text)
        try:
            while not (lines[-1].rstrip() == _QUOTES if alone else lines[-1].rstrip().endswith(_QUOTES)):
                lines.append(input("...  "))
        except KeyboardInterrupt:
            print()
            return Typed("")
    text = "\n".join(lines).rstrip().removesuffix(_QUOTES).rstrip().lstrip("\n")
    return Typed(before + text, quoted=not before)


class History:
    """The lines of this chat and of earlier ones, which the arrow keys recall. Only its owner can read the file.

    Where standard input is no terminal, there is no history.
    """

    def __init__(self, file: Path) -> None:
        self._file = file.expanduser()
        self._kept = bool(readline and sys.stdin and sys.stdin.isatty())
        if self._kept:
            readline.set_history_length(_MOST_LINES)
            with suppress(OSError):
                readline.read_history_file(self._file)

    def save(self) -> None:
        """Write what was typed so far, as closing a terminal kills the program."""
        if not self._kept:
            return
        try:
            self._file.touch(0o600)
            readline.write_history_file(self._file)
        except OSError as error:
            self._kept = False
            log.warning("What you type cannot be kept in %s for the arrow keys: %s.", self._file, error.strerror)
