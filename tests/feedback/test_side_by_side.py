"""Two texts beside each other stay within the width, keep their columns and lose nothing."""

import pytest

from bot.feedback.side_by_side import side_by_side, wrap


def columns(text: str) -> int:
    """The width of a text that has no characters but ASCII and wide ones."""
    return sum(1 if char.isascii() else 2 for char in text)


TEXTS = [
    "a short one",
    "words " * 30 + "x" * 100,
    "一二三 四五六七八九十" * 5,
    "one\n\n    indented\tand more\nlast",
    "",
]


@pytest.mark.parametrize("width", [40, 41, 80, 200])
@pytest.mark.parametrize("left", TEXTS)
@pytest.mark.parametrize("right", TEXTS)
def test_two_texts_stand_beside_each_other(left, right, width):
    lines = [*side_by_side(left, right, width)]
    assert all(columns(line) <= width for line in lines)
    halves = [line.partition(" |") for line in lines]
    assert len({columns(before) for before, _, _ in halves}) == 1
    for text, shown in ((left, [half[0] for half in halves]), (right, [half[2] for half in halves])):
        assert "".join("".join(shown).split()) == "".join(text.split())


@pytest.mark.parametrize("width", [1, 2, 20, 39])
def test_in_a_narrow_terminal_they_stand_above_each_other(width):
    lines = [*side_by_side("the left\none", "right", width)]
    assert "".join("".join(lines).split()) == "theleftoneright"
    assert all(len(line) <= width for line in lines)
    assert "|" not in "".join(lines)


def test_lines_are_wrapped_at_spaces():
    assert [*wrap("one two three\n  four", 8)] == ["one two", "three", "  four"]
    assert [*wrap("a longword", 4)] == ["a", "long", "word"]
    assert [*wrap("ページ", 3)] == ["ペ", "ー", "ジ"]
    assert [*wrap("e\N{COMBINING ACUTE ACCENT}e", 2)] == ["e\N{COMBINING ACUTE ACCENT}e"]
    assert [*wrap("", 4)] == [""]
