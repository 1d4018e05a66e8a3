"""The command line: options, subcommands, and the exit status."""

import argparse
import json
import logging
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import NoReturn

from bot import __version__
from bot.errors import UserError
from bot.monitoring.json_logs import tell, write_json
from bot.printable import PrintableFormatter
from bot.settings import Settings, SettingsError, read
from bot.shards import MOST, read_ids
from bot.signals import run
from bot.storage.reshard import Part, reshard

_DESCRIPTION = """\
Parley lets a community talk, in its own Discord channels, to its own language model on an ordinary CPU.

Without a command it runs the Discord bot, which needs DISCORD_TOKEN. To try it without Discord and without a
model of your own:

  python -m bot chat --model demo

To find out what is wrong with your setup, and what to do about it:

  python -m bot check
"""
_EPILOG = """\
Settings come from the environment and from the .env file; .env.example lists them all. Exit status: 0 after a
normal end, 1 if something failed, 2 for wrong usage or settings.
"""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line, and end the process with its exit status."""
    status = _run(_parse(arguments))
    # Python's own exit takes a while, in which a signal would kill the process; it waits for a model that is still
    # loading; and it dies by SIGINT after one that broke off an import. Everything that needs closing is closed.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.SIG_IGN)
    logging.shutdown()
    for stream in filter(None, (sys.stdout, sys.stderr)):
        with suppress(BrokenPipeError):
            stream.flush()
    os._exit(status)


def _run(options: argparse.Namespace) -> int:
    """Run a command; returns the exit status."""
    for stream in filter(None, (sys.stdin, sys.stdout, sys.stderr)):
        stream.reconfigure(errors="replace")
    # Ctrl+C and a supervisor's SIGTERM end the program in the same, normal way.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Who asked for a result has not got it; a conversation simply ends.
    interrupted = 1 if options.command in ("check", "compare", "dataset", "reshard") else 0
    try:
        match options.command:
            case "check":
                return _check(options)
            case "reshard":
                print(*run(reshard(options.old, options.into, options.shards)), sep="\n")
            case "dataset":
                _dataset(options)
            case "compare":
                return _compare(options)
            case _:
                _talk(options)
    except UserError as error:
        if getattr(options, "debug", False):
            tell(traceback.format_exc().rstrip(), logging.ERROR)
        tell(str(error), logging.ERROR)
        return 2 if isinstance(error, SettingsError) else 1
    except KeyboardInterrupt:
        return interrupted
    except BrokenPipeError:
        # The reader of our output has seen enough; what Python still writes at exit goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return interrupted
    return 0


def _talk(options: argparse.Namespace) -> None:
    """Run a command that talks to the model: the bot, chat, ask or bench."""
    settings = _prepare(options)
    if options.command == "bench":
        _bench(settings, options)
        return
    # Imported only here: neither --help nor a bad setting need wait for it, and the terminal needs no discord.py.
    match options.command:
        case "chat":
            from bot.core import run_chat

            run(run_chat(settings))
        case "ask":
            from bot.core import run_ask

            run(run_ask(settings, _question(options.words)))
        case _:
            from bot.app import run_bot

            run(run_bot(settings))


def _prepare(options: argparse.Namespace) -> Settings:
    """Read the settings, tell what is odd about them, and set up the log."""
    settings, warnings = _settings(options)
    _set_up_logging(settings.log_level, bare=options.command is not None)
    if settings.log_format == "json" and options.command is None:
        write_json()
    for warning in warnings:
        tell(warning, logging.WARNING)
    return settings


def _dataset(options: argparse.Namespace) -> None:
    from bot.feedback.dataset import Selection, export

    settings = _prepare(options)
    selection = Selection(getattr(options, "model", None), options.since, options.reviewed)
    summary = run(export(settings.database_path, options.out, options.format, selection, force=options.force))
    tell(summary, logging.INFO)


def _compare(options: argparse.Namespace) -> int:
    from bot.feedback.compare import compare
    from bot.feedback.questions import from_examples, from_file

    async def main() -> bool:
        settings = _prepare(options)
        if options.questions:
            cases = from_file(options.questions, settings.system_prompt)
        else:
            cases = await from_examples(settings.database_path)
        return await compare(settings, options.old, options.new, cases)

    return 0 if run(main()) else 1


def _bench(settings: Settings, options: argparse.Namespace) -> None:
    from bot.bench.runner import bench

    figures = run(bench(settings.model_path, options.shape))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


def _check(options: argparse.Namespace) -> int:
    from bot import app
    from bot.check.findings import check
    from bot.check.options import look_at_bad_settings

    try:
        settings, warnings = _settings(options)
    except SettingsError as error:
        return 0 if run(check({"settings": look_at_bad_settings(error)}, as_json=options.json)) else 1
    _set_up_logging(settings.log_level, bare=True)
    if "debug" in options:
        logging.getLogger("bot.check").setLevel("DEBUG")
    return 0 if run(app.run_check(settings, warnings, as_json=options.json)) else 1


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    # Without a default of its own, an option given before the command is not undone by the command's parser.
    settings = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    settings.add_argument(
        "--env-file", metavar="FILE", type=Path, help="settings file (default: .env in the current folder)"
    )
    settings.add_argument("--debug", action="store_true", help="also show where in the program an error occurred")
    shared = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS, parents=[settings])
    shared.add_argument(
        "--model", metavar="NAME", help="model folder, GGUF file, hub name or demo, instead of MODEL_PATH"
    )
    parser = argparse.ArgumentParser(
        "python -m bot",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        parents=[shared],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"parley {__version__}")
    commands = parser.add_subparsers(
        dest="command", title="commands", metavar="{chat,ask,bench,check,dataset,compare,reshard}"
    )
    commands.add_parser(
        "chat",
        parents=[shared],
        help="talk in the terminal",
        description="Talk to the model in the terminal. The last turns are still there the next time.",
    )
    ask = commands.add_parser(
        "ask",
        parents=[shared],
        help="print one answer",
        description="Answer one question. Standard output gets the answer and nothing else.",
        epilog='Examples: python -m bot ask how are you    |    echo "how are you" | python -m bot ask -',
    )
    ask.add_argument(
        "words",
        metavar="WORDS",
        nargs="+",
        help="the question, without quotes; - reads standard input; put -- before words that begin with a dash",
    )
    bench = commands.add_parser(
        "bench",
        parents=[shared],
        help="measure the model on this machine",
        description="Measure the model on this machine in each precision, compared with the plain loop of"
        " transformers. This takes minutes, and the machine should have nothing else to do.",
    )
    bench.add_argument("--shape", choices=["qwen2-1.5b"], help="random weights of this shape instead of a model")
    bench.add_argument("--json", metavar="FILE", type=Path, help="also write the figures to this file")
    check = commands.add_parser(
        "check",
        parents=[shared],
        help="find out what is wrong with your setup",
        description="Check the settings, the database, the bot's setup in Discord and the model, and print a line for"
        " each result: \N{CHECK MARK} is right, \N{BALLOT X} is wrong, followed by what to do about it, and \N{EN DASH}"
        " does not apply. Nothing is changed: no database is created, no command is registered, and the bot does not go"
        " online. But the model is loaded, which takes time and memory, and a model from the hub is downloaded if it"
        " has not been.",
        epilog="Exit status: 0 if nothing is wrong, 1 if anything is. The token is never shown.",
    )
    check.add_argument("--json", action="store_true", help="print one JSON document instead")
    dataset = commands.add_parser(
        "dataset",
        parents=[settings],
        help="export what people think of the answers, to train on",
        description="Write the answers that people voted on, corrected or approved to a file of JSON Lines, as TRL's"
        " trainers read it. Names and ids are replaced by invented ones. The bot may run meanwhile.",
        epilog="sft has what answers should have been: corrections, and answers that were approved as they are. dpo has"
        " pairs: a correction and its answer, or two answers to the same question of which one is liked better. kto has"
        " answers that more people liked than disliked, or fewer.",
    )
    dataset.add_argument("out", metavar="OUT", type=_path, help="the file to write, such as sft.jsonl")
    dataset.add_argument("--format", choices=["sft", "dpo", "kto"], required=True, help="what the file is to train")
    dataset.add_argument(
        "--since",
        metavar="DATE",
        type=_moment,
        help="only answers to questions asked since then, such as 2026-05-31 or 2026-05-31T18:00; in this machine's"
        " time zone, unless DATE names another",
    )
    dataset.add_argument(
        "--model", metavar="NAME", default=argparse.SUPPRESS, help="only answers of this model, as MODEL_PATH named it"
    )
    dataset.add_argument("--reviewed", action="store_true", help="only answers that were corrected or approved")
    dataset.add_argument("--force", action="store_true", help="write over the file if it exists")
    compare = commands.add_parser(
        "compare",
        parents=[settings],
        help="find out what a training has changed",
        description="Ask two models the same questions, those whose answers people corrected or approved, and print"
        " where the answers differ, and how many are as expected. Both choose the likeliest word each time. The models"
        " are loaded one after the other, on this machine.",
        epilog="Exit status: 1 if NEW gives fewer of the expected answers than OLD, or something failed; otherwise 0.",
    )
    for which in ("old", "new"):
        compare.add_argument(which, metavar=which.upper(), help="model folder, GGUF file, adapter, hub name or demo")
    compare.add_argument(
        "--questions",
        metavar="FILE",
        type=_path,
        help="ask these instead: one question a line, or what dataset --format sft has written",
    )
    reshard = commands.add_parser(
        "reshard",
        help="redistribute databases when SHARD_COUNT changes",
        description="Redistribute what is remembered when SHARD_COUNT or SHARD_IDS change and servers move to other"
        " processes, which have other databases. Stop the bot first. This makes new databases from the old ones, each"
        " with the turns, summaries, personas and settings of its process's servers. Direct messages go to shard 0. The"
        " old files are only read, and an existing file is never overwritten.",
        epilog="Example, from one process to two: python -m bot reshard parley.db --shards 4 --into a.db=0-1 b.db=2-3"
        "    |    and back: python -m bot reshard a.db b.db --shards 1 --into parley-again.db=0",
    )
    reshard.add_argument("old", metavar="OLD", nargs="+", type=_path, help="the databases used until now, all of them")
    reshard.add_argument("--shards", metavar="N", type=_shard_count, required=True, help="the new SHARD_COUNT")
    reshard.add_argument(
        "--into",
        metavar="NEW=IDS",
        nargs="+",
        type=_part,
        required=True,
        help="a new database, and the SHARD_IDS of the process that will use it, such as a.db=0-1",
    )
    return parser.parse_args(arguments)


def _path(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError as error:  # ~ of nobody
        raise argparse.ArgumentTypeError(f"{text}: {error}") from error


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError, OSError):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a date, or a date and time, such as 2026-05-31 or 2026-05-31T18:00"
        ) from None


def _shard_count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to {MOST}")
    return int(text)


def _part(text: str) -> Part:
    name, _, ids = text.rpartition("=")
    try:
        shards = read_ids(ids)
    except ValueError:
        shards = frozenset()
    if not (name and shards):
        raise argparse.ArgumentTypeError(f"{text!r} is not a file and its shards, such as a.db=0-1 or a.db=0,3-5")
    return Part(_path(name), shards)


def _settings(options: argparse.Namespace) -> tuple[Settings, list[str]]:
    """The settings, and warnings about them."""
    env_file = getattr(options, "env_file", None)
    if not env_file and Path(".env").exists():
        env_file = Path(".env")
    settings, warnings = read(os.environ, env_file)
    if "model" in options:  # on this machine, whatever servers there are
        settings = replace(settings, model_path=options.model, engine_url=())
    return settings, warnings


def _set_up_logging(level: str, *, bare: bool) -> None:
    """Our own parts log at `level`; the libraries at INFO at the most, as below it they log what people write.

    And the one that fetches a model's files tells of each request at INFO.
    """
    form = "%(message)s" if bare else "%(asctime)s %(levelname)s %(name)s: %(message)s"
    handler = logging.StreamHandler()
    handler.setFormatter(PrintableFormatter(form))
    logging.basicConfig(level=max(logging.INFO, logging.getLevelName(level)), handlers=[handler])
    for ours in ("bot", "cogs"):
        logging.getLogger(ours).setLevel(level)
    logging.getLogger("httpx2").setLevel(logging.WARNING)


def _question(words: Sequence[str]) -> str:
    text = " ".join(words)
    if text == "-":
        text = sys.stdin.read() if sys.stdin else ""
    # What is no text, as the command line may hold any bytes, becomes question marks.
    text = text.encode(errors="replace").decode().strip()
    if not text:
        raise SettingsError("There is no question: give it as words after ask, or on standard input with -")
    return text
