"""The placeholders of a persona are filled in once, and only those."""

from dataclasses import fields, replace
from datetime import date

from bot.conversation.placeholders import Placeholders

DAY = date(2026, 3, 1)
HOME = Placeholders("Home", "general", "all {bot} things", "Parley")


def test_each_placeholder_is_filled_in_and_other_braces_stay():
    persona = "{bot} on {server}, #{channel} ({topic}): {date}. {bot}! {name} {} { date } {{x}} {DATE} {"
    assert HOME.fill(persona, DAY) == (
        "Parley on Home, #general (all {bot} things): Sunday, 1 March 2026. Parley! {name} {} { date } {{x}} {DATE} {"
    )


def test_what_stands_for_a_placeholder_is_not_filled_in_again():
    for option in fields(Placeholders):
        assert replace(HOME, **{option.name: "{date} {server}"}).fill(f"{{{option.name}}}", DAY) == "{date} {server}"


def test_a_persona_without_placeholders_is_as_it_was_written():
    assert HOME.fill("Costs $5: {yes}\n", DAY) == "Costs $5: {yes}\n"
