"""Settings: the environment overrides the file, bad values are all reported at once, the token is never shown."""

import os
import re
from dataclasses import fields
from pathlib import Path

import pytest

from bot.settings import Settings, SettingsError, read, read_file

EXAMPLE = Path(__file__).parent.parent / ".env.example"
SECRET = "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.secret"

BAD = {
    "DISCORD_TOKEN": "my token",
    "GUILD_ID": "0",
    "LINK_PREVIEWS": "1",
    "MODEL_PRECISION": "int4",
    "ENGINE_URL": "ftp://10.0.0.5",
    "ENGINE_TIMEOUT": "0",
    "HISTORY_TURNS": "101",
    "CONTEXT_MESSAGES": "31",
    "MAX_PROMPT_TOKENS": "ten",
    "MAX_NEW_TOKENS": "0",
    "TEMPERATURE": "-0.1",
    "TOP_P": "0",
    "TOP_K": "-1",
    "REPETITION_PENALTY": "0",
    "SEED": "1.5",
    "MAX_BATCH": "0",
    "QUEUE_LIMIT": "0",
    "COOLDOWN": "-1",
    "CHANNEL_MAX_TURNS": "-1",
    "CHANNEL_MAX_TEMPERATURE": "6",
    "SHUTDOWN_GRACE": "soon",
    "CHAT_CHANNELS": "general",
    "WAKE_WORDS": "Parley, :",
    "AUTO_THREAD": "always",
    "ALLOWED_GUILDS": "home",
    "ALLOWED_CHANNELS": "#general",
    "BLOCKED_USERS": "@bob",
    "ALLOWED_ROLES": "mods",
    "BLOCKED_ROLES": "-1",
    "ROLE_LIMITS": "5=0",
    "DIRECT_MESSAGES": "maybe",
    "SHARD_COUNT": "0",
    "SHARD_IDS": "all",
    "REQUESTS_PER_SECOND": "0",
    "HEALTH_ADDRESS": "8080x",
    "LOG_LEVEL": "LOUD",
    "LOG_FORMAT": "xml",
}


def test_the_example_file_gives_the_defaults():
    assert read({}, EXAMPLE) == (Settings(), [])


def test_the_example_file_shows_each_option_with_its_meaning_and_default():
    options = re.findall(r"^# (.+)\n([A-Z_]+)=(.*)$", EXAMPLE.read_text(), re.MULTILINE)
    assert [(meaning, name) for meaning, name, _ in options] == [
        (option.metadata["meaning"], option.name.upper()) for option in fields(Settings)
    ]
    shown = {name: default for _, name, default in options}
    for option in fields(Settings):
        default = "" if option.default in (None, (), frozenset()) else str(option.default)
        default = {"True": "on", "False": "off"}.get(default, default)
        assert shown[option.name.upper()] == default


def test_the_environment_overrides_the_file(tmp_path):
    file = tmp_path / ".env"
    file.write_text("TOP_K=7\nSEED=1\nSYSTEM_PROMPT='Costs $5: {yes}'\n")
    settings, _ = read({"TOP_K": "9"}, file)
    assert (settings.top_k, settings.seed, settings.system_prompt) == (9, 1, "Costs $5: {yes}")


def test_a_blank_variable_does_not_hide_the_file(tmp_path):
    file = tmp_path / ".env"
    file.write_text("TOP_K=9\n")
    assert read({"TOP_K": ""}, file)[0].top_k == 9


def test_blank_means_the_default_but_no_system_prompt_is_a_choice():
    settings, _ = read({"TOP_K": " ", "DISCORD_TOKEN": "", "SYSTEM_PROMPT": ""})
    assert (settings.top_k, settings.discord_token, settings.system_prompt) == (50, None, "")


def test_channel_ids_are_a_set():
    assert read({"CHAT_CHANNELS": "12, 34 56,"})[0].chat_channels == {12, 34, 56}


def test_wake_words_may_be_several_words_each():
    assert read({"WAKE_WORDS": "Parley,  hey   bot ,"})[0].wake_words == ("Parley", "hey bot")


def test_each_role_may_have_a_limit():
    assert read({"ROLE_LIMITS": "12=20, 34=5"})[0].role_limits == ((12, 20), (34, 5))


@pytest.mark.parametrize("text", ["12", "12=", "=5", "12=5=6", "mods=5", "12=many", "12 = 5"])
def test_an_invalid_role_limit_is_reported(text):
    with pytest.raises(SettingsError, match="ROLE_LIMITS"):
        read({"ROLE_LIMITS": text})


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("8080", ("127.0.0.1", 8080)),
        (":8080", ("127.0.0.1", 8080)),
        ("0.0.0.0:1", ("0.0.0.0", 1)),
        ("[::1]:65535", ("::1", 65535)),
        ("localhost:80", ("localhost", 80)),
        ("", None),
    ],
)
def test_an_address_is_this_machines_own_unless_told_otherwise(text, address):
    assert read({"HEALTH_ADDRESS": text})[0].health_address == address


