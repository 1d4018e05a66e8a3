"""Waiting returns the value, or says what did not happen."""

import asyncio

import pytest

from tests.support.waiting import until


async def test_the_first_true_value_is_returned():
    left = [0, 0, 7]
    assert await until(lambda: left.pop(0)) == 7

    async def later() -> str:
        await asyncio.sleep(0)
        return "here"

    assert await until(later) == "here"


async def test_what_did_not_happen_is_shown():
    message = r"^This did not happen within 0\.05 s: await until\(lambda: 1 > 2, within=0\.05\)$"
    with pytest.raises(AssertionError, match=message):
        await until(lambda: 1 > 2, within=0.05)
    with pytest.raises(AssertionError, match="asyncio"):
        await until(asyncio.Event().wait, within=0.05)
