"""Checks the servers of ENGINE_URL: that each can be reached, its model, and an answer."""

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from bot.check.findings import Findings, ok, skipped, wrong
from bot.check.model import a_conversation, answer
from bot.engine import Sampling
from bot.errors import UserError

if TYPE_CHECKING:
    from bot.engine.remote.engine import RemoteEngine

log = logging.getLogger(__name__)

_TODO = "See that server's own log. With --debug you see what it said."


async def look_at_engines(
    urls: Sequence[str],
    open_engine: Callable[[str], AbstractAsyncContextManager["RemoteEngine"]],
    *,
    system_prompt: str,
    sampling: Sampling,
) -> Findings:
    """Ask each server by itself for its model, and for one short answer."""
    for url in urls:
        try:
            async with open_engine(url) as engine:
                await engine.ready()
                if model := engine.models().get(url):
                    yield ok(f"Found {url}, where the model is {model}", url=url, model=model)
                async for finding in answer(engine, a_conversation(system_prompt), sampling, todo=_TODO):
                    yield finding
                if model and engine.continues()[url]:
                    yield ok("It can continue answers that have reached MAX_NEW_TOKENS", url=url)
                elif model:
                    yield skipped("It is not known to continue answers, so there is no Continue below them", url=url)
                if refused := engine.refused().get(url):
                    parts = " and ".join(refused)
                    yield ok(f"It refuses {parts}, and is asked without that", url=url, refused=refused)
        except UserError as error:
            log.debug("The server cannot be used.", exc_info=True)
            yield wrong(f"The engine at {url} cannot be used", str(error), url=url)
