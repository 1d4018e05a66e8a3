"""Signals: they wake the event loop, and Ctrl+C calls a handler for a while."""

import asyncio
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

Result = TypeVar("Result")


def run(main: Coroutine[Any, Any, Result]) -> Result:
    """`asyncio.run` with an event loop that every signal wakes.

    Python handles a signal when its main thread next runs bytecode. One that another thread receives, or that arrives
    just before the loop goes to sleep, would wait until something else wakes the loop.
    """
    with asyncio.Runner() as runner, _woken(runner.get_loop()):
        return runner.run(main)


@contextmanager
def _woken(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    if sys.platform == "win32":  # asyncio does this itself there
        yield
        return
    heard, rung = socket.socketpair()
    with heard, rung:
        heard.setblocking(False)
        rung.setblocking(False)
        loop.add_reader(heard, heard.recv, 4096)
        before = signal.set_wakeup_fd(rung.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
            loop.remove_reader(heard)


@contextmanager
def on_ctrl_c(handler: Callable[..., object]) -> Iterator[None]:
    """Have Ctrl+C call the handler until the block ends, unless the program was started with SIGINT ignored."""
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def in_loop(action: Callable[[], None]) -> Callable[..., None]:
    """A signal handler that schedules the action in the running event loop."""
    loop = asyncio.get_running_loop()

    def handler(*signal_and_frame: object) -> None:
        loop.call_soon_threadsafe(action)

    return handler
