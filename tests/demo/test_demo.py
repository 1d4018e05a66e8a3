"""The model that ships with Parley is small, reproducible by its script, and remembers five turns."""

import hashlib
import itertools
import json
import random
import re
import unicodedata
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from bot.demo import MODEL, evaluate, phrasebook, tokenizer, values
from bot.demo.conversation import WINDOW, Conversation, Dialogue, Turn
from bot.demo.dialogues import dialogues


@cache
def tokens() -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(MODEL)


@cache
def model() -> PreTrainedModel:
    return AutoModelForCausalLM.from_pretrained(MODEL).float().eval()


def chat(*messages: tuple[str | None, str]) -> list[str]:
    """The model's answers to messages, each with its speaker or None."""
    said = Conversation(random.Random(0), "held out")
    said.turns = [Turn(speaker, text, "") for speaker, text in messages]
    return evaluate.hold(model(), tokens(), [said], sample=False)[0]


def test_the_weights_are_small_enough_to_ship():
    assert (MODEL / "model.safetensors").stat().st_size <= 5_000_000


def test_the_same_seed_makes_the_same_dialogues():
    assert list(itertools.islice(dialogues(3, "train"), 50)) == list(itertools.islice(dialogues(3, "train"), 50))
    assert list(itertools.islice(dialogues(3, "train"), 50)) != list(itertools.islice(dialogues(4, "train"), 50))


def assert_trained_on(data: object, digest: str) -> None:
    now = hashlib.sha256(json.dumps(data).encode()).hexdigest()
    assert now == digest, (
        "The shipped model was trained on other data. If the change is meant, train the model anew with "
        f"python -m bot.demo.train, commit it, and put {now} here."
    )


def test_the_model_was_trained_on_these_dialogues():
    made = itertools.chain(
        itertools.islice(dialogues(20, "train", lessons=100), 400), itertools.islice(dialogues(20, "held out"), 200)
    )
    assert_trained_on(
        [(said.system, [(turn.user, turn.answer, turn.learn) for turn in said.turns]) for said in made],
        "de6971e81193b7a3d17b01ccc567d5f321bb0fcd402dd00716b814d1c83b34ba",
    )


def test_the_model_was_trained_on_these_phrases():
    """Complete, as a few hundred dialogues contain only some of them."""
    assert_trained_on(
        [
            (phrasebook.TALK, phrasebook.NOTHING_KNOWN, phrasebook.PLAIN_REPLIES),
            (phrasebook.TELL, phrasebook.TELL_FRAMES, phrasebook.REPEAT),
            (phrasebook.ASK, phrasebook.ASK_ABOUT, phrasebook.ASK_FRAMES, phrasebook.OBJECTS, phrasebook.OBJECTS_ABOUT),
            (phrasebook.OPENERS, phrasebook.FILLERS, phrasebook.ADJECTIVES, phrasebook.WORDS),
            (phrasebook.PETS, phrasebook.NAMED, phrasebook.FAVOURITES, phrasebook.REMEMBERED, phrasebook.SUBJECTS),
            (phrasebook.SYSTEM_PROMPT, phrasebook.SYSTEM_PROMPTS),
            (values.FIRST_NAMES, values.PET_NAMES, values.CITIES),
            (values.COLOURS, values.THINGS, values.COMMON_WORDS),
        ],
        "ca3fdfb597fc8d0f5d446b4d7b2e61c86d7f8e3adaefa617e822d15348a3e8fd",
    )


def test_no_phrasing_is_in_both_sides_of_the_split():
    """The same words may still ask for an animal's name on one side and for a favourite thing on the other."""
    talk = [block for _, block in phrasebook.TALK.values()]
    facts = [*phrasebook.TELL.values(), *phrasebook.ASK.values(), *phrasebook.ASK_ABOUT.values()]
    blocks = [*talk, *facts, phrasebook.REPEAT, phrasebook.TELL_FRAMES, phrasebook.ASK_FRAMES]
    assert all(block.held_out for block in blocks)
    assert not any(
        {*map(phrasebook.normal, block.held_out)} & {*map(phrasebook.normal, block.train)} for block in blocks
    )
    assert {phrasebook.normal(phrase) for block in blocks for phrase in block.held_out} == phrasebook.HELD_OUT


