"""An engine on the CPU, and the model that it loads."""

import pytest

from tests.support.local import make_engine
from tests.support.models import save_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("models") / "good", endless=True)


@pytest.fixture
async def engine(folder):
    async with make_engine(folder) as engine:
        yield engine
