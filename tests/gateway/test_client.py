"""The bot connects, reports what Discord refuses, registers its commands once, and shows its status."""

import pytest

from bot.engine import EngineError, ModelError
from bot.gateway.command_sync import same_commands
from bot.gateway.login import DiscordError
from bot.texts import ABOUT_MESSAGE
from tests.discord_stand_in.gateway import MESSAGE_CONTENT
from tests.support.parley import parley
from tests.support.scripted import ScriptedEngine


async def test_without_chat_channels_no_privileged_intent_is_asked_for(discord, path):
    discord.application.privileged_intents = set()
    async with parley(discord, ScriptedEngine(), path):
        pass


@pytest.mark.parametrize(("on", "enabled"), [(True, {"message_content"}), (True, set()), (False, {"message_content"})])
async def test_for_threads_the_intent_is_asked_for_where_it_is_switched_on(discord, path, on, enabled):
    discord.application.privileged_intents = enabled
    async with parley(discord, ScriptedEngine(), path, auto_thread=on):
        (session,) = discord.gateway.connected
        assert bool(session.intents & MESSAGE_CONTENT) == bool(on and enabled)


async def test_a_refused_intent_is_reported_with_what_to_do(discord, path):
    discord.application.privileged_intents = set()
    for name, value in (("CHAT_CHANNELS", frozenset({1})), ("WAKE_WORDS", ("Parley",)), ("CONTEXT_MESSAGES", 5)):
        with pytest.raises(DiscordError, match=f"Message Content intent, which {name} needs.*leave {name} blank"):
            async with parley(discord, ScriptedEngine(), path, wait=False, **{name.lower(): value}) as running:
                await running.ended


async def test_a_wrong_token_is_reported_without_showing_it(discord, path, monkeypatch):
    token, discord.application.token = discord.application.token, "another.token"
    with pytest.raises(DiscordError, match="DISCORD_TOKEN") as told:
        async with parley(discord, ScriptedEngine(), path, wait=False) as running:
            discord.application.token = token
            await running.ended
    assert "another.token" not in str(told.value)


async def test_a_token_that_the_gateway_refuses_is_reported(discord, path):
    with pytest.raises(DiscordError, match="DISCORD_TOKEN"):
        async with parley(discord, ScriptedEngine(), path) as running:
            discord.gateway.close(4004)
            await running.ended


@pytest.mark.parametrize(("code", "told"), [(4010, "does not know such a shard"), (4011, "Set SHARD_COUNT higher")])
async def test_a_refused_shard_is_reported_with_what_to_do(discord, path, code, told):
    with pytest.raises(DiscordError, match=told):
        async with parley(discord, ScriptedEngine(), path) as running:
            discord.gateway.close(code)
            await running.ended


async def test_the_first_connection_is_tried_again(discord, path, quick_reconnects, caplog):
    with discord.gateway.refusing():
        trying = parley(discord, ScriptedEngine(), path, wait=False)
        await trying.__aenter__()
        await discord.until(lambda: caplog.text.count("cannot be reached") >= 2)
    await discord.gateway.ready()
    await trying.__aexit__(None, None, None)


@pytest.mark.parametrize("route", ["/users/@me", "/applications/*/commands"])
async def test_a_refusal_at_the_start_is_reported(discord, path, route):
    discord.fault("GET", route, status=403)
    with pytest.raises(DiscordError, match="does not let the bot start"):
        async with parley(discord, ScriptedEngine(), path, wait=False) as running:
            await running.ended


async def test_a_bug_is_not_mistaken_for_a_missing_network(discord, path, monkeypatch):
    monkeypatch.delattr("bot.app.Ask")
    with pytest.raises((AttributeError, NameError)):
        async with parley(discord, ScriptedEngine(), path, wait=False) as running:
            await running.ended


async def test_without_a_network_it_keeps_trying(discord, path, quick_reconnects, monkeypatch, caplog):
    async with parley(discord, ScriptedEngine(), path, wait=False):
        with monkeypatch.context() as offline:
            offline.setattr("discord.http.Route.BASE", "http://127.0.0.1:1")
            await discord.until(lambda: caplog.text.count("cannot be reached") >= 2)


