"""Reasoning is separated from the answer, however the text is cut into pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.engine import Thought
from bot.engine.reasoning import ReasoningParser
from tests.support.timing import assert_linear


def split(pieces: list[str], *, thinking: bool = False) -> tuple[str, str]:
    """The reasoning and the answer."""
    parser = ReasoningParser(thinking=thinking)
    out = [part for piece in pieces for part in parser.push(piece)] + parser.finish()
    assert "" not in out
    thought = "".join(part for part in out if isinstance(part, Thought))
    return thought, "".join(part for part in out if not isinstance(part, Thought))


@pytest.mark.parametrize(
    ("text", "thinking", "thought", "answer"),
    [
        ("Hello", False, "", "Hello"),
        ("\n Hello <think> and </think>", False, "", "Hello <think> and </think>"),
        ("<think>\nA plan.\n</think>\n\nHello </think>", False, "\nA plan.\n", "Hello </think>"),
        ("\n<think></think>\nHello", False, "", "Hello"),
        ("A plan.</think> Hello", True, "A plan.", "Hello"),
        ("<think>A plan</thin", False, "A plan</thin", ""),
        (" <thin", False, "", "<thin"),
        ("", True, "", ""),
    ],
)
@given(cuts=st.lists(st.integers(0, 40)))
def test_thoughts_stand_between_the_marks_at_the_beginning(text, thinking, thought, answer, cuts):
    at = sorted({cut for cut in cuts if 0 < cut < len(text)})
    pieces = [text[a:b] for a, b in zip([0, *at], [*at, len(text)], strict=True)]
    assert split(pieces, thinking=thinking) == (thought, answer)


def test_what_is_thought_comes_while_it_is_thought():
    parser = ReasoningParser()
    assert parser.push("<think>First this") == ["First this"]
    assert parser.push(", then </that") == [", then </that"]


def test_blank_pieces_are_read_in_linear_time():
    def push(size: int) -> None:
        parser = ReasoningParser()
        for _ in range(size):
            parser.push(" " * 20)

    assert_linear(push, 500)
