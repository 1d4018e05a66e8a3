"""A terminal never gets control sequences that came from a model, a person or a server."""

import os
import re
import sys

import pytest
from pexpect.fdpexpect import fdspawn

from bot.check.findings import check, ok
from bot.console.chat import ask
from bot.conversation.blocked_words import NO_WORDS
from bot.engine import Sampling
from bot.printable import printable
from tests.support.outside import entries
from tests.support.parley import run
from tests.support.scripted import ScriptedEngine

PIECES = ["a\x1b", "]0;title\x07\x9b2J\x7f\b", "\r\n\tb\x00 ü"]
SHOWN = "a\\x1b]0;title\\x07\\x9b2J\\x7f\\x08\n\tb\\x00 ü"
END = "<end>"
LOGS = f"""
import logging
from bot.cli import _set_up_logging
from bot.monitoring.json_logs import tell, write_json
_set_up_logging("INFO", bare=True)
for form in ("text", "json"):
    logging.getLogger("library").warning("%s", {"".join(PIECES)!r})
    tell({"".join(PIECES)!r}, logging.ERROR)
    write_json()
"""


def test_control_characters_are_escaped_and_line_ends_and_tabs_stay():
    assert printable("".join(PIECES)) == SHOWN


async def asked() -> None:
    options = {"system_prompt": "", "sampling": Sampling(), "show_thinking": False, "blocked_words": NO_WORDS}
    await ask(ScriptedEngine(PIECES), "hi", **options)


async def shown_in_a_terminal(monkeypatch, kind: str) -> str:
    monkeypatch.setenv("TERM", kind)
    ours, terminal = os.openpty()
    with os.fdopen(ours, "rb") as screen, os.fdopen(terminal, "w", encoding="utf-8") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        await asked()
        print(END, end="", flush=True)  # the kernel hands on what comes before by and by
        reader = fdspawn(screen, encoding="utf-8")
        reader.expect_exact(END)
        return reader.before.replace("\r\n", "\n")


async def test_a_terminal_gets_no_control_sequences(monkeypatch):
    assert await shown_in_a_terminal(monkeypatch, "dumb") == f"{SHOWN}\n"


async def test_a_terminal_gets_none_but_our_own_where_markdown_is_rendered(monkeypatch):
    shown = await shown_in_a_terminal(monkeypatch, "xterm")
    assert "a\\x1b]0;title\\x07\\x9b2J" in shown
    ours = re.compile(r"\x1b\[(\d*[AK]|\?25[hl]|[\d;]*m)")  # cursor up, erase the line, the cursor itself, colours
    assert printable(rest := ours.sub("", shown).replace("\r", "")) == rest


async def test_a_pipe_gets_the_text_as_it_is(capsys):
    await asked()
    assert capsys.readouterr().out == "".join(PIECES) + "\n"


@pytest.mark.parametrize("as_json", [False, True])
async def test_a_check_prints_no_control_sequences(capsys, as_json):
    async def findings():
        yield ok("".join(PIECES), shown="".join(PIECES))

    await check({"model": findings()}, as_json=as_json)
    assert printable(shown := capsys.readouterr().out) == shown


def test_a_log_line_has_no_control_sequences(tmp_path):
    log = run(tmp_path, "-c", LOGS).stderr
    assert printable(log) == log
    assert log.startswith(f"{SHOWN}\n{SHOWN}\n")
    assert [entry["message"] for entry in entries(log.removeprefix(f"{SHOWN}\n{SHOWN}\n"))] == [SHOWN, SHOWN]
