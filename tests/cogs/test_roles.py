"""Whom the bot answers by their roles, and how many answers an hour they get."""

from bot.engine import NoAnswer
from bot.texts import BLOCKED, REGENERATE, ROLE_NEEDED
from tests.support.parley import parley
from tests.support.scripted import ScriptedEngine

ONE_USED_UP = "You have had the 1 answer that you can get in an hour. The next one is free in 60 min."
TWO_USED_UP = "You have had the 2 answers that you can get in an hour. The next one is free in 60 min."
MEMBER = ("GET", "/guilds/{guild_id}/members/{user_id}")


async def test_only_members_of_allowed_roles_are_answered_and_others_are_told_privately(discord, path, place):
    guild, channel, alice = place
    role = guild.role("friends")
    bob = guild.member("Bob", roles=[guild.role("others"), role])
    engine = ScriptedEngine()
    async with parley(discord, engine, path, allowed_roles=frozenset({role.id, 1})) as running:
        await alice.say(channel, f"{discord.bot.mention} hi")
        await alice.direct.wait_for(ROLE_NEEDED)
        asked = await alice.command(channel, "ask", prompt="hi")
        assert (asked.response.content, asked.ephemeral) == (ROLE_NEEDED, True)
        answer = await running.ask(channel, bob)
        assert (await alice.press(answer, REGENERATE)).followups[-1:] == []
        assert len(engine.prompts) == 1
        await (await bob.command(channel, "ask", prompt="hi")).wait_for("ok")
        guild.member(bob)
        await bob.say(channel, f"{discord.bot.mention} hi")
        await bob.direct.wait_for(ROLE_NEEDED)


async def test_the_id_of_a_server_lets_all_its_members_in(discord, path, place):
    guild, channel, alice = place
    async with parley(discord, ScriptedEngine(), path, allowed_roles=frozenset({guild.id})) as running:
        await running.ask(channel, alice)


async def test_members_of_a_blocked_role_are_ignored_whatever_other_roles_they_have(discord, path, place):
    guild, channel, alice = place
    friends, rude = guild.role("friends"), guild.role("rude")
    mallory = guild.member("Mallory", roles=[friends, rude])
    engine = ScriptedEngine()
    settings = {"allowed_roles": frozenset({friends.id, guild.id}), "blocked_roles": frozenset({rude.id})}
    async with parley(discord, engine, path, **settings) as running:
        await running.ask(channel, alice)
        await mallory.say(channel, f"{discord.bot.mention} hi")
        await mallory.say(discord.bot, "hi")
        assert (await mallory.command(channel, "ask", prompt="hi")).response.content == BLOCKED
        await discord.quiet()
        assert len(engine.prompts) == 1
        assert mallory.direct.answers() == []


async def test_what_erases_works_for_everybody(discord, path, place):
    guild, channel, alice = place
    friends = guild.role("friends")
    guild.member(alice, roles=[friends])
    async with parley(discord, ScriptedEngine(), path, allowed_roles=frozenset({friends.id})) as running:
        await running.ask(channel, alice)
        guild.member(alice)
        await (await alice.command(channel, "forget")).wait_for("1 turn")
        assert await running.stored(channel.id) == []


async def test_in_direct_messages_people_have_the_roles_of_their_servers(discord, path, place):
    guild, _, alice = place
    other = discord.guild("Other")
    bob, carol = other.member("Bob", roles=[role := other.role("friends")]), guild.member("Carol")
    other.member(carol)
    guild.role("unnamed")
    async with parley(discord, ScriptedEngine(), path, allowed_roles=frozenset({role.id})):
        for person in (alice, carol):
            await person.say(discord.bot, "hi")
            await person.direct.wait_for(ROLE_NEEDED)
        await bob.say(discord.bot, "hi")
        await bob.direct.wait_for("ok")
        await (await bob.command(discord.bot, "ask", prompt="hi")).wait_for("ok")
        assert {request.id("guild_id") for request in discord.asked(*MEMBER)} == {other.id}