@pytest.mark.slow
def test_training_says_no_held_out_phrase():
    """Not even with an opener, a frame, or a word added or left out."""
    said = Conversation(random.Random(5), "train")
    for situation in ("greet", "how are you", "/clear"):
        for _ in range(20_000):
            said.talk(None, situation)
    for _ in range(20_000):
        said.tell(None, "live", value="{v}")
    asked = [said._question(phrasebook.ASK["called"], phrasebook.OBJECTS["called"]) for _ in range(20_000)]
    texts = [turn.text for turn in said.turns] + asked
    assert not phrasebook.HELD_OUT & {phrasebook.normal(text) for text in texts}


def test_no_value_is_in_both_sides_of_the_split():
    rng = random.Random(1)
    makers = (values.letters, values.first_name, values.script, values.handle, values.number, values.city_word)
    for split in ("train", "held out"):
        assert {values.side(make(rng, split)) for make in makers for _ in range(50)} == {split}


def test_the_shipped_tokenizer_is_the_one_its_script_builds():
    assert tokens().backend_tokenizer.to_str() == tokenizer.build().backend_tokenizer.to_str()
    assert tokens().chat_template == tokenizer.CHAT_TEMPLATE


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_survives_the_tokenizer(text: str):
    ids = tokens()(text, split_special_tokens=True)["input_ids"]
    assert unicodedata.normalize("NFC", tokens().decode(ids)) == unicodedata.normalize("NFC", text)


def test_training_sees_what_the_chat_template_makes():
    said = Dialogue("Be kind.", (Turn("Ann", "hi", "Hello!"), Turn(None, "what is my name?", "")))
    messages = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Ann: hi"},
        {"role": "assistant", "content": "Hello!"},
        {"role": "user", "content": "what is my name?"},
    ]
    text = tokens().apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    assert tokens().decode(tokenizer.encode(tokens(), said, reply=True)[0]) == text


def test_speakers_are_numbered_where_all_are_named():
    said = Dialogue("", (Turn("Ann", "hi", "Hello!"), Turn("Ben: x", "hi", "Hello!"), Turn("Ann", "so: what?", "")))
    messages = [
        {"role": role, "content": text}
        for turn in said.turns
        for role, text in (("user", turn.user), ("assistant", turn.answer))
    ]
    text = tokens().apply_chat_template(messages[:-1], add_generation_prompt=True, tokenize=False)
    assert tokens().decode(tokenizer.encode(tokens(), said, reply=True)[0]) == text
    assert re.findall(r"user.*", text) == ["user 1", "user 2", "user 1"]


@pytest.mark.slow
@pytest.mark.parametrize("sample", [False, True])
def test_unseen_chats_are_answered_right(sample: bool):
    named = evaluate.conversations(each=1, seed=11)
    held = evaluate.hold(model(), tokens(), [said for _, said in named], sample)
    right = [
        evaluate.is_right(ability, said.turns[-1].answer, answers[-1])
        for (ability, said), answers in zip(named, held, strict=True)
    ]
    assert sum(right) / len(right) >= 0.9


@pytest.mark.parametrize("between", range(WINDOW))
def test_a_name_is_known_within_five_turns(between: int):
    others = [(None, "thanks"), (None, "what does /ask do?"), (None, "tell me a joke"), (None, "ok")]
    answers = chat((None, "Hi, my name is Zorkbat"), *others[:between], (None, "What is my name?"))
    assert answers[-1] == "Your name is Zorkbat."


def test_a_name_that_slid_out_of_the_window_is_not_known():
    others = [(None, "thanks"), (None, "what does /ask do?"), (None, "tell me a joke"), (None, "ok"), (None, "hello")]
    answers = chat((None, "Hi, my name is Zorkbat"), *others, (None, "What is my name?"))
    assert "don't know" in answers[-1]
    assert "Zorkbat" not in answers[-1]


def test_two_speakers_are_told_apart():
    answers = chat(
        ("Ann", "my favourite colour is ruby"),
        ("Ben_77", "my favourite colour is jade"),
        ("Ann", "what is my favourite colour?"),
        ("Ben_77", "what is my favourite colour?"),
        ("Ben_77", "what is my name?"),
    )
    assert answers[2:4] == ["Your favourite colour is ruby.", "Your favourite colour is jade."]
    assert "don't know" in answers[4]
