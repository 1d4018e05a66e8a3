"""How far a model has been downloaded or loaded: bars in a terminal, and now and then a line in the log elsewhere."""

import io
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from huggingface_hub import constants
from huggingface_hub.utils.tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

log = logging.getLogger(__name__)

LOG_INTERVAL = 30.0
"""Seconds between two lines in the log."""


class Progress(tqdm):
    """How many of `total` bytes are done, and the time that it takes, on standard error."""

    monitor_interval = 0  # no thread that draws the bar of a standstill

    def __init__(self, what: str, total: int, *iterable: Any, hidden: bool = False) -> None:
        self._in_terminal = _in_terminal()
        self._logged_at = time.monotonic()
        # Not by the hub's own __init__: transformers turns the hub's bars off where there is no terminal.
        super(tqdm, self).__init__(
            *iterable,
            desc=what,
            total=total,
            unit="B",
            unit_scale=True,
            file=sys.stderr if self._in_terminal else io.StringIO(),
            disable=hidden or constants.HF_HUB_DISABLE_PROGRESS_BARS is True,
        )

    def display(self, *args: Any, **options: Any) -> None:
        """Draw the bar, or log how far it is if that was long ago."""
        if self._in_terminal:
            super().display(*args, **options)
        elif time.monotonic() - self._logged_at >= LOG_INTERVAL:
            self._logged_at = time.monotonic()
            seconds = self.format_dict["elapsed"]
            log.info(
                "%s: %.2f of %.2f GB after %.0f s.", self.desc.strip(": "), self.n / 1e9, self.total / 1e9, seconds
            )


@contextmanager
def above_bars() -> Iterator[None]:
    """Have what is logged meanwhile appear above the bars, not within them."""
    if _in_terminal():
        with logging_redirect_tqdm(tqdm_class=Progress):
            yield
    else:
        yield


def _in_terminal() -> bool:
    return bool(sys.stderr and sys.stderr.isatty())
