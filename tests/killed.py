"""A Parley to be killed: a program that has everything imported, and starts the bot anew for each line it reads.

Each line on standard input is the path of a database. The bot runs in a fork, whose process id is printed; so a start
takes hardly longer than its log-in. Its engine says long things fast, which the demo model can't.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Iterable
from pathlib import Path

from bot import pacing
from bot.access import Access
from bot.client import Parley, serve
from bot.conversation import Conversations
from bot.engine import Sampling, Stream
from bot.history import open_history
from bot.prompt import Prompt
from tests.scripted import ScriptedEngine

_PIECE = 150  # characters


def answer(question: str) -> str:
    """What a question like `400 #7` is answered with: so many characters of its own."""
    length = int(question.split()[0])
    return " ".join(f"{question}, {word}." for word in range(length))[:length].strip()


class Talker(ScriptedEngine):
    """Says what was ordered, a little at a time."""

    def submit(self, prompt: Prompt, sampling: Sampling) -> Stream:
        """Begin to say it."""
        self._scripts = [[answer(prompt.question)]]
        return super().submit(prompt, sampling)

    async def _play(self, script: Iterable[str | asyncio.Event | Exception], stream: Stream) -> None:
        (text,) = script
        stream.begin()
        for at in range(0, len(text), _PIECE):
            stream.put(text[at : at + _PIECE])
            await asyncio.sleep(0.02)
        stream.end()


async def run(path: Path) -> None:
    """The bot, as `__main__` puts it together, at a faster pace."""
    pacing._PACE = 0.05
    quitting = asyncio.Event()
    engine = Talker()
    async with open_history(path, 5) as history:
        conversations = Conversations(engine, history, system_prompt="", sampling=Sampling(), grace=0.1)

        def make_client() -> Parley:
            client = Parley(
                conversations=conversations,
                history=history,
                engine=engine,
                access=Access(),
                link_previews=False,
                chat_channels=frozenset(),
                guild_id=None,
                quitting=quitting,
            )
            client._connection.guild_ready_timeout = 0.05
            return client

        token = os.environ["DISCORD_TOKEN"]
        await serve(make_client, token, conversations=conversations, engine=engine, quitting=quitting)


def main() -> None:
    """Fork for each line."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # so that the killed need not be waited for
    while line := sys.stdin.readline():
        child = os.fork()
        if not child:
            asyncio.run(run(Path(line.strip())))
            os._exit(0)
        print(child, flush=True)


if __name__ == "__main__":
    main()
