"""Several processes share the shards: each serves its own servers and leaves the others alone."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from discord.gateway import DiscordWebSocket
from hypothesis import given
from hypothesis import strategies as st

from bot.gateway.client import Client
from bot.shards import MOST, read_ids, shard_of, written
from bot.storage.channel_ref import ChannelRef
from bot.storage.database import open_database
from bot.storage.turns import Turn, TurnStore
from bot.texts import QUITTING_HERE
from tests.discord_stand_in import Channel, Discord, Guild, Message, User
from tests.support.forked import answer, nursery
from tests.support.parley import WITHOUT_A_MODEL, parley, program
from tests.support.scripted import ScriptedEngine
from tests.support.waiting import until


def server(discord: Discord, shard: int, count: int) -> tuple[Guild, Channel, User]:
    """A server of that shard, its channel and a member."""
    guild = discord.guild("Of another shard")
    while shard_of(guild.id, count) != shard:
        guild.expel_bot()
        guild = discord.guild(f"Of shard {shard}")
    return guild, guild.channel("general"), guild.member(f"Member {shard}")


def replies(channel: Channel, question: Message) -> list[str]:
    return [message.content for message in channel.messages.values() if message.reference is question]


def stored(*paths: Path) -> list[list[tuple[int, str]]]:
    """The channels and answers in each file, sorted."""
    found = []
    for path in paths:
        with closing(sqlite3.connect(path)) as file:
            found.append(sorted(file.execute("SELECT channel, answer FROM turns").fetchall()))
    return found


async def noted(path: Path, channel: Channel, asker: User, guild: Guild | None) -> Message:
    """A question whose answer is stored but not shown yet."""
    question = await asker.say(channel, f"{channel.discord.bot.mention} hello")
    async with open_database(path) as database:
        ref = ChannelRef(channel.id, guild=guild and guild.id)
        await TurnStore(database).begin(Turn(ref, asker.id, "A", "hello", "Said.", datetime.now(UTC), question.id))
    return question


# Two processes


@pytest.mark.slow
async def test_each_message_is_answered_once_by_its_process_even_if_the_other_is_killed(discord, tmp_path):
    servers = [server(discord, shard, 4) for shard in range(4)]
    channels = [channel for _, channel, _ in servers]
    direct = discord.direct(servers[3][2])
    here, there = tmp_path / "here.db", tmp_path / "there.db"
    expected: dict[Path, list[tuple[int, str]]] = {here: [], there: []}
    number = 0

    async def ask(*channels: Channel) -> None:
        """Ask in each channel, and check that the right process answers, once."""
        nonlocal number
        asked = []
        for channel in channels:
            number += 1
            shard = 0 if channel is direct else shard_of(channel.guild.id, 4)
            asker = servers[3 if channel is direct else shard][2]
            text = f"20 #{number}"
            asked.append((channel, await asker.say(channel, f"{discord.bot.mention} {text}"), answer(text)))
            expected[here if shard < 2 else there].append((channel.id, answer(text)))
        for channel, question, said in asked:
            await discord.until(lambda at=(channel, question), said=said: replies(*at) == [said])
        await discord.until(lambda: stored(here, there) == [sorted(expected[here]), sorted(expected[there])])
        await discord.quiet()
        assert all(replies(channel, question) == [said] for channel, question, said in asked)

    async with nursery(discord) as births:
        await births.start(here, shard_count=4, shard_ids=[0, 1])
        second = await births.start(there, shard_count=4, shard_ids=[2, 3])
        assert discord.gateway.shards_online == [0, 1, 2, 3]
        await ask(*channels, direct)
        second.kill()
        await discord.until(lambda: discord.gateway.shards_online == [0, 1])
        await ask(channels[0], channels[1], direct)
        unheard = await servers[2][2].say(channels[2], f"{discord.bot.mention} 20 #0")
        await discord.quiet()
        assert replies(channels[2], unheard) == []
        await births.start(there, shard_count=4, shard_ids=[2, 3])
        await ask(*channels, direct)
    assert discord.commands.syncs == 1


@pytest.mark.slow
async def test_processes_begin_their_sessions_one_after_the_other(discord, tmp_path):
    """Four seconds of the pause allow for a busy machine."""
    discord.gateway.identify_pause, pause = 0.5, 4.5
    async with nursery(discord) as births:
        for name, shards in (("here", [0, 1]), ("there", [2, 3])):
            await births.start(tmp_path / f"{name}.db", shard_count=4, shard_ids=shards, pause=pause, online=False)
        await discord.gateway.ready(4)
    assert (discord.gateway.identifies, discord.gateway.too_early) == (4, 0)


@pytest.mark.slow
async def test_the_settings_reach_the_gateway(discord, tmp_path):
    async with program(discord, tmp_path, WITHOUT_A_MODEL, SHARD_COUNT="4", SHARD_IDS="2"):
        await discord.gateway.ready()
        assert [session.shard for session in discord.gateway.connected] == [(2, 4)]
        assert not discord.commands.registered[None]


# One process of several


async def test_without_settings_it_has_all_shards_that_discord_recommends(discord, path):
    discord.gateway.shards = 3
    servers = [server(discord, shard, 3) for shard in range(3)]
    async with parley(discord, ScriptedEngine(), path) as running:
        await discord.gateway.ready(3)
        for _, channel, member in servers:
            await member.say(channel, f"{discord.bot.mention} hello")
            await running.until_stored(channel.id, ("hello", "ok"))
        await discord.gateway.shows_activity("Mention me to talk")


async def test_shards_that_may_begin_together_do_not_wait_for_each_other(discord, path):
    discord.gateway.max_concurrency, discord.gateway.identify_pause = 2, 1000.0
    async with parley(discord, ScriptedEngine(), path, shard_count=2, timing={"identify_pause": 1000.0}):
        assert discord.gateway.shards_online == [0, 1]


async def test_only_the_first_shard_registers_commands(discord, path):
    _, channel, member = server(discord, 1, 2)
    async with parley(discord, ScriptedEngine(), path, shard_count=2, shard_ids=frozenset({1})):
        assert not discord.commands.registered[None]
    async with parley(discord, ScriptedEngine(), path, shard_count=2, shard_ids=frozenset({0})):
        assert discord.commands.syncs == 1
        commands = discord.commands.registered[None]
    by_name = {command["name"]: command for command in commands}
    discord.commands.registered[None] = [by_name["help"], by_name["ask"]]
    async with parley(discord, ScriptedEngine(), path, shard_count=2, shard_ids=frozenset({1})):
        text = (await (await member.command(channel, "help")).wait_for("I answer with")).content
        assert f"</ask:{by_name['ask']['id']}> answers" in text
        assert "/clear makes me forget" in text, "not clickable, as Discord does not know it"
    assert discord.commands.syncs == 1


@pytest.mark.parametrize("shard_ids", [[0], [1]])
async def test_a_server_of_another_shard_is_not_mistaken_for_one_that_was_left(discord, path, caplog, shard_ids):
    other = 1 - shard_ids[0]
    (ours, here, _), (theirs, there, _) = server(discord, shard_ids[0], 2), server(discord, other, 2)
    left, away, _ = server(discord, shard_ids[0], 2)
    left.expel_bot()
    async with open_database(path) as database:
        for guild, channel in ((ours, here), (theirs, there), (left, away)):
            ref = ChannelRef(channel.id, guild=guild.id)
            await TurnStore(database).begin(Turn(ref, 1, "A", "q", "a", datetime.now(UTC), 1, (2,)))
    async with parley(discord, ScriptedEngine(), path, shard_count=2, shard_ids=shard_ids):
        await discord.until(lambda: len(stored(path)[0]) == 2)
        await discord.quiet()
    assert stored(path)[0] == sorted([(here.id, "a"), (there.id, "a")])
    assert "remembers 1 servers that belong to other shards" in caplog.text


async def test_unfinished_turns_in_a_copied_file_are_left_to_their_process(discord, tmp_path):
    (ours, here, alice), (theirs, there, bob) = server(discord, 0, 2), server(discord, 1, 2)
    first, second = tmp_path / "first.db", tmp_path / "second.db"
    asked = {
        channel: await noted(first, channel, who, guild)
        for channel, who, guild in ((here, alice, ours), (there, bob, theirs), (discord.direct(bob), bob, None))
    }
    shutil.copy(first, second)
    async with parley(discord, ScriptedEngine(), second, shard_count=2, shard_ids=frozenset({1})):
        assert [len(replies(*each)) for each in asked.items()] == [0, 1, 0]
    async with parley(discord, ScriptedEngine(), first, shard_count=2, shard_ids=frozenset({0})):
        assert [len(replies(*each)) for each in asked.items()] == [1, 1, 1]


async def test_an_unfinished_command_is_stored_with_its_server(discord, path):
    guild, channel, member = server(discord, 0, 2)
    hold = asyncio.Event()
    async with parley(discord, ScriptedEngine([hold]), path, shard_count=2, shard_ids=frozenset({0})) as running:
        await member.command(channel, "ask", prompt="what?")
        unfinished = await until(running.turns.unfinished)
        assert [turn.channel.guild for turn in unfinished] == [guild.id]
        hold.set()


async def test_it_says_that_it_is_one_process_of_several(discord, path):
    _, channel, member = server(discord, 0, 2)
    async with parley(discord, ScriptedEngine(), path, shard_count=2, shard_ids=frozenset({0})) as running:
        await member.say(channel, f"{discord.bot.mention} hello")
        await running.until_stored(channel.id, ("hello", "ok"))
        forgot = await (await member.command(channel, "forget")).wait_for("1 turn.")
        assert "please use /forget in every server" in forgot.content
        status = (await member.command(channel, "status")).response.content
        assert "One of several processes, with shards 0 of 2" in status
        assert (await discord.owner.command(channel, "quit")).response.content == QUITTING_HERE


async def test_a_process_with_all_shards_does_not_mention_processes(discord, path):
    _, channel, member = server(discord, 1, 2)
    async with parley(discord, ScriptedEngine(), path, shard_count=2):
        forgot = await (await member.command(channel, "forget")).wait_for("0 turns.")
        assert "process" not in forgot.content
        assert "process" not in (await member.command(channel, "status")).response.content


# A shard's connection


async def test_a_shard_resumes_without_disturbing_the_others(discord, path):
    servers = [server(discord, shard, 2) for shard in range(2)]
    async with parley(discord, ScriptedEngine(), path, shard_count=2) as running:
        undisturbed = next(session for session in discord.gateway.connected if session.shard[0] == 0).connection
        with discord.gateway.refusing():
            discord.gateway.drop(shard=1)
            for _, channel, member in servers:
                await member.say(channel, f"{discord.bot.mention} hello")
            await running.until_stored(servers[0][1].id, ("hello", "ok"))
        await running.until_stored(servers[1][1].id, ("hello", "ok"))
        assert (discord.gateway.identifies, discord.gateway.resumes) == (2, 1)
        assert undisturbed in {session.connection for session in discord.gateway.connected}


async def test_a_shard_that_cannot_connect_at_first_does_not_disturb_the_others(
    discord, path, quick_reconnects, monkeypatch, caplog
):
    connect, failed = DiscordWebSocket.from_client, []

    async def fails_once(client, *, shard_id, **options):
        if shard_id == 1 and not failed:
            failed.append(shard_id)
            raise OSError("no way there")
        return await connect(client, shard_id=shard_id, **options)

    monkeypatch.setattr(DiscordWebSocket, "from_client", staticmethod(fails_once))
    async with parley(discord, ScriptedEngine(), path, shard_count=2):
        assert discord.gateway.identifies == 2
        assert "Discord cannot be reached (no way there)" in caplog.text
        assert "Traceback" not in caplog.text


async def test_a_shard_that_was_away_when_the_model_was_loaded_shows_it_too(discord, path):
    engine = ScriptedEngine()
    engine.loaded.clear()

    def activities() -> list[str]:
        return [discord.gateway.shown(session) for session in discord.gateway.connected]

    async with parley(discord, engine, path, shard_count=2):
        await discord.until(lambda: activities() == ["Loading the model…"] * 2)
        with discord.gateway.refusing():
            discord.gateway.drop(shard=0)
            engine.loaded.set()
            await discord.until(lambda: activities() == ["Mention me to talk"])
        await discord.until(lambda: activities() == ["Mention me to talk"] * 2)


async def test_servers_are_not_forgotten_while_their_shard_is_away(discord, path, place, monkeypatch):
    clients = []
    drop = Client.before_identify_hook

    async def dropping(client, shard, *, initial=False):
        await drop(client, shard, initial=initial)
        clients.append(client)

    monkeypatch.setattr(Client, "before_identify_hook", dropping)
    _, channel, alice = place
    async with parley(discord, ScriptedEngine(), path) as running:
        await alice.say(channel, f"{discord.bot.mention} hello")
        await running.until_stored(channel.id, ("hello", "ok"))
        with monkeypatch.context() as identify:
            identify.setattr(discord.gateway, "_identify", lambda *_: None)
            discord.gateway.invalidate()
            await discord.until(lambda: len(clients) == 2)
            assert not clients[-1].guilds, "until Discord has listed them again"
            await clients[-1].cogs["Privacy"].on_shard_ready(0)  # a late event
        assert await running.stored(channel.id) == [("hello", "ok")]


async def test_a_server_left_while_its_shard_was_away_is_forgotten(discord, path):
    (_, here, alice), (left, there, bob) = server(discord, 0, 2), server(discord, 1, 2)
    async with parley(discord, ScriptedEngine(), path, shard_count=2) as running:
        for channel, who in ((here, alice), (there, bob)):
            await who.say(channel, f"{discord.bot.mention} hello")
            await running.until_stored(channel.id, ("hello", "ok"))
        with discord.gateway.refusing():
            for session in [session for session in discord.gateway.connected if session.shard[0] == 1]:
                discord.gateway.drop(shard=1)
                del discord.gateway.sessions[session.id]
            left.expel_bot()
        await discord.until(lambda: stored(path) == [[(here.id, "ok")]])


# The notation


@given(st.frozensets(st.integers(0, MOST - 1), min_size=1, max_size=20))
def test_what_is_written_can_be_read_back(ids):
    assert read_ids(written(ids)) == ids


@pytest.mark.parametrize("text", ["", ",", "a", "-1", "3-1", "1-", "0-99999", "1.5", "0--2", "²"])
def test_invalid_shards_are_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 - the setting says what is allowed
        read_ids(text)


def test_ranges_and_single_shards_may_be_mixed():
    assert read_ids("0-3, 6 8-8") == {0, 1, 2, 3, 6, 8}
    assert written({8, 6, 3, 2, 1, 0}) == "0-3,6,8"
