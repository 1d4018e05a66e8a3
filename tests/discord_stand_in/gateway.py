"""The gateway: sessions that outlive their sockets, events, heartbeats."""

from __future__ import annotations

import asyncio
import json
import math
import secrets
import traceback
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from aiohttp import WSCloseCode, WSMsgType, web

from . import payloads
from .clock import PATIENCE

if TYPE_CHECKING:
    from .guilds import Guild
    from .server import Discord

Json = dict[str, Any]

DISPATCH, HEARTBEAT, IDENTIFY, PRESENCE, RESUME, REQUEST_MEMBERS = 0, 1, 2, 3, 6, 8
RECONNECT, INVALID_SESSION, HELLO, HEARTBEAT_ACK = 7, 9, 10, 11

UNKNOWN_OPCODE, NOT_AUTHENTICATED, AUTHENTICATION_FAILED, ALREADY_AUTHENTICATED = 4001, 4003, 4004, 4005
RATE_LIMITED, INVALID_SHARD, DISALLOWED_INTENTS = 4008, 4010, 4014

GUILDS, GUILD_MEMBERS, MESSAGE_CONTENT = 1 << 0, 1 << 1, 1 << 15
PRIVILEGED = {"members": GUILD_MEMBERS, "presences": 1 << 8, "message_content": MESSAGE_CONTENT}

# Prefixes of event names, and the intents that subscribe to them in servers and in direct messages.
INTENTS = {
    "GUILD_MEMBER_": (GUILD_MEMBERS, 0),
    "GUILD_": (GUILDS, 0),
    "CHANNEL_": (GUILDS, GUILDS),
    "THREAD_": (GUILDS, 0),
    "MESSAGE_": (1 << 9, 1 << 12),
    "TYPING_": (1 << 11, 1 << 14),
}

SENDS_PER_MINUTE = 120
LATENCY = 0.01  # seconds until our close frame follows the bot's


class Session:
    """A bot's session, with or without a socket."""

    def __init__(self, intents: int, shard: tuple[int, int]) -> None:
        self.id = secrets.token_hex(16)
        self.intents = intents
        self.shard = shard
        self.presence: Json = {}
        self.connection: Connection | None = None
        self.events: list[tuple[str, Json]] = []
        """Every event ever sent; the sequence number of the first is 1."""

    def wants(self, event: str, guild: Guild | None) -> bool:
        number, count = self.shard
        if number != ((guild.id >> 22) % count if guild else 0):
            return False
        for prefix, (in_guilds, in_direct) in INTENTS.items():
            if event.startswith(prefix):
                return bool(self.intents & (in_guilds if guild else in_direct))
        return True

    def send(self, event: str, data: Json) -> None:
        """Send an event now, or when the bot resumes."""
        self.events.append((event, data))
        self.transmit(len(self.events))

    def transmit(self, sequence: int) -> None:
        if self.connection is not None:
            event, data = self.events[sequence - 1]
            self.connection.send(DISPATCH, data, sequence=sequence, event=event)


class Connection:
    """One socket. Frames leave in order from a queue, so that senders need not wait."""

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.Transport, compress: bool) -> None:
        self._socket = socket
        self._transport = transport
        self._deflate = zlib.compressobj() if compress else None
        self._outbox: asyncio.Queue[str | int] = asyncio.Queue()
        self.session: Session | None = None
        self.received: deque[float] = deque(maxlen=SENDS_PER_MINUTE)

    def send(self, op: int, data: object = None, *, sequence: int | None = None, event: str | None = None) -> None:
        self._outbox.put_nowait(json.dumps({"op": op, "d": data, "s": sequence, "t": event}))

    def close(self, code: int) -> None:
        """Close once everything queued has been sent."""
        self._outbox.put_nowait(code)

    def drop(self) -> None:
        """Cut the connection, without a close frame."""
        self._transport.abort()

    async def write(self) -> None:
        while isinstance(frame := await self._outbox.get(), str):
            if self._deflate is None:
                await self._socket.send_str(frame)
            else:
                # One zlib stream for the whole connection; a sync flush ends each message.
                data = self._deflate.compress(frame.encode()) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
                await self._socket.send_bytes(data)
        await self._socket.close(code=frame)


