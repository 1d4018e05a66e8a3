"""PERSONAS_FILE: the personas that the operator offers, by name."""

import tomllib

from bot.settings import SettingsError, read_file
from bot.storage.channel_settings import PERSONA_LENGTH

LONGEST_NAME = 100
"""The most characters of a name; Discord's own limit for what it completes."""


def read_personas(file: str | None) -> dict[str, str]:
    """The personas of a TOML file, by name; none without a file. Raises SettingsError."""
    if file is None:
        return {}
    try:
        personas = tomllib.loads(read_file("PERSONAS_FILE", file))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(
            f'PERSONAS_FILE: {file} is not TOML: {error}. Write each persona as NAME = "TEXT", or with three quotes'
            " around a text of several lines."
        ) from error
    named: dict[str, str] = {}
    for name, text in personas.items():
        if not name.strip() or len(name) > LONGEST_NAME:
            raise SettingsError(
                f"PERSONAS_FILE: in {file}, the name {name!r} must have 1 to {LONGEST_NAME} characters."
            )
        if len(name.strip().splitlines()) > 1:
            raise SettingsError(f"PERSONAS_FILE: in {file}, the name {name!r} must be a single line.")
        if name.strip() in named:
            raise SettingsError(f"PERSONAS_FILE: in {file}, there are two personas with the name {name.strip()}.")
        if not isinstance(text, str) or not 0 < len(text.strip()) <= PERSONA_LENGTH:
            raise SettingsError(
                f"PERSONAS_FILE: in {file}, the persona {name} must be a text in quotes of 1 to {PERSONA_LENGTH}"
                " characters."
            )
        named[name.strip()] = text.strip()
    return named
