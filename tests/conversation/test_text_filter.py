"""Where a growing text may still become a match, and what filters in a chain let through."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.text_filter import LONGEST, UNFILTERED, FilterChain, GrowingTextPattern

UNDECIDED = [
    ("foo", "a fo", 2),
    ("foo", "a foo", 2),
    ("foo", "a foo ", 6),
    ("foo", "a fox", 5),
    ("ab+", "abb", 0),
    ("ab+", "abbc", 4),
    (r"\bass\b", "ass", 0),
    (r"\bass\b", "assume", 6),
    ("foo.*bar", "foo bar", 0),
    ("foo.*bar", "foo bar baz", 0),
    ("foo.*bar", "foo bar\nbaz", 11),
    ("foo.*?bar", "foo bar baz", 11),
    ("foo(?=bar)", "foob", 0),
    ("foo(?!bar)", "fooba", 0),
    ("foo(?!bar)", "foobaz", 6),
    ("foo.*bar|baz", "foo baz", 0),
    ("(?m)foo$", "foo", 0),
    ("(?x) f oo  # the word", "fo", 0),
    ("(?i)foo", "FO", 0),
]


@pytest.mark.parametrize(("pattern", "text", "undecided"), UNDECIDED)
def test_what_may_become_a_match_or_a_longer_one_is_undecided(pattern, text, undecided):
    assert GrowingTextPattern(pattern).find_undecided(text, 0) == undecided


@given(
    st.sampled_from(
        ["ab", "a+b", "a*b|c", r"\bab\b", "a(?=b)", "a(?!b)", "(?<!c)ab?", "(a|ab)(c|bcd)", "a.?c", "ca{2,}"]
    ),
    st.text("abcd ", max_size=12),
    st.text("abcd ", max_size=12),
)
def test_nothing_that_comes_changes_a_match_before_what_is_undecided(pattern, text, more):
    undecided = GrowingTextPattern(pattern).find_undecided(text, 0)

    def decided(text: str) -> list[tuple[int, int]]:
        return [match.span() for match in re.finditer(pattern, text) if match[0] and match.start() < undecided]

    assert decided(text) == decided(text + more)
    assert [match.span() for match in GrowingTextPattern(pattern).find(text, 0, undecided)] == decided(text)


def test_what_is_longer_than_the_bound_is_decided():
    pattern = GrowingTextPattern("<.*>")
    assert pattern.find_undecided(f"<{'a' * (LONGEST - 1)}", 0) == 0
    assert pattern.find_undecided(f"<{'a' * LONGEST}", 0) == LONGEST + 1


class Upper:
    ended = False

    def __init__(self) -> None:
        self.held = ""

    def push(self, text: str) -> str:
        self.held, text = text[-1:], self.held + text[:-1]
        return text.upper()

    def finish(self) -> str:
        return self.held.upper()


def test_each_filter_of_a_chain_reads_what_the_one_before_it_returns():
    chain = FilterChain(Upper(), Upper())
    assert [chain.push("abc"), chain.push("d"), chain.finish()] == ["A", "B", "CD"]


def test_without_filters_the_text_stays_as_it_is():
    assert (UNFILTERED.push("abc"), UNFILTERED.finish(), UNFILTERED.ended) == ("abc", "", False)
