"""The command line: what the program prints where, and its exit status."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bot import __version__
from bot.texts import MORE_TO_COME, NOTHING_TO_CONTINUE
from tests.support.models import save_model
from tests.support.parley import WITHOUT_A_MODEL, environment, run
from tests.support.terminal import Terminal


def bot(tmp_path: Path, *arguments: str, stdin: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
    return run(tmp_path, "-m", "bot", *arguments, stdin=stdin, **settings)


def assert_refused(ended: subprocess.CompletedProcess[str], status: int, *words: str) -> None:
    assert ended.returncode == status
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr
    for word in words:
        assert word in ended.stderr


def test_help_and_version(tmp_path):
    assert bot(tmp_path, "--version").stdout == f"parley {__version__}\n"
    for command in ((), ("chat",), ("ask",), ("check",), ("dataset",), ("compare",)):
        shown = bot(tmp_path, *command, "--help")
        assert shown.returncode == 0
        assert ("--model" in shown.stdout) == (command != ("compare",))
        assert "--env-file" in shown.stdout


def test_without_a_token_the_bot_says_how_to_get_one(tmp_path):
    ended = bot(tmp_path)
    assert_refused(ended, 2, "DISCORD_TOKEN", "developers/applications")
    assert len(ended.stderr.splitlines()) == 1


def test_bad_settings_are_all_reported_at_once(tmp_path):
    ended = bot(tmp_path, "chat", TOP_K="x", SEED="y")
    assert_refused(ended, 2, "TOP_K: 'x'", "SEED: 'y'")
    assert len(ended.stderr.splitlines()) == 2


def test_a_bad_token_is_not_shown(tmp_path):
    ended = bot(tmp_path, DISCORD_TOKEN="my secret")
    assert_refused(ended, 2, "DISCORD_TOKEN")
    assert "my secret" not in ended.stderr


def test_wrong_usage(tmp_path):
    assert_refused(bot(tmp_path, "talk"), 2, "usage:")
    assert_refused(bot(tmp_path, "ask"), 2, "usage:")
    assert_refused(bot(tmp_path, "ask", "-", stdin=" \n"), 2, "no question")
    assert_refused(bot(tmp_path, "chat", "--env-file", "none.env"), 2, "none.env")
    assert_refused(bot(tmp_path, "dataset", "~no such user/x"), 2, "~no such user/x: Could not determine home")


@pytest.mark.parametrize("command", [(), ("chat",), ("ask", "hi")], ids=["bot", "chat", "ask"])
def test_without_a_model_each_command_says_what_to_do(tmp_path, command):
    ended = bot(tmp_path, *command, DISCORD_TOKEN="x.y.z")
    assert_refused(ended, 1, "./qwen_finetune", "MODEL_PATH", "--model demo")
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.slow
def test_settings_come_from_the_env_file_of_the_folder(tmp_path):
    (tmp_path / ".env").write_text("MODEL_PATH=./mine\nTEMPRATURE=1\n")
    ended = bot(tmp_path, "chat")
    assert_refused(ended, 1, "./mine", "did you mean TEMPERATURE?")
    (tmp_path / "other.env").write_text("MODEL_PATH=./other\n")
    assert_refused(bot(tmp_path, "--env-file", "other.env", "chat"), 1, "./other")
    assert_refused(bot(tmp_path, "chat", "--env-file", "other.env", MODEL_PATH="./most"), 1, "./most")
    assert_refused(bot(tmp_path, "chat", "--model", "./over", MODEL_PATH="./most"), 1, "./over")


def test_a_file_of_personas_that_cannot_be_read_is_reported(tmp_path):
    ended = run(tmp_path, *WITHOUT_A_MODEL, "chat", "--model", "demo", PERSONAS_FILE="none.toml")
    assert_refused(ended, 2, "PERSONAS_FILE: none.toml cannot be read")
    assert len(ended.stderr.splitlines()) == 1


def test_a_file_that_is_not_a_database_is_reported(tmp_path):
    (tmp_path / "parley.db").write_text("no database " * 100)
    assert_refused(bot(tmp_path, "chat", "--model", "demo"), 1, "parley.db", "DATABASE_PATH")


def test_ask_prints_an_answer_and_chat_talks_and_forgets(tmp_path):
    asked = run(tmp_path, *WITHOUT_A_MODEL, "ask", "--model", "demo", "how", "are", "you?")
    assert (asked.returncode, asked.stdout) == (0, "ok\n")
    talked = run(tmp_path, *WITHOUT_A_MODEL, "chat", "--model", "demo", stdin="hello\nclear\nquit\n")
    assert talked.returncode == 0
    assert "Parley: ok\n" in talked.stdout
    assert "1 turn." in talked.stdout


@pytest.mark.slow
def test_ask_prints_the_answer_alone_on_standard_output(tmp_path):
    ended = bot(tmp_path, "ask", "--model", "demo", "what", "is", "your", "name?", TEMPERATURE="0")
    assert ended.returncode == 0
    assert "tiny demo model" in ended.stdout
    assert ended.stdout.endswith("\n")
    assert "Loading" not in ended.stdout
    assert "Loading" in ended.stderr
    assert not (tmp_path / "parley.db").exists(), "a one-off question is not stored"


ALL_PRECISIONS = """
import os
from bot.cli import _parse, _run
for os.environ["MODEL_PRECISION"] in ("auto", "bfloat16", "int8"):
    assert _run(_parse(["ask", "--model", "demo", "what does /clear do?"])) == 0
