"""The command line; the only place where the parts are put together."""

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from bot import __version__
from bot.conversation.conversations import Conversations
from bot.conversation.summary import SPARE, Summaries
from bot.engine import Engine, Sampling
from bot.engine.models.locate import locate
from bot.engine.prompt import PromptFormat
from bot.errors import UserError
from bot.gateway.status import GatewayStatus
from bot.messages.access import Access
from bot.monitoring.health import Health
from bot.monitoring.json_logs import tell, write_json
from bot.monitoring.loop_lag import LoopLagMonitor
from bot.monitoring.systemd import notified
from bot.observer import NO_OBSERVER, Observer
from bot.settings import Settings, SettingsError, read
from bot.shards import MOST, read_ids
from bot.signals import in_loop, on_ctrl_c, run
from bot.storage.channel_settings import ChannelSettings, ChannelSettingsStore, Limits
from bot.storage.database import Database, open_database
from bot.storage.reshard import Part, reshard
from bot.storage.turns import TurnStore

if TYPE_CHECKING:
    from bot.engine.local.engine import LocalEngine
    from bot.engine.remote.engine import RemoteEngine

_DESCRIPTION = """\
Parley lets a community talk, in its own Discord channels, to its own language model on an ordinary CPU.

Without a command it runs the Discord bot, which needs DISCORD_TOKEN. To try it without Discord and without a
model of your own:

  python -m bot chat --model demo

When something does not work, this tells what, and what to do about it:

  python -m bot check
"""
_EPILOG = """\
Settings come from the environment and from the .env file; .env.example lists them all. Exit status: 0 after a
normal end, 1 when the work could not be done, 2 for wrong usage or settings.
"""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line, and end the process with its exit status."""
    status = _run(_parse(arguments))
    # Python's own end would take a while, in which a signal is death by it; it would wait for a model that is still
    # being loaded; and it would be death by SIGINT after one that broke off an import, although that is no failure.
    # What needs to be closed has been closed.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.SIG_IGN)
    logging.shutdown()
    for stream in filter(None, (sys.stdout, sys.stderr)):
        with suppress(BrokenPipeError):
            stream.flush()
    os._exit(status)


def _run(options: argparse.Namespace) -> int:
    for stream in filter(None, (sys.stdin, sys.stdout, sys.stderr)):
        stream.reconfigure(errors="replace")
    # Ctrl+C and a supervisor's SIGTERM end the program in the same, normal way.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    unfinished = 1 if options.command == "check" else 0  # what was not looked at is not well
    try:
        if options.command == "check":
            return 0 if run(_check(options)) else 1
        if options.command == "reshard":
            print(*run(reshard(options.old, options.into, options.shards)), sep="\n")
            return 0
        settings, warnings = _settings(options)
        _set_up_logging(settings.log_level, bare=options.command is not None)
        if settings.log_format == "json" and options.command is None:
            write_json()
        for warning in warnings:
            tell(warning, logging.WARNING)
        match options.command:
            case "chat":
                run(_chat(settings))
            case "ask":
                run(_ask(settings, _question(options.words)))
            case "bench":
                run(_bench(settings, options))
            case _:
                run(_run_bot(settings))
    except UserError as error:
        if getattr(options, "debug", False):
            traceback.print_exc()
        tell(str(error), logging.ERROR)
        return 2 if isinstance(error, SettingsError) else 1
    except KeyboardInterrupt:
        return unfinished
    except BrokenPipeError:
        # Whoever read our output has seen enough; what Python still has to write at exit goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return unfinished
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    # Without a default of its own, an option given before the command is not undone by the command's parser.
    shared = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    shared.add_argument("--model", metavar="NAME", help="model folder, hub name or demo (over MODEL_PATH)")
    shared.add_argument(
        "--env-file", metavar="FILE", type=Path, help="file with settings (default: .env in this folder)"
    )
    shared.add_argument("--debug", action="store_true", help="show where in the program an error came from")
    parser = argparse.ArgumentParser(
        "python -m bot",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        parents=[shared],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"parley {__version__}")
    commands = parser.add_subparsers(dest="command", title="commands", metavar="{chat,ask,bench,check,reshard}")
    commands.add_parser(
        "chat",
        parents=[shared],
        help="talk in the terminal",
        description="Talk with the model in the terminal. It remembers the last turns, also the next time.",
    )
    ask = commands.add_parser(
        "ask",
        parents=[shared],
        help="print one answer",
        description="Print the answer to one question on standard output, and nothing else there.",
        epilog='Examples: python -m bot ask how are you    |    echo "how are you" | python -m bot ask -',
    )
    ask.add_argument(
        "words",
        metavar="WORDS",
        nargs="+",
        help="the question, without quotes; - reads standard input, and -- goes before words that begin with a dash",
    )
    bench = commands.add_parser(
        "bench",
        parents=[shared],
        help="measure the model on this machine",
        description="Measure the model on this machine in each precision, beside the plain loop of transformers. It"
        " takes minutes, and the machine should have nothing else to do.",
    )
    bench.add_argument("--shape", choices=["qwen2-1.5b"], help="random weights of this shape instead of a model")
    bench.add_argument("--json", metavar="FILE", type=Path, help="write the figures to this file, too")
    check = commands.add_parser(
        "check",
        parents=[shared],
        help="see what is wrong, and what to do about it",
        description="Look at the settings, the database, the bot's standing in Discord and the model, whatever is wrong"
        " with any of them, and tell it line by line: \N{CHECK MARK} is well, \N{BALLOT X} is wrong, with what to do"
        " about it below, \N{EN DASH} does not apply. Nothing is changed: no database is made, no command registered,"
        " and the bot does not go online. But the model is loaded, which takes its time and memory, and one with a hub"
        " name is downloaded if it has not been.",
        epilog="Exit status: 0 when nothing is wrong, 1 when anything is. The token is never shown.",
    )
    check.add_argument("--json", action="store_true", help="print one JSON document instead, and nothing else there")
    reshard = commands.add_parser(
        "reshard",
        help="divide databases anew when SHARD_COUNT changes",
        description="When SHARD_COUNT or the processes' SHARD_IDS change, other processes serve the servers, with other"
        " databases. End the bot; then this makes new databases from the old ones, in which each process finds all that"
        " was remembered of its servers: turns, summaries, personas and settings. Direct messages go with shard 0. The"
        " old files are only read, and an existing file is never written to.",
        epilog="Example, from one process to two: python -m bot reshard parley.db --shards 4 --into a.db=0-1 b.db=2-3"
        "    |    and back: python -m bot reshard a.db b.db --shards 1 --into parley-again.db=0",
    )
    reshard.add_argument(
        "old", metavar="OLD", nargs="+", type=_path, help="a database that was used until now: all of them"
    )
    reshard.add_argument(
        "--shards", metavar="N", type=_shard_count, required=True, help="the new SHARD_COUNT, of all processes together"
    )
    reshard.add_argument(
        "--into",
        metavar="NEW=IDS",
        nargs="+",
        type=_part,
        required=True,
        help="a database to be made, and the SHARD_IDS of the process that is to use it, such as a.db=0-1",
    )
    return parser.parse_args(arguments)


def _path(text: str) -> Path:
    return Path(text).expanduser()


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
    logging.basicConfig(level=max(logging.INFO, logging.getLevelName(level)), format=form)
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


async def _run_bot(settings: Settings) -> None:
    if not settings.discord_token:
        raise SettingsError(
            "DISCORD_TOKEN is not set. Create a bot at https://discord.com/developers/applications, copy its token"
            " into a file .env as DISCORD_TOKEN=..., and start again; README.md shows how. Without Discord, try:"
            " python -m bot chat"
        )
    from bot.gateway.client import Parley, serve
    from bot.monitoring.http import served
    from bot.monitoring.metrics import Metrics

    quitting = asyncio.Event()
    access = _access(settings)
    metrics, link, stalls = Metrics(), GatewayStatus(), LoopLagMonitor()
    _find(settings)  # before a database is made
    async with (
        open_database(settings.database_path, metrics) as database,
        _engine(settings) as engine,
        stalls.at_work(),
    ):
        history = TurnStore(database, SPARE if settings.summary else 0)
        channels = _channels(database, settings)
        summaries = Summaries(engine, history, channels, max_new_tokens=settings.max_new_tokens)
        conversations = _conversations(
            engine, history, channels, settings, summaries if settings.summary else None, metrics
        )
        health = Health(database=database, engine=engine, link=link, stalls=stalls)
        metrics.ask(conversations=conversations, engine=engine, link=link, stalls=stalls)

        def make_client() -> Parley:
            return Parley(
                conversations=conversations,
                database=database,
                history=history,
                channels=channels,
                engine=engine,
                access=access,
                link_previews=settings.link_previews,
                chat_channels=settings.chat_channels,
                guild_id=settings.guild_id,
                quitting=quitting,
                shard_count=settings.shard_count,
                shard_ids=settings.shard_ids,
                requests_per_second=settings.requests_per_second,
                link=link,
                stalls=stalls,
                events=metrics,
            )

        async with (
            served(settings.health_address, health, metrics.registry) if settings.health_address else nullcontext(),
            notified(os.environ, health, link, quitting),
        ):
            await engine.validated()
            for ending in (signal.SIGINT, signal.SIGTERM):
                signal.signal(ending, in_loop(quitting.set))
            try:
                async with summaries.at_work() if settings.summary else nullcontext():
                    await serve(
                        make_client,
                        settings.discord_token,
                        conversations=conversations,
                        engine=engine,
                        quitting=quitting,
                    )
            finally:
                for ending in (signal.SIGINT, signal.SIGTERM):
                    signal.signal(ending, signal.SIG_IGN)  # it is ending already


async def _chat(settings: Settings) -> None:
    from bot import console

    _find(settings)
    async with open_database(settings.database_path) as database, _engine(settings) as engine:
        await engine.ready()
        channels = _channels(database, settings)
        await console.chat(_conversations(engine, TurnStore(database), channels, settings))


async def _ask(settings: Settings, text: str) -> None:
    from bot import console

    _find(settings)
    async with _engine(settings) as engine:
        await console.ask(
            engine,
            text,
            system_prompt=settings.system_prompt,
            sampling=_sampling(settings),
            show_thinking=settings.show_thinking,
        )


async def _bench(settings: Settings, options: argparse.Namespace) -> None:
    from bot.bench.runner import bench

    figures = await bench(settings.model_path, options.shape)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


async def _check(options: argparse.Namespace) -> bool:
    """Returns whether nothing is wrong."""
    from bot.check import check
    from bot.check.application import look_at_discord
    from bot.check.database import look_at_database
    from bot.check.model import look_at_model
    from bot.check.options import look_at_bad_settings, look_at_settings
    from bot.check.remote import look_at_engines

    try:
        settings, warnings = _settings(options)
    except SettingsError as error:
        return await check({"settings": look_at_bad_settings(error)}, as_json=options.json)
    _set_up_logging(settings.log_level, bare=True)
    if "debug" in options:
        logging.getLogger("bot.check").setLevel("DEBUG")
    # What takes longest comes last.
    areas = {
        "settings": look_at_settings(settings, warnings),
        "database": look_at_database(settings.database_path),
        "discord": look_at_discord(settings, _access(settings)),
        "model": look_at_engines(
            settings.engine_url,
            lambda url: _remote_engine(replace(settings, engine_url=(url,))),
            system_prompt=settings.system_prompt,
            sampling=_sampling(settings),
        )
        if settings.engine_url
        else look_at_model(
            settings.model_path,
            partial(_local_engine, settings),
            system_prompt=settings.system_prompt,
            sampling=_sampling(settings),
        ),
    }
    return await check(areas, as_json=options.json)


def _find(settings: Settings) -> None:
    """What is wrong with the model's name is told before torch is imported. Raises ModelError."""
    if not settings.engine_url:
        locate(settings.model_path)


