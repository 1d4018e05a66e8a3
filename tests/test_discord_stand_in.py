"""The stand-in for Discord, tested with the real discord.py."""

import asyncio
import io
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import aiohttp
import discord
import pytest
from discord import app_commands
from discord.ext import commands

from tests.discord_stand_in import Discord, NotPossible, Permission, openapi


class Bot(commands.Bot):
    """Echoes mentions and direct messages, and has a command of every kind."""

    def __init__(self, *, message_content: bool = False, **options):
        intents = discord.Intents.default()
        intents.message_content = message_content
        super().__init__(commands.when_mentioned, intents=intents, **options)
        self.heard: list[discord.Message] = []

    async def before_identify_hook(self, shard_id, *, initial=False):
        """Skips discord.py's five seconds between sessions."""

    async def setup_hook(self):
        self.tree.add_command(ask)
        self.tree.add_command(purge)
        self.tree.add_command(quote)
        self.tree.add_command(rename)
        await self.tree.sync()

    async def on_message(self, message: discord.Message):
        self.heard.append(message)
        if message.author == self.user or message.webhook_id or message.author.bot:
            return
        if message.guild is None or self.user in message.mentions:
            answer = await message.reply("…")
            await answer.edit(content=f"echo: {message.content}")

    async def on_message_edit(self, before: discord.Message, after: discord.Message):
        if not after.author.bot:
            await after.reply(f"was: {before.content}")


class StopView(discord.ui.View):
    @discord.ui.button(label="Stop", custom_id="stop")
    async def stop(self, interaction: discord.Interaction, button: discord.ui.Button):
        await interaction.response.edit_message(content="stopped", view=None)


class NameForm(discord.ui.Modal, title="Rename"):
    name = discord.ui.TextInput(label="New name", custom_id="name")

    async def on_submit(self, interaction: discord.Interaction):
        await interaction.response.send_message(f"renamed to {self.name.value}")


@app_commands.command(description="Ask something")
@app_commands.describe(prompt="What to ask", private="Only for you")
async def ask(interaction: discord.Interaction, prompt: str, private: bool = False):
    await interaction.response.defer(ephemeral=private, thinking=True)
    await interaction.edit_original_response(content=f"you asked {prompt}", view=StopView())
    await interaction.followup.send("anything else?", ephemeral=private)


@ask.autocomplete("prompt")
async def complete(interaction: discord.Interaction, typed: str):
    return [app_commands.Choice(name=typed.upper(), value=typed + "?")]


@app_commands.command(description="Delete everything")
@app_commands.guild_only()
@app_commands.default_permissions(manage_messages=True)
async def purge(interaction: discord.Interaction, count: app_commands.Range[int, 1, 100]):
    await interaction.response.send_message(f"deleted {count}")


@app_commands.context_menu(name="Quote This")
async def quote(interaction: discord.Interaction, message: discord.Message):
    await interaction.response.send_message(f"> {message.content}")


@app_commands.command(description="Open a form")
async def rename(interaction: discord.Interaction):
    await interaction.response.send_modal(NameForm())


@pytest.fixture
async def home():
    """A server with a channel and a person."""
    async with Discord() as stand_in:
        guild = stand_in.guild("Home")
        yield SimpleNamespace(
            discord=stand_in, guild=guild, channel=guild.channel("general"), alice=guild.member("Alice")
        )


@pytest.fixture
async def client(home):
    """A discord.py client that only logs in and uses REST."""
    client = discord.Client(intents=discord.Intents.default())
    with home.discord.redirect():
        await client.login(home.discord.application.token)
        yield client
        await client.close()


def says(text: str):
    return lambda message: text in message.content


def code(refusal: pytest.ExceptionInfo[discord.HTTPException]) -> tuple[int, int]:
    return refusal.value.status, refusal.value.code


# Talking


async def test_a_mention_is_answered_by_a_reply_that_is_edited(home):
    async with home.discord.running(Bot()):
        question = await home.alice.say(home.channel, f"{home.discord.bot.mention} hello")
        answer = await home.channel.reply_to(question, wanted=says("echo"))
        assert [version.content for version in answer.versions] == ["…", f"echo: {question.content}"]
        assert answer.versions[0].at <= answer.versions[1].at
        assert answer.pings.users == [home.alice]
        assert str(answer) == f"Parley: echo: {question.content}"
    assert not home.discord.limits.too_many
    await home.discord.gateway.gone()


