"""The load simulation finds the bottleneck."""

import asyncio
import re
import sys

import pytest

from tests.support.parley import ROOT

pytestmark = pytest.mark.slow


@pytest.mark.timeout(180)
async def test_an_engine_that_is_too_slow_is_named():
    options = "--servers 2 --channels 20 --rate 1 --seconds 3 --at-once 1 --speed 100 --tokens 40 --prefill 0.1".split()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.simulate", *options),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = (text.decode() for text in await process.communicate())
    assert process.returncode == 0, errors
    assert re.search(r"First bottleneck, at \d+ questions per second: the engine: 1 answers at once", out), out
