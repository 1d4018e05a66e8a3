"""An answer in a terminal is rendered Markdown, of which nothing is lost and nothing shown twice while it grows."""

import io
import re
from contextlib import redirect_stdout

import pytest

from bot.console.screen import screen

HEIGHT, WIDTH = 10, 40
_SEQUENCE = re.compile(r"\x1b\[(?P<number>\??[\d;]*)(?P<letter>[a-zA-Z])|(?P<char>.)", re.DOTALL)


class Terminal(io.StringIO):
    """As much of a terminal as is needed to know what it shows, with all that was scrolled away."""

    def isatty(self) -> bool:
        return True

    def lines(self) -> list[str]:
        rows: list[str] = [""]
        row = column = 0
        for found in _SEQUENCE.finditer(self.getvalue()):
            char = found["char"]
            if found["letter"] == "A":
                # What has been scrolled away can no longer be reached.
                row = max(row - int(found["number"] or 1), len(rows) - HEIGHT, 0)
            elif found["letter"] == "K":
                rows[row] = ""
            elif char == "\n":
                row, column = row + 1, 0
                rows += [""] * (row + 1 - len(rows))
            elif char == "\r":
                column = 0
            elif char:
                rows[row] = rows[row].ljust(column)[:column] + char + rows[row][column + 1 :]
                column += 1
        return [line.rstrip() for line in rows]


@pytest.fixture
def terminal(monkeypatch):
    for name, value in {"TERM": "xterm", "LINES": str(HEIGHT), "COLUMNS": str(WIDTH), "NO_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)
    return Terminal()


def shown(terminal: Terminal, text: str, label: str = "") -> list[str]:
    with redirect_stdout(terminal), screen(label) as there:
        for length in range(len(text) + 1):
            there.show(text[:length])
    return terminal.lines()


def test_blocks_are_rendered_with_the_lines_of_the_model(terminal):
    text = """\
A **bold** word,
and a second line.

- one
- List<int> & <b>

1. first
2. `second`

```python
print("a *star*")
```
[a link](https://example.com)
"""
    lines = shown(terminal, text, "Parley: ")
    assert [line.strip() for line in lines if line.strip()] == [
        "Parley:",
        "A bold word,",
        "and a second line.",
        "• one",
        "• List<int> & <b>",
        "1 first",
        "2 second",
        'print("a *star*")',
        "a link (https://example.com)",
    ]


def test_an_answer_longer_than_the_screen_is_whole_and_there_once(terminal):
    paragraphs = "\n\n".join(f"paragraph {number}" for number in range(30))
    code = "```\n" + "".join(f"line {number}\n" for number in range(30)) + "```"
    lines = [line.strip() for line in shown(terminal, f"{paragraphs}\n\n{code}\n\nThe end.")]
    assert [line for line in lines if line] == [
        *(f"paragraph {number}" for number in range(30)),
        *(f"line {number}" for number in range(30)),
        "The end.",
    ]


def test_what_grows_is_seen_before_it_is_whole(terminal):
    with redirect_stdout(terminal), screen() as there:
        there.show("```\n" + "".join(f"line {number}\n" for number in range(30)))
        visible = [line.strip() for line in terminal.lines()[-HEIGHT:]]
        assert "line 29" in visible
        assert "line 0" not in visible


def test_text_stays_although_an_answer_breaks_off(terminal):
    with pytest.raises(ConnectionError), redirect_stdout(terminal), screen() as there:
        there.show("so far *and no")
        raise ConnectionError
    assert [line for line in terminal.lines() if line] == ["so far *and no"]


def test_a_terminal_that_cannot_overwrite_gets_the_text_as_it_is(terminal, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    shown(terminal, "a **b**\n\nc", "Parley: ")
    assert terminal.getvalue() == "Parley: a **b**\n\nc\n"
