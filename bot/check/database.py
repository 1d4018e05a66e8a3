"""The database: where it is, whether it can be written, and what is in it."""

from pathlib import Path

from bot.check import Findings, ok, size, wrong
from bot.history import SCHEMA_VERSION, HistoryError, look


async def look_at_database(path: str) -> Findings:
    """What is in the file of DATABASE_PATH, which is neither made nor changed."""
    try:
        contents = await look(path)
    except HistoryError as error:
        yield wrong(f"{path} cannot be used", str(error), path=path)
        return
    place = str(_absolute(path))
    if contents is None:
        yield ok(f"{place} is not there yet; Parley creates it, and may write to its folder", path=place)
        return
    yield ok(
        f"{place} can be written: {size(contents.size)}, {_counted(contents.turns, 'turn')} of"
        f" {_counted(contents.channels, 'channel')}, {_schema(contents.schema)}",
        path=place,
        bytes=contents.size,
        turns=contents.turns,
        channels=contents.channels,
        schema=contents.schema,
    )


def _absolute(path: str) -> Path:
    return Path(path).expanduser().absolute()


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _schema(version: int) -> str:
    if version == SCHEMA_VERSION:
        return f"schema {version}"
    return f"schema {version}, which becomes {SCHEMA_VERSION} when Parley next starts"
