"""People do anything at any moment while Discord and the database fail: nothing crosses channels or stays behind."""

import asyncio
import os
import random
import sqlite3
import time
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from bot.engine import NoAnswer, Sampling, Stream
from bot.engine.prompt import Prompt
from bot.messages.pages import pages
from tests.discord_stand_in import Channel, Discord, Message, Permission, User
from tests.discord_stand_in.errors import NotPossible
from tests.support.parley import Running, parley
from tests.support.scripted import ScriptedEngine
from tests.support.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

SEEDS = int(os.environ.get("CHAOS_SEEDS", "4"))
ACTS = 80
WORDS = ("alpha", "bravo", "carol", "delta")
TIMING = {
    "edit_interval": 0.2,
    "longest_edit_interval": 0.5,
    "notice_interval": 0.5,
    "refusal_lifetime": 0.3,
    "retry_interval": 0.05,
}
FAULTS = (
    ("POST", "/channels/*/messages", {"status": 500}),
    ("POST", "/channels/*/messages", {"status": 502, "too_late": True}),
    ("PATCH", "/channels/*/messages/*", {"status": 503, "times": 2}),
    ("PATCH", "/channels/*/messages/*", {"status": 400, "text": " 0, "}),
    ("PATCH", "/channels/*/messages/*", {"status": 429, "retry_after": 0.2}),
    ("DELETE", "/channels/*/messages/*", {"status": 404, "too_late": True}),
    ("*", "/webhooks/*", {"delay": 0.3}),
    ("*", "/channels/*", {"delay": 0.3, "times": 3}),
)


def words_in(text: str) -> set[str]:
    return {word for word in WORDS if word in text}


