"""A channel's own settings override the operator's, within limits, and are deleted with it."""

import sqlite3

import pytest

from bot.storage.channel_ref import ChannelRef
from bot.storage.channel_settings import (
    BeyondLimit,
    ChannelLimits,
    ChannelOverrides,
    ChannelSettings,
    ChannelSettingsStore,
)
from bot.storage.database import open_database
from bot.storage.turns import TurnStore
from tests.storage.test_turns import store, turn

OPERATORS = ChannelSettings("Be brief.", 0.7, 200, 5)
LIMITS = ChannelLimits(1.5, 200, 20)


@pytest.fixture
async def file(path):
    async with open_database(path) as file:
        yield file


@pytest.fixture
def channels(file):
    return ChannelSettingsStore(file, OPERATORS, LIMITS)


async def test_what_a_channel_does_not_override_is_the_operators(channels):
    assert await channels.effective(ChannelRef(7)) == OPERATORS
    await channels.change(ChannelRef(7), ChannelOverrides(persona="Be a pirate.", turns=0))
    assert await channels.effective(ChannelRef(7)) == ChannelSettings("Be a pirate.", 0.7, 200, 0)
    assert await channels.effective(ChannelRef(8)) == OPERATORS


async def test_a_thread_inherits_what_it_does_not_override(channels):
    await channels.change(ChannelRef(7), ChannelOverrides("Be a pirate.", 0.1, 50, 2))
    await channels.change(ChannelRef(70, parent=7), ChannelOverrides(temperature=0.0, turns=9))
    assert await channels.effective(ChannelRef(70, parent=7)) == ChannelSettings("Be a pirate.", 0.0, 50, 9)
    assert await channels.effective(ChannelRef(71, parent=7)) == ChannelSettings("Be a pirate.", 0.1, 50, 2)
    assert await channels.effective(ChannelRef(7)) == ChannelSettings("Be a pirate.", 0.1, 50, 2)


async def test_a_change_leaves_the_rest_and_a_reset_leaves_nothing_behind(path, channels):
    await channels.change(ChannelRef(7), ChannelOverrides(persona="Be a pirate."))
    await channels.change(ChannelRef(7), ChannelOverrides(temperature=1.0, turns=3))
    await channels.change(ChannelRef(7), ChannelOverrides(turns=4), without=["temperature"])
    assert await channels.overrides(7) == ChannelOverrides(persona="Be a pirate.", turns=4)
    await channels.change(ChannelRef(7), ChannelOverrides(), without=["persona", "turns"])
    assert await channels.overrides(7) == ChannelOverrides()
    with sqlite3.connect(path) as other:
        assert other.execute("SELECT count(*) FROM channels").fetchone() == (0,)
    other.close()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (ChannelOverrides(temperature=1.6), "Temperature must be between 0 and 1.5,"),
        (ChannelOverrides(temperature=-0.1), "Temperature must be between 0 and 1.5,"),
        (ChannelOverrides(answer_length=201), "Longest answer in tokens must be between 1 and 200,"),
        (ChannelOverrides(answer_length=0), "Longest answer in tokens must be between 1 and 200,"),
        (ChannelOverrides(turns=21), "Turns remembered must be between 0 and 20,"),
        (ChannelOverrides(turns=-1), "Turns remembered must be between 0 and 20,"),
    ],
)
async def test_a_value_out_of_range_changes_nothing(channels, given, sentence):
    with pytest.raises(BeyondLimit, match=sentence):
        await channels.change(ChannelRef(7), given)
    assert await channels.overrides(7) == ChannelOverrides()


async def test_a_value_at_the_limit_is_accepted(channels):
    for own in (ChannelOverrides(None, 0, 1, 0), ChannelOverrides(None, 1.5, 200, 20)):
        await channels.change(ChannelRef(7), own)
        assert await channels.overrides(7) == own


async def test_a_lowered_limit_applies_to_earlier_overrides_but_not_to_the_operators_settings(file, channels):
    await channels.change(ChannelRef(7), ChannelOverrides(None, 1.5, 200, 20))
    lower = ChannelSettingsStore(file, OPERATORS, ChannelLimits(0.5, 100, 2))
    assert await lower.effective(ChannelRef(7)) == ChannelSettings("Be brief.", 0.5, 100, 2)
    assert await lower.effective(ChannelRef(70, parent=7)) == ChannelSettings("Be brief.", 0.5, 100, 2)
    assert await lower.effective(ChannelRef(8)) == OPERATORS
    await lower.change(ChannelRef(7), ChannelOverrides(persona="Be a pirate."))
    assert await channels.overrides(7) == ChannelOverrides("Be a pirate.", 1.5, 200, 20)


async def test_overrides_are_deleted_with_their_channel_its_threads_and_the_server(file, channels):
    turns = TurnStore(file)
    for place in (
        ChannelRef(7, guild=1),
        ChannelRef(70, 7, 1),
        ChannelRef(8, guild=1),
        ChannelRef(9, guild=2),
        ChannelRef(10),
    ):
        await channels.change(place, ChannelOverrides(turns=1))
    await store(turns, 7, turn("x"))
    assert [guild async for guild in file.guilds()] == [1, 2]
    assert await file.channels_of_guild(1) == {ChannelRef(7, guild=1), ChannelRef(70, 7, 1), ChannelRef(8, guild=1)}
    await file.forget_channel(7)
    assert [await channels.overrides(channel) for channel in (7, 70, 8)] == [
        ChannelOverrides(),
        ChannelOverrides(),
        ChannelOverrides(turns=1),
    ]
    assert await turns.recent(7) == []
    await file.forget_guild(1)
    assert [await channels.overrides(channel) for channel in (8, 9, 10)] == [
        ChannelOverrides(),
        ChannelOverrides(turns=1),
        ChannelOverrides(turns=1),
    ]


async def test_a_persona_chosen_by_name_follows_its_text_and_outlives_its_name(file, channels):
    limits_and_defaults = (file, OPERATORS, LIMITS)
    await channels.change(ChannelRef(7), ChannelOverrides(persona="Say arr.", turns=2, persona_name="pirate"))
    changed = ChannelSettingsStore(*limits_and_defaults, {"pirate": "Say ahoy.", "cook": "Cook."})
    assert await changed.overrides(7) == ChannelOverrides("Say ahoy.", turns=2, persona_name="pirate")
    assert await changed.effective(ChannelRef(70, parent=7)) == ChannelSettings("Say ahoy.", 0.7, 200, 2)
    await changed.change(ChannelRef(7), ChannelOverrides(turns=3))
    gone = ChannelSettingsStore(*limits_and_defaults, {"cook": "Cook."})
    assert await gone.overrides(7) == ChannelOverrides("Say ahoy.", turns=3, persona_name="pirate")
    await changed.change(ChannelRef(7), ChannelOverrides(persona="Be kind."))
    assert await changed.overrides(7) == ChannelOverrides("Be kind.", turns=3)
    await changed.change(ChannelRef(7), ChannelOverrides(persona="Cook.", persona_name="cook"))
    await changed.change(ChannelRef(7), ChannelOverrides(), without=["persona"])
    assert await changed.overrides(7) == ChannelOverrides(turns=3)


async def test_a_cleared_persona_is_erased_from_the_disk(path, channels):
    await channels.change(ChannelRef(7), ChannelOverrides(persona="Something private."))
    await channels.change(ChannelRef(7), ChannelOverrides(), without=["persona"])
    on_disk = b"".join(each.read_bytes() for each in path.parent.iterdir() if each.name.startswith(path.name))
    assert b"Something private." not in on_disk
