"""When a shard may identify, which is how a session begins.

Of a bot's shards that are equal modulo `max_concurrency`, one may identify in five seconds, whatever process it is in.
The processes on a machine share the times of the last ones in a small file, in a folder of their user's own among the
temporary files.
"""

import asyncio
import errno
import hashlib
import logging
import os
import random
import sqlite3
import stat
import tempfile
import time
from contextlib import closing
from pathlib import Path

log = logging.getLogger(__name__)

_TAKE = """
INSERT INTO identifies VALUES (:key, :now)
ON CONFLICT (key) DO UPDATE SET at = :now WHERE at <= :now - :pause OR at > :now  -- a clock may be set back
RETURNING at
"""
_LEFT = "SELECT at + :pause - :now FROM identifies WHERE key = :key"
_BUSY = 5.0  # seconds to wait for another process, which locks the file for a moment


async def may_identify(application: int, shard: int, concurrency: int, pause: float) -> None:
    """Wait until a shard may identify, which it is to do at once.

    `concurrency` is Discord's `max_concurrency`, and `pause` the seconds from one shard to the next.
    """
    path = _path(application)
    while True:
        try:
            left = await asyncio.to_thread(_take, path, shard % concurrency, pause)
        except (OSError, sqlite3.Error) as error:
            log.warning("Processes of the bot cannot tell each other by %s when they identify: %s", path, error)
            await asyncio.sleep(pause)
            return
        if left <= 0:
            return
        await asyncio.sleep(left + random.uniform(0, 0.1))  # those who wait do not all ask at once


def _path(application: int) -> Path:
    """The file, the same for all processes of a bot."""
    name = hashlib.sha256(str(application).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"parley-{_user()}" / f"identify-{name}.db"


def _user() -> int:
    return os.geteuid() if os.name == "posix" else 0  # elsewhere, each user has a folder for temporary files


def _take(path: Path, key: int, pause: float) -> float:
    """Note that a shard identifies now, if one may; else returns the seconds until one may."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    folder = path.parent.lstat()
    # Another user, who made the folder first, could have all processes wait for ever.
    if not stat.S_ISDIR(folder.st_mode) or folder.st_uid != _user():
        raise PermissionError(errno.EPERM, "It belongs to another user", str(path.parent))
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600))
    with closing(sqlite3.connect(path, timeout=_BUSY, isolation_level=None)) as file:
        file.execute("PRAGMA synchronous = OFF")  # a slow disk must not come between the note and the session
        file.execute("CREATE TABLE IF NOT EXISTS identifies (key INTEGER PRIMARY KEY, at REAL NOT NULL) STRICT")
        file.execute("BEGIN IMMEDIATE")  # the time counts from here: another process may have had the file first
        values = {"key": key, "now": time.time(), "pause": pause}
        left = 0.0
        if not file.execute(_TAKE, values).fetchall():
            ((left,),) = file.execute(_LEFT, values)
        file.execute("COMMIT")
        return left
