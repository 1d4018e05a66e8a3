"""The stand-in itself, on a port of the loopback interface."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

import yarl
from aiohttp import web

from . import interaction_routes, openapi, routes
from .channels import Channel
from .clock import PATIENCE, Changes, Clock
from .commands import Commands
from .faults import Fault, Faults
from .gateway import PRIVILEGED, Gateway
from .guilds import Guild
from .interactions import Interaction
from .messages import Attachment
from .payloads import DIRECT
from .people import User
from .ratelimit import Limits
from .rest import BASE, Request, Rest

if TYPE_CHECKING:
    import discord

BotT = TypeVar("BotT", bound="discord.Client")

REDIRECT = Path(__file__).with_name("redirect")
LIMITED_FLAGS = {"members": 1 << 15, "presences": 1 << 13, "message_content": 1 << 19}


class Application:
    """The bot's entry in Discord's developer portal."""

    def __init__(self, clock: Clock, bot: User, owner: User) -> None:
        self.id = clock.snowflake()
        self.bot = bot
        self.owner = owner
        self.team: list[User] = []
        """If not empty, the bot belongs to these people; the first owns the team."""
        self.team_id = clock.snowflake()
        self.token = "a-token-of-the-stand-in"
        self.privileged_intents = {"message_content"}
        """Those of members, presences and message_content that are switched on."""

    @property
    def flags(self) -> int:
        return sum(LIMITED_FLAGS[name] for name in self.privileged_intents & PRIVILEGED.keys())


class Discord:
    """A Discord for tests: `async with Discord() as discord`.

    Violations of Discord's description, and requests to unknown routes, are kept in `violations` and raised when it
    closes. `validate=False` saves some milliseconds per message.
    """

    def __init__(self, *, validate: bool = True) -> None:
        self.description = openapi.load(openapi.default_path()) if validate else None
        self.changes = Changes()
        self.clock = Clock(self.changes)
        self.users: dict[int, User] = {}
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self._direct: dict[int, Channel] = {}
        self.attachments: dict[int, Attachment] = {}
        self.interactions: dict[str, Interaction] = {}
        """By token."""
        self.bot = self.user("Parley", bot=True)
        self.owner = self.user("Owner")
        self.application = Application(self.clock, self.bot, self.owner)
        self._last_guild_id = self.clock.snowflake() | 1 << 21  # a bit that no other id has
        self.commands = Commands(self.clock, self.application.id)
        self.limits = Limits(self.clock)
        self.faults = Faults()
        self.gateway = Gateway(self)
        self.requests: list[Request] = []
        """All HTTP requests of the bot, oldest first."""
        self.violations: list[str] = []
        self.at_the_end: Callable[[], Awaitable[None]] | None = None
        """What is checked before it closes, unless the block raises an error."""
        self._rest = Rest(self, [*routes.ROUTES.table, *interaction_routes.ROUTES.table])
        self._runner = web.AppRunner(self._rest.app, access_log=None, shutdown_timeout=0.5)

    async def __aenter__(self) -> Self:
        self.loop = asyncio.get_running_loop()
        self.closing = asyncio.Event()
        self.last_change = self.loop.time()
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if self.at_the_end and error is None:
                await self.at_the_end()
        finally:
            self.closing.set()
            self.gateway.drop()
            await self._runner.cleanup()
        if self.violations:
            report = "\n".join(["Discord would not have it so:", *self.violations])
            if error is None:
                raise AssertionError(report)
            error.add_note(report)

    # Servers and people

    def user(self, name: str, *, bot: bool = False, webhook: bool = False) -> User:
        """Create somebody who is in no server yet; `Guild.member` is the usual way."""
        bot = bot or webhook
        username, global_name = (name, None) if bot else (name.lower().replace(" ", "_"), name)
        user = User(self, self.clock.snowflake(), username, global_name, bot, webhook)
        self.users[user.id] = user
        return user

    def guild(self, name: str, *, owner: User | None = None) -> Guild:
        """Create a server with the bot in it, without channels."""
        # A millisecond apart, so that each server belongs to the next shard.
        self._last_guild_id += 1 << 22
        guild = self.guilds[self._last_guild_id] = Guild(self, self._last_guild_id, name, owner or self.owner)
        if self.gateway.sessions:
            self.gateway.welcome(guild)
        return guild

    def direct(self, user: User) -> Channel:
        """The bot's direct conversation with a person, created when first used."""
        if user.id not in self._direct:
            name = f"direct-{user.username}"
            self._direct[user.id] = Channel(self, name, DIRECT, recipients=(user,))
        return self._direct[user.id]

    def fault(self, method: str, path: str, *, times: int | None = 1, **trouble: Any) -> Fault:
        """A fault in the next requests, as in `fault("POST", "/channels/*/messages", status=500)`; see `Fault`."""
        return self.faults.add(Fault(method, path, times, **trouble))

    # Running a bot against it

    @contextmanager
    def redirect(self) -> Iterator[None]:
        """Point the discord.py of this process at the stand-in."""
        import discord.gateway
        import discord.http

        route, socket = discord.http.Route, discord.gateway.DiscordWebSocket
        before = route.BASE, socket.DEFAULT_GATEWAY
        route.BASE, socket.DEFAULT_GATEWAY = self.url + BASE, yarl.URL(self.gateway.url)
        try:
            yield
        finally:
            route.BASE, socket.DEFAULT_GATEWAY = before

    @asynccontextmanager
    async def running(self, bot: BotT, *, within: float = PATIENCE) -> AsyncIterator[BotT]:
        """Start a bot, wait until it is ready, and close it at the end.

        What it raises is raised. It does not spend two seconds waiting for more servers.
        """
        bot._connection.guild_ready_timeout = 0.05
        with self.redirect():
            run = asyncio.create_task(bot.start(self.application.token))
            try:
                failure = "the bot did not get ready"
                await self.until(lambda: run.done() or bot.is_ready(), within=within, failure=failure)
                if run.done():
                    await run
                    raise AssertionError("the bot stopped before it was ready")
                yield bot
                if run.done():
                    await run  # it has stopped by itself; if because of an error, raise that
            finally:
                await bot.close()
                run.cancel()
                await asyncio.gather(run, return_exceptions=True)

    def environment(self) -> dict[str, str]:
        """Environment variables that point a program's discord.py at the stand-in."""
        path = os.pathsep.join(filter(None, (str(REDIRECT), os.environ.get("PYTHONPATH"))))
        return {"DISCORD_STAND_IN": self.url, "PYTHONPATH": path}

    # Waiting, and requests

    def touch(self) -> None:
        self.last_change = self.loop.time()
        self.changes.notify()

    async def until(
        self, read: Callable[[], object], *, within: float = PATIENCE, failure: str = "it did not happen"
    ) -> None:
        """Wait until `read` returns something true, about the stand-in or the bot."""
        await self.changes.until(None, read, within, lambda: f"{failure} within {within} s", every=0.01)

    async def quiet(self, seconds: float = 0.3, *, within: float = PATIENCE) -> None:
        """Wait until the bot made no request, and was sent no event, for so many seconds."""

        def last_change() -> float:
            return self.loop.time() if self._rest.in_flight else self.last_change

        await self.until_quiet("Discord", last_change, seconds, within)

    async def until_quiet(self, name: object, last_change: Callable[[], float], seconds: float, within: float) -> None:
        """Wait until no change has followed the last one for so many seconds."""
        try:
            async with asyncio.timeout(within):
                left = last_change() + seconds - self.loop.time()
                while left > 0:
                    await asyncio.sleep(left)
                    left = last_change() + seconds - self.loop.time()
        except TimeoutError:
            raise AssertionError(f"{name} was not quiet for {seconds} s within {within} s") from None

    def asked(self, method: str, template: str) -> list[Request]:
        """The requests to a route, given as in Discord's description: /channels/{channel_id}/messages."""
        return [r for r in self.requests if (r.method, r.template) == (method, template)]
