"""Signals that wake the event loop."""

import asyncio
import signal
import socket
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


def run(main: Coroutine[Any, Any, Result]) -> Result:
    """`asyncio.run`, with a loop that a signal wakes.

    Python handles a signal when its main thread comes to run Python again. One that another thread takes, or that
    comes in the moment before the loop goes to sleep, would wait until something else wakes the loop.
    """
    return asyncio.run(main if sys.platform == "win32" else _woken(main))  # on Windows asyncio does it by itself


async def _woken(main: Coroutine[Any, Any, Result]) -> Result:
    loop = asyncio.get_running_loop()
    heard, rung = socket.socketpair()
    with heard, rung:
        heard.setblocking(False)
        rung.setblocking(False)
        loop.add_reader(heard, heard.recv, 4096)
        before = signal.set_wakeup_fd(rung.fileno(), warn_on_full_buffer=False)
        try:
            return await main
        finally:
            signal.set_wakeup_fd(before)
            loop.remove_reader(heard)