class Gateway:
    """Accepts connections, and sends each event to the sessions that may receive it."""

    def __init__(self, discord: Discord) -> None:
        self._discord = discord
        self._connections: set[Connection] = set()
        self._refusing = False
        self.attempts = 0
        """How often a connection was asked for, also while none is taken."""
        self.sessions: dict[str, Session] = {}
        self.shards = 1
        """How many shards Discord recommends to a bot that asks."""
        self.max_concurrency = 1
        self.identify_pause = 0.0
        """Seconds between two sessions of shards that are the same modulo `max_concurrency`: Discord has 5."""
        self.session_starts = 1000
        """How many are left today."""
        self.too_early = 0
        """How often a session was refused for that pause."""
        self._identified: dict[int, float] = {}
        self.heartbeat_interval = 41.25
        self.acknowledges = True
        """Set it to False to leave heartbeats unanswered."""
        self.knows_members = True
        """Set it to False to leave requests for members unanswered."""
        self.heartbeats: list[float] = []
        """When they came: a bot whose event loop stands still misses some."""
        self.identifies = 0
        self.resumes = 0
        self.closes: list[int | None] = []
        """How connections ended: the code of the bot's close frame or ours, 1006 if there was none.

        Also 1006 if the bot did not wait for ours: its frame may then be lost to events that are on their way to it.
        """

    @property
    def url(self) -> str:
        return self._discord.url.replace("http", "ws", 1) + "/gateway/"

    @property
    def connected(self) -> list[Session]:
        return [session for session in self.sessions.values() if session.connection is not None]

    @property
    def shards_online(self) -> list[int]:
        """The connected shards, in order."""
        return sorted(session.shard[0] for session in self.connected)

    @property
    def activity(self) -> str | None:
        """The text under the bot's name."""
        return next(filter(None, map(self.shown, self.connected)), None)

    @staticmethod
    def shown(session: Session) -> str | None:
        """The activity that a shard's servers show."""
        # When it identifies, discord.py still says "game", the older name.
        for activity in session.presence.get("activities") or [session.presence.get("game")]:
            if activity:
                return str(activity.get("state") or activity["name"])
        return None

    def send(self, event: str, data: Json, *, guild: Guild | None, without_content: Json | None = None) -> None:
        """Send an event to its subscribers; `without_content` is for those who may not read the content."""
        for session in self.sessions.values():
            if session.wants(event, guild):
                if without_content is None or session.intents & MESSAGE_CONTENT:
                    session.send(event, data)
                else:
                    session.send(event, without_content)
        self._discord.touch()

    def welcome(self, guild: Guild) -> None:
        """Add the bot to a server."""
        for session in self.sessions.values():
            if session.wants("GUILD_CREATE", guild):
                session.send("GUILD_CREATE", self._guild_create(session, guild))

    def _guild_create(self, session: Session, guild: Guild) -> Json:
        return payloads.guild_create(guild, all_members=bool(session.intents & GUILD_MEMBERS))

    # Faults

    def drop(self, shard: int | None = None) -> None:
        """Cut every connection, or a shard's, without a close frame. The sessions can be resumed."""
        for connection in tuple(self._connections):
            if shard is not None and not (connection.session and connection.session.shard[0] == shard):
                continue
            self._leave(connection)
            connection.drop()

    def reconnect(self) -> None:
        """Ask every connection to reconnect, as Discord does many times a day."""
        for connection in tuple(self._connections):
            connection.send(RECONNECT)

    def invalidate(self, *, resumable: bool = False) -> None:
        """Invalidate every session; if `resumable`, the bot only has to resume."""
        for connection in tuple(self._connections):
            connection.send(INVALID_SESSION, resumable)
        if not resumable:
            for session in self.sessions.values():
                if session.connection is not None:
                    session.connection.session = None
            self.sessions.clear()

    def close(self, code: int) -> None:
        """Close every connection with a code."""
        for connection in tuple(self._connections):
            connection.close(code)

    def redeliver(self, event: str) -> None:
        """Send the last event of this name again, as happens after a resume."""
        for session in self.sessions.values():
            data = next((data for name, data in reversed(session.events) if name == event), None)
            if data is not None:
                session.send(event, data)

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Refuse new connections meanwhile."""
        self._refusing = True
        try:
            yield
        finally:
            self._refusing = False

    # Waiting for the bot

    async def ready(self, sessions: int = 1, *, within: float = PATIENCE) -> None:
        """Wait until so many sessions (one per shard) are connected."""
        await self._until(lambda: len(self.connected) >= sessions, within, "the bot did not connect")

    async def resumed(self, times: int = 1, *, within: float = PATIENCE) -> None:
        """Wait until the bot has resumed so many times since the start."""
        await self._until(lambda: self.resumes >= times, within, "the bot did not resume")

    async def identified(self, times: int, *, within: float = PATIENCE) -> None:
        """Wait until the bot has identified so many times since the start."""
        await self._until(lambda: self.identifies >= times, within, "the bot did not begin a new session")

    async def gone(self, *, within: float = PATIENCE) -> None:
        """Wait until no connection is left."""
        await self._until(lambda: not self._connections, within, "the bot is still connected")

    async def shows_activity(self, text: str | None, *, within: float = PATIENCE) -> None:
        """Wait until the bot's activity is this text."""
        failure = f"the bot does not show the activity {text!r}"
        await self._until(lambda: self.connected and self.activity == text, within, failure)

    async def _until(self, read: Callable[[], object], within: float, failure: str) -> None:
        await self._discord.changes.until(self, read, within, lambda: f"{failure} within {within} s")

    # A connection, from HELLO to its end

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.attempts += 1
        if self._refusing:
            return web.Response(status=503)
        socket = web.WebSocketResponse(autoclose=False)
        await socket.prepare(request)
        assert isinstance(request.transport, asyncio.Transport)
        connection = Connection(socket, request.transport, request.query.get("compress") == "zlib-stream")
        self._connections.add(connection)
        writer = asyncio.create_task(connection.write())
        connection.send(HELLO, {"heartbeat_interval": int(self.heartbeat_interval * 1000)})
        try:
            async for frame in socket:
                if frame.type is WSMsgType.TEXT:
                    self._receive(connection, json.loads(frame.data))
        except ConnectionError:
            pass  # the bot left or was dropped, see below
        except Exception:
            self._discord.violations.append(f"gateway: the stand-in failed:\n{traceback.format_exc()}")
        finally:
            code = socket.close_code
            if not socket.closed:  # the bot's close frame has come, and ours is to follow
                await asyncio.sleep(LATENCY)
                if request.transport is None:
                    code = WSCloseCode.ABNORMAL_CLOSURE
            self.closes.append(code)
            self._leave(connection, code)
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        return socket

    def _leave(self, connection: Connection, code: int | None = None) -> None:
        """Note the end of a connection. A bot that closes with 1000 or 1001 ends its session, too."""
        self._connections.discard(connection)
        session, connection.session = connection.session, None
        if session is not None:
            session.connection = None
            if code in (1000, 1001):
                self.sessions.pop(session.id, None)
        self._discord.changes.notify(self)

    def _receive(self, connection: Connection, frame: Json) -> None:
        now = self._discord.clock.now()
        received = connection.received
        if len(received) == SENDS_PER_MINUTE and now - received[0] < 60:
            return connection.close(RATE_LIMITED)
        received.append(now)
        op, data = frame["op"], frame["d"]
        if op == HEARTBEAT:
            self.heartbeats.append(now)
            if self.acknowledges:
                connection.send(HEARTBEAT_ACK)
        elif op in (IDENTIFY, RESUME) and connection.session is not None:
            connection.close(ALREADY_AUTHENTICATED)
        elif op in (IDENTIFY, RESUME) and data["token"] != self._discord.application.token:
            connection.close(AUTHENTICATION_FAILED)
        elif op == IDENTIFY:
            self._identify(connection, data)
        elif op == RESUME:
            self._resume(connection, data)
        elif connection.session is None:
            connection.close(NOT_AUTHENTICATED)
        elif op == PRESENCE:
            connection.session.presence = data
        elif op == REQUEST_MEMBERS and self.knows_members:
            self._send_members(connection.session, data)
        elif op != REQUEST_MEMBERS:
            self._discord.violations.append(f"gateway: op {op} is unknown to the stand-in: {data!r:.200}")
            connection.close(UNKNOWN_OPCODE)
        return self._discord.changes.notify(self)

    def _send_members(self, session: Session, data: Json) -> None:
        """The members of a server with certain ids, which takes no intent."""
        guild, wanted = self._discord.guilds[int(data["guild_id"])], list(map(int, data["user_ids"]))
        found = [guild.members[number] for number in wanted if number in guild.members]
        session.send(
            "GUILD_MEMBERS_CHUNK",
            {
                "guild_id": str(guild.id),
                "members": [payloads.full_member(membership) for membership in found],
                "not_found": [str(number) for number in wanted if number not in guild.members],
                "chunk_index": 0,
                "chunk_count": 1,
                "nonce": data["nonce"],
            },
        )

    def _identify(self, connection: Connection, data: Json) -> None:
        discord = self._discord
        intents, (number, count) = data["intents"], data.get("shard") or (0, 1)
        if not 0 <= number < count:
            return connection.close(INVALID_SHARD)
        if any(intents & bit for name, bit in PRIVILEGED.items() if name not in discord.application.privileged_intents):
            return connection.close(DISALLOWED_INTENTS)
        now, key = discord.clock.now(), number % self.max_concurrency
        if now - self._identified.get(key, -math.inf) < self.identify_pause:
            self.too_early += 1
            return connection.send(INVALID_SESSION, False)
        self._identified[key] = now
        self.session_starts -= 1
        session = Session(intents, (number, count))
        session.presence = data.get("presence") or {}
        session.connection, connection.session = connection, session
        self.sessions[session.id] = session
        self.identifies += 1
        guilds = [g for g in discord.guilds.values() if session.wants("GUILD_CREATE", g)]
        session.send(
            "READY",
            {
                "v": 10,
                "user": payloads.own_user(discord.bot),
                "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds],
                "session_id": session.id,
                "resume_gateway_url": self.url,
                "shard": [number, count],
                "application": {"id": str(discord.application.id), "flags": discord.application.flags},
            },
        )
        for guild in guilds:
            # By this discord.py distinguishes a server that became available from a new one.
            session.send("GUILD_CREATE", self._guild_create(session, guild) | {"unavailable": False})
        return None

    def _resume(self, connection: Connection, data: Json) -> None:
        session = self.sessions.get(data["session_id"])
        if session is None or not 0 <= (data["seq"] or 0) <= len(session.events):
            return connection.send(INVALID_SESSION, False)
        if session.connection is not None:
            session.connection.close(4000)
            session.connection.session = None
        session.connection, connection.session = connection, session
        for sequence in range((data["seq"] or 0) + 1, len(session.events) + 1):
            session.transmit(sequence)
        session.send("RESUMED", {})
        self.resumes += 1
        return None
