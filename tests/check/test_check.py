"""`python -m bot check` reports everything that is wrong in one run, says what to do about it, and changes nothing."""

import asyncio
import json
import os
import sqlite3
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import psutil
import pytest
from aiohttp import web
from safetensors.torch import load_file

from bot import demo
from bot.check import application
from bot.check.application import look_at_discord
from bot.check.database import look_at_database
from bot.check.findings import Mark, check, ok
from bot.check.model import look_at_model
from bot.check.options import look_at_bad_settings, look_at_settings
from bot.check.remote import look_at_engines
from bot.engine import Sampling
from bot.messages.access import Access
from bot.settings import Settings, SettingsError, read
from bot.storage import database
from bot.storage.channel_ref import ChannelRef
from bot.storage.database import open_database
from bot.storage.turns import Turn, TurnStore
from tests.discord_stand_in import Permission
from tests.support.databases import create_old
from tests.support.engine_stand_in import EngineServer, page, refusal, serving
from tests.support.models import save_model
from tests.support.parley import run
from tests.support.tokenizers import CHATML

TOKEN = "a.token.of-nobody"
TURN = Turn(ChannelRef(7), 1, "Alice", "hello", "Hi!", datetime(2026, 1, 2, tzinfo=UTC), 11, (12,))


async def checked(folder, *arguments, **settings):
    """`python -m bot check`: its exit status, standard output and standard error."""
    ended = await asyncio.to_thread(run, folder, "-m", "bot", "check", *arguments, **settings)
    assert ("Traceback" in ended.stderr) == ("--debug" in arguments)
    return ended.returncode, ended.stdout, ended.stderr


async def found(findings):
    """An area's findings by mark. Each one that is wrong says what to do."""
    told = {mark: [] for mark in Mark}
    async for finding in findings:
        assert finding.mark is not Mark.WRONG or finding.todo
        told[finding.mark].append(finding)
    return SimpleNamespace(ok=told[Mark.OK], wrong=told[Mark.WRONG], skipped=told[Mark.SKIPPED])


def only(findings):
    (finding,) = findings
    return finding


def lines(findings):
    return [finding.what for finding in findings]