async def test_without_roles_in_the_settings_nobody_is_looked_up(discord, path, place):
    _, _, alice = place
    async with parley(discord, ScriptedEngine(), path):
        await alice.say(discord.bot, "hi")
        await alice.direct.wait_for("ok")
        assert discord.asked(*MEMBER) == []


async def test_the_best_of_a_persons_roles_limits_their_answers(discord, path, place):
    guild, channel, alice = place
    few, more = guild.role("few"), guild.role("more")
    bob, carol = guild.member("Bob", roles=[few, more]), guild.member("Carol", roles=[few])
    async with parley(discord, ScriptedEngine(), path, role_limits=((few.id, 1), (more.id, 2))):
        for person, limit in ((alice, 3), (bob, 2), (carol, 1)):
            for _ in range(limit):
                await (await person.command(channel, "ask", prompt="hi")).wait_for("ok")
            asked = await person.command(channel, "ask", prompt="hi")
            await asked.wait_for("ok" if person is alice else TWO_USED_UP if person is bob else ONE_USED_UP)
        for person, sentence in ((alice, ""), (bob, " You can get 2 answers an hour.")):
            helped = await (await person.command(channel, "help")).wait_for("It can be wrong.")
            assert helped.content.splitlines()[0].partition("It can be wrong.")[2] == sentence


async def test_regenerated_answers_count(discord, path, place):
    guild, channel, alice = place
    engine = ScriptedEngine()
    async with parley(discord, engine, path, role_limits=((guild.id, 2),)) as running:
        answer = await running.ask(channel, alice)
        await alice.press(answer, REGENERATE)
        await discord.until(lambda: len(engine.prompts) == 2 and answer.labels == [REGENERATE])
        await running.settled()
        await (await alice.press(answer, REGENERATE)).wait_for(TWO_USED_UP)
        refused = await channel.reply_to(await alice.say(channel, f"{discord.bot.mention} more"))
        assert refused.content == TWO_USED_UP


async def test_an_answer_that_failed_does_not_count_and_one_under_way_does(discord, path, place):
    guild, channel, alice = place
    async with parley(discord, ScriptedEngine([NoAnswer()], ["fine"]), path, role_limits=((guild.id, 1),)) as running:
        failed = await channel.reply_to(await alice.say(channel, f"{discord.bot.mention} one"))
        await discord.until(lambda: "no answer" in failed.content)
        await discord.quiet()
        running.bot.core.conversations._engine.loaded.clear()
        await alice.say(channel, f"{discord.bot.mention} two")
        await discord.until(lambda: running.bot.core.conversations.waiting)
        refused = await channel.reply_to(await alice.say(channel, f"{discord.bot.mention} three"))
        assert refused.content == ONE_USED_UP
        running.bot.core.conversations._engine.loaded.set()
        await running.until_stored(channel.id, ("two", "fine"))


async def test_after_an_hour_an_answer_no_longer_counts(discord, path, place, monkeypatch):
    guild, channel, alice = place
    monkeypatch.setattr("bot.conversation.admission._HOUR", 0.5)
    async with parley(discord, ScriptedEngine(), path, role_limits=((guild.id, 1),)) as running:
        await running.ask(channel, alice, "one")
        await discord.quiet(0.5)
        await running.ask(channel, alice, "two")


async def test_who_may_be_blocked_is_not_answered_in_direct_messages(discord, path, place):
    guild, _, alice = place
    role = guild.role("muted")
    discord.fault("GET", "/guilds/*/members/*", status=403)
    async with parley(discord, ScriptedEngine(), path, blocked_roles=frozenset({role.id})):
        await alice.say(discord.bot, "while Discord does not say who I am")
        await discord.quiet()
        assert alice.direct.answers() == []
        await alice.say(discord.bot, "hi")
        await alice.direct.wait_for("ok")
