"""A conversation in the terminal, and a question by itself."""

import asyncio
import logging
import signal
from contextlib import AbstractAsyncContextManager, suppress

from bot.console.screen import Screen, screen, write
from bot.conversation.answer import Answer, State
from bot.conversation.conversations import Conversations, Question, Stale
from bot.engine import Engine, Sampling
from bot.engine.prompt import Prompt
from bot.errors import UserError
from bot.signals import in_loop, on_ctrl_c
from bot.storage.channel_ref import ChannelRef
from bot.texts import BANNER, NOTHING_TO_REGENERATE, forgotten

log = logging.getLogger(__name__)

with suppress(ImportError):
    import readline  # noqa: F401 - gives input() line editing and a history, where the platform has it

_CHANNEL = ChannelRef(0)  # no Discord channel has this id
_PERSON = 0


async def chat(conversations: Conversations) -> None:
    """Talk in the terminal until the person leaves. The turns are stored like a channel's."""
    print(BANNER)
    while True:
        try:
            # Reading blocks the event loop, on purpose: nothing else needs it while the prompt waits, and a line that
            # is read in a thread could not be interrupted.
            with on_ctrl_c(signal.default_int_handler):
                text = input("You: ").strip()  # noqa: ASYNC250
        except (EOFError, KeyboardInterrupt, RuntimeError):  # RuntimeError: there is no standard input
            print()
            return
        match text.lower().removeprefix("/"):
            case "":
                pass
            case "quit" | "exit" | "q":
                return
            case "clear":
                print(forgotten((await conversations.clear(_CHANNEL.channel)).count) + "\n")
            case "regenerate":
                await _reply(conversations.regenerating(_CHANNEL, None, _PERSON))
            case _:
                await _reply(conversations.answering(Question(_CHANNEL, _PERSON, "You", text)))


async def ask(engine: Engine, text: str, *, system_prompt: str, sampling: Sampling, show_thinking: bool) -> None:
    """Print the answer to one question on standard output. Raises what the engine's stream raises."""
    answer = Answer(show_thinking=show_thinking)
    filling = asyncio.create_task(answer.fill(engine.submit(Prompt(system_prompt, (), None, text), sampling)))
    with screen() as shown:
        await _show(answer, shown)
    await filling


async def _reply(answering: AbstractAsyncContextManager[Answer]) -> None:
    sentence = ""
    with screen("Parley: ") as shown:
        try:
            async with answering as answer:
                await _show(answer, shown)
        except Stale:
            sentence = NOTHING_TO_REGENERATE
        except UserError as error:
            sentence = str(error)
        except Exception as error:
            log.debug("The answer failed.", exc_info=True)
            sentence = f"Something went wrong ({error}). You can go on; with LOG_LEVEL=DEBUG you see where it happened."
    write(f"{sentence}\n\n" if sentence else "\n")


async def _show(answer: Answer, shown: Screen) -> None:
    """Show an answer as it grows; Ctrl+C stops it."""
    with on_ctrl_c(in_loop(answer.stop)):
        while answer.state < State.FINISHED:
            await answer.changed()
            shown.show(answer.text)