def _engine(settings: Settings) -> AbstractAsyncContextManager["LocalEngine | RemoteEngine"]:
    return _remote_engine(settings) if settings.engine_url else _local_engine(settings)


def _remote_engine(settings: Settings) -> "RemoteEngine":
    # Imports openai, which only those who have servers need.
    from bot.engine.remote.engine import RemoteEngine

    return RemoteEngine(
        settings.engine_url,
        model=settings.engine_model,
        api_key=settings.engine_api_key,
        max_prompt_tokens=settings.max_prompt_tokens,
        max_batch=settings.max_batch,
        repetition_penalty=settings.repetition_penalty,
        timeout=settings.engine_timeout,
    )


def _local_engine(settings: Settings) -> "LocalEngine":
    # Imports torch, which takes seconds that neither --help nor a wrong name need wait for. An import cannot be
    # cancelled, as Ctrl+C does with what the event loop does, but broken off.
    with on_ctrl_c(signal.default_int_handler):
        from bot.engine.local.engine import LocalEngine

    return LocalEngine(
        settings.model_path,
        max_prompt_tokens=settings.max_prompt_tokens,
        max_new_tokens=settings.max_new_tokens,
        max_batch=settings.max_batch,
        precision=settings.model_precision,
        repetition_penalty=settings.repetition_penalty,
        base=settings.base_model,
        form=PromptFormat(settings.prompt_format, settings.plain_user, settings.plain_assistant),
    )


def _channels(database: Database, settings: Settings) -> ChannelSettingsStore:
    return ChannelSettingsStore(
        database,
        ChannelSettings(settings.system_prompt, settings.temperature, settings.max_new_tokens, settings.history_turns),
        Limits(settings.channel_max_temperature, settings.max_new_tokens, settings.channel_max_turns),
    )


def _access(settings: Settings) -> Access:
    return Access(settings.allowed_guilds, settings.allowed_channels, settings.blocked_users, settings.direct_messages)


def _conversations(
    engine: Engine,
    history: TurnStore,
    channels: ChannelSettingsStore,
    settings: Settings,
    summaries: Summaries | None = None,
    events: Observer = NO_OBSERVER,
) -> Conversations:
    return Conversations(
        engine,
        history,
        channels,
        sampling=_sampling(settings),
        queue_limit=settings.queue_limit,
        cooldown=settings.cooldown,
        grace=settings.shutdown_grace,
        show_thinking=settings.show_thinking,
        summaries=summaries,
        events=events,
    )


def _sampling(settings: Settings) -> Sampling:
    return Sampling(settings.max_new_tokens, settings.temperature, settings.top_p, settings.top_k, settings.seed)


if __name__ == "__main__":
    main()
