"""Checks the settings: those that differ from their defaults, and what is wrong with them."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from bot.check.findings import Finding, Findings, counted, ok, skipped, wrong
from bot.conversation.blocked_words import BlockedWords
from bot.conversation.personas_file import read_personas
from bot.settings import Settings, SettingsError

_LONGEST = 80  # characters of a value
_CORRECT = "Correct it in .env or in the environment; .env.example has a line on each setting."
_MEND = "Mend it as it says. Parley runs all the same, but perhaps not as you mean it to."


async def look_at_settings(settings: Settings, warnings: Sequence[str]) -> Findings:
    """The settings that were changed, and the warnings of `bot.settings.read`."""
    for warning in warnings:
        yield wrong(warning, _MEND)
    different = [option for option in fields(Settings) if getattr(settings, option.name) != option.default]
    for option in different:
        name, value = option.name.upper(), getattr(settings, option.name)
        if option.metadata["secret"]:
            yield ok(f"{name} is set", name=name)
        else:
            facts = {"name": name, "value": _plain(value), "default": _plain(option.default)}
            yield ok(f"{name} is {_shown(value)} (default: {_shown(option.default)})", **facts)
    if settings.personas_file:
        yield _personas(settings.personas_file)
    try:
        if blocked := BlockedWords.read(settings.blocked_words_file):
            words, expressions = counted(blocked.words, "word"), counted(blocked.expressions, "regular expression")
            yield ok(
                f"BLOCKED_WORDS_FILE has {words} and {expressions}",
                words=blocked.words,
                expressions=blocked.expressions,
            )
    except SettingsError as error:
        for line in str(error).splitlines():
            yield wrong(line, "Correct the file; the bot does not start with it.")
    if not different:
        yield skipped("All settings have their defaults")


def _personas(file: str) -> Finding:
    try:
        names = list(read_personas(file))
    except SettingsError as error:
        return wrong(str(error), "Correct the file, or leave PERSONAS_FILE blank.")
    return ok(f"Personas for /persona use: {', '.join(names) or 'none'}", personas=names)


async def look_at_bad_settings(error: SettingsError) -> Findings:
    """Every setting whose value is not allowed."""
    for line in str(error).splitlines():
        yield wrong(line, _CORRECT)
    yield skipped("Nothing else was looked at, as all of it depends on the settings")


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, frozenset) else value


def _shown(value: Any) -> str:
    match value:
        case None:
            return "not set"
        case bool():
            return "on" if value else "off"
        case frozenset() | ():
            return ", ".join(map(str, sorted(value))) or "none"
        case ((_, _), *_):
            return ", ".join(f"{key}={amount}" for key, amount in value)
    text = " ".join(str(value).split()) or "blank"
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
