"""PERSONAS_FILE: the personas that the operator offers, by name."""

import tomllib
from pathlib import Path

from bot.settings import SettingsError
from bot.storage.channel_settings import PERSONA_LENGTH

LONGEST_NAME = 100
"""The most characters of a name; Discord's own limit for what it completes."""


def read_personas(file: str | None) -> dict[str, str]:
    """The personas of a TOML file, by name; none without a file. Raises SettingsError."""
    if file is None:
        return {}
    try:
        personas = tomllib.loads(Path(file).expanduser().read_text("utf-8-sig"))
    except OSError as error:
        raise SettingsError(f"PERSONAS_FILE: {file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"PERSONAS_FILE: {file} cannot be read: it is not UTF-8 text.") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(
            f'PERSONAS_FILE: {file} is not TOML: {error}. Write each persona as NAME = "TEXT", or with three quotes'
            " around a text of several lines."
        ) from error
    for name, text in personas.items():
        if not name.strip() or len(name) > LONGEST_NAME:
            raise SettingsError(
                f"PERSONAS_FILE: in {file}, the name {name!r} must have 1 to {LONGEST_NAME} characters."
            )
        if not isinstance(text, str) or not 0 < len(text.strip()) <= PERSONA_LENGTH:
            raise SettingsError(
                f"PERSONAS_FILE: in {file}, the persona {name} must be a text in quotes of 1 to {PERSONA_LENGTH}"
                " characters."
            )
    return {name.strip(): text.strip() for name, text in personas.items()}