async def test_without_the_content_intent_only_what_is_for_the_bot_can_be_read(home):
    async with home.discord.running(Bot()) as bot:
        await home.alice.say(home.channel, "secret", files={"a.txt": b"text"})
        mention = await home.alice.say(home.channel, f"{home.discord.bot.mention} hello")
        answer = await home.channel.reply_to(mention, wanted=says("echo"))
        silent = await home.alice.reply(answer, "not to you", ping=False)
        await home.alice.reply(answer, "to you")
        await home.channel.wait_for("echo: to you")
        await home.alice.say(home.discord.bot, "between us")
        await home.alice.direct.wait_for("echo: between us")
        heard = {m.id: m for m in bot.heard}
    assert [m.content for m in bot.heard if m.author.id == home.alice.id] == [
        "",
        mention.content,
        "",
        "to you",
        "between us",
    ]
    assert heard[min(heard)].attachments == []
    assert heard[silent.id].reference.message_id == answer.id


async def test_with_the_content_intent_everything_can_be_read(home):
    async with home.discord.running(Bot(message_content=True)) as bot:
        await home.alice.say(home.channel, "open", files={"a.txt": b"text"})
        await home.discord.until(lambda: bot.heard)
        assert bot.heard[0].content == "open"
        assert await bot.heard[0].attachments[0].read() == b"text"


async def test_people_edit_and_delete_what_they_said(home):
    async with home.discord.running(Bot(message_content=True)) as bot:
        said = await home.alice.say(home.channel, "one")
        await home.discord.until(lambda: bot.heard)
        await home.alice.edit(said, "two")
        answer = await home.channel.reply_to(said)
        assert answer.content == "was: one"
        await home.alice.delete(said)
        assert home.channel.shows(home.alice) == [answer]
        with pytest.raises(NotPossible, match="cannot edit"):
            await home.alice.edit(answer, "mine now")


async def test_a_failed_wait_tells_what_the_channel_shows(home):
    await home.alice.say(home.channel, "is anybody there?")
    with pytest.raises(AssertionError, match=r"'yes' did not come within 0\.01 s; #general shows:\n  Alice: is any"):
        await home.channel.wait_for("yes", within=0.01)


async def test_bots_and_webhooks_speak_too(home):
    other, hook = home.guild.member("Other", bot=True), home.channel.webhook("Hook")
    async with home.discord.running(Bot(message_content=True)) as bot:
        await other.say(home.channel, f"{home.discord.bot.mention} hello")
        await hook.say(home.channel, f"{home.discord.bot.mention} hello")
        await home.discord.until(lambda: len(bot.heard) == 2)
        await home.channel.quiet(0.1)
        assert [m.author.bot for m in bot.heard] == [True, True]
        assert [bool(m.webhook_id) for m in bot.heard] == [False, True]
        assert len(home.channel.shows()) == 2


async def test_threads_and_forum_posts_hold_conversations(home):
    thread = home.channel.thread("side", owner=home.alice)
    async with home.discord.running(Bot()) as bot:
        await home.alice.say(thread, f"{home.discord.bot.mention} in a thread")
        await thread.wait_for("in a thread")
        forum = home.guild.forum("help")
        post = await home.alice.post(forum, "Please", f"{home.discord.bot.mention} in a post")
        await post.wait_for("in a post")
        assert bot.heard[0].channel.parent.name == "general"
        assert post.shows()[0].id == post.id
        fetched = await bot.fetch_channel(thread.id)
        assert fetched.parent_id == home.channel.id


async def test_typing_shows_until_the_message(home, client):
    channel = client.get_partial_messageable(home.channel.id)
    async with channel.typing():
        assert home.channel.is_typing(home.discord.bot)
    await channel.send("done")
    assert not home.channel.is_typing(home.discord.bot)
    assert home.channel.shows()[-1].content == "done"


# Interactions


async def test_a_private_answer_is_seen_by_one_person_only(home):
    bob = home.guild.member("Bob")
    async with home.discord.running(Bot()):
        interaction = await home.alice.command(home.channel, "ask", prompt="why", private=True)
        assert interaction.ack_seconds < 3
        assert interaction.ephemeral
        await interaction.wait_for("anything else?")
        assert [m.content for m in home.channel.shows(home.alice)] == ["you asked why", "anything else?"]
        assert home.channel.shows(bob) == []
        assert home.channel.shows() == []
        with pytest.raises(NotPossible, match="does not see"):
            await bob.press(interaction.response, "Stop")


async def test_a_button_changes_its_message(home):
    async with home.discord.running(Bot()):
        asked = await home.alice.command(home.channel, "ask", prompt="why")
        message = await asked.wait_for(lambda m: m.buttons)
        pressed = await home.alice.press(message, "Stop")
        assert pressed.response is message
        assert (message.content, message.buttons) == ("stopped", [])
        with pytest.raises(NotPossible, match="no button"):
            await home.alice.press(message, "Stop")