def snapshot(folder):
    """All files of a folder: their contents, modes, and when they were written."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return [(path, path.read_bytes(), path.stat().st_mode, path.stat().st_mtime_ns) for path in files]


# The whole program


@pytest.mark.slow
async def test_when_all_is_well_it_says_so_and_nothing_has_changed(discord, tmp_path, place):
    token = discord.application.token
    settings = {"MODEL_PATH": "demo", "TEMPERATURE": "0", "DISCORD_TOKEN": token, "LOG_LEVEL": "DEBUG"}
    status, out, err = await checked(tmp_path, **settings, **discord.environment())
    assert status == 0
    assert "✗" not in out
    assert "✓ TEMPERATURE is 0.0 (default: 0.7)" in out
    assert "✓ DISCORD_TOKEN is set" in out
    assert "✓ The token is that of Parley" in out
    assert "✓ Home: it can answer in 1 channel\n" in out
    assert "✓ Loaded: Qwen2ForCausalLM, 2.5 million parameters, in " in out
    assert "      Alice: What is my name?<|im_end|>\n" in out
    assert "      Your name is Alice." in out
    assert token not in out + err
    assert discord.gateway.identifies == 0
    assert {request.method for request in discord.requests} == {"GET"}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
async def test_everything_wrong_is_reported_in_one_run_as_json_too(discord, tmp_path):
    (tmp_path / "parley.db").mkdir()
    status, out, err = await checked(tmp_path, "--json", DISCORD_TOKEN=TOKEN, **discord.environment())
    assert status == 1
    told = json.loads(out)
    assert told["ok"] is False
    wrong = [finding for finding in told["findings"] if finding["mark"] == "wrong"]
    assert [finding["area"] for finding in wrong] == ["database", "discord", "model"]
    assert "parley.db cannot be used" in wrong[0]["what"]
    assert wrong[1]["what"] == "Discord rejects the token."
    assert "./qwen_finetune is not there" in wrong[2]["what"]
    for finding, setting in zip(wrong, ("DATABASE_PATH", "DISCORD_TOKEN", "MODEL_PATH"), strict=True):
        assert setting in finding["todo"]
    assert {"area": "settings", "mark": "ok", "what": "DISCORD_TOKEN is set", "facts": {"name": "DISCORD_TOKEN"}} in (
        told["findings"]
    )
    assert TOKEN not in out + err


@pytest.mark.slow
async def test_a_terminal_without_unicode_gets_words_instead_of_marks(tmp_path):
    _, out, _ = await checked(tmp_path, TOP_K="x", PYTHONIOENCODING="ascii")
    assert "  WRONG TOP_K" in out


@pytest.mark.slow
async def test_each_setting_that_cannot_be_used_is_reported(tmp_path):
    status, out, err = await checked(tmp_path, TOP_K="x", SEED="y", DISCORD_TOKEN="my secret")
    assert status == 1
    marked = [line.split(":")[0] for line in out.splitlines() if "✗" in line]
    assert sorted(marked) == ["  ✗ DISCORD_TOKEN", "  ✗ SEED", "  ✗ TOP_K"]
    assert "my secret" not in out + err


async def test_an_area_that_fails_is_reported_and_the_next_is_checked(capsys):
    async def fails():
        yield ok("before")
        raise RuntimeError("the unexpected")

    async def works():
        yield ok("after")

    assert not await check({"one": fails(), "two": works()}, as_json=False)
    assert [line for line in capsys.readouterr().out.splitlines() if not line.startswith("      ")] == [
        "One",
        "  ✓ before",
        "  ✗ The rest could not be looked at: RuntimeError('the unexpected')",
        "Two",
        "  ✓ after",
    ]


# Settings


async def test_each_setting_that_is_not_the_default_is_shown_but_no_secret():
    settings = Settings(
        discord_token=TOKEN,
        chat_channels=frozenset({7, 5}),
        role_limits=((12, 20), (34, 5)),
        direct_messages=False,
        system_prompt="",
    )
    told = await found(look_at_settings(settings, []))
    assert lines(told.ok) == [
        "DISCORD_TOKEN is set",
        "SYSTEM_PROMPT is blank (default: You are Parley, a friendly assistant in a chat. Answer briefly and clearly.)",
        "CHAT_CHANNELS is 5, 7 (default: none)",
        "ROLE_LIMITS is 12=20, 34=5 (default: none)",
        "DIRECT_MESSAGES is off (default: on)",
    ]
    assert TOKEN not in str(told)
    assert lines((await found(look_at_settings(Settings(), []))).skipped) == ["All settings have their defaults"]


async def test_the_file_of_personas_is_read(tmp_path):
    file = tmp_path / "personas.toml"
    file.write_text('pirate = "Arr."\ncook = "You cook."')
    told = await found(look_at_settings(Settings(personas_file=str(file)), []))
    assert "Personas for /persona use: pirate, cook" in lines(told.ok)
    file.write_text("pirate")
    told = await found(look_at_settings(Settings(personas_file=str(file)), []))
    assert only(told.wrong).what.startswith(f"PERSONAS_FILE: {file} is not TOML")


async def test_what_is_warned_of_and_what_cannot_be_used_is_wrong(tmp_path):
    file = tmp_path / ".env"
    file.write_text("TEMPRATURE=1\n")
    told = await found(look_at_settings(*read({}, file)))
    assert "did you mean TEMPERATURE?" in only(told.wrong).what
    with pytest.raises(SettingsError) as bad:
        read({"TOP_K": "x", "SEED": "y"})
    assert [line[:5] for line in lines((await found(look_at_bad_settings(bad.value))).wrong)] == ["TOP_K", "SEED:"]


async def test_the_blocked_words_are_counted_and_bad_ones_are_wrong(tmp_path):
    file = tmp_path / "words.txt"
    settings = Settings(blocked_words_file=str(file))
    assert "cannot be read: No such file" in only((await found(look_at_settings(settings, []))).wrong).what
    file.write_text("darn\n/[/\n/(/\n")
    told = lines((await found(look_at_settings(settings, []))).wrong)
    assert [line.partition(" of ")[0] for line in told] == ["BLOCKED_WORDS_FILE: line 2", "BLOCKED_WORDS_FILE: line 3"]
    file.write_text("darn\noh my\n/s.*/\n")
    told = await found(look_at_settings(settings, []))
    assert lines(told.ok)[1:] == ["BLOCKED_WORDS_FILE has 2 words and 1 regular expression"]


# The database


@contextmanager
def as_somebody_else():
    """Drops root's right to write anywhere, and all groups."""
    if os.getuid() != 0:
        yield
        return
    os.setresuid(65534, -1, -1)  # the real one, which `os.access` asks for
    try:
        yield
    finally:
        os.setresuid(0, -1, -1)


