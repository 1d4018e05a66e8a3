"""Which files are text that a model can read."""

LONGEST_FILE = 64 * 1024  # bytes


def decoded(data: bytes) -> str | None:
    """The text of a file, or None if it is none in UTF-8, or too long."""
    if len(data) > LONGEST_FILE or b"\0" in data:
        return None
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n").strip("\n")
    except UnicodeDecodeError:
        return None