async def test_menus_forms_and_completions(home):
    async with home.discord.running(Bot()):
        said = await home.alice.say(home.channel, "wise words")
        assert (await home.alice.menu(said, "Quote This")).response.content == "> wise words"
        opened = await home.alice.command(home.discord.bot, "rename")
        assert (await home.alice.submit(opened, name="Bo")).response.content == "renamed to Bo"
        offered = await home.alice.autocomplete(home.channel, "ask", "prompt", "wh")
        assert offered == [{"name": "WH", "value": "wh?"}]


async def test_commands_can_only_be_run_as_they_were_registered(home):
    moderator = home.guild.member("Mo", roles=[home.guild.role("Mods", permissions=Permission.MANAGE_MESSAGES)])
    async with home.discord.running(Bot()):
        assert home.discord.commands.syncs == 1
        with pytest.raises(NotPossible, match="without prompt"):
            await home.alice.command(home.channel, "ask")
        with pytest.raises(NotPossible, match="no option tone"):
            await home.alice.command(home.channel, "ask", prompt="why", tone="rude")
        with pytest.raises(NotPossible, match="Alice is not offered 'purge'"):
            await home.alice.command(home.channel, "purge", count=1)
        with pytest.raises(NotPossible, match="limits"):
            await moderator.command(home.channel, "purge", count=101)
        with pytest.raises(NotPossible, match="not offered"):
            await moderator.command(home.discord.bot, "purge", count=1)
        assert (await moderator.command(home.channel, "purge", count=7)).response.content == "deleted 7"


async def test_commands_come_back_as_discord_completes_them(home, client):
    command = {"name": "ask", "description": "Ask", "default_member_permissions": 0, "integration_types": None}
    command["options"] = [{"type": 3, "name": "prompt", "description": "What", "required": False}]
    sent = [command, {"type": 3, "name": "Quote This"}]
    ours = await client.http.bulk_upsert_global_commands(home.discord.application.id, sent)
    assert ours == await client.http.get_global_commands(home.discord.application.id)
    assert ours[0]["default_member_permissions"] == "0"
    assert ours[0]["integration_types"] == [0]
    assert ours[0]["dm_permission"]
    assert "required" not in ours[0]["options"][0]
    again = await client.http.bulk_upsert_global_commands(home.discord.application.id, sent)
    assert [each["id"] for each in again] == [each["id"] for each in ours]
    for_guild = await client.http.bulk_upsert_guild_commands(home.discord.application.id, home.guild.id, sent)
    assert for_guild[0]["guild_id"] == str(home.guild.id)
    assert not for_guild[0].keys() & {"dm_permission", "contexts", "integration_types"}


class Late(Bot):
    """Acknowledges an interaction only when told to, and then twice."""

    def __init__(self):
        super().__init__()
        self.go_on = asyncio.Event()
        self.refusals: list[tuple[int, int]] = []

    async def setup_hook(self):
        self.tree.add_command(app_commands.Command(name="late", description="Too late", callback=self.late))
        await self.tree.sync()

    async def late(self, interaction: discord.Interaction):
        await self.go_on.wait()
        for text in ("first", "second"):
            interaction.response._response_type = None  # discord.py itself would not send a second one
            try:
                await interaction.response.send_message(text)
            except discord.HTTPException as error:
                self.refusals.append((error.status, error.code))


async def test_an_interaction_is_lost_after_three_seconds(home):
    async with home.discord.running(Late()) as bot:
        running = asyncio.create_task(home.alice.command(home.channel, "late"))
        await home.discord.until(lambda: home.discord.interactions)
        home.discord.clock.advance(3)
        interaction = await running
        assert interaction.failed == "The application did not respond"
        bot.go_on.set()
        await home.discord.until(lambda: len(bot.refusals) == 2)
        assert bot.refusals == [(404, 10062), (404, 10062)]
        assert home.channel.shows(home.alice) == []


async def test_an_interaction_is_acknowledged_once(home):
    async with home.discord.running(Late()) as bot:
        bot.go_on.set()
        interaction = await home.alice.command(home.channel, "late")
        await home.discord.until(lambda: bot.refusals)
        assert bot.refusals == [(400, 40060)]
        assert interaction.response.content == "first"
        assert interaction.failed is None


async def test_a_token_lives_for_fifteen_minutes(home):
    bot = Bot()
    kept = []

    @bot.tree.command(description="Keep the interaction")
    async def keep(interaction: discord.Interaction):
        kept.append(interaction)
        await interaction.response.send_message("kept")

    async with home.discord.running(bot):
        await home.alice.command(home.channel, "keep")
        home.discord.clock.advance(899)
        await kept[0].edit_original_response(content="still there")
        home.discord.clock.advance(1)
        with pytest.raises(discord.HTTPException) as refused:
            await kept[0].edit_original_response(content="too late")
        assert code(refused) == (401, 50027)
    assert home.channel.shows()[-1].content == "still there"


