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
_MOST_ENTRIES = 1000  # of the history


class Typed(NamedTuple):
    """What was typed, and its `entry` in the history. `quoted`: it was in quotes as a whole, and so is no command."""

    text: str
    entry: str
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
        entry = input("You: ").strip()
        first, *more = entry.split("\n")  # several if the history had them
        before, quotes, text = first.partition(_QUOTES)
        if not quotes or before.strip() not in ("", "system", "/system"):
            return Typed(entry, entry)
        lines = [text, *more]
        alone = not (before or text)
        try:
            while not (lines[-1].rstrip() == _QUOTES if alone else lines[-1].rstrip().endswith(_QUOTES)):
                lines.append(input("...  "))
        except KeyboardInterrupt:
            print()
            return Typed("", before + quotes + "\n".join(lines))
    text = "\n".join(lines)
    said = text.rstrip().removesuffix(_QUOTES).rstrip().lstrip("\n")
    return Typed(before + said, before + quotes + text, quoted=not before)


class History:
    """What was typed in this chat and in earlier ones, which the arrow keys recall. Only its owner can read the file.

    A text of several lines is one entry, and one line of the file. Where standard input is no terminal, there is no
    history.
    """

    def __init__(self, file: Path) -> None:
        self._file: Path | None = file.expanduser()
        self._recalls = bool(readline and sys.stdin and sys.stdin.isatty())
        if self._recalls:
            readline.set_auto_history(False)  # it makes each line an entry
            with suppress(OSError, ValueError):
                for line in self._file.read_bytes().split(b"\n")[:-1]:
                    readline.add_history(line.replace(b"\r", b"\n").decode(errors="surrogateescape"))

    def add(self, entry: str) -> None:
        """Add what was typed, and write the file at once, as closing a terminal kills the program."""
        if not (self._recalls and entry):
            return
        count = readline.get_current_history_length()
        if entry != readline.get_history_item(count):
            readline.add_history(entry)
            count += 1
        if self._file is None:
            return
        entries = [readline.get_history_item(at) for at in range(max(0, count - _MOST_ENTRIES) + 1, count + 1)]
        lines = "".join(entry.replace("\n", "\r") + "\n" for entry in entries)
        try:
            self._file.touch(0o600)
            self._file.write_bytes(lines.encode(errors="surrogateescape"))
        except OSError as error:
            log.warning("What you type cannot be kept in %s for the arrow keys: %s.", self._file, error.strerror)
            self._file = None
