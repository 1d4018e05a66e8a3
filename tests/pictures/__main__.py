"""Draw the pictures into a folder, by default the documentation's."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.discord_stand_in import Discord
from tests.pictures.browser import screenshot
from tests.pictures.conversation import conversation
from tests.pictures.feedback import feedback
from tests.pictures.terminal import terminal


async def _drawn(scene: Callable[[Discord, Path], Awaitable[str]], path: Path) -> str:
    async with Discord() as discord:
        return await scene(discord, path)


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as scratch:
        for name, scene in (("discord", conversation), ("feedback", feedback)):
            html = asyncio.run(_drawn(scene, Path(scratch, f"{name}.db")))
            screenshot(html, folder / f"{name}.png", scale=1.5)
        screenshot(terminal(Path(scratch)), folder / "terminal.png", scale=2)


if __name__ == "__main__":
    main(Path(sys.argv[1] if sys.argv[1:] else "bot/docs"))