async def test_a_database_that_is_missing_is_not_made(tmp_path):
    told = await found(look_at_database(str(tmp_path / "new" / "parley.db")))
    assert "is not there yet" in only(told.ok).what
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("in_use", [False, True])
async def test_what_a_database_holds_is_reported_and_nothing_in_it_changes(tmp_path, in_use):
    path = tmp_path / "a #1 file.db"
    async with open_database(path) as opened:
        turns = TurnStore(opened)
        for channel in (7, 7, 8):
            await turns.begin(replace(TURN, channel=ChannelRef(channel)))
        if in_use:
            told = await found(look_at_database(str(path)))
    if not in_use:
        before = snapshot(tmp_path)
        told = await found(look_at_database(str(path)))
        assert snapshot(tmp_path) == before
    (finding,) = told.ok
    assert finding.facts["path"] == str(path)
    assert {name: finding.facts[name] for name in ("turns", "channels", "schema")} == {
        "turns": 3,
        "channels": 2,
        "schema": database.SCHEMA_VERSION,
    }
    assert finding.facts["bytes"] >= path.stat().st_size > 0


async def test_what_a_killed_program_left_is_read_and_left_alone(tmp_path):
    path, killed = tmp_path / "parley.db", tmp_path / "killed" / "parley.db"
    killed.parent.mkdir()
    async with open_database(path) as opened:
        turns = TurnStore(opened)
        with closing(sqlite3.connect(path)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM turns").fetchall()  # keeps the turn from going into the file itself
            await turns.begin(TURN)
            for file in path.parent.glob("parley.db*"):
                (killed.parent / file.name).write_bytes(file.read_bytes())
    before = {name: (killed.parent / name).read_bytes() for name in ("parley.db", "parley.db-wal")}
    told = await found(look_at_database(str(killed)))
    assert told.ok[0].facts["turns"] == 1
    assert {name: (killed.parent / name).read_bytes() for name in before} == before


async def test_an_older_schema_is_reported_and_left_alone(path):
    create_old(path, 1)
    before = path.read_bytes()
    told = await found(look_at_database(str(path)))
    assert f"schema 1, which becomes {database.SCHEMA_VERSION}" in told.ok[0].what
    assert path.read_bytes() == before


def _damaged(path):
    with closing(sqlite3.connect(path)) as file:
        file.executescript(database._SCHEMA)
        file.execute(
            "INSERT INTO turns VALUES (1, 7, 1, 'Alice', ?, 'x', 'now', 1, '[]', NULL, NULL, NULL, NULL)",
            ("long " * 9999,),
        )
        file.commit()
    content = path.read_bytes()
    path.write_bytes(content[:12288] + bytes(4096) + content[16384:])  # a page in the middle


def _newer(path):
    with closing(sqlite3.connect(path)) as file:
        file.executescript(database._SCHEMA + "PRAGMA user_version = 99")


def _foreign(path):
    with closing(sqlite3.connect(path)) as file:
        file.execute("CREATE TABLE others (id)")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.write_text("no database " * 99), "not a database"),
        (lambda path: path.mkdir(), "Is a directory"),
        (_damaged, "*** in database"),
        (_newer, "a newer Parley"),
        (_foreign, "another program"),
    ],
    ids=["text", "folder", "damaged", "newer", "foreign"],
)
async def test_a_database_that_cannot_be_used_is_wrong_and_left_as_it_is(path, make, words):
    make(path)
    before = snapshot(path.parent)
    told = await found(look_at_database(str(path)))
    assert words in only(told.wrong).todo
    assert "DATABASE_PATH" in only(told.wrong).todo
    assert snapshot(path.parent) == before


