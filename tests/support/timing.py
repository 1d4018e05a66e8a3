"""How long something takes as its input grows."""

import time
from collections.abc import Callable


def assert_linear(work: Callable[[int], object], size: int) -> None:
    """Eight times the input takes less than 23 times as long; in quadratic time, it would take 64.

    A CPU that others use, too, is at times half as fast.
    """

    def seconds(size: int) -> float:
        started = time.process_time()  # other programs on the machine do not count
        work(size)
        return time.process_time() - started

    pairs = [(seconds(size), seconds(8 * size)) for _ in range(5)]
    short, long = map(min, zip(*pairs, strict=True))
    assert long < 23 * max(short, 1e-4), f"{short:.5f} s, and {long:.5f} s for eight times the input"
