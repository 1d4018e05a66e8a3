"""Imports run one way: each package imports only those on levels below its own."""

import ast
import subprocess
import sys

from tests.support.parley import ROOT

LEVELS = """
errors texts shards observer signals timing printable text_files background
settings translations demo
engine storage
conversation
feedback
messages
gateway
monitoring
cogs check bench console
core
app
cli
__main__
"""
LEVEL = {room: level for level, rooms in enumerate(LEVELS.strip().splitlines()) for room in rooms.split()}
MAY_IMPORT = {
    "discord": ("messages", "gateway", "check", "cogs"),
    "torch": ("engine.local", "engine.models", "engine.kernels", "bench", "demo"),
}


def test_imports_run_one_way():
    for path in [*(ROOT / "bot").rglob("*.py"), *(ROOT / "cogs").rglob("*.py")]:
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removeprefix("bot").removeprefix(".")
        nodes = [
            node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Import | ast.ImportFrom)
        ]
        for name in {
            f"{getattr(node, 'module', '')}.{alias.name}".lstrip(".") for node in nodes for alias in node.names
        }:
            if name.split(".")[0] in ("bot", "cogs"):
                room, other = (each.removeprefix("bot").removeprefix(".").split(".")[0] for each in (module, name))
                assert other == room or LEVEL.get(other, -1) < LEVEL[room], f"{module} imports {name}"
            else:
                rooms = MAY_IMPORT.get(name.split(".")[0], ("",))
                assert module.startswith(rooms), f"{module} imports {name}"


def test_the_program_starts_without_torch():
    program = "import sys, bot.app, bot.cli; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], cwd=ROOT, check=True)