@pytest.mark.parametrize("there", [False, True])
async def test_a_folder_that_cannot_be_written_is_wrong(tmp_path, there):
    path = tmp_path / "folder" / "parley.db"
    async with open_database(path):
        pass
    if not there:
        path.unlink()
    path.parent.chmod(0o555)
    with as_somebody_else():
        told = await found(look_at_database(str(path)))
    assert f"Permission denied: '{path.parent}'" in only(told.wrong).todo
    path.parent.chmod(0o755)


async def test_a_path_below_a_file_is_wrong(tmp_path):
    (tmp_path / "file").touch()
    told = await found(look_at_database(str(tmp_path / "file" / "parley.db")))
    assert "Not a directory" in only(told.wrong).todo


# Discord


async def look(discord, **settings):
    chosen = {name: frozenset(value) if isinstance(value, set) else value for name, value in settings.items()}
    options = Settings(**{"discord_token": discord.application.token, **chosen})
    access = Access.of(options)
    with discord.redirect():
        return await found(look_at_discord(options, access))


async def test_without_a_token_discord_is_left_out(discord):
    told = await look(discord, discord_token=None)
    assert "DISCORD_TOKEN is not set" in only(told.skipped).what
    assert told.ok == told.wrong == discord.requests == []


async def test_a_refused_token_and_an_unreachable_discord_are_reported(discord, monkeypatch):
    assert lines((await look(discord, discord_token=TOKEN)).wrong) == ["Discord rejects the token."]
    discord.fault("GET", "/users/@me", status=503)
    assert "503" in only((await look(discord)).wrong).what
    monkeypatch.setattr(application, "PATIENCE", 0.2)
    discord.fault("GET", "/users/@me", delay=float("inf"))
    assert lines((await look(discord)).wrong) == ["Discord cannot be reached: there is no answer"]
    monkeypatch.setattr(discord, "url", "http://127.0.0.1:9")
    assert "127.0.0.1" in only((await look(discord)).wrong).what


async def test_the_message_content_intent_is_compared_with_what_is_needed(discord, place):
    _, channel, _ = place
    assert (await look(discord, chat_channels={channel.id})).wrong == []
    assert (await look(discord)).wrong == []
    discord.application.privileged_intents = set()
    assert (await look(discord)).wrong == []
    told = await look(discord, chat_channels={channel.id})
    assert lines(told.wrong) == ["The bot lacks the Message Content intent, which CHAT_CHANNELS needs"]
    told = await look(discord, chat_channels={channel.id}, wake_words=("Parley",))
    assert only(told.wrong).what.endswith("which CHAT_CHANNELS and WAKE_WORDS need")
    assert only(told.wrong).todo.endswith("or leave CHAT_CHANNELS and WAKE_WORDS blank.")
    assert only((await look(discord, context_messages=5)).wrong).what.endswith("which CONTEXT_MESSAGES needs")


async def test_shards_and_the_remaining_sessions_are_reported(discord, monkeypatch):
    discord.gateway.shards, discord.gateway.session_starts = 2, 7
    here = discord.guild("Here")
    shard = (here.id >> 22) % 4
    here.channel("general")
    discord.guild("There").channel("general")
    told = lines((await look(discord)).ok)
    assert "Shards: 2 (Discord recommends 2); this process connects all of them" in told
    assert "7 of 1000 session starts are left, of which this process takes 2; 1 at a time" in told
    told = await look(discord, shard_count=4, shard_ids={shard})
    assert f"Shards: 4 (Discord recommends 2); this process connects {shard}" in lines(told.ok)
    assert "Here: it can answer in 1 channel" in lines(told.ok)
    assert lines(told.skipped) == [f"There has shard {(shard + 1) % 4}, which another process connects"]
    told = await look(discord, shard_count=8)
    assert lines(told.wrong) == ["7 of 1000 session starts are left, and this process needs 8"]
    monkeypatch.setattr(application, "_SERVERS_PER_SHARD", 1)
    assert "Set SHARD_COUNT to 2" in only((await look(discord, shard_count=1)).wrong).todo


