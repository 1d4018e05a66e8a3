"""The log as JSON, a line for each record, and nothing else on standard error."""

import io
import json
import logging
import sys
from datetime import UTC, datetime
from typing import TextIO

from bot.printable import printable


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": printable(record.getMessage()),
        }
        if record.exc_info:
            entry["exception"] = printable(self.formatException(record.exc_info))
        return json.dumps(entry)


class _Lines(io.TextIOBase):
    """Replaces standard error: other text written there, such as a library's warning, becomes a record."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._begun = ""

    def write(self, text: str) -> int:
        # Of a line that is overwritten, such as a progress bar, only the last state counts.
        self._begun = (self._begun + text).rpartition("\r")[2]
        if self._begun.endswith("\n"):
            whole, self._begun = self._begun.strip(), ""
            if whole:
                self.record(whole, logging.WARNING)
        return len(text)

    def record(self, text: str, level: int) -> None:
        # Written directly: when logging itself fails, it says so on standard error.
        record = logging.LogRecord("stderr", level, "", 0, text, None, None)
        self._stream.write(_Json().format(record) + "\n")
        self._stream.flush()


def write_json() -> None:
    """Have the root logger's handlers, and whatever else writes to standard error, write JSON."""
    for handler in logging.getLogger().handlers:
        handler.setFormatter(_Json())
    if sys.stderr:
        sys.stderr = _Lines(sys.stderr)
    sys.excepthook = lambda *error: logging.getLogger("bot").critical("The program has failed.", exc_info=error)


def tell(text: str, level: int) -> None:
    """Tell the operator something on standard error, as JSON if the log is."""
    if isinstance(sys.stderr, _Lines):
        sys.stderr.record(text, level)
    else:
        print(printable(text), file=sys.stderr)
