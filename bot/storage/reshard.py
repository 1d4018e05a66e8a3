"""`python -m bot reshard`: moves each guild's data to the file of the process that now serves it."""

import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.errors import UserError
from bot.settings import SettingsError
from bot.shards import shard_of, written
from bot.storage.connection import Connection
from bot.storage.database import TABLES, check_ours, open_database, unusable, unwritable

_NOTED = " UNION ALL ".join(
    f"SELECT channel, parent, guild, {'at' if table == 'turns' else 'NULL'} AS at FROM {table}"  # noqa: S608 - ours
    for table in TABLES
)
_CHANNELS = f"SELECT channel, max(parent), max(guild), ifnull(max(at), '') FROM ({_NOTED}) GROUP BY channel"  # noqa: S608

# A person may be in several of the servers. Who has refused anywhere has refused.
_COPY_CONSENTS = """
INSERT INTO main.consents (person, agreed) SELECT person, agreed FROM old.consents WHERE true ORDER BY number
ON CONFLICT (person) DO UPDATE SET agreed = min(ifnull(agreed, excluded.agreed), ifnull(excluded.agreed, agreed))
"""


class ReshardError(UserError):
    """Nothing was changed; the message says why, and what to do."""


@dataclass(frozen=True)
class Part:
    """A new file, and the shards of the process that is to use it."""

    path: Path
    shards: frozenset[int]


@dataclass(frozen=True)
class _Known:
    """What one of the old files, by its number, holds of a channel: its parent and guild, and when it was last used."""

    file: int
    parent: int | None
    guild: int | None
    at: str


async def reshard(old: Sequence[Path], new: Sequence[Part], count: int) -> list[str]:
    """Divide the `old` files' data among the `new` ones, for `count` shards; returns a report, in lines.

    A channel's data comes from the one file in which it was used last. The old files are locked meanwhile and not
    changed. The new ones must not exist yet; all of them are created, or none.

    Raises SettingsError if a shard is in none or in several of the new files, ReshardError if a file is in the way or
    in use, and DatabaseError if one is not Parley's, is damaged, or cannot be written.
    """
    _check(old, new, count)
    async with AsyncExitStack() as stack:
        made = []
        for part in new:
            try:
                part.path.parent.mkdir(parents=True, exist_ok=True)
                folder = TemporaryDirectory(prefix=f".{part.path.name}-", dir=part.path.parent)
            except OSError as error:
                raise unwritable(part.path, error) from error
            made.append(Path(stack.enter_context(folder)) / "new.db")
        copies = [made[0].with_name(f"old-{number}.db") for number in range(len(old))]
        for path, copy in zip(old, copies, strict=True):
            await stack.enter_async_context(_copied(path, copy))

        known = [known for number, copy in enumerate(copies) for known in (await _channels(number, copy)).items()]
        chosen = dict(sorted(known, key=lambda each: (each[1].at, each[1].file)))  # for each channel, the last one wins
        # A thread's guild is its parent's, whichever of the two has a row that names it.
        guilds = {
            place: what.guild for channel, what in known if what.guild for place in (channel, what.parent or channel)
        }
        owner = {shard: part for part in new for shard in part.shards}
        moving: dict[Part, dict[int, int]] = {part: {} for part in new}  # channels, and the file that each comes from
        homeless = 0
        for channel, what in chosen.items():
            guild = guilds.get(channel) or guilds.get(what.parent or channel)
            homeless += guild is None
            moving[owner[shard_of(guild, count)]][channel] = what.file

        lines = []
        for path, (part, channels) in zip(made, moving.items(), strict=True):
            try:
                rows = await _fill(path, copies, channels)
            except (OSError, sqlite3.Error) as error:
                raise unwritable(part.path, error) from error
            told = ", ".join(f"{number} of {table}" for table, number in rows.items())
            lines.append(f"{part.path}, shards {written(part.shards)} of {count}: {len(channels)} channels; {told}")
        _put(made, new)
    if homeless:
        lines.append(
            f"Channels of no known server, which went to {owner[0].path} with shard 0: {homeless}. They are direct"
            " messages, the terminal's conversation, or from before Parley noted the servers."
        )
    if double := len(known) - len(chosen):
        lines.append(f"Channels in more than one old file, taken from where each was used last: {double}.")
    lines.append(
        f"Now give each process its DATABASE_PATH and SHARD_IDS, and SHARD_COUNT={count}. The old files are as they"
        " were; delete them when all is well, as what people said is still in them."
    )
    return lines


