"""A chat in a terminal with the demo model."""

import os
import sys
from pathlib import Path

import pexpect

from tests.pictures.pages import page
from tests.support.parley import ROOT

_COMMAND = "-m bot chat --model demo"
_LINES = (
    "hello, my name is Mia",
    "my cat is called Pixel",
    "what is my name?",
    "what is my cat called?",
    "clear",
    "what is my name?",
)


def terminal(folder: Path) -> str:
    """The page that shows the chat; the database is made in `folder`."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TERM": "dumb", "TEMPERATURE": "0"}
    chat = pexpect.spawn(
        sys.executable, _COMMAND.split(), cwd=folder, env=environment, encoding="utf-8", dimensions=(40, 90)
    )
    chat.expect_exact("You: ")
    printed = chat.before + chat.after
    for line in _LINES:
        chat.sendline(line)
        chat.expect_exact("\nYou: ")
        printed += chat.before + chat.after
    chat.close()
    return page("terminal.html", command=f"python {_COMMAND}", printed=printed.replace("\r", ""))
