"""PERSONAS_FILE: what is wrong with it is told in one sentence that names the file."""

import pytest

from bot.conversation.personas_file import read_personas
from bot.settings import SettingsError
from tests.support.parley import run


def test_without_a_file_there_are_no_personas():
    assert read_personas(None) == {}


def test_personas_have_names_and_texts(tmp_path):
    file = tmp_path / "personas.toml"
    file.write_text('\ufeffpirate = "Arr."\n" Captain Hook " = """\n\nÄh.\n  {x}\n"""\n', "utf-8")
    assert read_personas(str(file)) == {"pirate": "Arr.", "Captain Hook": "Äh.\n  {x}"}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"pirate = You are", "is not TOML: Invalid value (at line 1, column 10). Write each persona as NAME"),
        (b'a = "1"\na = "2"', "is not TOML: Cannot overwrite a value"),
        (b'a = "\xff"', "it is not UTF-8 text"),
        (b"a = 1", "the persona a must be a text in quotes of 1 to 2000 characters."),
        (b'[a]\ntext = "x"', "the persona a must be a text"),
        (b'a = " "', "the persona a must be a text"),
        (b'a = "' + b"x" * 2001 + b'"', "the persona a must be a text"),
        (b'" " = "x"', "the name ' ' must have 1 to 100 characters."),
        (b"n" * 101 + b' = "x"', "must have 1 to 100 characters."),
        (b'"a\\nb" = "x"', r"the name 'a\nb' must be a single line."),
        (b'a = "x"\n" a" = "y"', "there are two personas with the name a."),
    ],
)
def test_what_is_wrong_with_the_file_is_told(tmp_path, content, sentence):
    file = tmp_path / "personas.toml"
    file.write_bytes(content)
    with pytest.raises(SettingsError) as told:
        read_personas(str(file))
    assert sentence in str(told.value)
    assert str(told.value).startswith("PERSONAS_FILE: ")
    assert str(file) in str(told.value)
    assert "\n" not in str(told.value)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(SettingsError, match=r"none\.toml cannot be read: No such file or directory\."):
        read_personas(str(tmp_path / "none.toml"))


@pytest.mark.parametrize("command", [("chat",), ()], ids=["chat", "bot"])
def test_a_bad_file_is_told_before_anything_begins(tmp_path, command):
    settings = {"PERSONAS_FILE": "~no such user/x", "DISCORD_TOKEN": "a.b.c"}
    ended = run(tmp_path, "-m", "bot", "--model", "demo", *command, **settings)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == ("PERSONAS_FILE: ~no such user/x cannot be read: nobody here has that home folder.\n")
    assert not (tmp_path / "parley.db").exists()