async def test_thinking_for_fifteen_minutes_is_a_failure(home):
    bot = Bot()

    @bot.tree.command(description="Never say anything")
    async def think(interaction: discord.Interaction):
        await interaction.response.defer(thinking=True)

    async with home.discord.running(bot):
        interaction = await home.alice.command(home.channel, "think")
        assert interaction.response.loading
        assert interaction.failed is None
        home.discord.clock.advance(900)
        assert interaction.failed


# Refusals


async def test_a_message_past_2000_characters_is_refused(home, client):
    channel = client.get_partial_messageable(home.channel.id)
    await channel.send("é" * 2000)
    with pytest.raises(discord.HTTPException) as refused:
        await channel.send("é" * 2001)
    assert code(refused) == (400, 50035)
    assert "In content: Must be 2000 or fewer in length." in str(refused.value)


async def test_space_around_a_message_is_cut_and_nothing_else_is_empty(home, client):
    channel = client.get_partial_messageable(home.channel.id)
    message = await channel.send("  spaces around \n")
    assert message.content == "spaces around"
    for attempt in (channel.send, message.edit):
        with pytest.raises(discord.HTTPException) as refused:
            await attempt(content=" \n ")
        assert code(refused) == (400, 50006)
    await message.edit(content="", embed=discord.Embed(title="Something"))
    assert str(home.channel.shows()[0]) == "Parley: [embed Something]"


async def test_files_go_both_ways(home, client):
    channel = client.get_partial_messageable(home.channel.id)
    message = await channel.send(file=discord.File(io.BytesIO(b"data"), filename="some.bin"))
    assert home.channel.shows()[0].attachments[0].data == b"data"
    await message.edit(content="no file", attachments=[])
    assert str(home.channel.shows()[0]) == "Parley: no file"


async def test_the_application_belongs_to_one_person_or_a_team(home, client):
    assert (await client.application_info()).owner.id == home.discord.owner.id
    home.discord.application.team = [home.discord.owner, home.alice]
    team = (await client.application_info()).team
    assert [member.id for member in team.members] == [home.discord.owner.id, home.alice.id]


async def test_a_bot_that_is_not_online_finds_its_servers_and_all_of_their_channels(home, client):
    hidden, forum, away = home.guild.channel("hidden"), home.guild.forum("help"), home.discord.guild("Away")
    hidden.overwrite(home.guild.everyone, deny=Permission.VIEW_CHANNEL)
    home.channel.thread("aside")
    assert [guild.id async for guild in client.fetch_guilds()] == [home.guild.id, away.id]
    assert [guild.id async for guild in client.fetch_guilds(after=discord.Object(home.guild.id))] == [away.id]
    last = discord.Object(home.discord.guild("Last").id)
    assert [guild.id async for guild in client.fetch_guilds(before=last, limit=1)] == [away.id]
    guild = await client.fetch_guild(home.guild.id)
    assert [channel.id for channel in await guild.fetch_channels()] == [home.channel.id, hidden.id, forum.id]


async def test_history_can_be_read_in_both_directions(home, client):
    said = [await home.alice.say(home.channel, str(n)) for n in range(5)]
    channel = client.get_partial_messageable(home.channel.id)
    assert [m.content async for m in channel.history()] == list("43210")
    assert [m.content async for m in channel.history(limit=2, before=said[3])] == list("21")
    assert [m.content async for m in channel.history(limit=2, after=said[1])] == list("23")
    home.discord.application.privileged_intents.clear()
    assert {m.content async for m in channel.history()} == {""}


async def test_unknown_things_are_404(home, client):
    with pytest.raises(discord.NotFound) as refused:
        await client.get_partial_messageable(1).send("hello")
    assert code(refused) == (404, 10003)
    gone = await home.alice.say(home.channel, "soon gone")
    await home.alice.delete(gone)
    with pytest.raises(discord.NotFound) as refused:
        await client.get_partial_messageable(home.channel.id).fetch_message(gone.id)
    assert code(refused) == (404, 10008)


async def test_a_reply_to_a_deleted_message_is_refused_unless_the_bot_does_not_mind(home, client):
    channel = client.get_partial_messageable(home.channel.id)
    gone = await home.alice.say(home.channel, "soon gone")
    await home.alice.delete(gone)
    reference = channel.get_partial_message(gone.id).to_reference()
    with pytest.raises(discord.HTTPException) as refused:
        await channel.send("to you", reference=reference)
    assert code(refused) == (400, 50035)
    reference = channel.get_partial_message(gone.id).to_reference(fail_if_not_exists=False)
    await channel.send("to nobody", reference=reference)
    assert home.channel.shows()[-1].reference is None