"""


@pytest.mark.slow
def test_a_cpu_without_avx512_answers_the_same(tmp_path):
    older = environment(ONEDNN_MAX_CPU_ISA="AVX2", ATEN_CPU_CAPABILITY="avx2", TEMPERATURE="0")
    asked = [sys.executable, "-c", ALL_PRECISIONS]
    said = subprocess.run(asked, cwd=tmp_path, env=older, stdout=subprocess.PIPE, text=True, timeout=60, check=True)
    assert said.stdout == 3 * "/clear forgets this channel's turns, so that we start afresh.\n"


@pytest.mark.slow
def test_ask_reads_standard_input(tmp_path):
    ended = bot(tmp_path, "ask", "--model", "demo", "-", stdin="what does /clear do?\n", TEMPERATURE="0")
    assert ended.stdout == "/clear forgets this channel's turns, so that we start afresh.\n"


@pytest.mark.slow
def test_a_chat_remembers_across_starts_and_forgets_when_told(tmp_path):
    terminal = Terminal(tmp_path, "--model", "demo", TEMPERATURE="0")
    assert "Quorvex" in terminal.says("hello, my name is Quorvex")
    assert "Quorvex" in terminal.says("what is my name?")
    assert "Your name is Quorvex" in terminal.says("regenerate")
    terminal.types("\n")
    terminal.sees("You: ")
    terminal.types("\x04")
    assert terminal.ends() == 0

    terminal = Terminal(tmp_path, "--model", "demo", TEMPERATURE="0")
    assert "Quorvex" in terminal.says("what is my name?")
    assert "3 turns" in terminal.says("clear"), "a regenerated answer is not a turn of its own"
    assert "no answer yet" in terminal.says("regenerate")
    assert "Quorvex" not in terminal.says("what is my name?")
    terminal.types("quit\n")
    assert terminal.ends() == 0


@pytest.mark.slow
def test_a_chat_continues_an_answer_that_became_too_long_also_after_a_start(tmp_path):
    question = "what does /clear do?"
    whole = "/clear forgets this channel's turns, so that we start afresh."
    terminal = Terminal(tmp_path, "--model", "demo", TEMPERATURE="0", MAX_NEW_TOKENS="4")
    assert NOTHING_TO_CONTINUE in terminal.says("continue")
    shown = terminal.says(question)
    assert MORE_TO_COME in shown
    said = shown.partition("Parley: ")[2].partition(MORE_TO_COME)[0].strip()
    terminal.types("\x04")
    assert terminal.ends() == 0

    terminal = Terminal(tmp_path, "--model", "demo", TEMPERATURE="0", MAX_NEW_TOKENS="4")
    for _ in range(20):
        shown = terminal.says("continue")
        said += shown.partition("Parley: ")[2].partition(MORE_TO_COME)[0].removesuffix("\r\n\r\n").removesuffix("\r\n")
        if MORE_TO_COME not in shown:
            break
    assert said == whole
    assert NOTHING_TO_CONTINUE in terminal.says("continue")
    assert "1 turn" in terminal.says("clear")
    terminal.types("quit\n")
    assert terminal.ends() == 0


@pytest.mark.slow
def test_ctrl_c_stops_an_answer_and_at_the_prompt_ends_the_chat(tmp_path):
    model = save_model(tmp_path / "model", context=8192, endless=True)
    terminal = Terminal(tmp_path, "--model", str(model), MAX_NEW_TOKENS="8000", MAX_PROMPT_TOKENS="200")
    terminal.types("tell me a long story\n")
    terminal.sees("Parley: ")
    terminal._child.expect(r"\S{5}")
    terminal.interrupts()
    terminal.sees("You: ")
    assert "too long" in terminal.says("word " * 100), "an error is reported, and the chat goes on"
    assert terminal.leaves() == 0


@pytest.mark.slow
def test_sigterm_ends_the_chat_normally(tmp_path):
    model = save_model(tmp_path / "model")
    terminal = Terminal(tmp_path, "--model", str(model))
    assert terminal.leaves(signal.SIGTERM) == 0


def signalled(tmp_path: Path, arguments: list[str], line: str, ending: signal.Signals) -> int:
    """The exit status of a program that gets a signal after it printed the line; asserts that it shows no traceback."""
    command = [sys.executable, *arguments]
    with subprocess.Popen(command, cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        assert line in process.stderr.readline()
        process.send_signal(ending)
        status = process.wait(20)
        assert "Traceback" not in process.stderr.read()
    return status


# The loading thread receives the signal, so that this alone does not wake the event loop.
LOADS_FOR_EVER = """
import signal, sys, time
from bot.engine.models import loading
ENDINGS = {signal.SIGINT, signal.SIGTERM}
def prepare(*unused, **options):
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDINGS)
    print("Loading", file=sys.stderr, flush=True)
    time.sleep(1000)