def _check(old: Sequence[Path], new: Sequence[Part], count: int) -> None:
    claims = Counter(shard for part in new for shard in part.shards)
    for sentence, shards in (
        (f"With --shards {count} they are numbered from 0 to {count - 1}; there is no", claims.keys() - range(count)),
        ("A shard can be in one new file only, not in several:", {s for s, times in claims.items() if times > 1}),
        ("Each shard must be in one of the new files; missing is", set(range(count)) - claims.keys()),
    ):
        if shards:
            raise SettingsError(f"{sentence} {written(shards)}")
    for paths in (old, [part.path for part in new]):
        if len({path.resolve() for path in paths}) < len(paths):
            raise SettingsError(
                "A file is named twice. Name each once; a new one with all of its shards, like a.db=0-1,4"
            )
    for path in old:
        if not path.is_file():
            raise ReshardError(f"There is no file {path}. Name the databases that the bot has used until now.")
    for part in new:
        if part.path.exists():
            raise ReshardError(f"{part.path} is there already. Name a new file; one that is there is never changed.")


def _uri(path: Path) -> str:
    """The URI to open a file by: locking needs write access, but a file that has gone must not be created."""
    return f"{path.resolve().as_uri()}?mode=rw"


@asynccontextmanager
async def _copied(path: Path, copy: Path) -> AsyncIterator[None]:
    """Copy a database, migrate the copy, and keep the original locked until the block ends."""
    try:
        async with Connection(_uri(path), uri=True, timeout=1, isolation_level=None) as file:
            await check_ours(file, path)
            # Fails while another program has the file open, even if it does nothing with it.
            await file.execute("PRAGMA locking_mode = EXCLUSIVE")
            await file.executescript("BEGIN EXCLUSIVE; COMMIT")
            await file.execute("VACUUM INTO ?", (str(copy),))
            async with open_database(copy):
                pass  # migrated
            yield
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
            raise ReshardError(
                f"{path} is in use. End the bot, and whatever else has it open, and try again."
            ) from None
        raise unusable(path, error) from error


async def _channels(number: int, copy: Path) -> dict[int, _Known]:
    """The channels in a file."""
    async with Connection(copy) as file:
        return {channel: _Known(number, *what) for channel, *what in await file.execute_fetchall(_CHANNELS)}


async def _fill(path: Path, copies: Sequence[Path], channels: Mapping[int, int]) -> Counter[str]:
    """Create a file with these channels' data, each from the copy of that number; returns the rows per table."""
    rows: Counter[str] = Counter(dict.fromkeys(TABLES, 0))
    async with open_database(path):
        pass
    async with Connection(path, isolation_level=None) as file:
        # Beyond the ids of the old files, as each id names one turn for ever.
        await file.execute("INSERT INTO sqlite_sequence VALUES ('turns', ?)", (time.time_ns() // 1000,))
        for number, copy in enumerate(copies):
            await file.execute("ATTACH ? AS old", (str(copy),))
            await file.execute("BEGIN")
            await file.execute("CREATE TEMP TABLE moving (channel INTEGER PRIMARY KEY)")
            ours = [(channel,) for channel, where in channels.items() if where == number]
            await file.executemany("INSERT INTO moving VALUES (?)", ours)
            for table in TABLES:
                # Ids may be taken in another file, so turns get new ones. Inserted in order, they keep their sequence.
                info = await file.execute_fetchall("SELECT name FROM pragma_table_info(?) WHERE name <> 'id'", (table,))
                columns = ", ".join(name for (name,) in info)
                copied = await file.execute(
                    f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM old.{table}"  # noqa: S608 - ours
                    " WHERE channel IN (SELECT channel FROM moving) ORDER BY rowid"
                )
                rows[table] += copied.rowcount
            await file.execute(_COPY_CONSENTS)
            await file.execute("DROP TABLE moving")
            await file.execute("COMMIT")
            await file.execute("DETACH old")
    return rows


def _put(made: Sequence[Path], new: Sequence[Part]) -> None:
    """Rename the created files to their final names: all of them, or none."""
    named: list[Path] = []
    try:
        for path, part in zip(made, new, strict=True):
            path.rename(part.path)
            named.append(part.path)
    except BaseException as error:
        for path in named:
            path.unlink()
        if isinstance(error, OSError):
            raise unwritable(new[len(named)].path, error) from error
        raise