async def test_permissions_are_kept(home, client):
    said = await home.alice.say(home.channel, "mine")
    channel = client.get_partial_messageable(home.channel.id)
    with pytest.raises(discord.Forbidden) as refused:
        await channel.get_partial_message(said.id).edit(content="yours")
    assert code(refused) == (403, 50005)
    with pytest.raises(discord.Forbidden) as refused:
        await channel.get_partial_message(said.id).delete()
    assert code(refused) == (403, 50013)
    home.channel.overwrite(home.discord.bot, deny=Permission.SEND_MESSAGES)
    with pytest.raises(discord.Forbidden) as refused:
        await channel.send("hello")
    assert code(refused) == (403, 50013)
    home.channel.overwrite(home.guild.everyone, deny=Permission.VIEW_CHANNEL)
    with pytest.raises(discord.Forbidden) as refused:
        await channel.send("hello")
    assert code(refused) == (403, 50001)
    home.alice.blocks_direct_messages = True
    with pytest.raises(discord.Forbidden) as refused:
        await (await client.fetch_user(home.alice.id)).send("hello")
    assert code(refused) == (403, 50007)


async def test_a_channel_that_the_bot_may_not_see_sends_it_no_events(home):
    hidden = home.guild.channel("hidden")
    hidden.overwrite(home.discord.bot, deny=Permission.VIEW_CHANNEL)
    async with home.discord.running(Bot()) as bot:
        await home.alice.say(hidden, f"{home.discord.bot.mention} hello")
        await home.alice.say(home.channel, f"{home.discord.bot.mention} hello")
        await home.channel.wait_for("echo")
        assert hidden.id not in {m.channel.id for m in bot.heard}
        assert bot.get_channel(hidden.id) is None


async def test_a_locked_thread_takes_no_message_and_an_archived_one_comes_back(home, client):
    thread = home.channel.thread("side")
    channel = client.get_partial_messageable(thread.id)
    message = await channel.send("hello")
    thread.update(archived=True)
    with pytest.raises(discord.HTTPException) as refused:
        await message.edit(content="hello again")
    assert code(refused) == (400, 50083)
    await channel.send("hello again")
    assert not thread.archived
    thread.update(locked=True)
    with pytest.raises(discord.Forbidden) as refused:
        await channel.send("hello")
    assert code(refused) == (403, 160005)


async def test_allowed_mentions_decide_who_is_pinged(home, client):
    channel = client.get_partial_messageable(home.channel.id)
    role = home.guild.role("Mods", mentionable=True)
    text = f"{home.alice.mention} {role.mention} @everyone"
    await channel.send(text)
    await channel.send(text, allowed_mentions=discord.AllowedMentions.none())
    await channel.send(text, allowed_mentions=discord.AllowedMentions(users=[home.alice], roles=False, everyone=False))
    await channel.send(f"`{home.alice.mention}`")
    everything, nothing, alice_only, code_span = home.channel.shows()
    assert everything.pings.users == [home.alice]
    assert everything.pings.roles == [role]
    assert everything.pings.everyone
    assert not nothing.pings
    assert (alice_only.pings.users, alice_only.pings.roles, alice_only.pings.everyone) == ([home.alice], [], False)
    assert not code_span.pings


async def test_an_edit_pings_nobody(home, client):
    channel = client.get_partial_messageable(home.channel.id)
    message = await channel.send("hello")
    await message.edit(content=f"hello {home.alice.mention}")
    assert home.channel.shows()[0].mentions.users == [home.alice]
    assert not home.channel.shows()[0].pings


@pytest.mark.parametrize(
    ("command", "where"),
    [
        ({"name": "Ask", "description": "With a capital"}, "name"),
        ({"name": "ask me", "description": "With a space"}, "name"),
        ({"name": "ask", "description": ""}, "description"),
        ({"name": "ask", "description": "Odd", "tone": "rude"}, "tone"),
    ],
)
async def test_commands_are_refused_that_the_description_lets_pass(home, client, command, where):
    with pytest.raises(discord.HTTPException) as refused:
        await client.http.bulk_upsert_global_commands(home.discord.application.id, [command])
    assert code(refused) == (400, 50035)
    assert where in refused.value.text
    assert home.discord.commands.syncs == 0


@pytest.mark.parametrize(
    "button",
    [
        {"type": 2, "style": 1, "label": "No custom_id"},
        {"type": 2, "style": 5, "label": "A link without address"},
        {"type": 2, "style": 1, "custom_id": "neither-label-nor-emoji"},
    ],
)
async def test_buttons_are_refused_that_the_description_lets_pass(home, button):
    body = {"content": "press", "components": [{"type": 1, "components": [button]}]}
    status, answer, _ = await ask_by_hand(home, "POST", f"/channels/{home.channel.id}/messages", body)
    assert (status, answer["code"]) == (400, 50035)