async def test_the_invite_link_asks_for_exactly_what_is_needed(discord, place):
    link = urlsplit((await look(discord)).ok[-1].facts["link"])
    needed = (
        Permission.VIEW_CHANNEL
        | Permission.SEND_MESSAGES
        | Permission.SEND_MESSAGES_IN_THREADS
        | Permission.READ_MESSAGE_HISTORY
    )
    assert link.hostname == "discord.com"
    assert parse_qs(link.query) == {
        "client_id": [str(discord.application.id)],
        "scope": ["bot applications.commands"],
        "permissions": [str(int(needed))],
    }


async def test_what_threads_need_is_asked_for_and_looked_at(discord, place):
    guild, channel, _ = place
    chat, deaf = guild.channel("chat"), guild.channel("deaf")
    told = await look(discord, auto_thread=True)
    permissions = int(parse_qs(urlsplit(told.ok[-1].facts["link"]).query)["permissions"][0])
    assert Permission.CREATE_PUBLIC_THREADS in Permission(permissions)
    assert told.wrong == []
    for each in (channel, chat, deaf):
        each.overwrite(discord.bot, deny=Permission.CREATE_PUBLIC_THREADS)
    deaf.overwrite(guild.everyone, deny=Permission.SEND_MESSAGES)
    told = await look(discord, auto_thread=True, chat_channels={chat.id})
    assert lines(told.wrong) == [
        "Home: AUTO_THREAD opens no threads in #general, as the bot lacks Create Public Threads"
    ]
    assert (await look(discord)).wrong == []


async def test_the_intent_that_threads_do_better_with_is_reported(discord, place):
    intent = "The Message Content intent is"
    told = await look(discord, auto_thread=True)
    assert f"{intent} on: in the threads of AUTO_THREAD, everything is answered" in lines(told.ok)
    discord.application.privileged_intents = set()
    told = await look(discord, auto_thread=True)
    assert f"{intent} off: in the threads of AUTO_THREAD, only mentions and replies are answered" in lines(told.ok)
    assert f"{intent} off, and no setting needs it" in lines((await look(discord)).ok)


async def test_missing_permissions_are_reported_for_each_channel(discord, place):
    guild, channel, _ = place
    fine, second, hidden, forum = (
        guild.channel("fine"),
        guild.channel("second"),
        guild.channel("x"),
        guild.forum("help"),
    )
    for each in (channel, second):
        each.overwrite(discord.bot, deny=Permission.SEND_MESSAGES | Permission.READ_MESSAGE_HISTORY)
    hidden.overwrite(discord.bot, deny=Permission.VIEW_CHANNEL)
    forum.overwrite(discord.bot, deny=Permission.SEND_MESSAGES_IN_THREADS | Permission.SEND_MESSAGES)
    away = discord.guild("Away")
    away.channel("there")
    told = await look(discord)
    assert lines(told.wrong) == [
        "Home: the bot lacks Send Messages and Read Message History in #general, #second",
        "Home: the bot lacks View Channels in #x",
        "Home: the bot lacks Send Messages in Threads in #help",
    ]
    assert "Away: it can answer in 1 channel" in lines(told.ok)
    assert lines((await look(discord, allowed_channels={fine.id, forum.id})).wrong) == lines(told.wrong)[2:]
    assert (await look(discord, allowed_guilds={away.id})).wrong == []


async def test_what_no_member_may_do_either_is_intended_except_in_a_chat_channel(discord, place):
    guild, channel, _ = place
    news, staff = guild.channel("news"), guild.channel("staff")
    news.overwrite(guild.everyone, deny=Permission.SEND_MESSAGES)
    staff.overwrite(guild.everyone, deny=Permission.VIEW_CHANNEL)
    told = await look(discord)
    assert told.wrong == []
    assert "Home: it can answer in 1 channel, but not in #news, #staff, where members cannot either" in lines(told.ok)
    assert lines((await look(discord, chat_channels={news.id})).wrong) == ["Home: the bot lacks Send Messages in #news"]
    channel.overwrite(guild.everyone, deny=Permission.SEND_MESSAGES)
    told = await look(discord)
    assert lines(told.wrong) == ["Home: neither the bot nor members may write in any channel"]