@pytest.mark.parametrize("text", ["0", "65536", "::1:8080", "10.0.0.1", "http://localhost:8080", "a b:80", "8080:"])
def test_an_invalid_address_is_reported(text):
    with pytest.raises(SettingsError, match="HEALTH_ADDRESS"):
        read({"HEALTH_ADDRESS": text})


@pytest.mark.parametrize(("name", "value"), BAD.items())
def test_a_bad_value_is_reported_with_its_name_and_what_is_allowed(name, value):
    with pytest.raises(SettingsError, match=rf"^{name}: .* is not allowed; use .+\.$") as told:
        read({name: value})
    assert (value in str(told.value)) == (name != "DISCORD_TOKEN")


def test_shards_are_ranges_within_the_count():
    settings, _ = read({"SHARD_COUNT": "8", "SHARD_IDS": "0-2,7"})
    assert (settings.shard_count, settings.shard_ids) == (8, {0, 1, 2, 7})
    with pytest.raises(SettingsError, match=r"^SHARD_IDS needs SHARD_COUNT: how many .* in each process\.$"):
        read({"SHARD_IDS": "0"})
    with pytest.raises(SettingsError, match=r"^SHARD_IDS: with SHARD_COUNT=4 the shards are numbered from 0 to 3\.$"):
        read({"SHARD_COUNT": "4", "SHARD_IDS": "2-4"})


def test_all_bad_values_are_reported_at_once():
    with pytest.raises(SettingsError) as told:
        read(BAD)
    assert [line.split(":")[0] for line in str(told.value).splitlines()] == list(BAD)


def test_nan_is_not_a_number():
    with pytest.raises(SettingsError):
        read({"TOP_P": "nan"})


def test_the_token_is_not_in_the_repr():
    settings, _ = read({"DISCORD_TOKEN": SECRET})
    assert settings.discord_token == SECRET
    assert SECRET not in repr(settings)


def test_a_review_channel_without_feedback_is_warned_of():
    assert read({"FEEDBACK_CHANNEL": "7", "FEEDBACK": "on"})[1] == []
    (warning,) = read({"FEEDBACK_CHANNEL": "7"})[1]
    assert "FEEDBACK is off" in warning


def test_a_misspelt_key_in_the_file_is_warned_of(tmp_path):
    file = tmp_path / "my.env"
    file.write_text("TEMPRATURE=1\ntop_k=3\nMODEL=x\nMY_OTHER_PROGRAM=1\n")
    _, warnings = read({}, file)
    assert [warning.split(": ")[1] for warning in warnings] == [
        "unknown setting TEMPRATURE; did you mean TEMPERATURE?",
        "unknown setting top_k; did you mean TOP_K?",
        "unknown setting MODEL; did you mean MODEL_PATH?",
    ]


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"], ids=["missing", "not text"])
def test_an_unreadable_file_is_reported(tmp_path, content):
    file = tmp_path / "my.env"
    if content:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match=r"my\.env cannot be read"):
        read({}, file)


@pytest.mark.skipif(os.name != "posix", reason="needs file modes")
@pytest.mark.parametrize("name", [option.name.upper() for option in fields(Settings) if option.metadata["secret"]])
def test_a_file_with_a_secret_that_others_can_read_is_warned_of(tmp_path, name):
    file = tmp_path / ".env"
    file.write_text(f"{name}={SECRET}\n")
    for mode, expected in ((0o644, 1), (0o640, 1), (0o600, 0)):
        file.chmod(mode)
        _, warnings = read({}, file)
        assert len(warnings) == expected
        assert all(f"holds {name} and" in warning and "chmod 600" in warning for warning in warnings)
        assert all(SECRET not in warning for warning in warnings)


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        ("http://10.0.0.5:8000", ("http://10.0.0.5:8000/v1",)),
        ("http://10.0.0.5:8000/", ("http://10.0.0.5:8000/v1",)),
        ("https://inference.example/parley/v1/", ("https://inference.example/parley/v1",)),
        ("http://a:1/v1, http://b:2/v1", ("http://a:1/v1", "http://b:2/v1")),
        ("", ()),
    ],
)
def test_engine_urls_may_leave_out_the_version(text, urls):
    assert read({"ENGINE_URL": text})[0].engine_url == urls


@pytest.mark.parametrize(
    "text", ["10.0.0.5:8000", "http://", "http://me:secret@a/v1", "http://a:99999/v1", "http://a/v1?key=1"]
)
def test_invalid_engine_urls_are_refused_without_showing_a_password(text):
    with pytest.raises(SettingsError, match="ENGINE_URL") as raised:
        read({"ENGINE_URL": text})
    assert "secret" not in str(raised.value)
    assert "key=1" not in str(raised.value)


def test_the_engine_api_key_is_not_in_the_repr():
    settings, _ = read({"ENGINE_API_KEY": "sesame"})
    assert settings.engine_api_key == "sesame"
    assert "sesame" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "reason"),
    [("~no such user/x", "nobody here has that home folder"), ("a\0b", "no file can have that name")],
)
def test_an_impossible_name_of_a_file_is_told(name, reason):
    with pytest.raises(SettingsError) as told:
        read_file("WORDS_FILE", name)
    assert str(told.value) == f"WORDS_FILE: {name} cannot be read: {reason}."
