import pytest

from bot.engine.kernels import floating, int8, selection


@pytest.fixture
def no_caches():
    """Forget what has been found out about this CPU, before and after the test."""
    found = (floating._alike_counts, int8.exact_range, selection._is_right, selection.native_dtype)
    for function in found:
        function.cache_clear()
    yield
    for function in found:
        function.cache_clear()
