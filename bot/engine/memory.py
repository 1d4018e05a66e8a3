"""How much memory there is to be had, on the machine and in the container that Parley may run in."""

from pathlib import Path

import psutil

_CGROUP = Path("/sys/fs/cgroup")  # of Linux, version 2; a container sees its own here


def free() -> int:
    """Bytes that may still be taken."""
    available = psutil.virtual_memory().available
    try:
        limit = int((_CGROUP / "memory.max").read_text())  # the word max, where there is none
        used = int((_CGROUP / "memory.current").read_text())
        statistics = dict(line.split() for line in (_CGROUP / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return available
    # Files that were read are kept in memory only until somebody else needs it.
    return min(available, limit - used + int(statistics.get("inactive_file", 0)))
