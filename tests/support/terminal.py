"""A person at a terminal, who talks to the program."""

import re
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import pexpect

from tests.support.parley import environment


class Terminal:
    """A person at a terminal."""

    def __init__(
        self, folder: Path, *arguments: str, program: Sequence[str] = ("-m", "bot", "chat"), **settings: str
    ) -> None:
        env = environment(**{"TERM": "dumb"} | settings)
        self._child = pexpect.spawn(
            sys.executable, [*program, *arguments], cwd=folder, env=env, encoding="utf-8", timeout=30, echo=False
        )
        self.sees("You: ")

    def sees(self, text: str) -> str:
        self._child.expect_exact(text)
        return str(self._child.before)

    def says(self, text: str) -> str:
        """Type a line; returns what appears up to the next prompt."""
        self._child.sendline(text)
        return self.sees("You: ")

    def types(self, keys: str) -> None:
        self._child.send(keys)

    def interrupts(self) -> None:
        self._child.kill(signal.SIGINT)

    def leaves(self, ending: signal.Signals = signal.SIGINT) -> int:
        """Send a signal at the prompt until the program ends: Python loses one between the prompt and the waiting."""
        for _ in range(10):
            self._child.kill(ending)
            if self._child.expect([pexpect.EOF, pexpect.TIMEOUT], timeout=3) == 0:
                break
        return self.ends()

    def ends(self) -> int:
        self._child.expect(pexpect.EOF)
        self._child.close()
        return int(self._child.exitstatus or 0) if self._child.signalstatus is None else -1


def bars(shown: str, what: str) -> list[str]:
    """How far each bar of that name was, in bytes: those that it showed with a percentage, bytes, times and a speed."""
    return re.findall(rf"\r{what}: +\d+%\|[^|]*\| (\S+) \[\d\d:\d\d<\S+, +\S+B/s\]", shown)
