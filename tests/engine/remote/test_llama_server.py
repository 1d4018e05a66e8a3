"""The engine on other machines, with a real server: llama.cpp's, and the demo model in its format.

Optional: pip install xllamacpp
"""

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bot import demo
from bot.engine import Sampling
from bot.engine.prompt import Exchange, Prompt, QuestionTooLong
from bot.engine.remote.engine import RemoteEngine
from tests.support.gguf import convert

pytest.importorskip("xllamacpp", reason="llama.cpp's server takes a further package: pip install xllamacpp")

pytestmark = pytest.mark.slow

GREEDY = Sampling(max_new_tokens=40, temperature=0, top_k=30)
SERVE = """
import sys, xllamacpp
parameters = xllamacpp.CommonParams()
parameters.model.path, parameters.n_ctx, parameters.port, parameters.n_parallel = sys.argv[1], 512, 0, 1
server = xllamacpp.Server(parameters)
print(server.listening_address, flush=True)
sys.stdin.read()
"""


async def test_llama_cpps_server_answers(tmp_path):
    file = convert(demo.MODEL, tmp_path / "demo.gguf")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SERVE, str(file)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        address = (await process.stdout.readline()).decode().strip()
        async with RemoteEngine([address + "/v1"], max_prompt_tokens=100_000) as engine:
            await engine.ready()
            assert Path(engine.status().model).name == file.name

            async def ask(*turns: Exchange, question: str) -> str:
                return "".join([piece async for piece in engine.submit(Prompt("", turns, None, question), GREEDY)])

            hello = Exchange(None, "my name is Bo", "Nice to meet you, Bo.")
            assert (await ask(question="my name is Bo")).startswith("Nice to meet you,")
            assert (await ask(hello, question="what is my name?")).startswith("Your name is")
            assert engine.continues() == {address + "/v1": True}
            long = Prompt("", (), None, "my name is Bo")
            whole = "".join([piece async for piece in engine.submit(long, GREEDY)])
            stream = engine.submit(long, replace(GREEDY, max_new_tokens=4))
            beginning = "".join([piece async for piece in stream])
            assert whole.startswith(beginning)
            assert len(beginning) < len(whole)
            assert stream.beginning
            longer = replace(long, beginning=stream.beginning)
            assert "".join([piece async for piece in engine.submit(longer, GREEDY)]) == whole
            essay = Exchange(None, "x" * 400, "Y" * 400)
            assert (await ask(essay, essay, hello, question="what is my name?")).startswith("Your name is")
            with pytest.raises(QuestionTooLong):
                await ask(question="x" * 2000)
    finally:
        process.kill()
        await process.communicate()