async def test_a_chat_channel_may_be_a_thread(discord, place):
    guild, channel, _ = place
    thread = channel.thread("aside")
    named = {"chat_channels": {thread.id}, "allowed_channels": {thread.id}}
    channel.overwrite(guild.everyone, deny=Permission.SEND_MESSAGES)
    assert (await look(discord, **named)).wrong == []
    channel.overwrite(guild.everyone, deny=Permission.SEND_MESSAGES_IN_THREADS)
    told = await look(discord, **named)
    assert lines(told.wrong) == ["Home: the bot lacks Send Messages in Threads in #aside"]


async def test_unknown_ids_are_reported_with_their_setting(discord, place):
    guild, channel, alice = place
    forum, category, aside = guild.forum("help"), guild.category("All"), discord.guild("Away").channel("aside")
    told = await look(
        discord,
        guild_id=1,
        allowed_guilds={2, guild.id},
        allowed_channels={3, channel.id, category.id},
        chat_channels={4, forum.id, aside.id, alice.direct.id},
    )
    assert sorted(lines(told.wrong)) == [
        "ALLOWED_CHANNELS has All, which is a category",
        "ALLOWED_CHANNELS: the bot sees no channel 3",
        "ALLOWED_GUILDS: the bot is in no server 2",
        "CHAT_CHANNELS has #aside, where nobody is answered",
        "CHAT_CHANNELS has #help, a forum; it is for single posts",
        "CHAT_CHANNELS has a direct conversation; it is for channels of servers",
        "CHAT_CHANNELS: the bot sees no channel 4",
        "GUILD_ID: the bot is in no server 1",
    ]
    assert lines(told.skipped) == ["Away is not among ALLOWED_GUILDS"]
    assert "Home: it can answer in 1 channel" in lines(told.ok)


async def test_the_review_channel_takes_messages(discord, place):
    guild, channel, _ = place
    review = guild.channel("review")
    review.overwrite(guild.everyone, deny=Permission.SEND_MESSAGES)
    told = await look(discord, feedback=True, feedback_channel=review.id, allowed_channels={channel.id})
    assert lines(told.wrong) == ["Home: the bot lacks Send Messages in #review"]
    told = await look(discord, feedback=True, feedback_channel=1)
    assert lines(told.wrong) == ["FEEDBACK_CHANNEL: the bot sees no channel 1"]
    assert (await look(discord, feedback=False, feedback_channel=1)).wrong == []


async def test_roles_that_no_server_has_are_reported(discord, place):
    guild, _, _ = place
    role, named = guild.role("mods"), {"allowed_roles": {2}, "blocked_roles": {3}}
    known = {"allowed_roles": {role.id, guild.id}, "role_limits": ((role.id, 20),)}
    assert (await look(discord, **known)).wrong == []
    assert lines((await look(discord, **named, role_limits=((role.id, 20), (4, 5)))).wrong) == [
        "ALLOWED_ROLES: no server of the bot's has a role 2",
        "BLOCKED_ROLES: no server of the bot's has a role 3",
        "ROLE_LIMITS: no server of the bot's has a role 4",
    ]
    discord.fault("GET", f"/guilds/{guild.id}/channels", status=503)
    assert ["role" in line for line in lines((await look(discord, **named)).wrong)] == [False], "it may be there"


async def test_a_bot_in_no_server_needs_an_invitation(discord):
    told = await look(discord)
    assert lines(told.wrong) == ["The bot is in no server"]
    assert "https://discord.com/oauth2/authorize" in told.ok[-1].what


async def test_a_server_that_cannot_be_checked_does_not_stop_the_others(discord, place):
    guild, channel, _ = place
    away = discord.guild("Away")
    away.channel("there")
    discord.fault("GET", f"/guilds/{guild.id}/channels", status=503)
    discord.fault("GET", "/channels/*", status=503)
    told = await look(discord, chat_channels={channel.id})
    home, chat = told.wrong
    assert "Home cannot be looked at: 503" in home.what
    assert f"CHAT_CHANNELS: {channel.id} cannot be looked at: 503" in chat.what
    assert "Away: it can answer in 1 channel" in lines(told.ok)


