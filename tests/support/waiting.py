"""Waiting for what is not the stand-in's to know: the database, the metrics, a process."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tests.discord_stand_in.clock import PATIENCE

T = TypeVar("T")


async def until(condition: Callable[[], T | Awaitable[T]], *, within: float = PATIENCE, every: float = 0.01) -> T:
    """The first true value of a condition, plain or async, that is checked `every` so many seconds.

    Raises AssertionError, which shows the condition, after `within` seconds.
    """
    try:
        async with asyncio.timeout(within):
            while not (value := await _value(condition)):
                await asyncio.sleep(every)
    except TimeoutError:
        raise AssertionError(f"This did not happen within {within} s: {_source(condition)}") from None
    return value


async def _value(condition: Callable[[], T | Awaitable[T]]) -> T:
    value = condition()
    return await value if inspect.isawaitable(value) else value


def _source(condition: Callable[[], object]) -> str:
    return inspect.getsource(condition).strip() if inspect.isfunction(condition) else repr(condition)
