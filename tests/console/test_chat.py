"""A chat in a terminal: several lines, files, the history, a persona of the session, and Markdown."""

import re
import signal
import subprocess
import sys

import pytest

from bot.texts import MORE_TO_COME, REPLACED
from tests.console import test_screen
from tests.support.parley import environment, without_a_model
from tests.support.scripted import CUT
from tests.support.terminal import Terminal

pytestmark = pytest.mark.slow

# The program with an engine that says what it was asked, and begins with the system prompt.
_REPEATING = """
import contextlib, sys
from bot import cli, core
from tests.support.scripted import ScriptedEngine

class Engine(ScriptedEngine):
    def submit(self, prompt, sampling, channel=None):
        self._scripts = [[f"<{prompt.system}|{prompt.question}>"]]
        return super().submit(prompt, sampling, channel)

@contextlib.asynccontextmanager
async def engine(settings):
    yield Engine()

core.open_engine = engine
cli.main(["chat", "--model", "demo"])
"""
REPEATING = ("-c", _REPEATING)
UP = "\x1b[A"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "notes.txt").write_text("\ufeffbuy milk\r\n", "utf-8")
    (tmp_path / "my plan.md").write_text("1. rest\n")
    (tmp_path / "photo.png").write_bytes(b"\x89PNG\0")
    return tmp_path


def chat(folder, **settings) -> Terminal:
    return Terminal(folder, program=REPEATING, **{"SYSTEM_PROMPT": "S"} | settings)


def said(shown: str) -> str:
    """What the engine said, in what was shown up to the next prompt."""
    found = re.search(r"<(.*)>", shown.replace("\r", ""), re.DOTALL)
    assert found, shown
    return found[1]


def test_several_lines_are_one_question(folder):
    terminal = chat(folder)
    terminal.types('"""\n')
    terminal.sees("...  ")
    terminal.types("  first\n")
    terminal.sees("...  ")
    terminal.types("clear\n")
    terminal.sees("...  ")
    terminal.types("last\n")
    terminal.sees("...  ")
    assert said(terminal.says('""" ')) == "S|  first\nclear\nlast"
    terminal.types('"""one\n')
    terminal.sees("...  ")
    assert said(terminal.says('two"""')) == "S|one\ntwo"
    assert said(terminal.says('"""quit"""')) == "S|quit", "it is no command"
    assert said(terminal.says('what is """?')) == 'S|what is """?'
    assert "<" not in terminal.says('""" """'), "there is nothing to ask"
    terminal.types('"""\n')
    terminal.sees("...  ")
    terminal.types("given up\x03")
    terminal.sees("You: ")
    assert said(terminal.says("next")) == "S|next"
    terminal.types('"""\n')
    terminal.sees("...  ")
    terminal.types("\x04")
    assert terminal.ends() == 0


def test_code_with_docstrings_is_one_question(folder):
    terminal = chat(folder)
    code = 'def f():\n    """One line."""\n\ndef g():\n    """Several\n\n    lines.\n    """\n    return f()'
    for line in ['"""', *code.split("\n")]:
        terminal.types(f"{line}\n")
        terminal.sees("...  ")
    assert said(terminal.says('"""')) == f"S|{code}"


def test_a_persona_lasts_for_the_session(folder):
    terminal = chat(folder, SYSTEM_PROMPT="Be brief on {server}.")
    assert "My instructions are:\r\nBe brief on {server}." in terminal.says("system")
    assert said(terminal.says("hi")) == "Be brief on this computer.|hi"
    assert "From now on, until you leave or type system default" in terminal.says(
        "/system You are {bot}  in {channel}."
    )
    assert said(terminal.says("hi")) == "You are Parley  in a terminal.|hi"
    terminal.types('system """\n')
    terminal.sees("...  ")
    terminal.types("Two\n")
    terminal.sees("...  ")
    terminal.says('lines."""')
    assert said(terminal.says("regenerate")) == "Two\nlines.|hi"
    for question in ("systems fail", "System requirements for Python?", 'System """x"""'):
        assert said(terminal.says(question)) == f"Two\nlines.|{question}"
    assert "My instructions are:\r\nBe brief on {server}." in terminal.says("system default")
    assert said(terminal.says("hi")) == "Be brief on this computer.|hi"
    terminal.types("quit\n")
    assert terminal.ends() == 0
    assert said(chat(folder).says("hi")) == "S|hi"


@pytest.mark.parametrize(
    ("cut", "rest", "shown"),
    [
        ("Code:\n\n```python\na = *1*\n", "b = *2*\n```\n\nThe *end*.", ["a = *1*", "b = *2*", "The end."]),
        ("Code:\n\n```\na = ", "*1*\n```", ["a = *1*"]),
        ("Look:\n\n| a | b |\n|---|---|\n| 1 | 2 |\n", "| 3 | 4 |", ["a  b", "────", "1  2", "3  4"]),
        ("One.\n\nTwo", " *three*.", ["Two three."]),
    ],
)
def test_the_rest_of_an_answer_is_rendered_as_a_part_of_it(folder, cut, rest, shown):
    settings = {"TERM": "xterm", "LINES": "30", "COLUMNS": "40", "NO_COLOR": "1"}
    terminal = Terminal(folder, "chat", "--model", "demo", program=without_a_model([cut, CUT], [rest]), **settings)
    assert MORE_TO_COME[:30] in terminal.says("hi")
    screen = test_screen.Terminal(terminal.says("continue"))
    lines = [line.strip() for line in screen.lines()]
    assert [line for line in lines[lines.index("Parley:") + 1 :] if line] == shown


