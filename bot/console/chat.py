"""A conversation in the terminal, and a question by itself."""

import asyncio
import logging
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from bot.console.files import with_files
from bot.console.line_input import History, Typed, read
from bot.console.screen import Screen, screen, write
from bot.conversation.answer import Answer, State
from bot.conversation.blocked_words import BlockedWords
from bot.conversation.conversations import Conversations, Question, Stale
from bot.conversation.speakers import SpeakerFilter
from bot.conversation.text_filter import FilterChain
from bot.engine import Engine, Sampling
from bot.engine.prompt import Prompt
from bot.errors import UserError
from bot.signals import in_loop, on_ctrl_c
from bot.storage.channel_ref import ChannelRef
from bot.storage.channel_settings import ChannelSettingsStore
from bot.texts import (
    BANNER,
    MORE_TO_COME,
    NAME,
    NOTHING_TO_CONTINUE,
    NOTHING_TO_REGENERATE,
    forgotten,
    no_such_file,
    session_persona,
)

log = logging.getLogger(__name__)

_CHANNEL = ChannelRef(0)  # no Discord channel has this id
_PERSON = 0


async def chat(conversations: Conversations, channel_settings: ChannelSettingsStore, history_file: Path) -> None:
    """Talk in the terminal until the person leaves. The turns are stored like a channel's."""
    print(BANNER)
    history = History(history_file)
    default_persona = channel_settings.defaults.persona
    while True:
        try:
            typed = read()
        except (EOFError, KeyboardInterrupt, RuntimeError):  # RuntimeError: there is no standard input
            print()
            return
        history.add(typed.entry)
        match _command(typed):
            case ["quit" | "exit" | "q"]:
                return
            case ["clear"]:
                print(forgotten((await conversations.clear(_CHANNEL)).count) + "\n")
            case ["regenerate"]:
                await _reply(conversations.regenerating(_CHANNEL, None, _PERSON), NOTHING_TO_REGENERATE)
            case ["continue"]:
                await _reply(conversations.continuing(_CHANNEL, None, _PERSON), NOTHING_TO_CONTINUE)
            case ["system", *persona]:
                new = bool(persona) and persona != ["default"]
                if persona:
                    channel_settings.set_default_persona(persona[0] if new else default_persona)
                write(f"{session_persona(channel_settings.defaults.persona, new=new)}\n\n")
            case _ if typed.text:
                await _ask(conversations, typed.text)


def _command(typed: Typed) -> list[str]:
    """The words of what may be a command: its name, and the text behind it.

    Only a name that stands alone is recognised in any case: a sentence may begin with "System".
    """
    words = [] if typed.quoted else typed.text.removeprefix("/").split(maxsplit=1)
    return words if len(words) > 1 else [word.lower() for word in words]


async def ask(
    engine: Engine,
    text: str,
    *,
    system_prompt: str,
    sampling: Sampling,
    show_thinking: bool,
    blocked_words: BlockedWords,
) -> None:
    """Print the answer to one question on standard output. Raises what the engine's stream raises."""
    answer = Answer(show_thinking=show_thinking)
    prompt = Prompt(system_prompt, (), None, text)
    stream = engine.submit(prompt, sampling)
    said = FilterChain(SpeakerFilter(stream, prompt, NAME), blocked_words.filter())
    filling = asyncio.create_task(answer.fill(stream, said, blocked_words.filter()))
    with screen() as shown:
        await _show(answer, shown)
    await filling


async def _ask(conversations: Conversations, text: str) -> None:
    try:
        text, missing = with_files(text)
    except UserError as error:
        write(f"{error}\n\n")
        return
    for name in missing:
        write(f"{no_such_file(name)}\n")
    await _reply(conversations.answering(Question(_CHANNEL, _PERSON, "You", text)))


async def _reply(answering: AbstractAsyncContextManager[Answer], stale: str = "") -> None:
    sentence = ""
    with screen(f"{NAME}: ") as shown:
        try:
            async with answering as answer:
                await _show(answer, shown)
            if answer.cut and answer.regenerable and answer.saved:
                sentence = MORE_TO_COME
        except Stale:
            sentence = stale
        except UserError as error:
            sentence = str(error)
        except Exception as error:
            log.debug("The answer failed.", exc_info=True)
            sentence = f"Something went wrong ({error}). You can go on; with LOG_LEVEL=DEBUG you see where it happened."
    write(f"{sentence}\n\n" if sentence else "\n")


async def _show(answer: Answer, shown: Screen) -> None:
    """Show an answer as it grows, and of one that is continued what is new; Ctrl+C stops it."""
    known = 0  # characters
    with on_ctrl_c(in_loop(answer.stop)):
        while answer.state < State.FINISHED:
            await answer.changed()
            old = answer.replaces.answer if answer.continues and answer.replaces else ""
            if old and not known:
                said = answer.said.lstrip()
                if old.startswith(said.rstrip()):  # nothing new yet
                    continue
                # What is new may have made a blocked word of the old end.
                differs = next((at for at, (a, b) in enumerate(zip(old, said, strict=False)) if a != b), len(old))
                known = len(answer.text) - len(said) + differs
            shown.show(answer.text, known)
