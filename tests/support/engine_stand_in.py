"""An inference server on loopback that speaks OpenAI's chat completions, with and without faults."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

Json = dict[str, Any]
Script = Sequence[str | bytes | asyncio.Event | None]


class EngineServer:
    """Answers each request with the next script, or else with "ok".

    A script's steps are texts, each a chunk; bytes, sent as they are; events to wait for; and None, where the
    connection breaks. It is closed properly unless its last step is bytes. A function makes the script from the
    request, or refuses that with a `web.Response`.

    `program` is the server's name, which its list of models gives. `requests` are the bodies received, `keys` the
    Authorization headers; `given_up` counts the answers that the client abandoned.
    """

    def __init__(self, *scripts: Script | Callable[[Json], Script | web.Response]) -> None:
        self.scripts = list(scripts)
        self.models: Sequence[str] | web.Response = ["the-model"]
        self.program = "unknown"
        self.requests: list[Json] = []
        self.keys: list[str | None] = []
        self.given_up = 0
        self.url = ""

    async def _list(self, request: web.Request) -> web.StreamResponse:
        self.keys.append(request.headers.get("Authorization"))
        if isinstance(self.models, web.Response):
            return self.models
        models = [{"id": name, "object": "model", "owned_by": self.program} for name in self.models]
        return web.json_response({"object": "list", "data": models})

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.requests.append(body)
        self.keys.append(request.headers.get("Authorization"))
        script = self.scripts.pop(0) if self.scripts else ["ok"]
        if callable(script):
            script = script(body)
        if isinstance(script, web.Response):
            return script
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        try:
            for step in script:
                match step:
                    case None:
                        assert request.transport
                        request.transport.abort()
                        return response
                    case bytes():
                        await response.write(step)
                    case str():
                        await response.write(chunk({"content": step}))
                    case _:
                        await step.wait()
            if not (script and isinstance(script[-1], bytes)):
                await response.write(chunk({}, "stop") + b"data: [DONE]\n\n")
        except (asyncio.CancelledError, ConnectionError):
            self.given_up += 1
            raise
        return response


def chunk(delta: Json, finish_reason: str | None = None) -> bytes:
    """One event of a streamed answer."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    data = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "the-model", "choices": [choice]}
    return b"data: " + json.dumps(data).encode() + b"\n\n"


def refusal(
    status: int, message: str = "No.", code: str | None = None, *, headers: Mapping[str, str] | None = None, **more: Any
) -> web.Response:
    """An error response; `more` are further fields of its error."""
    error = {"message": message, "type": "error", "code": code, **more}
    return web.json_response({"error": error}, status=status, headers=headers)


def page(status: int, title: str) -> web.Response:
    """A web page, as a proxy or another program sends it."""
    text = f"<!DOCTYPE html>\n<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    return web.Response(status=status, text=text, content_type="text/html")


@asynccontextmanager
async def serving(server: EngineServer, port: int = 0) -> AsyncIterator[EngineServer]:
    """Run the server; on leaving, it stops without finishing its answers."""
    app = web.Application()
    app.router.add_get("/v1/models", server._list)
    app.router.add_post("/v1/chat/completions", server._complete)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield server
    finally:
        await runner.cleanup()
