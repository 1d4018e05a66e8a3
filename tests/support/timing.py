"""How long something takes as its input grows."""

import time
from collections.abc import Callable


def assert_linear(work: Callable[[int], object], size: int) -> None:
    """Four times the input takes less than eight times as long; in quadratic time, it would take sixteen."""

    def seconds(size: int) -> float:
        def once() -> float:
            started = time.process_time()  # other programs on the machine do not count
            work(size)
            return time.process_time() - started

        return min(once() for _ in range(5))

    short, long = seconds(size), seconds(4 * size)
    assert long < 8 * max(short, 1e-4), f"{short:.5f} s, and {long:.5f} s for four times the input"
