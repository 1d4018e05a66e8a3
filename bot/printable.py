"""Text from elsewhere, made safe to print: a terminal obeys the control characters in what it shows."""

import logging

_ESCAPED = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}


def printable(text: str) -> str:
    """The text with its control characters written as escapes, apart from line ends and tabs."""
    return text.replace("\r\n", "\n").translate(_ESCAPED)


class PrintableFormatter(logging.Formatter):
    """Formats log records as text without control characters."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as printable text."""
        return printable(super().format(record))
