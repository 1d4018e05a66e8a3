"""Waits for what the stand-in does not know of: the database, metrics, processes."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tests.discord_stand_in.clock import PATIENCE

T = TypeVar("T")


async def until(condition: Callable[[], T | Awaitable[T]], *, within: float = PATIENCE, every: float = 0.01) -> T:
    """Wait for a condition, plain or async, to become true; returns its value.

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
