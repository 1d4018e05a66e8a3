"""No id and no display name leaves an example: invented names take their places."""
# ruff: noqa: RUF001 - names are written in letters that only look like others

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.feedback.names import without_names
from bot.storage.channel_ref import ChannelRef
from bot.storage.example import Example
from bot.storage.turns import Person, Turn

ALICE, BOB, CAROL = 111111111111111111, 2, 3
NUMBERS = {ALICE: 1, BOB: 2}


def turn(asker: int, name: str, question: str, answer: str = "", *people: Person) -> Turn:
    return Turn(ChannelRef(7, None, 5), asker, name, question, answer, datetime.now(UTC), 10, (11,), people)


def rewrite(example: Example) -> Example:
    (result,) = without_names([example], NUMBERS)
    return result


def rewritten(text: str, name: str = "Alice", *people: Person) -> str:
    """A question in an example that Alice asked under a name."""
    example = Example("", (turn(ALICE, name, text, "", *people),), "model", "", {})
    return rewrite(example).turn.question


def test_people_become_their_numbers_wherever_they_are_named():
    example = Example(
        "You are Bob's butler.",
        (
            turn(BOB, "Bob", "hi, Carol wrote it", "Hello BOB!", Person(CAROL, "Carol")),
            turn(ALICE, "Alice", "Bob wrote: hi\ndo you like @Bob, or carol?", "I like bob, Alice."),
        ),
        "model",
        "",
        {},
        correction="Alice, I like you and Bob.",
    )
    result = rewrite(example)
    assert result.system == "You are Person 2's butler."
    assert [(each.asker_name, each.question, each.answer) for each in result.turns] == [
        ("Person 2", "hi, Somebody wrote it", "Hello Person 2!"),
        ("Person 1", "Person 2 wrote: hi\ndo you like @Person 2, or Somebody?", "I like Person 2, Person 1."),
    ]
    assert result.correction == "Person 1, I like you and Person 2."


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("Alice", "Alice's, _alice_, (ALICE)\nalice", "Person 1's, _Person 1_, (Person 1)\nPerson 1"),
        ("Ali", "Alice, kali, ali2, Alí and Ali", "Alice, kali, ali2, Alí and Person 1"),
        ("a.b*(c", "a.b*(c aXbb(c", "Person 1 aXbb(c"),
        ("[^x]|$", "x [^x]|$ x", "x Person 1 x"),
        ("\\d+", "12 \\d+", "12 Person 1"),
        ("🔥Alice🔥", "hi 🔥alice🔥!", "hi Person 1!"),
        ("🔥", "🔥, yes", "Person 1, yes"),
        ("Weiß", "weiß WEISS Weissen", "Person 1 Person 1 Weissen"),
        ("José", "JOSE\N{COMBINING ACUTE ACCENT} jose", "Person 1 jose"),
        ("𝓐𝓵𝓲𝓬𝓮", "Alice and 𝓐𝓵𝓲𝓬𝓮", "Person 1 and Person 1"),
        ("Alice", "𝓐𝓵𝓲𝓬𝓮", "Person 1"),
        ("Al\N{ZERO WIDTH SPACE}ice", "Alice, @Al\N{ZERO WIDTH SPACE}ice", "Person 1, @Person 1"),
        ("Anna  Lee", "Anna Lee, Anna\nLee", "Person 1, Person 1"),
        ("DJ: Al", "DJ Al, @DJ: Al", "Person 1, @Person 1"),
        ("小明", "小明你好,我是小明。", "Person 1你好,我是Person 1。"),
        ("민수", "민수는 어디", "Person 1는 어디"),
        ("Алиса", "алиса и Алисам", "Person 1 и Алисам"),
        ("عمر", "عمر، مرحبا", "Person 1، مرحبا"),
        ("प्रिया", "प्रिया, प्रियांशु", "Person 1, प्रियांशु"),
        (".", ". wrote: Yes.\n@. No... end.", "Person 1 wrote: Yes.\n@Person 1 No... end."),
        ("\N{ZERO WIDTH SPACE}", "somebody @ home", "somebody @ home"),
        ("1337", "1337 and 13370", "Person 1 and 13370"),
    ],
)
def test_a_name_is_found_as_a_whole_word_in_any_script(name, text, expected):
    assert rewritten(text, name) == expected


