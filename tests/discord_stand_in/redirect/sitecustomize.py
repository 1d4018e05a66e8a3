"""Points the discord.py of an unmodified program at the stand-in, if DISCORD_STAND_IN holds its address.

Python imports this file at its start when its folder is on PYTHONPATH. It does not import discord: the program may
never do so, and should not start any slower for it.
"""

import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType


class Redirect(MetaPathFinder):
    """Finds two modules as usual, and changes an address in each once it has been executed."""

    def __init__(self, url: str) -> None:
        self._url = url

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in ("discord.http", "discord.gateway"):
            return None
        spec = PathFinder.find_spec(name, path)
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                run(module)
                self._point(module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec

    def _point(self, module: ModuleType) -> None:
        if module.__name__ == "discord.http":
            module.Route.BASE = f"{self._url}/api/v10"
        else:
            url = f"{self._url.replace('http', 'ws', 1)}/gateway/"
            module.DiscordWebSocket.DEFAULT_GATEWAY = module.yarl.URL(url)


if "DISCORD_STAND_IN" in os.environ:
    sys.meta_path.insert(0, Redirect(os.environ["DISCORD_STAND_IN"]))
