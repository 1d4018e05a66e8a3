"""Faults that a test injects: errors, rate limits and delays on chosen routes."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any


@dataclass
class Fault:
    """A fault of the next `times` requests of this kind (None: of all, until `times` is set to 0)."""

    method: str
    path: str
    """Both with * for any part, as in /channels/*/messages."""
    times: int | None = 1
    status: int | None = None
    """Answer with this status instead of doing what is asked."""
    code: int = 0
    """Discord's own code for the error."""
    too_late: bool = False
    """Do what is asked, and only then answer with `status`: the request worked, its answer was lost."""
    retry_after: float = 1.0
    """With status 429: seconds to wait."""
    scope: str = "user"
    """With status 429: user, shared, or global."""
    delay: float = 0.0
    """Seconds before anything else; inf never answers."""
    text: str = ""
    """Only of requests with a message in whose text this is, as Discord may refuse a text."""

    def meets(self, method: str, path: str, body: Any) -> bool:
        content = str(body.get("content") or "") if isinstance(body, dict) else ""
        same_kind = fnmatchcase(method, self.method) and fnmatchcase(path, self.path) and self.text in content
        return self.times != 0 and same_kind


class Faults:
    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """From now on, nothing fails."""
        self._faults.clear()

    def next(self, method: str, path: str, body: Any = None) -> Fault | None:
        """The fault for this request, counted down."""
        fault = next((f for f in self._faults if f.meets(method, path, body)), None)
        if fault is not None and fault.times is not None:
            fault.times -= 1
        return fault