async def ask_by_hand(home, method: str, path: str, body: object = None):
    """Make a request that discord.py would not; returns the response's status, JSON and headers."""
    headers = {"Authorization": f"Bot {home.discord.application.token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(method, f"{home.discord.url}/api/v10{path}", json=body) as response,
    ):
        return response.status, await response.json(), response.headers


async def test_an_unknown_route_fails_the_test():
    stand_in = await Discord().__aenter__()
    status, answer, _ = await ask_by_hand(SimpleNamespace(discord=stand_in), "GET", "/voice/regions")
    assert (status, answer["code"]) == (404, 0)
    with pytest.raises(AssertionError, match="unknown route: GET /api/v10/voice/regions"):
        await stand_in.__aexit__(None, None, None)


async def test_what_the_description_forbids_fails_the_test_in_both_directions():
    if openapi.load(openapi.default_path()) is None:
        pytest.skip(f"Discord's API description is not at {openapi.default_path()} (set DISCORD_OPENAPI)")
    stand_in = await Discord().__aenter__()
    guild = stand_in.guild("Home")
    home, channel = SimpleNamespace(discord=stand_in), guild.channel("general")
    body = {"content": "hello", "embeds": "none"}
    status, answer, _ = await ask_by_hand(home, "POST", f"/channels/{channel.id}/messages", body)
    assert (status, answer["code"]) == (400, 50035)
    guild.name = None
    await ask_by_hand(home, "GET", f"/guilds/{guild.id}")
    with pytest.raises(
        AssertionError, match=r"(?s)request POST.*\$\.embeds: 'none' is not of type.*answer to GET.*\$\.name"
    ):
        await stand_in.__aexit__(None, None, None)


# Rate limits and other trouble


async def test_sends_and_edits_share_five_in_five_seconds(home):
    path = f"/channels/{home.channel.id}/messages"
    answers = [await ask_by_hand(home, "POST", path, {"content": "hello"}) for _ in range(4)]
    answers.append(await ask_by_hand(home, "PATCH", f"{path}/{answers[0][1]['id']}", {"content": "hello!"}))
    assert [headers["X-RateLimit-Remaining"] for _, _, headers in answers] == list("43210")
    assert len({headers["X-RateLimit-Bucket"] for _, _, headers in answers}) == 1
    status, refusal, headers = await ask_by_hand(home, "POST", path, {"content": "one too many"})
    assert (status, refusal["global"], headers["X-RateLimit-Scope"]) == (429, False, "user")
    assert 4 < refusal["retry_after"] <= 5
    assert [(t.method, t.path) for t in home.discord.limits.too_many] == [("POST", path)]
    other = home.guild.channel("other")
    assert (await ask_by_hand(home, "POST", f"/channels/{other.id}/messages", {"content": "hello"}))[0] == 200
    home.discord.clock.advance(5)
    assert (await ask_by_hand(home, "POST", path, {"content": "hello"}))[0] == 200


async def test_discord_py_keeps_the_limits_by_the_headers(home, client):
    channel = client.get_partial_messageable(home.channel.id)
    messages = [home.channel.add(home.discord.bot, str(n)) for n in range(7)]
    start = home.discord.clock.now()
    for message in messages:
        await channel.get_partial_message(message.id).delete()
    assert 1 <= home.discord.clock.now() - start < 3
    assert not home.discord.limits.too_many


@pytest.mark.parametrize("scope", ["user", "global"])
async def test_a_429_waits_and_is_counted(home, client, scope):
    home.discord.fault("POST", "/channels/*/messages", status=429, retry_after=0.2, scope=scope)
    start = home.discord.clock.now()
    await client.get_partial_messageable(home.channel.id).send("hello")
    assert home.discord.clock.now() - start >= 0.2
    assert [t.scope for t in home.discord.limits.too_many] == [scope]
    assert len(home.discord.asked("POST", "/channels/{channel_id}/messages")) == 2


async def test_all_routes_together_have_a_limit_too(home):
    assert home.discord.limits.global_requests == 50
    home.discord.limits.global_requests = 3
    answers = [await ask_by_hand(home, "GET", path) for path in ("/users/@me", f"/channels/{home.channel.id}") * 2]
    assert [status for status, _, _ in answers] == [200, 200, 200, 429]
    assert answers[-1][1]["global"]


async def test_an_answer_can_be_lost_after_its_effect(home, client):
    channel = client.get_partial_messageable(home.channel.id)
    home.discord.fault("POST", "/channels/*/messages", status=503, too_late=True)
    with pytest.raises(discord.DiscordServerError):
        await channel.send("hello")
    assert [m.content for m in home.channel.shows()] == ["hello"]


