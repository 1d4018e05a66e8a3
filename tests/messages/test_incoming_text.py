"""What the model reads of a Discord message."""

import pytest

from bot.messages.incoming_text import resolved
from bot.messages.mentions import resolve_mentions
from tests.support.timing import assert_linear


@pytest.mark.parametrize("unit", ["</", "<@", "<:a", "<a:", "<@1", "</a:1", "<:a:", "1"])
def test_text_like_mentions_is_read_in_linear_time(unit):
    assert_linear(lambda size: resolve_mentions(unit * (size // len(unit)), None, {}), 2000)


async def test_a_mention_of_a_number_that_is_no_id_is_text():
    text = f"<@{'1' * 5000}>"
    assert resolve_mentions(text, None, {}) == text
    assert await resolved(text, None) == text
