"""What crosses from the generating thread: text, the end, or the error that ended it; no reader waits for ever."""

import asyncio
import threading

import pytest

from bot.engine import NoAnswer, Stream


async def read(stream: Stream) -> list[str]:
    async with asyncio.timeout(5):
        return [piece async for piece in stream]


def in_thread(*steps) -> threading.Thread:
    def run() -> None:
        for step in steps:
            step()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


async def test_pieces_arrive_in_order_and_end():
    stream = Stream()
    thread = in_thread(*(lambda n=n: stream.put(str(n)) for n in range(100)), stream.end)
    assert await read(stream) == [str(n) for n in range(100)]
    assert await read(stream) == [], "reading on after the end ends again"
    thread.join()


async def test_an_error_arrives_after_the_text_before_it():
    stream = Stream()
    thread = in_thread(lambda: stream.put("half"), lambda: stream.end(MemoryError("full")))
    assert await anext(stream) == "half"
    with pytest.raises(MemoryError, match="full"):
        await read(stream)
    thread.join()


async def test_an_end_without_text_is_an_error():
    stream = Stream()
    in_thread(stream.end).join()
    with pytest.raises(NoAnswer):
        await read(stream)


async def test_stop_ends_a_waiting_reader_at_once_and_tells_the_thread():
    stream = Stream()
    reader = asyncio.create_task(read(stream))
    await asyncio.sleep(0)
    stream.stop()
    assert await reader == []
    assert stream.stopped
    in_thread(lambda: stream.put("late"), stream.end).join()
    assert await read(stream) == []
