"""Memory: how much is available to this machine or container, and how to return what is freed."""

import ctypes
import re
from contextlib import suppress
from pathlib import Path

import psutil

from bot.engine import ModelError

_CGROUP = Path("/sys/fs/cgroup")  # Linux, version 2; a container sees its own here


def available() -> int:
    """The number of bytes that can still be allocated."""
    machine: int = psutil.virtual_memory().available
    try:
        limit = int((_CGROUP / "memory.max").read_text())  # the word "max" where there is no limit
        used = int((_CGROUP / "memory.current").read_text())
        cached = re.search(r"^inactive_file (\d+)$", (_CGROUP / "memory.stat").read_text(), re.MULTILINE)
    except (OSError, ValueError):
        return machine
    # The page cache counts as used, but is dropped when memory is needed.
    return min(machine, limit - used + (int(cached[1]) if cached else 0))


def require(needed: int, what: str) -> None:
    """Raise ModelError when fewer than `needed` bytes are available; `what` begins its sentence."""
    if needed > (free := available()):
        raise ModelError(
            f"{what}, but only {free / 1e9:.1f} GB of memory are free. Make MAX_BATCH or MAX_PROMPT_TOKENS"
            " smaller, set MODEL_PRECISION to bfloat16, float16 or int8, or take a smaller model."
        )


def trim() -> None:
    """Return freed memory to the system. glibc keeps blocks of up to 32 MB: with a large model, a third of its size."""
    with suppress(AttributeError, OSError):  # other C libraries have no malloc_trim
        ctypes.CDLL(None).malloc_trim(0)
