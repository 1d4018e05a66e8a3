"""How much memory there is to be had, on the machine and in the container that Parley may run in; giving it back."""

import ctypes
import re
from contextlib import suppress
from pathlib import Path

import psutil

_CGROUP = Path("/sys/fs/cgroup")  # of Linux, version 2; a container sees its own here


def free() -> int:
    """Bytes that may still be taken."""
    available: int = psutil.virtual_memory().available
    try:
        limit = int((_CGROUP / "memory.max").read_text())  # the word max, where there is none
        used = int((_CGROUP / "memory.current").read_text())
        counts = re.search(r"^inactive_file (\d+)$", (_CGROUP / "memory.stat").read_text(), re.MULTILINE)
    except (OSError, ValueError):
        return available
    # Files that were read are kept in memory only until somebody else needs it.
    return min(available, limit - used + (int(counts[1]) if counts else 0))


def give_back() -> None:
    """Return to the system what was freed. glibc keeps blocks of up to 32 MB: of a large model, a third of its size."""
    with suppress(AttributeError, OSError):  # other C libraries know no such thing
        ctypes.CDLL(None).malloc_trim(0)
