"""Files that a question names: @notes.txt puts the text of that file into it."""

import re
from pathlib import Path

from bot.errors import UserError
from bot.text_files import LONGEST_FILE, decoded, fenced

_REFERENCE = re.compile(r'(?<![^\s(])@(?:"(?P<quoted>[^"\n]+)"|(?P<bare>\S+))')
_PUNCTUATION = ".,;:!?)]}'\""
_LIKE_A_PATH = re.compile(r"[./\\~]")


class FileUnreadable(UserError):
    """A file that the question names is there, but no text; the message says why."""


def with_files(text: str) -> tuple[str, list[str]]:
    """The question, with the text of each file that it names behind it, and the names that only look like files.

    Raises FileUnreadable.
    """
    files: dict[Path, str] = {}
    missing = []
    for found in _REFERENCE.finditer(text):
        name = found["quoted"] or found["bare"]
        names = [name] if found["quoted"] else [name, name.rstrip(_PUNCTUATION)]
        path = next((path for path in map(_path, names) if path and path.is_file()), None)
        if path:
            files[path.absolute()] = _read(path)
        elif found["quoted"] or _LIKE_A_PATH.search(names[-1]):
            missing.append(names[-1])
    return "\n".join([text, *(fenced(path.name, content) for path, content in files.items())]), missing


def _path(name: str) -> Path | None:
    try:
        path = Path(name).expanduser()
        path.is_file()
    except (OSError, RuntimeError, ValueError):  # too long, ~ of nobody, a NUL
        return None
    return path


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            text = decoded(file.read(LONGEST_FILE + 1))
    except OSError as error:
        raise FileUnreadable(f"{path} cannot be read: {error.strerror}.") from error
    if text is None:
        raise FileUnreadable(f"{path} cannot be put into the question: I can only read text files of up to 64 KB.")
    return text
