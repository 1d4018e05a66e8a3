"""Imports run one way: who may know whom."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for folder in ("bot", "cogs")
    for path in (ROOT / folder).rglob("*.py")
}
TORCH_SIDE = {
    *(f"bot.engine.{name}" for name in "answer attention batching cache generate linear loading local".split()),
    *(f"bot.engine.{name}" for name in "measure probe sampling shapes".split()),
    *(f"bot.demo.{name}" for name in "tokenizer train evaluate".split()),
}
DISCORD_SIDE = {
    *(
        f"bot.{name}"
        for name in "buttons client gateway permissions reading recovery replies reply translations".split()
    ),
    *(f"bot.check.{name}" for name in "application servers".split()),
}


def imports(module: str) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module} has a relative import"
            assert node.module
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def ours(module: str) -> set[str]:
    return {name for name in imports(module) if name in MODULES}


@pytest.mark.parametrize("module", MODULES)
def test_only_its_side_imports_torch_or_discord(module):
    packages = {name.split(".")[0] for name in imports(module)}
    if module not in TORCH_SIDE:
        assert not packages & {"torch", "transformers"}
    if module not in DISCORD_SIDE and not module.startswith("cogs"):
        assert "discord" not in packages


@pytest.mark.parametrize(
    ("module", "may_know"),
    [
        ("bot.errors", set()),
        ("bot.wording", set()),
        ("bot.settings", {"bot.errors", "bot.pacing", "bot.shards"}),
        ("bot.prompt", {"bot.errors", "bot.wording"}),
        ("bot.database", {"bot.errors", "bot.events", "bot.wording"}),
        ("bot.history", {"bot.database"}),
        ("bot.channels", {"bot.database", "bot.errors", "bot.wording"}),
        (
            "bot.conversation",
            {
                "bot.channels",
                "bot.database",
                "bot.engine",
                "bot.errors",
                "bot.events",
                "bot.history",
                "bot.prompt",
                "bot.summary",
                "bot.wording",
            },
        ),
        ("bot.summary", {"bot.channels", "bot.database", "bot.engine", "bot.errors", "bot.history", "bot.prompt"}),
        ("bot.shards", set()),
        ("bot.gateway", {"bot.reply"}),
        ("bot.identify", set()),
        ("bot.reshard", {"bot.database", "bot.errors", "bot.settings", "bot.shards"}),
        ("bot.pacing", set()),
        ("bot.paging", set()),
        ("bot.access", {"bot.wording"}),
        ("bot.permissions", {"bot.access", "bot.errors", "bot.wording"}),
        ("bot.reading", set()),
        (
            "bot.reply",
            {
                "bot.buttons",
                "bot.conversation",
                "bot.engine",
                "bot.errors",
                "bot.events",
                "bot.history",
                "bot.pacing",
                "bot.paging",
                "bot.permissions",
                "bot.wording",
            },
        ),
        ("bot.replies", {"bot.buttons", "bot.events", "bot.reply"}),
        (
            "bot.recovery",
            {
                "bot.buttons",
                "bot.channels",
                "bot.database",
                "bot.history",
                "bot.paging",
                "bot.reply",
                "bot.shards",
                "bot.wording",
            },
        ),
        ("bot.check", set()),
        ("bot.stall", set()),
        ("bot.signals", set()),
        ("bot.events", set()),
        ("bot.link", set()),
        ("bot.logs", set()),
        ("bot.health", {"bot.database", "bot.engine", "bot.link", "bot.shards", "bot.stall"}),
        ("bot.metrics", {"bot.conversation", "bot.engine", "bot.events", "bot.link", "bot.stall"}),
        ("bot.systemd", {"bot.health", "bot.link"}),
        ("bot.web", {"bot.errors", "bot.health"}),
        ("bot.translations", {"bot.wording"}),
        ("bot.console", {"bot.conversation", "bot.engine", "bot.errors", "bot.prompt", "bot.signals", "bot.wording"}),
    ],
)
def test_a_room_knows_only_those_below(module, may_know):
    assert ours(module) - {"bot"} <= may_know


def test_the_engine_knows_no_discord_no_history_and_no_conversation():
    for module in MODULES:
        if module.startswith("bot.engine"):
            known = {name for name in ours(module) if not name.startswith("bot.engine")}
            assert known <= {"bot", "bot.demo", "bot.errors", "bot.prompt", "bot.wording"}, module


def test_only_the_command_line_puts_the_parts_together():
    assert [module for module in MODULES if "bot.__main__" in imports(module)] == []
    assert [module for module in MODULES if "bot.client" in imports(module)] == ["bot.__main__"]


def test_only_what_is_seen_from_outside_knows_prometheus():
    assert {module for module in MODULES if any("prometheus" in name for name in imports(module))} == {
        "bot.metrics",
        "bot.web",
    }


def test_the_discord_side_runs_without_torch():
    modules = "bot.__main__, bot.check.application, bot.check.model, bot.client, bot.console"
    program = f"import sys, {modules}; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], cwd=ROOT, check=True)


def test_the_readme_names_every_file():
    readme = (ROOT / "README.md").read_text()
    for path in MODULES.values():
        if path.name != "__init__.py":
            assert path.name in readme, f"{path.relative_to(ROOT)} is missing in the README's file map"