async def test_a_nonce_keeps_a_repeated_message_single(home, client):
    channel = client.get_partial_messageable(home.channel.id)
    first, second = [await channel.send("hello", nonce="once") for _ in range(2)]
    assert first.id == second.id
    assert len(home.channel.shows()) == 1


async def test_a_request_can_be_delayed_or_left_without_answer(home, client):
    channel = client.get_partial_messageable(home.channel.id)
    home.discord.fault("POST", "/channels/*/messages", delay=0.1)
    start = home.discord.clock.now()
    await channel.send("slow")
    assert home.discord.clock.now() - start >= 0.1
    home.discord.fault("POST", "/channels/*/messages", delay=float("inf"))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(channel.send("never"), 0.1)


# The gateway


async def test_a_dropped_connection_resumes_and_hears_what_it_missed(home):
    async with home.discord.running(Bot()) as bot:
        await home.alice.say(home.channel, f"{home.discord.bot.mention} before")
        await home.channel.wait_for("echo")
        with home.discord.gateway.refusing():
            home.discord.gateway.drop()
            missed = await home.alice.say(home.channel, f"{home.discord.bot.mention} meanwhile")
            await asyncio.sleep(0.1)
        await home.discord.gateway.resumed()
        await home.channel.reply_to(missed, wanted=says("meanwhile"))
        assert home.discord.gateway.identifies == 1
        assert len([m for m in bot.heard if m.id == missed.id]) == 1


async def test_discord_asks_to_reconnect(home):
    async with home.discord.running(Bot()):
        home.discord.gateway.reconnect()
        await home.discord.gateway.resumed()
        await home.alice.say(home.channel, f"{home.discord.bot.mention} hello")
        await home.channel.wait_for("echo")
        assert home.discord.gateway.identifies == 1


async def test_an_invalid_session_begins_a_new_one(home):
    async with home.discord.running(Bot()):
        home.discord.gateway.invalidate()
        await home.discord.gateway.identified(2)
        await home.alice.say(home.channel, f"{home.discord.bot.mention} hello")
        await home.channel.wait_for("echo")
        assert home.discord.gateway.resumes == 0


async def test_a_session_that_ended_while_the_bot_was_away_cannot_be_resumed(home):
    async with home.discord.running(Bot()):
        home.discord.gateway.sessions.clear()
        home.discord.gateway.drop()
        await home.discord.gateway.identified(2)


async def test_unanswered_heartbeats_make_the_bot_reconnect(home):
    home.discord.gateway.heartbeat_interval = 0.05
    home.discord.gateway.acknowledges = False
    async with home.discord.running(Bot(heartbeat_timeout=0.2)):
        await home.discord.gateway.resumed()
        assert home.discord.gateway.heartbeats
        home.discord.gateway.acknowledges = True


async def test_an_event_can_come_twice(home):
    async with home.discord.running(Bot(message_content=True)) as bot:
        said = await home.alice.say(home.channel, "hello")
        home.discord.gateway.redeliver("MESSAGE_CREATE")
        await home.discord.until(lambda: [m.id for m in bot.heard] == [said.id, said.id])


async def test_a_wrong_token_is_refused(home):
    with home.discord.redirect():
        bot = Bot()
        with pytest.raises(discord.LoginFailure):
            await bot.start("wrong")
        await bot.close()
    frames = await talk_by_hand(home, [{"op": 2, "d": {"token": "wrong", "intents": 0}}])
    assert frames[-1] == 4004


async def test_an_intent_that_is_not_switched_on_is_refused(home):
    home.discord.application.privileged_intents.clear()
    with pytest.raises(discord.PrivilegedIntentsRequired):
        async with home.discord.running(Bot(message_content=True)):
            pass


async def test_a_connection_may_go_without_compression(home):
    token = home.discord.application.token
    frames = await talk_by_hand(home, [{"op": 2, "d": {"token": token, "intents": 1}}, {"op": 1, "d": 2}])
    assert [(f["op"], f["t"], f["s"]) for f in frames] == [
        (10, None, None),
        (0, "READY", 1),
        (0, "GUILD_CREATE", 2),
        (11, None, None),
    ]


async def talk_by_hand(home, frames: list[dict], count: int = 4):
    """Send frames to the gateway; returns so many of its frames, or those until it closes, and the code."""
    heard: list[object] = []
    async with aiohttp.ClientSession() as session, session.ws_connect(home.discord.gateway.url) as socket:
        for frame in frames:
            await socket.send_json(frame)
        while len(heard) < count:
            message = await socket.receive(timeout=5)
            if message.type is not aiohttp.WSMsgType.TEXT:
                return [*heard, message.data]
            heard.append(json.loads(message.data))
    return heard


