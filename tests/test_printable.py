"""A terminal never gets control sequences that came from a model, a person or a server."""

import asyncio
import os
import sys

import pytest

from bot.check.findings import check, ok
from bot.console.chat import ask
from bot.engine import Sampling
from bot.printable import printable
from tests.support.outside import entries
from tests.support.parley import run
from tests.support.scripted import ScriptedEngine

PIECES = ["a\x1b", "]0;title\x07\x9b2J\x7f\b", "\r\n\tb\x00 ü"]
SHOWN = "a\\x1b]0;title\\x07\\x9b2J\\x7f\\x08\n\tb\\x00 ü"
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
    await ask(ScriptedEngine(PIECES), "hi", system_prompt="", sampling=Sampling(), show_thinking=False)


async def test_a_terminal_gets_no_control_sequences(monkeypatch):
    ours, terminal = os.openpty()
    with os.fdopen(ours, "rb") as screen, os.fdopen(terminal, "w", encoding="utf-8") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        await asked()
        shown = (await asyncio.to_thread(os.read, screen.fileno(), 10_000)).decode()
    assert shown.replace("\r\n", "\n") == f"{SHOWN}\n"


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