class Echo(ScriptedEngine):
    """Answers with the word of the question's channel; notes prompts that hold the word of another one."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__()
        self._rng = rng
        self.mixed: list[set[str]] = []

    def submit(self, prompt: Prompt, sampling: Sampling, channel: int | None = None) -> Stream:
        said = [prompt.question, prompt.summary, *(f"{turn.question} {turn.answer}" for turn in prompt.turns)]
        words = words_in(" ".join(said))
        if len(words) > 1:
            self.mixed.append(words)
        word = next(iter(words_in(prompt.question)), "nothing")
        pieces: list[str | Exception] = [f"{word} {number}, " for number in range(self._rng.choice((2, 8, 300)))]
        if self._rng.random() < 0.1:
            pieces.insert(self._rng.randrange(len(pieces)), self._rng.choice((RuntimeError("broken"), NoAnswer())))
        self._scripts = [pieces]
        return super().submit(prompt, sampling, channel)

    async def _play(self, script: Iterable[str | asyncio.Event | Exception], stream: Stream) -> None:
        stream.begin()
        for number, piece in enumerate(script):
            if isinstance(piece, Exception):
                stream.end(piece)
                return
            assert isinstance(piece, str)
            if not stream.stopped:
                stream.put(piece)
            if number % 50 < 3:
                await asyncio.sleep(self._rng.uniform(0, 0.2))
        stream.end()


class Chaos:
    """A server in which one act follows the other, by chance."""

    def __init__(self, discord: Discord, rng: random.Random, path: Path) -> None:
        self._discord = discord
        self._rng = rng
        self._path = path
        guild = discord.guild("Home")
        self.channels = {word: guild.channel(word) for word in WORDS[:3]}
        moderators = guild.role("mods", permissions=Permission.MANAGE_MESSAGES | Permission.MANAGE_CHANNELS)
        self.people = [guild.member(f"Person {number}") for number in range(3)]
        self.moderator = guild.member("Moderator", roles=[moderators])
        self.channels[WORDS[3]] = self.people[0].direct
        self._count = 0

    async def act(self) -> None:
        acts = (self.ask, self.ask, self.ask, self.ask_once, self.press, self.press, self.edit, self.delete)
        rare = (self.clear, self.forget, self.decide, self.settings, self.lock, self.fault)
        with suppress(NotPossible):
            await self._rng.choice(self._rng.choices((acts, rare), (4, 1))[0])()

    def _somewhere(self) -> tuple[str, Channel, User]:
        word = self._rng.choice(WORDS)
        return word, self.channels[word], self.people[0] if word == WORDS[3] else self._rng.choice(self.people)

    def _messages(self, *, by_bot: bool) -> tuple[Channel, list[Message], User]:
        _, channel, person = self._somewhere()
        return channel, [m for m in channel.shows(person) if (m.author is self._discord.bot) == by_bot], person

    def _text(self, word: str) -> str:
        self._count += 1
        return f"{self._discord.bot.mention} {word} question {self._count}"

    async def ask(self) -> None:
        word, channel, person = self._somewhere()
        await person.say(self._discord.bot if word == WORDS[3] else channel, self._text(word))

    async def ask_once(self) -> None:
        word, channel, person = self._somewhere()
        await person.command(channel, "ask", prompt=self._text(word), private=self._rng.random() < 0.5)

    async def press(self) -> None:
        _, messages, person = self._messages(by_bot=True)
        message = self._rng.choice([message for message in messages if message.buttons] or [None])
        if message:
            presser = person if message.channel.guild is None else self.moderator
            await presser.press(message, self._rng.choice(message.labels))

    async def edit(self) -> None:
        channel, messages, _ = self._messages(by_bot=False)
        word = next(word for word in WORDS if self.channels[word] is channel)
        if messages:
            message = self._rng.choice(messages)
            await message.author.edit(message, self._text(word))

    async def delete(self) -> None:
        channel, messages, _ = self._messages(by_bot=self._rng.random() < 0.5)
        if messages and channel.guild:
            await self.moderator.delete(self._rng.choice(messages[-3:]))

    async def clear(self) -> None:
        _, channel, person = self._somewhere()
        await person.command(channel, "clear")

    async def forget(self) -> None:
        _, channel, person = self._somewhere()
        await person.command(channel, "forget")

    async def decide(self) -> None:
        """Let what one writes be kept for training, or not."""
        _, channel, person = self._somewhere()
        shown = await person.command(channel, "privacy")
        if shown.messages:
            await person.press(shown.messages[-1], self._rng.choice(("Yes", "Yes", "No")))

    async def settings(self) -> None:
        _, channel, _ = self._somewhere()
        if channel.guild:
            await self.moderator.command(channel, "settings", turns=self._rng.choice((0, 1, 5)))

    async def lock(self) -> None:
        await asyncio.to_thread(self._lock)

    def _lock(self) -> None:
        """Hold the database as another program would."""
        with closing(sqlite3.connect(self._path, isolation_level=None, timeout=1)) as other:
            with suppress(sqlite3.OperationalError):
                other.execute("BEGIN IMMEDIATE")
            time.sleep(0.2)

    async def fault(self) -> None:
        method, path, trouble = self._rng.choice(FAULTS)
        self._discord.fault(method, path, **trouble)


async def check(discord: Discord, running: Running, chaos: Chaos, engine: Echo) -> None:
    """Nothing crossed, nothing is left half or dead."""
    assert not engine.mixed
    assert not running.bot._active_replies._messages
    assert await running.turns.unfinished() == []
    words = {channel.id: word for word, channel in chaos.channels.items()}
    async for example in running.bot.core.examples.all():
        said = " ".join(f"{turn.question} {turn.answer}" for turn in example.turns)
        assert words_in(said) == {words[example.turn.channel.channel]}, "another channel's words are kept for training"
    for word, channel in chaos.channels.items():
        reader = chaos.people[0]
        shown = {message.id: message for message in channel.answers(reader)}
        for message in shown.values():
            assert words_in(message.content) <= {word}, message
            assert "Stop" not in message.labels, f"{message!r} has a dead button"
        turns = await running.turns.recent(channel.id)
        for turn in turns:
            assert words_in(f"{turn.question} {turn.answer}") == {word}
            texts = [page.content.strip() for page in pages(turn.answer)]
            assert [shown[number].content for number in turn.answer_messages] == texts
        alive = {turns[-1].answer_messages[-1]} if turns else set()
        buttons = {number for number, message in shown.items() if "Regenerate" in message.labels}
        assert buttons <= alive, f"a dead Regenerate in {channel}"


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_whatever_people_do_nothing_crosses_and_nothing_stays_behind(path, seed):
    rng = random.Random(f"chaos {seed}")
    engine = Echo(rng)
    async with Discord(validate=False) as discord:
        discord.limits.global_requests = None
        async with parley(discord, engine, path, timing=TIMING, requests_per_second=500.0, feedback=True) as running:
            chaos = Chaos(discord, rng, path)
            await discord.quiet()
            for person in chaos.people:
                await running.bot.core.examples.agree(person.id)
            for _ in range(ACTS):
                await chaos.act()
                await asyncio.sleep(rng.choice((0, 0, 0.05, 0.2)))
            for fault in discord.faults._faults:
                fault.times = 0
            answers = running.bot.core.conversations._admission.answers
            await until(lambda: not answers, within=120, every=0.1)
            await discord.quiet(4)  # discord.py repeats a request after one second, and then after three
            await check(discord, running, chaos, engine)
            for word, channel in chaos.channels.items():
                where = discord.bot if word == WORDS[3] else channel
                question = await chaos.people[0].say(where, f"{discord.bot.mention} {word} and now?")
                await channel.reply_to(question)
                await until(lambda: not answers, within=60)