# The model


async def model(folder, *, system_prompt="Be brief.", **options):
    from bot.engine.local.engine import LocalEngine

    @asynccontextmanager
    async def engine():
        chosen = {"max_prompt_tokens": 400, "max_new_tokens": 100, "precision": "float32"} | options
        async with LocalEngine(str(folder), **chosen) as engine:
            yield engine

    sampling = Sampling(temperature=0)
    return await found(look_at_model(str(folder), engine, system_prompt=system_prompt, sampling=sampling))


async def test_a_model_is_described_and_answers(tmp_path):
    folder = save_model(tmp_path / "model", endless=True)
    told = await model(folder, max_batch=3, system_prompt="Be brief on {server}.")
    assert told.wrong == []
    there, what, memory, prompt, answer = told.ok
    assert str(folder) in there.what
    saved = sum(tensor.numel() for tensor in load_file(folder / "model.safetensors").values())
    assert what.facts == {
        "architecture": "Qwen2ForCausalLM",
        "parameters": saved,
        "precision": "float32",
        "library": "oneDNN",
    }
    assert memory.facts["weight_bytes"] == 4 * saved
    assert memory.facts["cache_bytes"] == 2 * 3 * 500 * 2 * 2 * 8 * 4  # layers, slots, tokens, K and V, heads, width
    assert "3 answers of up to 500 tokens" in memory.what
    assert "in the form of its chat template" in prompt.what
    assert "<|im_start|>system\nBe brief on Your server.<|im_end|>" in prompt.shown
    assert "<|im_start|>user\nAlice: What is my name?<|im_end|>" in prompt.shown
    assert answer.shown
    assert answer.facts["tokens_per_s"] > 0


async def test_a_model_that_cannot_be_batched_is_reported(tmp_path):
    told = await model(save_model(tmp_path / "model", "mamba", endless=True))
    assert told.wrong == []
    assert "one answer at a time" in told.ok[2].what


async def test_a_missing_broken_or_too_large_model_is_reported(tmp_path, monkeypatch):
    told = await model(tmp_path / "none")
    assert "There is no model folder" in only(told.wrong).todo
    folder = save_model(tmp_path / "model")
    (folder / "tokenizer.json").rename(tmp_path / "tokenizer.json")
    assert "tokenizer" in only((await model(folder)).wrong).todo
    (tmp_path / "tokenizer.json").rename(folder / "tokenizer.json")
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=1000))
    assert "memory are free" in only((await model(folder)).wrong).todo


@pytest.mark.slow
async def test_debug_shows_where_a_broken_model_fails(tmp_path):
    folder = save_model(tmp_path / "model")
    (folder / "model.safetensors").write_bytes(b"no weights")
    status, out, err = await checked(tmp_path, "--json", "--debug", "--model", str(folder))
    assert status == 1
    last = json.loads(out)["findings"][-1]
    assert (last["area"], last["mark"]) == ("model", "wrong")
    assert "--debug" in last["todo"]
    assert "bot/engine/models/loading.py" in err


async def test_a_model_that_is_still_thinking_after_the_short_answer_is_not_silent(tmp_path):
    template = CHATML + "<think>\n"
    told = await model(save_model(tmp_path / "model", template=template, endless=True))
    assert told.wrong == []
    assert told.ok[-1].shown


async def test_a_template_without_a_generation_prompt_is_told(tmp_path):
    template = CHATML.partition("{% if add_generation_prompt %}")[0]
    told = await model(save_model(tmp_path / "model", template=template, endless=True))
    assert told.ok[3].shown.endswith("<|im_end|>\n<|im_start|>assistant\n")
    assert r"has no generation prompt, so '<|im_start|>assistant\n'" in told.ok[4].what


async def test_a_template_that_shows_no_word_is_told(tmp_path):
    template = CHATML.replace("message['content']", "message['text']")
    told = await model(save_model(tmp_path / "model", template=template))
    assert "leaves out what people write" in only(told.wrong).todo