async def test_only_subscribed_events_arrive(home):
    bot = Bot()
    bot._connection._intents = discord.Intents(guilds=True, dm_messages=True)
    async with home.discord.running(bot):
        await home.alice.say(home.channel, f"{home.discord.bot.mention} hello")
        await home.alice.say(home.discord.bot, "hello")
        await home.alice.direct.wait_for("echo")
        assert home.alice.id in {m.author.id for m in bot.heard}
        assert {m.channel.id for m in bot.heard} == {home.alice.direct.id}


async def test_the_activity_shows(home):
    async with home.discord.running(Bot(activity=discord.CustomActivity("waiting"))) as bot:
        await home.discord.gateway.shows_activity("waiting")
        await bot.change_presence(activity=discord.Game("chess"))
        await home.discord.gateway.shows_activity("chess")


async def test_every_shard_hears_of_its_own_servers(home):
    away = home.discord.guild("Away")
    channel, bob = away.channel("general"), away.member("Bob")
    numbers = {(guild.id >> 22) % 2 for guild in (home.guild, away)}
    assert numbers == {0, 1}
    shards = [Bot(shard_id=number, shard_count=2) for number in (0, 1)]
    async with home.discord.running(shards[0]), home.discord.running(shards[1]):
        await home.discord.gateway.ready(2)
        await home.alice.say(home.channel, f"{home.discord.bot.mention} hello")
        await bob.say(channel, f"{home.discord.bot.mention} hello")
        await home.channel.wait_for("echo")
        await channel.wait_for("echo")
        for shard in shards:
            assert {(m.guild.id >> 22) % 2 for m in shard.heard} == {shard.shard_id}


async def test_sessions_that_begin_too_soon_are_refused(home):
    home.discord.gateway.identify_pause = 5.0

    async def begin(shard: int) -> list:
        data = {"token": home.discord.application.token, "intents": 1, "shard": [shard, 4]}
        return [frame["op"] for frame in await talk_by_hand(home, [{"op": 2, "d": data}], 2)]

    assert [await begin(shard) for shard in (0, 1)] == [[10, 0], [10, 9]]
    home.discord.clock.advance(5)
    home.discord.gateway.max_concurrency = 2
    assert [await begin(shard) for shard in (1, 2, 3)] == [[10, 0], [10, 0], [10, 9]]
    assert home.discord.gateway.too_early == 2


async def test_a_sharding_bot_is_told_how_many_shards_to_open(home):
    class ShardingBot(Bot, commands.AutoShardedBot):
        pass

    home.discord.gateway.shards = 2
    async with home.discord.running(ShardingBot()) as bot:
        assert sorted(bot.shards) == [0, 1]
        await home.alice.say(home.channel, f"{home.discord.bot.mention} hello")
        await home.channel.wait_for("echo")


async def test_it_is_quiet_when_nothing_is_asked_or_said(home):
    async with home.discord.running(Bot()):
        await home.alice.say(home.channel, f"{home.discord.bot.mention} hello")
        await home.discord.quiet(0.1)
        assert home.channel.shows()[-1].content.startswith("echo")
        await home.channel.quiet(0.1)
        with pytest.raises(AssertionError, match="#general was not quiet"):
            await home.channel.quiet(60, within=0.01)


async def test_servers_come_and_go(home):
    async with home.discord.running(Bot()) as bot:
        joined = asyncio.create_task(bot.wait_for("guild_join"))
        new = home.discord.guild("New")
        assert (await joined).name == "New"
        channel, bob = new.channel("general"), new.member("Bob")
        await bob.say(channel, f"{home.discord.bot.mention} hello")
        await channel.wait_for("echo")
        new.expel_bot()
        await home.discord.until(lambda: bot.get_guild(new.id) is None)


# Another process

PROGRAM = """
import discord, os

class Program(discord.Client):
    async def on_message(self, message):
        if message.author != self.user:
            await message.reply(f"from {os.getpid()}")
            await self.close()

Program(intents=discord.Intents.default()).run(os.environ["TOKEN"])
"""


async def test_an_unmodified_program_comes_here_by_its_environment(home, tmp_path: Path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    environment = os.environ | home.discord.environment() | {"TOKEN": home.discord.application.token}
    process = await asyncio.create_subprocess_exec(sys.executable, program, env=environment)
    await home.discord.gateway.ready()
    await home.alice.say(home.channel, "who are you?")
    await home.channel.wait_for(f"from {process.pid}")
    assert await process.wait() == 0
    await home.discord.gateway.gone()


async def test_the_redirect_does_not_import_discord(home):
    check = "import sys; assert 'discord' not in sys.modules and 'sitecustomize' in sys.modules"
    environment = os.environ | home.discord.environment()
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", check, env=environment)
    assert await process.wait() == 0