def test_the_longest_name_is_found_first():
    text = "Ann Lee, Ann and Lee Ann"
    people = [Person(BOB, "Ann Lee"), Person(CAROL, "Lee")]
    assert rewritten(text, "Ann", *people) == "Person 2, Person 1 and Somebody Person 1"


def test_of_two_with_a_name_the_one_who_asked_last_is_meant():
    example = Example("", (turn(BOB, "Max", "hi", "Hi Max"), turn(ALICE, "Max", "hi", "Hi Max")), "model", "", {})
    result = rewrite(example)
    assert [each.asker_name for each in result.turns] == ["Person 2", "Person 1"]
    assert result.turn.answer == "Hi Person 1"


def test_somebody_who_renamed_themselves_stays_the_same_person():
    example = Example("", (turn(ALICE, "Ally", "hi", "Hi Ally"), turn(ALICE, "Alice", "hi", "Ally?")), "model", "", {})
    assert [each.answer for each in rewrite(example).turns] == ["Hi Person 1", "Person 1?"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"<@{ALICE}> <@!{ALICE}> {ALICE}", "@Person 1 @Person 1 Person 1"),
        ("<@999> <@&998> <#997>", "@Somebody @role #channel"),
        ("<:wave:996> <a:dance:995> </ask:994> </persona set:993>", ":wave: :dance: /ask /persona set"),
        ("12345678901234567 123456789012345678901", "(id) 123456789012345678901"),
        ("x12345678901234567890y", "x(id)y"),
        ("<t:1700000000:R> 1234567890123456", "<t:1700000000:R> 1234567890123456"),
        ("see https://discord.com/channels/1/2/3.", "see (link to a message)."),
        ("(https://ptb.discordapp.com/channels/@me/2/3)", "((link to a message))"),
        ("<https://canary.discord.com/channels/1/2>", "<(link to a message)>"),
        ("discord.com/channels/1/2/3", "(link to a message)"),
        ("https://discord.com/developers", "https://discord.com/developers"),
        (
            "https://cdn.discordapp.com/attachments/123456789012345678/123456789012345679/cat.png",
            "https://cdn.discordapp.com/attachments/(id)/(id)/cat.png",
        ),
    ],
)
def test_ids_do_not_stay(text, expected):
    assert rewritten(text) == expected


def test_a_text_without_names_stays_as_it_is():
    text = "Ｆull-width  ﬁgures,\ttabs\u200b and 𝓪𝓫\r\n½"
    assert rewritten(text) == text


def test_names_are_known_from_all_examples_of_a_server():
    def said(asker: int, name: str, question: str, guild: int | None) -> Example:
        asked = replace(turn(asker, name, question, "Max!"), channel=ChannelRef(7, None, guild))
        return Example("", (asked,), "model", "", {})

    examples = [
        said(ALICE, "Alice", "where is Bob?", 5),
        said(BOB, "Bob", "and Max, or alice?", 5),
        said(CAROL, "Max", "I am Max", 5),
        said(BOB, "Max", "I am Max", 5),
        said(CAROL, "Carol", "Bob?", 6),
        said(CAROL, "Carol", "Alice?", None),
    ]
    results = [*without_names(examples, NUMBERS)]
    assert [each.turn.question for each in results] == [
        "where is Person 2?",
        "and Person 2, or Person 1?",
        "I am Somebody",
        "I am Person 2",
        "Bob?",
        "Alice?",
    ]
    assert [each.turn.answer for each in results[2:5]] == ["Somebody!", "Person 2!", "Max!"]