loading.prepare = prepare
from bot.cli import main
signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)
main(["ask", "--model", "demo", "hi"])
"""


@pytest.mark.slow
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_program_while_the_model_loads(tmp_path, ending):
    assert signalled(tmp_path, ["-c", LOADS_FOR_EVER], "Loading", ending) == 0


SLOW_TO_IMPORT = """
import sys
print("Importing", file=sys.stderr, flush=True)
exec("import time; time.sleep(1000)")  # as many a library does; Python tells an interrupted exec from other code
"""


@pytest.mark.slow
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("ask hi --model demo", 0),
        ("chat --model demo", 0),
        ("check --model demo", 1),
        ("compare demo demo --questions torch.py", 1),
    ],
)
def test_a_signal_ends_the_program_while_torch_is_imported(tmp_path, command, status, ending):
    (tmp_path / "torch.py").write_text(SLOW_TO_IMPORT)
    assert signalled(tmp_path, ["-m", "bot", *command.split()], "Importing", ending) == status


def without(tmp_path: Path, closed: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program with streams closed by the shell, as in `<&-`."""
    command = ["sh", "-c", f'"$@" {closed}', "sh", sys.executable, *arguments]
    return subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False)


def test_a_chat_without_standard_input_ends(tmp_path):
    ended = without(tmp_path, "<&-", *WITHOUT_A_MODEL, "chat", "--model", "demo")
    assert ended.returncode == 0
    assert ended.stderr == ""


def test_a_terminal_is_not_needed(tmp_path):
    ended = without(tmp_path, "<&- >&-", "-m", "bot", "ask", "-")
    assert ended.returncode == 2
    assert "no question" in ended.stderr
