"""A long answer is split at the best places, and what has been shown is never moved."""

import re

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from bot.messages.pages import LIMIT, pages
from tests.support.timing import assert_linear

WORDS = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=12)
SENTENCES = st.lists(WORDS, min_size=1, max_size=30).map(lambda words: " ".join(words) + ". ")
SPANS = st.lists(WORDS, min_size=1, max_size=8).map(lambda words: f"`{' '.join(words)}` ")
LINKS = st.lists(WORDS, min_size=1, max_size=8).map(lambda parts: f"[see this](https://example.com/{'/'.join(parts)}) ")
EMOJI = st.sampled_from(["👩‍👩‍👧 ", "🏳️‍🌈", "👍🏽", "🇩🇪🇫🇷", "é", "각", "<:parley:41771983423143937> "])
CODE = st.builds(
    lambda language, lines: f"\n```{language}\n" + "".join(f"    {line}\n" for line in lines) + "```\n",
    st.sampled_from(["", "python", "c++"]),
    st.lists(SENTENCES, min_size=1, max_size=60),
)
LISTS = st.lists(SENTENCES, min_size=1, max_size=10).map(lambda items: "".join(f"- {item}\n" for item in items))
MARKDOWN = st.lists(
    st.one_of(SENTENCES, SENTENCES, SPANS, LINKS, EMOJI, CODE, LISTS, st.just("\n\n"), st.just("\n")), max_size=60
).map("".join)
ANY = st.one_of(
    MARKDOWN, st.text(), st.text("`\n a*[](h", max_size=6000), st.text("x`\n", min_size=3000, max_size=6000)
)


def parts(text: str) -> list[str]:
    """The part of the text that each page shows."""
    ends = [page.end for page in pages(text)]
    return [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def squeezed(text: str) -> str:
    """Discord strips white space at both ends of a message."""
    return "".join(text.split())


@pytest.mark.slow
@given(ANY)
def test_pages_fit_and_together_are_the_text(text):
    found = list(pages(text))
    assert "".join(parts(text)) == text
    opened = ""
    for page, part in zip(found, parts(text), strict=True):
        assert len(page.content) <= LIMIT
        closed = "```" if page.fence and page is not found[-1] else ""
        marked = squeezed(opened) + squeezed(part) + closed
        assert squeezed(page.content) == (marked if squeezed(part) else ""), "only the fences of code blocks are added"
        opened = page.fence


@given(MARKDOWN, st.integers(1, 400))
def test_finished_pages_never_change(text, step):
    finished: list[str] = []
    for size in range(0, len(text) + step, step):
        now = [page.content for page in pages(text[:size])]
        assert now[: len(finished)] == finished
        finished = now[:-1]


@given(MARKDOWN)
def test_continuing_from_a_page_gives_the_same_pages(text):
    found = list(pages(text))
    for number, page in enumerate(found[:-1]):
        assert list(pages(text, page.end, page.fence)) == found[number + 1 :]


@given(MARKDOWN)
def test_no_character_span_link_or_emoji_is_broken(text):
    blocks = [match.span() for match in re.finditer(r"^```.*?^```$", text, re.DOTALL | re.MULTILINE)]
    spans = [match.span() for match in re.finditer(r"`[^`\n]+`|\[[^]]*\]\([^)]*\)|<:\w+:\d+>", text)]
    for end in [page.end for page in pages(text)][:-1]:
        assert regex.match(r"\X", text[end - 1 :]).end() == 1 or any(s < end < e for s, e in blocks)
        if not any(start < end < finish for start, finish in blocks):
            assert not any(start < end < finish for start, finish in spans)


@pytest.mark.parametrize(
    ("unit", "last"),
    [
        ("One sentence. And another one.\n\nNext paragraph " + "goes on " * 20, "And another one."),
        ("A line of text, and more of it\n", "A line of text, and more of it"),
        ("This is a sentence! This is one too! ", "!"),
        ("word ", "word"),
    ],
    ids=["paragraph", "line", "sentence", "word"],
)
def test_the_text_is_split_at_the_best_place(unit, last):
    found = list(pages(unit * (5000 // len(unit))))
    assert len(found) > 2
    assert all(page.content.rstrip().endswith(last) for page in found[:-1])
    assert all(len(page.content) > LIMIT / 3 for page in found[:-1])


def test_a_code_block_is_closed_and_opened_again_with_its_language():
    code = "".join(f"    print({number})\n" for number in range(400))
    found = [page.content for page in pages(f"Look:\n```python\n{code}```\nDone.")]
    assert all(page.endswith("\n```") for page in found[:-1])
    assert all(page.startswith("```python\n    print(") for page in found[1:])
    assert found[-1].endswith("\n```\nDone.")
    shown = "".join(re.sub(r"^(Look:\n)?```python\n|\n```(\nDone\.)?$", "", page) + "\n" for page in found)
    assert shown == code


def test_a_stray_backtick_does_not_spoil_the_message():
    found = list(pages("A ` alone. " + "word " * 1000))
    assert len(found[0].content) > LIMIT / 3


def test_what_cannot_be_kept_together_is_split_between_characters():
    assert [len(page.content) for page in pages("👩‍👩‍👧" * 900)] == [1995, 1995, 510]
    assert all(len(page.content) <= LIMIT for page in pages("https://example.com/" + "x" * 5000))
    assert all(len(page.content) <= LIMIT for page in pages("e" + "\u0301" * 5000))
    assert all(len(page.content) <= LIMIT for page in pages("```" + "x" * 3000 + "\n" + "y" * 3000))


@pytest.mark.parametrize("unit", ["```\n", "   ```\n", "`x\n", "`a\n\n", "[", "<@a", " \n", ".'\"", "🇩", "word "])
def test_pages_are_found_in_linear_time(unit, monkeypatch):
    def split(size: int) -> None:
        monkeypatch.setattr("bot.messages.pages.LIMIT", size)
        list(pages("a" + unit * (4 * size // len(unit)) + "b"))

    assert_linear(split, 500)
