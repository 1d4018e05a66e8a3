"""The documentation's pictures exist, and their pages show what they should."""

from pathlib import Path

import pytest

from tests.pictures.conversation import conversation

PICTURES = Path(__file__).parent.parent / "bot" / "docs"
LARGEST = 300_000  # bytes


@pytest.mark.slow
async def test_the_page_shows_the_conversation_as_discord_holds_it(discord, path):
    page = await conversation(discord, path)
    for person in ("Maya", "Tom"):
        assert f'<span class="name">{person}</span>' in page
    assert '<span class="app">APP</span>' in page
    assert '<span class="mention">@Parley</span> write a short poem' in page
    assert "the sun coming</div>" in page.replace("\n", ""), "the answer so far"
    assert "<pre><span" in page
    assert "1 question is ahead of yours: about" in page
    assert [page.count(f"<button>{label}</button>") for label in ("Stop", "Regenerate")] == [2, 1]
    assert "<b>Tom</b> is typing" in page


@pytest.mark.parametrize("name", ["discord.png", "terminal.png"])
def test_a_picture_is_there_and_small_enough_for_a_page(name):
    assert 0 < (PICTURES / name).stat().st_size <= LARGEST