def test_the_rest_of_an_answer_may_complete_a_blocked_word(folder):
    (folder / "words.txt").write_text("bad\n")
    program = without_a_model(["So ba", CUT], ["d one"])
    terminal = Terminal(folder, "chat", "--model", "demo", program=program, BLOCKED_WORDS_FILE="words.txt")
    assert "Parley: So ba\r\n" in terminal.says("hi")
    assert f"Parley: {REPLACED} one\r\n" in terminal.says("continue")


def test_a_file_is_put_into_the_question(folder):
    terminal = chat(folder)
    notes = "notes.txt:\n```\nbuy milk\n```"
    assert said(terminal.says("what is in @notes.txt?")) == f"S|what is in @notes.txt?\n{notes}"
    asked = f'(see @{folder}/notes.txt and @"my plan.md", @notes.txt)'
    plan = "my plan.md:\n```\n1. rest\n```"
    assert said(terminal.says(asked)) == f"S|{asked}\n{notes}\n{plan}", "each file once"
    assert said(terminal.says("this (@notes.txt)?")) == f"S|this (@notes.txt)?\n{notes}"
    (folder / "blocks.md").write_text("````\n```\n````\n")
    assert said(terminal.says("@blocks.md")) == "S|@blocks.md\nblocks.md:\n`````\n````\n```\n````\n`````"
    shown = terminal.says("what is @none.txt, @bob? a@b.c")
    assert "(There is no file none.txt, so @none.txt stays as it is.)" in shown
    assert shown.count("There is no file") == 1
    assert said(shown) == "S|what is @none.txt, @bob? a@b.c"
    shown = terminal.says("what is @photo.png")
    assert "photo.png cannot be put into the question: I can only read text files of up to 64 KB." in shown
    assert "<" not in shown
    (folder / "long.txt").write_text("x" * (64 * 1024 + 1))
    assert "up to 64 KB" in terminal.says("@long.txt")
    assert said(terminal.says(f"@{'x' * 300}. @~nobody/x")).startswith("S|@xxx")


def test_the_arrow_keys_recall_what_was_typed_in_earlier_chats(folder):
    terminal = chat(folder, TERM="xterm")
    terminal.says("first question")
    terminal.says("second question")
    terminal.types("quit\n")
    assert terminal.ends() == 0
    file = folder / "parley.db-history"
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text().splitlines() == ["first question", "second question", "quit"]
    terminal = chat(folder)
    assert said(terminal.says(f"{UP}{UP}{UP} again")) == "S|first question again"
    assert terminal.leaves() == 0
    terminal = chat(folder)
    assert said(terminal.says(f"{UP}!")) == "S|first question again!"
    terminal._child.kill(signal.SIGHUP)
    assert terminal.ends() == -1
    assert file.read_text().splitlines()[-1] == "first question again!", "it is kept although the terminal was closed"


def test_the_arrow_keys_recall_several_lines_as_one_text(folder):
    terminal = chat(folder)
    for line in ('"""', "def f():", '    """One."""'):
        terminal.types(f"{line}\n")
        terminal.sees("...  ")
    code = 'def f():\n    """One."""'
    assert said(terminal.says('"""')) == f"S|{code}"
    assert said(terminal.says(UP)) == f"S|{code}"
    terminal.types('"""given\n')
    terminal.sees("...  ")
    terminal.types("up\x03")
    terminal.sees("You: ")
    terminal.types("quit\n")
    assert terminal.ends() == 0
    file = (folder / "parley.db-history").read_bytes()
    assert file == b'"""\rdef f():\r    """One."""\r"""\n"""given\nquit\n'
    terminal = chat(folder)
    assert said(terminal.says(f"{UP}{UP}{UP}")) == f"S|{code}"
    terminal.types(f"{UP}{UP}{UP}\n")
    terminal.sees("...  ")
    assert said(terminal.says('again"""')) == "S|given\nagain"


def test_a_history_that_cannot_be_kept_is_told(folder):
    (folder / "parley.db-history").mkdir()
    terminal = chat(folder)
    shown = terminal.says("hi")
    assert "What you type cannot be kept in parley.db-history for the arrow keys: Is a directory." in shown
    assert "cannot be kept" not in terminal.says("hi")
    terminal.types("quit\n")
    assert terminal.ends() == 0


def test_in_a_pipe_lines_are_read_and_answers_written_as_they_are(folder):
    lines = 'hi **there**\n"""a\nb"""\nquit\n'
    ended = subprocess.run(
        [sys.executable, *REPEATING],
        cwd=folder,
        env=environment(SYSTEM_PROMPT="", TERM="xterm"),
        input=lines,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Parley: <|hi **there**>\n" in ended.stdout
    assert "Parley: <|a\nb>\n" in ended.stdout
    assert "\x1b" not in ended.stdout
    assert not (folder / "parley.db-history").exists()
