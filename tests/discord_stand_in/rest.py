"""The HTTP API: what every request goes through before and after its route."""

from __future__ import annotations

import asyncio
import json
import math
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

from .errors import Refused, invalid, no_such_route, unauthorized
from .faults import Fault
from .ratelimit import ORDINARY, Rate

if TYPE_CHECKING:
    from .server import Discord

Json = dict[str, Any]
Answer = tuple[int, Any]
Handler = Callable[["Discord", "Request"], Answer]

BASE = "/api/v10"
MAJOR = ("interaction_token", "webhook_token", "channel_id", "guild_id")


@dataclass
class Request:
    """A request of the bot, and later the status of its response. `discord.requests` has them all."""

    method: str
    path: str
    template: str
    ids: dict[str, str]
    query: dict[str, str]
    body: Any
    files: dict[str, bytes]
    at: float
    status: int | None = None

    def id(self, name: str) -> int:
        """An id in the path."""
        try:
            return int(self.ids[name])
        except ValueError:
            words = f"Value {self.ids[name]!r} is not snowflake."
            raise invalid(name, "NUMBER_TYPE_COERCE", words) from None


@dataclass(frozen=True)
class Route:
    method: str
    template: str
    """As Discord's description writes it."""
    rate: Rate
    handler: Handler

    @property
    def by_token(self) -> bool:
        """Whether the token in the path authorizes it, as for interactions, which have no global limit."""
        return "_token}" in self.template


@dataclass
class Routes:
    """A table of routes, to which their handlers add themselves."""

    table: list[Route] = field(default_factory=list)

    def add(self, method: str, template: str, rate: Rate = ORDINARY) -> Callable[[Handler], Handler]:
        def register(handler: Handler) -> Handler:
            self.table.append(Route(method, template, rate, handler))
            return handler

        return register


class Rest:
    """Serves the routes, and keeps the requests."""

    def __init__(self, discord: Discord, routes: list[Route]) -> None:
        self._discord = discord
        self.in_flight = 0
        self.app = web.Application(client_max_size=30 * 1024 * 1024)
        # The first match is taken, so fixed names come before ids in the same place.
        for route in sorted(routes, key=lambda route: route.template.count("{")):
            self.app.router.add_route(route.method, BASE + route.template, self._handler(route))
        self.app.router.add_get("/attachments/{channel_id}/{attachment_id}/{name}", self._attachment)
        self.app.router.add_get("/gateway/", discord.gateway.serve)
        self.app.router.add_route("*", "/{path:.*}", self._unknown)

    def _handler(self, route: Route) -> Callable[[web.Request], Any]:
        async def handle(incoming: web.Request) -> web.Response:
            discord = self._discord
            request = await _read(incoming, route, discord.clock.now())
            discord.requests.append(request)
            self.in_flight += 1
            discord.touch()
            try:
                return await self._answer(route, request, incoming.headers.get("Authorization"))
            finally:
                self.in_flight -= 1
                discord.touch()

        return handle

    async def _answer(self, route: Route, request: Request, authorization: str | None) -> web.Response:
        discord = self._discord
        fault = discord.faults.next(request.method, request.path, request.body)
        if fault is not None:
            await self._wait(fault.delay)
        major = next((request.ids[name] for name in MAJOR if name in request.ids), "")
        headers, wait = discord.limits.take(route.rate, major)
        global_wait = None if route.by_token else discord.limits.take_global()

        if fault is not None and fault.status is not None and not fault.too_late:
            status, body, more = self._fail(request, fault)
        elif global_wait is not None:
            status, body, more = discord.limits.refuse(request.method, request.path, global_wait, "global")
        elif wait is not None:
            status, body, more = discord.limits.refuse(request.method, request.path, wait, "user")
        else:
            status, body, more = *self._perform(route, request, authorization), {}
            if fault is not None and fault.status is not None:
                status, body, more = self._fail(request, fault)
        request.status = status
        self._check_answer(request, status, body)
        return _response(status, body, headers | more)

    async def _wait(self, seconds: float) -> None:
        if seconds == math.inf:
            await self._discord.closing.wait()
        else:
            await asyncio.sleep(seconds)

    def _fail(self, request: Request, fault: Fault) -> tuple[int, Json, dict[str, str]]:
        assert fault.status is not None
        if fault.status == 429:
            return self._discord.limits.refuse(request.method, request.path, fault.retry_after, fault.scope)
        return fault.status, {"code": fault.code, "message": f"{fault.status}: asked for by the test"}, {}

    def _perform(self, route: Route, request: Request, authorization: str | None) -> Answer:
        """Perform the request; returns its response or an error."""
        discord = self._discord
        try:
            if not route.by_token and authorization != f"Bot {discord.application.token}":
                raise unauthorized()
            description = discord.description
            if description and (error := description.request_error(request.method, request.template, request.body)):
                discord.violations.append(f"request {request.method} {request.path}: {error}")
                raise invalid("body", "SCHEMA", error)
            return route.handler(discord, request)
        except Refused as refused:
            return refused.status, refused.body
        except Exception:
            # A bug of the stand-in; discord.py does not retry after a 501.
            discord.violations.append(f"{request.method} {request.path} failed:\n{traceback.format_exc()}")
            return 501, {"code": 0, "message": "The stand-in failed"}

    def _check_answer(self, request: Request, status: int, body: object) -> None:
        description = self._discord.description
        if description is None or status >= 500:
            return
        error = description.answer_error(request.method, request.template, status, body)
        if error:
            self._discord.violations.append(f"answer to {request.method} {request.path}: {error}")

    async def _attachment(self, incoming: web.Request) -> web.Response:
        if fault := self._discord.faults.next("GET", incoming.path):
            await self._wait(fault.delay)
            if fault.status is not None:
                return web.Response(status=fault.status)
        attachment = self._discord.attachments.get(int(incoming.match_info["attachment_id"]))
        return web.Response(status=404) if attachment is None else web.Response(body=attachment.data)

    async def _unknown(self, incoming: web.Request) -> web.Response:
        self._discord.violations.append(f"unknown route: {incoming.method} {incoming.path}")
        refused = no_such_route()
        return _response(refused.status, refused.body, {})


async def _read(incoming: web.Request, route: Route, now: float) -> Request:
    body: Any = None
    files: dict[str, bytes] = {}
    if incoming.content_type.startswith("multipart/"):
        form = await incoming.post()
        for value in form.values():
            if isinstance(value, web.FileField):
                files[value.filename] = value.file.read()
        body = json.loads(str(form["payload_json"]))
    elif raw := await incoming.read():
        body = json.loads(raw)
    path = incoming.path.removeprefix(BASE)
    ids = dict(incoming.match_info)
    return Request(incoming.method, path, route.template, ids, dict(incoming.query), body, files, now)


def _response(status: int, body: object, headers: dict[str, str]) -> web.Response:
    if body is None:
        return web.Response(status=status, headers=headers)
    # With "; charset=utf-8", which aiohttp adds to text, discord.py would not recognize JSON.
    data = json.dumps(body).encode()
    return web.Response(status=status, body=data, headers=headers | {"Content-Type": "application/json"})
