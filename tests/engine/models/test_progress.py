"""While a model is loaded, a terminal shows how far it is, and a log now and then."""

import asyncio
import io
import logging
import re
import sys
from contextlib import redirect_stderr

import pexpect
import pytest

from bot import demo
from bot.engine.models import loading, progress
from bot.engine.models.progress import Progress, above_bars
from tests.support.models import save_model
from tests.support.parley import environment
from tests.support.terminal import bars

log = logging.getLogger(__name__)


class Terminal(io.StringIO):
    """Standard error, as a terminal, within a `with` block."""

    def isatty(self) -> bool:
        return True


def test_a_line_of_the_log_appears_above_the_bar():
    with redirect_stderr(Terminal()) as terminal:
        handler = logging.StreamHandler()
        logging.root.addHandler(handler)
        try:
            with above_bars(), Progress("Loading", 3_000_000) as bar:
                bar.update(1_000_000)
                bar.refresh()
                log.warning("something happened")
                bar.update(2_000_000)
            assert handler in logging.root.handlers
        finally:
            logging.root.removeHandler(handler)
    shown = terminal.getvalue()
    assert bars(shown, "Loading")[-1] == "3.00M/3.00M"
    assert re.search(r"\r +\rsomething happened\n\rLoading", shown), "the bar is cleared for it, and drawn again below"


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_loading_is_shown_in_bytes(tmp_path, precision):
    folder = save_model(tmp_path / "model")
    with redirect_stderr(Terminal()) as terminal:
        loading.load(str(folder), precision)
    shown = bars(terminal.getvalue(), "Loading")
    done, total = shown[-1].split("/")
    assert done == total


def test_where_there_is_no_terminal_the_log_tells_now_and_then(caplog, capsys, monkeypatch):
    caplog.set_level("INFO")
    clock = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    with above_bars(), Progress("Loading", 4_000_000_000) as bar:
        for _ in range(4):
            clock[0] += 20
            bar.update(1_000_000_000)
            bar.refresh()
    lines = [line.partition(" after ")[0] for line in caplog.messages]
    assert lines == ["Loading: 2.00 of 4.00 GB", "Loading: 4.00 of 4.00 GB"]
    assert capsys.readouterr().err == ""


@pytest.mark.slow
def test_the_terminal_chat_shows_how_far_the_model_is(tmp_path):
    command = ["-m", "bot", "chat", "--model", "demo"]
    child = pexpect.spawn(sys.executable, command, cwd=tmp_path, env=environment(), encoding="utf-8", timeout=50)
    child.expect_exact("You: ")
    before = child.before
    assert bars(before, "Loading")
    assert before.index("Loading the model demo.") < before.index("\rLoading:") < before.index("Loaded demo in")


@pytest.mark.slow
async def test_the_start_of_the_bot_shows_how_far_the_model_is(discord, tmp_path):
    settings = {"DISCORD_TOKEN": discord.application.token, "MODEL_PATH": str(demo.MODEL), "TMPDIR": str(tmp_path)}
    child = pexpect.spawn(
        sys.executable,
        ["-m", "bot"],
        cwd=tmp_path,
        env=environment(**settings, **discord.environment()),
        encoding="utf-8",
        timeout=50,
    )
    await asyncio.to_thread(child.expect_exact, "KV cache")
    assert bars(child.before, "Loading")
    await discord.gateway.ready()
    child.sendintr()
    await asyncio.to_thread(child.expect, pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