async def test_a_model_without_a_template_gets_the_plain_form(tmp_path):
    told = await model(save_model(tmp_path / "model", template=None, endless=True))
    assert "in the plain form" in told.ok[3].what
    assert told.ok[3].shown.endswith("\nUser: Alice: What is my name?\nAssistant:")


async def test_a_system_prompt_that_leaves_no_room_is_reported(tmp_path):
    told = await model(save_model(tmp_path / "model"), system_prompt="very long " * 500)
    assert "MAX_PROMPT_TOKENS" in only(told.wrong).todo
    assert only(told.skipped)


async def test_a_model_that_says_nothing_is_reported(monkeypatch):
    from bot.engine.local.sequence import Sequence

    monkeypatch.setattr(Sequence, "advance", lambda self, logits: False)  # it ends at once
    told = await model(demo.MODEL)
    assert "It does not answer" in only(told.wrong).what


# Inference servers


async def servers_found(*urls, **options):
    from bot.engine.remote.engine import RemoteEngine  # slow to import, and most tests here don't need it

    return await found(
        look_at_engines(
            urls, lambda url: RemoteEngine([url], **options), system_prompt="Be brief.", sampling=Sampling()
        )
    )


async def test_each_server_is_reported_separately():
    async with serving(EngineServer(["Alice."])) as good, serving(EngineServer()) as locked:
        locked.models = refusal(401)
        told = await servers_found(good.url, "http://127.0.0.1:9/v1", locked.url)
    assert lines(told.ok)[0] == f"Found {good.url}, where the model is the-model"
    assert told.ok[1].shown == "Alice."
    assert [message["content"] for message in good.requests[0]["messages"]][-1] == "Alice: What is my name?"
    away, refused = told.wrong
    assert "no connection" in away.what
    assert refused.what == f"The engine at {locked.url} cannot be used"
    assert "ENGINE_API_KEY" in refused.todo


@pytest.mark.parametrize(
    ("answer", "what", "todo"),
    [
        (lambda: page(502, "Bad Gateway"), "HTTP 502, a web page: Bad Gateway", "A proxy answers"),
        (lambda: page(200, "Log in"), "HTTP 200, a web page: Log in", "See whether ENGINE_URL"),
        (lambda: refusal(404, "no such model"), "no such model", "ENGINE_MODEL must be one of its models"),
        (lambda: refusal(429, headers={"Retry-After": "3000"}), "asked again after 3000 s", "A lower MAX_BATCH"),
        (lambda: refusal(503, "Loading model"), "HTTP 503, it is not ready: Loading model", "Wait until it has loaded"),
        (lambda: refusal(400, "I see no reason"), "HTTP 400: I see no reason", "the server's own log"),
        (
            lambda: web.Response(status=308, headers={"Location": "https://example.test/v1/chat/completions"}),
            "HTTP 308, it redirects to https://example.test/v1/chat/completions",
            "set ENGINE_URL to https://example.test/v1.",
        ),
    ],
    ids=["proxy", "login", "not-found", "rate-limit", "loading", "refusal", "redirect"],
)
async def test_what_a_server_answers_instead_is_told_with_what_to_do(answer, what, todo):
    async with serving(EngineServer(*[lambda _: answer()] * 9)) as server:
        told = await servers_found(server.url)
    finding = only(told.wrong)
    assert what in finding.what
    assert todo in finding.todo


async def test_whether_a_server_can_continue_answers_is_told():
    async with serving(EngineServer(["Alice."])) as vllm, serving(EngineServer(["Alice."])) as other:
        vllm.program = "vllm"
        told = await servers_found(vllm.url, other.url)
    assert "It can continue answers that have reached MAX_NEW_TOKENS" in lines(told.ok)
    assert lines(told.skipped) == ["It is not known to continue answers, so there is no Continue below them"]


async def test_what_a_server_refuses_is_told_as_well():
    server = EngineServer(
        *[lambda body: refusal(400, "System role not supported") if len(body["messages"]) == 4 else ["Alice."]] * 9
    )
    async with serving(server):
        told = await servers_found(server.url)
    assert not told.wrong
    assert told.ok[-1].what == "It refuses the system role, and is asked without that"