async def test_commands_are_registered_once_and_again_after_a_change(discord, path):
    async with parley(discord, ScriptedEngine(), path):
        names = {command["name"] for command in discord.commands.registered[None]}
        ours = {
            "ask",
            "clear",
            "export",
            "forget",
            "help",
            "persona",
            "privacy",
            "quit",
            "settings",
            "status",
            ABOUT_MESSAGE,
        }
        assert names == ours
    async with parley(discord, ScriptedEngine(), path):
        pass
    assert discord.commands.syncs == 1
    next(iter(discord.commands.registered[None]))["description"] = "An older text"
    async with parley(discord, ScriptedEngine(), path):
        pass
    assert discord.commands.syncs == 2


async def test_commands_are_for_servers_and_direct_messages_and_registered_again_where_they_were_not(discord, path):
    for syncs in (1, 2):
        async with parley(discord, ScriptedEngine(), path):
            for command in discord.commands.registered[None]:
                assert (command["contexts"], command["integration_types"]) == ([0, 1], [0])
            assert discord.commands.syncs == syncs
        discord.commands.registered[None][0]["contexts"] = None


async def test_commands_are_translated(discord, path, tmp_path):
    def nested(command):
        return [command, *(text for option in command.get("options", []) for text in nested(option))]

    file = tmp_path / "personas.toml"
    file.write_text('pirate = "Arr."')
    async with parley(discord, ScriptedEngine(), path, personas_file=str(file)):
        for command in discord.commands.registered[None]:
            texts = nested(command)
            for localizations in [text["name_localizations"] for text in texts] + [
                text["description_localizations"] for text in texts if text.get("description")
            ]:
                assert localizations.keys() >= {"de", "fr", "es-ES", "es-419", "ja"}, command["name"]


async def test_commands_can_be_registered_in_one_server_for_development(discord, path):
    guild = discord.guild("Home")
    for _ in range(2):
        async with parley(discord, ScriptedEngine(), path, guild_id=guild.id):
            assert not discord.commands.registered[None]
            assert len(discord.commands.registered[guild.id]) == 11
    assert discord.commands.syncs == 1


@pytest.mark.parametrize("change", [{"options": []}, {"options": [{"name": "a", "required": True}]}, {"type": 2}])
def test_a_changed_command_is_noticed(change):
    ours = [{"name": "x", "type": 1, "description": "d", "nsfw": False, "options": [{"name": "a", "type": 3}]}]
    theirs = [
        {**ours[0], "id": "1", "version": "2", "nsfw": None, "options": [{"name": "a", "type": 3, "required": False}]}
    ]
    assert same_commands(ours, theirs)
    assert not same_commands(ours, [{**theirs[0], **change}])
    assert not same_commands(ours, [])


async def test_it_is_online_while_the_model_loads_and_answers_when_ready(discord, path):
    guild = discord.guild("Home")
    channel, alice = guild.channel("general"), guild.member("Alice")
    engine = ScriptedEngine(["here"])
    engine.loaded.clear()
    async with parley(discord, engine, path):
        await discord.gateway.shows_activity("Loading the model…")
        question = await alice.say(channel, f"{discord.bot.mention} hi")
        engine.loaded.set()
        await channel.reply_to(question)
        await discord.gateway.shows_activity("Mention me to talk")


@pytest.mark.parametrize("error", [ModelError("The model is broken."), EngineError()])
async def test_an_engine_that_cannot_answer_ends_the_bot(discord, path, error):
    class Broken(ScriptedEngine):
        async def wait_failed(self) -> None:
            await self.loaded.wait()
            raise error

    engine = Broken()
    engine.loaded.clear()
    with pytest.raises(type(error), match=str(error)):
        async with parley(discord, engine, path) as running:
            engine.loaded.set()
            await running.ended
    await discord.gateway.gone()
