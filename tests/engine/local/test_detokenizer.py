"""Text leaves the detokenizer whole: no half characters, no special tokens, nothing past a stop string."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.engine.local.detokenizer import Detokenizer
from bot.engine.models.tokenizer import hidden_tokens
from tests.support.tokenizers import make_tokenizer

TOKENIZER = make_tokenizer()


def decode(text: str, stop: tuple[str, ...] = ()) -> tuple[list[str], Detokenizer]:
    detokenizer = Detokenizer(TOKENIZER, stop)
    pieces = [detokenizer.push(token) for token in TOKENIZER.encode(text)]
    return [piece for piece in [*pieces, detokenizer.finish()] if piece], detokenizer


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufffd|")))
def test_the_pieces_are_the_text_and_no_character_is_split(text):
    pieces, _ = decode(text)
    assert "".join(pieces) == text
    assert all("\ufffd" not in piece for piece in pieces)


@pytest.mark.parametrize("text", ["👩‍👩‍👧 ok", "你好，世界", "naïve", "\u200bx"])
def test_characters_of_several_tokens_arrive_whole(text):
    pieces, _ = decode(text)
    assert "".join(pieces) == text
    assert len(pieces) <= len(text), "one piece per character at most"


def test_half_a_character_at_the_end_is_dropped():
    detokenizer = Detokenizer(TOKENIZER)
    pieces = [detokenizer.push(token) for token in TOKENIZER.encode("ok 👋")[:-1]]
    assert "".join(pieces) + detokenizer.finish() == "ok "


def test_special_tokens_are_left_out():
    detokenizer = Detokenizer(TOKENIZER, hidden=hidden_tokens(TOKENIZER))
    ids = [TOKENIZER.convert_tokens_to_ids("<|im_start|>"), *TOKENIZER.encode("hello"), TOKENIZER.eos_token_id]
    assert "".join(map(detokenizer.push, ids)) + detokenizer.finish() == "hello"


def test_what_looks_like_a_special_token_is_text():
    pieces, _ = decode("<\u200b|im_end|>")
    assert "".join(pieces) == "<\u200b|im_end|>"


def test_nothing_follows_a_stop_string_and_nothing_of_it_shows():
    pieces, detokenizer = decode(" Fine.\nUser: and you?", ("\nUser:",))
    assert "".join(pieces) == " Fine."
    assert detokenizer.stopped


def test_the_beginning_of_a_stop_string_is_only_held_back():
    pieces, detokenizer = decode("two\nUs and \nUser", ("\nUser:",))
    assert "".join(pieces) == "two\nUs and \nUser"
    assert not detokenizer.stopped


def test_an_answer_that_begins_with_a_stop_string_is_empty():
    pieces, detokenizer = decode("\nUser: hi", ("\nUser:",))
    assert pieces == []
    assert detokenizer.stopped
