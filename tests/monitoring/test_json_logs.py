"""The log as JSON: every line is an object, whichever library wrote it."""

from pathlib import Path

from tests.support.outside import entries
from tests.support.parley import run

WRITES = """
import logging, sys, warnings
from bot.monitoring.json_logs import tell, write_json
logging.basicConfig(level=logging.INFO)
write_json()
log = logging.getLogger("bot.somewhere")
log.info("It has %d lines:\\n%s", 2, "äh")
log.debug("not wanted")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("It has failed.")
tell("TOP_K is wrong.\\nSEED is wrong.", logging.ERROR)
for percent in range(0, 101, 50):
    print(f"\\r{percent} %", end="", file=sys.stderr, flush=True)
print(file=sys.stderr)
warnings.warn("It is old.")
logging.getLogger("library").addHandler(logging.StreamHandler())
logging.getLogger("library").propagate = False
logging.getLogger("library").warning("from a library")
log.info("%d", "no number")
print(file=sys.stderr)
raise SystemExit(7)
"""


def ran(tmp_path: Path, *arguments: str, **settings: str) -> tuple[int, str]:
    """The exit status of a program, and what it wrote to standard error."""
    ended = run(tmp_path, *arguments, **settings)
    assert ended.stdout == ""
    return ended.returncode, ended.stderr


def test_every_line_is_an_object(tmp_path):
    status, log = ran(tmp_path, "-c", WRITES)
    assert status == 7
    told = [(entry["level"], entry["logger"], entry["message"]) for entry in entries(log)]
    assert told[:4] == [
        ("INFO", "bot.somewhere", "It has 2 lines:\näh"),
        ("ERROR", "bot.somewhere", "It has failed."),
        ("ERROR", "stderr", "TOP_K is wrong.\nSEED is wrong."),
        ("WARNING", "stderr", "100 %"),
    ]
    rest = [message for _, _, message in told[4:]]
    assert any("UserWarning: It is old." in message for message in rest)
    assert "from a library" in rest
    assert any("--- Logging error ---" in message for message in rest)
    exceptions = [entry.get("exception", "") for entry in entries(log)]
    assert "ZeroDivisionError" in exceptions[1]
    assert not any(exceptions[2:])


def test_the_error_that_ends_the_bot_is_an_entry_too(tmp_path):
    (tmp_path / "my.env").write_text("LOG_FORMAT=json\nTEMPRATURE=1\n")
    status, log = ran(tmp_path, "-m", "bot", "--env-file", "my.env")
    warning, error = entries(log)
    assert status == 2
    assert (warning["level"], error["level"]) == ("WARNING", "ERROR")
    assert "did you mean TEMPERATURE?" in warning["message"]
    assert "DISCORD_TOKEN is not set" in error["message"]


def test_an_unexpected_error_is_an_entry_too(tmp_path):
    broken = "from bot import app, cli; app.check_files = lambda settings: 1 / 0; cli.main([])"
    status, log = ran(tmp_path, "-c", broken, DISCORD_TOKEN="x.y.z", LOG_FORMAT="json")
    assert status == 1
    (failure,) = [entry for entry in entries(log) if "exception" in entry]
    assert failure["level"] == "CRITICAL"
    assert "ZeroDivisionError" in failure["exception"]


def test_terminal_commands_still_write_plain_text(tmp_path):
    status, log = ran(tmp_path, "-m", "bot", "ask", "hi", LOG_FORMAT="json")
    assert status == 1
    assert log.startswith("There is no model folder")
    assert len(log.splitlines()) == 1
